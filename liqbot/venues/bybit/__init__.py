"""Bybit: everything about it, gathered in `VENUE`."""

from liqbot.venues.bybit.facts import VENUE as VENUE
