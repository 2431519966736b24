"""Bullish: everything about it, gathered in `VENUE`."""

from liqbot.venues.bullish.facts import VENUE as VENUE
