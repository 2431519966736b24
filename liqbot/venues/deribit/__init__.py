"""Deribit: everything about it, gathered in `VENUE`."""

from liqbot.venues.deribit.facts import VENUE as VENUE
