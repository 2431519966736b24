"""OKX: everything about it, gathered in `VENUE`."""

from liqbot.venues.okx.facts import VENUE as VENUE
