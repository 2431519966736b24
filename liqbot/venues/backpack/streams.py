"""What to subscribe to at Backpack, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.backpack import responses
from liqbot.venues.backpack.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RawSocket, RequestParams, Stream, VenueWire, by_id

ADDRESS: Final = "wss://ws.backpack.exchange"
_HOUR_MS: Final = 3_600_000


def _address(contracts: tuple[WireContract, ...]) -> str:
    del contracts
    return ADDRESS


def _asking(*names: str) -> RequestParams:
    return {"method": "SUBSCRIBE", "params": list(names)}


def _marks(contracts: tuple[WireContract, ...]) -> tuple[RequestParams, ...]:
    return (_asking(*(f"markPrice.{one.symbol_id}" for one in contracts)),)


def _interests(contracts: tuple[WireContract, ...]) -> tuple[RequestParams, ...]:
    return (_asking(*(f"openInterest.{one.symbol_id}" for one in contracts)),)


def _forced(contracts: tuple[WireContract, ...]) -> tuple[RequestParams, ...]:
    """Of all markets."""
    del contracts
    return (_asking("liquidation"),)


WIRE: Final = VenueWire(
    venue="backpack",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades_for_symbols", silence_ms_max=120_000,
            arguments=lambda contracts: ([one.symbol for one in contracts],),
        ),
        # The unified client has no methods for these; they share one connection.
        Stream(
            feeds=("mark", "index", "funding"), silence_ms_max=15_000, socket=RawSocket(url=_address, subscribe=_marks),
        ),
        # Pushed every minute.
        Stream(feeds=("open_interest",), silence_ms_max=180_000, socket=RawSocket(url=_address, subscribe=_interests)),
        Stream(feeds=("liquidation",), socket=RawSocket(url=_address, subscribe=_forced)),
    ),
    polls=(
        Poll(
            feed="funding", method="publicGetApiV1Market", params=by_id, parse=responses.funding_interval,
            period_ms=600_000,
        ),
        # Before open interest, which it gives the price for.
        Poll(
            feed="mark", method="publicGetApiV1MarkPrices", params=by_id, parse=responses.marks, period_ms=60_000,
            resync=True,
        ),
        Poll(
            feed="open_interest", method="publicGetApiV1OpenInterest", params=by_id, parse=responses.open_interests,
            period_ms=60_000, resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="publicGetApiV1Klines", parse=responses.bars, span_ms=responses.BAR_MS, rows_max=1_000,
            params=lambda contract, since_ms, until_ms: by_id(contract) | {
                "interval": "5m", "startTime": since_ms // 1_000, "endTime": until_ms // 1_000,
            },
        ),
        # The newest, whatever time is requested.
        HistorySource(
            kind="funding", method="publicGetApiV1FundingRates", parse=responses.past_funding, span_ms=_HOUR_MS,
            rows_max=1_000, reach_ms=1_000 * _HOUR_MS,
            params=lambda contract, *_: by_id(contract) | {"limit": 1_000},
        ),
    ),
)
