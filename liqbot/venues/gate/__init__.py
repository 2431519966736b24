"""Gate: everything about it, gathered in `VENUE`."""

from liqbot.venues.gate.facts import VENUE as VENUE
