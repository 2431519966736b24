"""Paradex: everything about it, gathered in `VENUE`."""

from liqbot.venues.paradex.facts import VENUE as VENUE
