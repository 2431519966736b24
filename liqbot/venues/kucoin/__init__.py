"""KuCoin: everything about it, gathered in `VENUE`."""

from liqbot.venues.kucoin.facts import VENUE as VENUE
