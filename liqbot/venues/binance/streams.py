"""What to subscribe to at Binance, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.binance import responses
from liqbot.venues.binance.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, VenueWire

_MONTH_MS: Final = 30 * 86_400_000


def _symbols(contracts: tuple[WireContract, ...]) -> list[str]:
    return [contract.symbol for contract in contracts]


def _page(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    return {"symbol": contract.symbol_id, "startTime": since_ms, "endTime": until_ms - 1}


def _open_interest_page(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    page = _page(contract, since_ms, until_ms) | {"period": "5m", "limit": 500}
    if contract.inverse:
        del page["symbol"]
        page |= {"pair": contract.symbol_id.split("_")[0], "contractType": "PERPETUAL"}
    return page


def _histories(prefix: str, *, inverse: bool) -> tuple[HistorySource, ...]:
    return (
        HistorySource(
            kind="bars",
            method=f"{prefix}PublicGetKlines",
            parse=responses.bars,
            span_ms=responses.BAR_MS,
            rows_max=1_000,
            weight=5,
            inverse=inverse,
            params=lambda contract, since_ms, until_ms: (
                _page(contract, since_ms, until_ms) | {"interval": "5m", "limit": 1_000}
            ),
        ),
        HistorySource(
            kind="open_interest",
            method=f"{prefix}DataGetOpenInterestHist",
            parse=responses.past_open_interest,
            span_ms=responses.BAR_MS,
            rows_max=500,
            reach_ms=_MONTH_MS - 3_600_000,
            inverse=inverse,
            params=_open_interest_page,
        ),
        HistorySource(
            kind="funding",
            method=f"{prefix}PublicGetFundingRate",
            parse=responses.past_funding,
            span_ms=3_600_000,
            rows_max=1_000,
            inverse=inverse,
            params=lambda contract, since_ms, until_ms: _page(contract, since_ms, until_ms) | {"limit": 1_000},
        ),
    )


def _polls(prefix: str, *, inverse: bool) -> tuple[Poll, ...]:
    return (
        Poll(
            feed="funding", method=f"{prefix}PublicGetFundingInfo", params=lambda _: {}, each=False, inverse=inverse,
            parse=responses.funding_intervals, period_ms=600_000,
        ),
        # Before open interest, which it gives the price for.
        Poll(
            feed="mark", method=f"{prefix}PublicGetPremiumIndex", params=lambda c: {"symbol": c.symbol_id},
            parse=responses.premium, period_ms=60_000, inverse=inverse, resync=True,
        ),
        Poll(
            feed="open_interest", method=f"{prefix}PublicGetOpenInterest", params=lambda c: {"symbol": c.symbol_id},
            parse=responses.open_interest, period_ms=10_000, inverse=inverse, resync=True,
        ),
    )


WIRE: Final = VenueWire(
    venue="binance",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades_for_symbols", silence_ms_max=30_000,
            arguments=lambda contracts: (_symbols(contracts), None, None, {"name": "aggTrade"}),
        ),
        Stream(
            feeds=("liquidation",), method="watch_liquidations_for_symbols",
            arguments=lambda contracts: (_symbols(contracts),),
        ),
        Stream(
            feeds=("mark", "funding"), method="watch_mark_prices", silence_ms_max=10_000,
            arguments=lambda contracts: (_symbols(contracts), {"use1sFreq": True}),
        ),
    ),
    polls=_polls("fapi", inverse=False) + _polls("dapi", inverse=True),
    histories=_histories("fapi", inverse=False) + _histories("dapi", inverse=True),
)
