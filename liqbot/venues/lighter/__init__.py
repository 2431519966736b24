"""Lighter: everything about it, gathered in `VENUE`."""

from liqbot.venues.lighter.facts import VENUE as VENUE
