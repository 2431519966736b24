"""Crypto.com: everything about it, gathered in `VENUE`."""

from liqbot.venues.cryptocom.facts import VENUE as VENUE
