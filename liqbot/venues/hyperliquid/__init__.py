"""Hyperliquid: everything about it, gathered in `VENUE`."""

from liqbot.venues.hyperliquid.facts import VENUE as VENUE
