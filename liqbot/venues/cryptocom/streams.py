"""What to subscribe to at Crypto.com, what to ask how often, and where its past is kept."""

from collections.abc import Callable
from typing import Any, Final

from liqbot.venues.cryptocom import responses
from liqbot.venues.cryptocom.messages import INDEX_SUFFIX, PERPETUAL_SUFFIX, parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, VenueWire, all_symbols

_VALUES: Final = "v1PublicGetPublicGetValuations"
_BARS: Final = 298
"""Of a page of 300: one more at either end."""
_PAYMENTS: Final = 24
"""Of a page of 25, which is what the venue gives where nobody asks for more; its largest page is not documented."""


def _values(contracts: tuple[WireContract, ...]) -> tuple[Any, ...]:
    topics = []
    for contract in contracts:
        index = f"{contract.symbol_id.removesuffix(PERPETUAL_SUFFIX)}{INDEX_SUFFIX}"
        topics += [f"mark.{contract.symbol_id}", f"index.{index}", f"funding.{contract.symbol_id}"]
    return topics, topics


def _named(contract: WireContract) -> RequestParams:
    return {"instrument_name": contract.symbol_id}


def _value(kind: str) -> Callable[[WireContract], RequestParams]:
    return lambda contract: {**_named(contract), "valuation_type": kind, "count": 1}


def _bars(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    """Whether the start is included is not documented: one more is requested."""
    since_ms -= responses.BAR_MS
    return {**_named(contract), "timeframe": "5m", "start_ts": since_ms, "end_ts": until_ms, "count": _BARS + 2}


def _paid(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    return {
        **_named(contract), "valuation_type": "funding_hist", "start_ts": since_ms, "end_ts": until_ms - 1,
        "count": _PAYMENTS + 1,
    }  # fmt: skip


WIRE: Final = VenueWire(
    venue="cryptocom",
    parse=parse,
    streams=(
        Stream(feeds=("trades",), method="watch_trades_for_symbols", arguments=all_symbols, silence_ms_max=300_000),
        Stream(feeds=("open_interest",), method="watch_tickers", arguments=all_symbols, silence_ms_max=300_000),
        Stream(
            feeds=("mark", "index", "funding"), method="watch_public_multiple", arguments=_values,
            silence_ms_max=15_000,
        ),
    ),
    polls=(
        Poll(
            feed="mark", method=_VALUES, params=_value("mark_price"), parse=responses.mark, period_ms=60_000,
            resync=True,
        ),
        Poll(
            feed="funding", method=_VALUES, params=_value("funding_rate"), parse=responses.funding, period_ms=120_000,
            resync=True,
        ),
        Poll(
            feed="open_interest", method="v1PublicGetPublicGetTickers", params=_named, parse=responses.tickers,
            period_ms=60_000, resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="v1PublicGetPublicGetCandlestick", params=_bars, parse=responses.bars,
            span_ms=responses.BAR_MS, rows_max=_BARS,
        ),
        HistorySource(
            kind="funding", method=_VALUES, params=_paid, parse=responses.past_funding, span_ms=3_600_000,
            rows_max=_PAYMENTS,
        ),
    ),
)
