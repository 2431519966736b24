"""Phemex: everything about it, gathered in `VENUE`."""

from liqbot.venues.phemex.facts import VENUE as VENUE
