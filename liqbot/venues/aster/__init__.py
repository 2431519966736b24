"""Aster: everything about it, gathered in `VENUE`."""

from liqbot.venues.aster.facts import VENUE as VENUE
