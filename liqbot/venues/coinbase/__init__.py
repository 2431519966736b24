"""Coinbase US: everything about it, gathered in `VENUE`."""

from liqbot.venues.coinbase.facts import VENUE as VENUE
