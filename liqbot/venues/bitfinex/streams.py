"""What to subscribe to at Bitfinex, what to ask how often, and where its past is kept."""

from typing import Any, Final

from liqbot.venues.bitfinex import responses
from liqbot.venues.bitfinex.messages import FORCED, STATUS, parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RawSocket, RequestParams, Stream, VenueWire

_URL: Final = "wss://api-pub.bitfinex.com/ws/2"
_BARS: Final = 5_000


def _address(contracts: tuple[WireContract, ...]) -> str:
    """One connection for all: numbers of channels are unique within a connection alone."""
    del contracts
    return _URL


def _asked(channel: str, **named: str) -> dict[str, str]:
    return {"event": "subscribe", "channel": channel, **named}


def _trades(contracts: tuple[WireContract, ...]) -> tuple[Any, ...]:
    return tuple(_asked("trades", symbol=contract.symbol_id) for contract in contracts)


def _statuses(contracts: tuple[WireContract, ...]) -> tuple[Any, ...]:
    return tuple(_asked("status", key=f"{STATUS}{contract.symbol_id}") for contract in contracts)


def _forced(contracts: tuple[WireContract, ...]) -> tuple[Any, ...]:
    del contracts
    return (_asked("status", key=FORCED),)


def _ping() -> dict[str, Any]:
    return {"event": "ping", "cid": 1}


def _keyed(contract: WireContract) -> RequestParams:
    return {"keys": contract.symbol_id}


def _bars(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    return {
        "symbol": contract.symbol_id, "timeframe": "5m", "start": since_ms, "end": until_ms - 1, "sort": 1,
        "limit": _BARS,
    }  # fmt: skip


WIRE: Final = VenueWire(
    venue="bitfinex",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), socket=RawSocket(url=_address, subscribe=_trades, ping=_ping), silence_ms_max=1_800_000,
        ),
        Stream(
            feeds=("mark", "funding", "open_interest"), socket=RawSocket(url=_address, subscribe=_statuses, ping=_ping),
            silence_ms_max=120_000,
        ),
        Stream(feeds=("liquidation",), socket=RawSocket(url=_address, subscribe=_forced, ping=_ping)),
    ),
    polls=(
        Poll(
            feed="mark", method="publicGetStatusDeriv", params=_keyed, parse=responses.statuses, period_ms=60_000,
            resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="publicGetCandlesTradeTimeframeSymbolHist", params=_bars, parse=responses.bars,
            span_ms=responses.BAR_MS, rows_max=_BARS, weight=3,
        ),
    ),
)
