"""WOO X: everything about it, gathered in `VENUE`."""

from liqbot.venues.woo.facts import VENUE as VENUE
