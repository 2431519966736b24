"""Bitfinex: everything about it, gathered in `VENUE`."""

from liqbot.venues.bitfinex.facts import VENUE as VENUE
