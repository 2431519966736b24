"""What to subscribe to at Deribit, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.deribit import responses
from liqbot.venues.deribit.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, VenueWire, all_symbols


def _named(contract: WireContract) -> RequestParams:
    return {"instrument_name": contract.symbol_id}


def _span(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    return _named(contract) | {"start_timestamp": since_ms, "end_timestamp": until_ms - 1}


WIRE: Final = VenueWire(
    venue="deribit",
    parse=parse,
    streams=(
        # Linear contracts trade minutes apart. Everything comes over one socket, and the tickers tell its silence.
        Stream(feeds=("trades", "liquidation"), method="watch_trades_for_symbols", arguments=all_symbols),
        Stream(
            feeds=("mark", "index", "funding", "open_interest"),
            method="watch_tickers",
            silence_ms_max=15_000,
            arguments=all_symbols,
        ),
    ),
    polls=(
        Poll(
            feed="mark",
            method="publicGetTicker",
            params=_named,
            parse=responses.ticker,
            period_ms=60_000,
            resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars",
            method="publicGetGetTradingviewChartData",
            parse=responses.bars,
            span_ms=responses.BAR_MS,
            rows_max=1_000,
            params=lambda contract, since_ms, until_ms: _span(contract, since_ms, until_ms) | {"resolution": "5"},
        ),
        HistorySource(
            kind="funding",
            method="publicGetGetFundingRateHistory",
            parse=responses.past_funding,
            span_ms=3_600_000,
            rows_max=700,
            params=_span,
        ),
    ),
)
