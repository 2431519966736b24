"""How the shape of Binance's market data is known: by its documentation since its stream roots were split. Recordings
from before that are of the former endpoint; they are read right (tests/venues/test_recordings.py)."""

from typing import Final

from liqbot.venues.evidence import graded

_PAGES: Final = "developers.binance.com/docs/derivatives/usds-margined-futures"
_SPLIT: Final = "2026-04-23"
"""When the former root stopped to carry these streams (its change notice of 2026-03-06)."""
_MARK: Final = "ws fstream.binance.com/market <symbol>@markPrice@1s"

EVIDENCE: Final = (
    *graded(
        "documented", f"{_PAGES}/websocket-market-streams", _SPLIT,
        ("trades", "ws fstream.binance.com/market <symbol>@aggTrade", ("s", "p", "q", "T", "m")),
        ("liquidation", "ws fstream.binance.com/market <symbol>@forceOrder",
         ("o.s", "o.S", "o.z", "o.p", "o.ap", "o.T")),
        ("mark", _MARK, ("E", "s", "p")), ("index", _MARK, ("E", "s", "i")), ("funding", _MARK, ("E", "s", "r")),
    ),
    *graded(
        "documented", f"{_PAGES}/market-data/rest-api", _SPLIT,
        ("open_interest", "GET /fapi/v1/openInterest", ("symbol", "openInterest", "time")),
        ("funding", "GET /fapi/v1/fundingInfo", ("symbol", "fundingIntervalHours")),
    ),
)
