"""The ledger: the book for people. Tables, views, and the fold that fills them from what the engine saw and said.

Its libraries take seconds to import, so what is named here is loaded when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from liqbot.ledger.audit import unexplained_usd
    from liqbot.ledger.background import LedgerThread
    from liqbot.ledger.connect import sqlite_url
    from liqbot.ledger.fold import WriteLimits
    from liqbot.ledger.observation import Observation, observation_of
    from liqbot.ledger.rebuild import rebuild
    from liqbot.ledger.writer import LedgerWriter

_WHERE: Final = {
    "LedgerThread": "background", "LedgerWriter": "writer", "Observation": "observation", "WriteLimits": "fold",
    "observation_of": "observation", "sqlite_url": "connect", "unexplained_usd": "audit",
}  # fmt: skip
__all__ = [
    "LedgerThread", "LedgerWriter", "Observation", "WriteLimits", "observation_of", "rebuild", "sqlite_url",
    "unexplained_usd",
]


def __getattr__(name: str) -> Any:
    where = "rebuild" if name == "rebuild" else _WHERE.get(name)
    if where is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{where}"), name)
