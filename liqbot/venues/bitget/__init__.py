"""Bitget: everything about it, gathered in `VENUE`."""

from liqbot.venues.bitget.facts import VENUE as VENUE
