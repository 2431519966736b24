"""What to subscribe to at dYdX's indexer, what to ask it how often, and where its past is kept."""

from datetime import UTC, datetime
from typing import Final

from liqbot.venues.dydx import responses
from liqbot.venues.dydx.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, TierSource, VenueWire


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _candles(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    return {"market": contract.symbol_id, "resolution": "5MINS", "fromISO": _iso(since_ms), "toISO": _iso(until_ms),
            "limit": 1_000}


def _ticker(contract: WireContract) -> RequestParams:
    return {"ticker": contract.symbol_id}


def _market(feed: str, period_ms: int) -> Poll:
    return Poll(feed=feed, method="indexerGetPerpetualMarkets", params=_ticker, parse=responses.markets,
                period_ms=period_ms, resync=True)


WIRE: Final = VenueWire(
    venue="dydx",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades", "liquidation"), method="watch_trades", each=True, silence_ms_max=600_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
    ),
    # One answer holds all three; each is requested as often as it changes.
    polls=(_market("mark", 4_000), _market("open_interest", 15_000), _market("funding", 60_000)),
    histories=(
        HistorySource(
            kind="bars", method="indexerGetCandlesPerpetualMarketsMarket", parse=responses.bars, params=_candles,
            span_ms=responses.BAR_MS, rows_max=1_000,
        ),
        HistorySource(
            kind="open_interest", method="indexerGetCandlesPerpetualMarketsMarket",
            parse=responses.past_open_interest, params=_candles, span_ms=responses.BAR_MS, rows_max=1_000,
        ),
        HistorySource(
            kind="funding", method="indexerGetHistoricalFundingMarket", parse=responses.past_funding,
            span_ms=3_600_000, rows_max=1_000,
            params=lambda contract, _, until_ms: {
                "market": contract.symbol_id, "effectiveBeforeOrAt": _iso(until_ms), "limit": 1_000,
            },
        ),
    ),
    tiers=TierSource(method="indexerGetPerpetualMarkets", params=_ticker, parse=responses.tiers),
)
