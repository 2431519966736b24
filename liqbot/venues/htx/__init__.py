"""HTX: everything about it, gathered in `VENUE`."""

from liqbot.venues.htx.facts import VENUE as VENUE
