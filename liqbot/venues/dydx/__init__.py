"""dYdX: everything about it, gathered in `VENUE`."""

from liqbot.venues.dydx.facts import VENUE as VENUE
