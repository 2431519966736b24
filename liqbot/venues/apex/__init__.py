"""ApeX: everything about it, gathered in `VENUE`."""

from liqbot.venues.apex.facts import VENUE as VENUE
