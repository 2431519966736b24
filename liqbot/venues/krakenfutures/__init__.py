"""Kraken Futures: facts, streams and their parsers."""

from liqbot.venues.krakenfutures.facts import VENUE as VENUE
