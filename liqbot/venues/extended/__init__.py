"""Extended: everything about it, gathered in `VENUE`."""

from liqbot.venues.extended.facts import VENUE as VENUE
