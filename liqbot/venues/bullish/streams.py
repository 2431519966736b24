"""What to subscribe to at Bullish, what to ask it how often, and where its past is kept."""

from datetime import UTC, datetime
from typing import Final

from liqbot.venues.bullish import responses
from liqbot.venues.bullish.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, VenueWire

_DAY_MS: Final = 86_400_000


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _page(field: str, contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    return {
        "symbol": contract.symbol_id, f"{field}[gte]": _iso(since_ms), f"{field}[lte]": _iso(until_ms - 1),
        "_pageSize": 100,
    }


WIRE: Final = VenueWire(
    venue="bullish",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades", each=True, silence_ms_max=300_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        Stream(
            feeds=("mark", "open_interest", "funding"), method="watch_ticker", each=True, silence_ms_max=60_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
    ),
    polls=(
        # By asset, on an address of its own that the unified client does not open; calculated every 5 seconds.
        Poll(
            feed="index", method="publicGetV1IndexPricesAssetSymbol", parse=responses.index_price, period_ms=10_000,
            params=lambda contract: {"assetSymbol": contract.coin}, resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="publicGetV1MarketsSymbolCandle", parse=responses.bars, span_ms=responses.BAR_MS,
            rows_max=100,
            params=lambda contract, since_ms, until_ms: _page("createdAtDatetime", contract, since_ms, until_ms) | {
                "timeBucket": "5m",
            },
        ),
        HistorySource(
            kind="funding", method="publicGetV1HistoryMarketsSymbolFundingRate", parse=responses.past_funding,
            span_ms=responses.HOUR_MS, rows_max=100, reach_ms=90 * _DAY_MS,
            params=lambda contract, since_ms, until_ms: _page("updatedAtDatetime", contract, since_ms, until_ms),
        ),
    ),
)
