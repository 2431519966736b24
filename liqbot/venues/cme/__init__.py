"""CME: everything about it, gathered in `VENUE`."""

from liqbot.venues.cme.facts import VENUE as VENUE
