"""MEXC: everything about it, gathered in `VENUE`."""

from liqbot.venues.mexc.facts import VENUE as VENUE
