"""Backpack: everything about it, gathered in `VENUE`."""

from liqbot.venues.backpack.facts import VENUE as VENUE
