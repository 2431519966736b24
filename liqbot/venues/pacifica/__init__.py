"""Pacifica: everything about it, gathered in `VENUE`."""

from liqbot.venues.pacifica.facts import VENUE as VENUE
