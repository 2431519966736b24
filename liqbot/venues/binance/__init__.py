"""Binance: everything about it, gathered in `VENUE`."""

from liqbot.venues.binance.facts import VENUE as VENUE
