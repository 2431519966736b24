"""What to subscribe to at Aster, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.aster import responses
from liqbot.venues.aster.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, VenueWire, by_id

OPEN_INTEREST: Final = "fapiPublicGetV1OpenInterest"
"""The unified client lists no such request: the facts give it one."""


def _symbols(contracts: tuple[WireContract, ...]) -> list[str]:
    return [contract.symbol for contract in contracts]


def _forced_streams(contracts: tuple[WireContract, ...]) -> RequestParams:
    """The unified client has no method for forced orders: its subscription to best prices takes other stream names."""
    return {"params": [f"{contract.symbol_id.lower()}@forceOrder" for contract in contracts], "id": 2}


def _page(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    return {"symbol": contract.symbol_id, "startTime": since_ms, "endTime": until_ms - 1, "limit": 1_000}


WIRE: Final = VenueWire(
    venue="aster",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades_for_symbols", silence_ms_max=60_000,
            arguments=lambda contracts: (_symbols(contracts),),
        ),
        Stream(
            feeds=("liquidation",), method="watch_bids_asks",
            arguments=lambda contracts: (_symbols(contracts), _forced_streams(contracts)),
        ),
        Stream(
            feeds=("mark", "index", "funding"), method="watch_mark_prices", silence_ms_max=10_000,
            arguments=lambda contracts: (_symbols(contracts),),
        ),
    ),
    polls=(
        Poll(
            feed="funding", method="fapiPublicGetV3FundingInfo", params=by_id, parse=responses.funding_intervals,
            period_ms=600_000,
        ),
        # Before open interest, which it gives the price for.
        Poll(
            feed="mark", method="fapiPublicGetV3PremiumIndex", params=by_id, parse=responses.premium,
            period_ms=60_000, resync=True,
        ),
        Poll(
            feed="open_interest", method=OPEN_INTEREST, params=by_id, parse=responses.open_interest,
            period_ms=10_000, resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="fapiPublicGetV3Klines", parse=responses.bars, span_ms=responses.BAR_MS,
            rows_max=1_000, weight=5,
            params=lambda contract, since_ms, until_ms: _page(contract, since_ms, until_ms) | {"interval": "5m"},
        ),
        HistorySource(
            kind="funding", method="fapiPublicGetV3FundingRate", parse=responses.past_funding, span_ms=3_600_000,
            rows_max=1_000, params=_page,
        ),
    ),
)
