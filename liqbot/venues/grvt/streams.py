"""What to subscribe to at GRVT, what to ask it when a connection came back, and where its past is kept."""

from typing import Final

from liqbot.venues.grvt import responses
from liqbot.venues.grvt.messages import MS_NS, answered_ticker, parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, TierSource, VenueWire


def _symbols(contracts: tuple[WireContract, ...]) -> tuple[list[str]]:
    return ([one.symbol for one in contracts],)


def _named(contract: WireContract) -> RequestParams:
    return {"instrument": contract.symbol_id}


def _page(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    return _named(contract) | {
        "start_time": str(since_ms * MS_NS), "end_time": str((until_ms - 1) * MS_NS), "limit": 1_000,
    }


WIRE: Final = VenueWire(
    venue="grvt",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades_for_symbols", arguments=_symbols, silence_ms_max=120_000,
        ),
        # Whole tickers, twice a second.
        Stream(
            feeds=("mark", "index", "open_interest", "funding"), method="watch_tickers", arguments=_symbols,
            silence_ms_max=10_000,
        ),
    ),
    polls=(
        Poll(
            feed="mark", method="publicMarketPostFullV1Ticker", params=_named, parse=answered_ticker,
            period_ms=60_000, resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="publicMarketPostFullV1Kline", parse=responses.bars, span_ms=responses.BAR_MS,
            rows_max=1_000, weight=3,
            params=lambda contract, since_ms, until_ms: _page(contract, since_ms, until_ms) | {
                "interval": "CI_5_M", "type": "TRADE",
            },
        ),
        HistorySource(
            kind="funding", method="publicMarketPostFullV1Funding", parse=responses.past_funding,
            span_ms=3_600_000, rows_max=1_000, weight=3, params=_page,
        ),
    ),
    tiers=TierSource(
        method="publicMarketPostFullV1MarginRules", params=_named, parse=responses.tiers, weight=3,
    ),
)
