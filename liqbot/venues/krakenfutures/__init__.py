"""Kraken Futures: everything about it, gathered in `VENUE`."""

from liqbot.venues.krakenfutures.facts import VENUE as VENUE
