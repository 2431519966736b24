"""BingX: everything about it, gathered in `VENUE`."""

from liqbot.venues.bingx.facts import VENUE as VENUE
