"""GRVT: everything about it, gathered in `VENUE`."""

from liqbot.venues.grvt.facts import VENUE as VENUE
