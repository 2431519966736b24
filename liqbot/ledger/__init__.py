"""The ledger: the book for people. Tables, views, and the fold that fills them from what the engine saw and said."""

from liqbot.ledger.audit import unexplained_usd
from liqbot.ledger.background import LedgerThread
from liqbot.ledger.connect import sqlite_url
from liqbot.ledger.fold import WriteLimits
from liqbot.ledger.observation import Observation, observation_of
from liqbot.ledger.rebuild import rebuild
from liqbot.ledger.writer import LedgerWriter

__all__ = [
    "LedgerThread", "LedgerWriter", "Observation", "WriteLimits", "observation_of", "rebuild", "sqlite_url",
    "unexplained_usd",
]
