"""What to subscribe to at OKX, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.okx import responses
from liqbot.venues.okx.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, TierSource, VenueWire


def _symbols(contracts: tuple[WireContract, ...]) -> list[str]:
    return [contract.symbol for contract in contracts]


def _family(contract: WireContract) -> str:
    """`BTC-USDT` of `BTC-USDT-SWAP`: its index and its table of tiers."""
    return contract.symbol_id.removesuffix("-SWAP")


def _named(contract: WireContract) -> RequestParams:
    return {"instType": "SWAP", "instId": contract.symbol_id}


def _page(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    """Pages lie between two times, both left out."""
    return {"instId": contract.symbol_id, "after": until_ms, "before": since_ms - 1, "limit": 100}


WIRE: Final = VenueWire(
    venue="okx",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades_for_symbols", silence_ms_max=30_000,
            arguments=lambda contracts: (_symbols(contracts),),
        ),
        Stream(
            feeds=("liquidation",), method="watch_liquidations_for_symbols",
            arguments=lambda contracts: (_symbols(contracts),),
        ),
        Stream(
            feeds=("mark",), method="watch_mark_prices", silence_ms_max=15_000,
            arguments=lambda contracts: (_symbols(contracts),),
        ),
        Stream(
            feeds=("funding",), method="watch_funding_rates", silence_ms_max=180_000,
            arguments=lambda contracts: (_symbols(contracts),),
        ),
    ),
    polls=(
        # The stream of marks carries no index: it is requested, and travels on with the next mark.
        Poll(
            feed="index", method="publicGetMarketIndexTickers", params=lambda c: {"instId": _family(c)},
            parse=responses.indexes, period_ms=5_000, resync=True,
        ),
        Poll(
            feed="mark", method="publicGetPublicMarkPrice", params=_named, parse=responses.marks, period_ms=60_000,
            resync=True,
        ),
        Poll(
            feed="open_interest", method="publicGetPublicOpenInterest", params=_named, parse=responses.open_interests,
            period_ms=10_000, resync=True,
        ),
        Poll(
            feed="funding", method="publicGetPublicFundingRate", params=lambda c: {"instId": c.symbol_id},
            parse=responses.fundings, period_ms=300_000, resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="publicGetMarketHistoryCandles", parse=responses.bars, span_ms=responses.BAR_MS,
            rows_max=100,
            params=lambda contract, since_ms, until_ms: _page(contract, since_ms, until_ms) | {"bar": "5m"},
        ),
        HistorySource(
            kind="open_interest", method="publicGetRubikStatContractsOpenInterestHistory",
            parse=responses.past_open_interest, span_ms=300_000, rows_max=100,
            params=lambda contract, since_ms, until_ms: {
                "instId": contract.symbol_id, "period": "5m", "begin": since_ms, "end": until_ms - 1, "limit": 100,
            },
        ),
        HistorySource(
            kind="funding", method="publicGetPublicFundingRateHistory", parse=responses.past_funding, span_ms=3_600_000,
            rows_max=100, params=_page,
        ),
    ),
    tiers=TierSource(
        method="publicGetPublicPositionTiers", parse=responses.tiers, in_coin=True,
        params=lambda c: {"instType": "SWAP", "tdMode": "isolated", "instFamily": _family(c)},
    ),
)
