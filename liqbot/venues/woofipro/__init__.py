"""WOOFi Pro: everything about it, gathered in `VENUE`."""

from liqbot.venues.woofipro.facts import VENUE as VENUE
