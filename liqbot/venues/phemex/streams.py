"""What to subscribe to at Phemex, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.parsing import WireContract
from liqbot.venues.phemex import responses
from liqbot.venues.phemex.messages import parse
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, VenueWire, by_id


def _paid(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    """Rates have a symbol of their own: `.BTCUSDTFR8H`, of coin-margined contracts `.BTCFR8H`."""
    name = contract.coin if contract.inverse else contract.symbol_id
    return {"symbol": f".{name}FR8H", "start": since_ms, "end": until_ms - 1, "limit": 100}


def _payments(method: str, *, inverse: bool) -> HistorySource:
    return HistorySource(
        kind="funding", method=method, parse=responses.past_funding, span_ms=3_600_000, rows_max=100, params=_paid,
        inverse=inverse,
    )


WIRE: Final = VenueWire(
    venue="phemex",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades", each=True, silence_ms_max=300_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        # Of every contract of the kind, once a second.
        Stream(
            feeds=("mark", "funding", "open_interest"), method="watch_tickers", silence_ms_max=15_000,
            arguments=lambda contracts: ([contract.symbol for contract in contracts],),
        ),
    ),
    polls=(
        Poll(
            feed="mark", method="v2GetMdV2Ticker24hr", params=by_id, parse=responses.tickers, period_ms=60_000,
            inverse=False, resync=True,
        ),
        Poll(
            feed="mark", method="v1GetMdTicker24hr", params=by_id, parse=responses.tickers, period_ms=60_000,
            inverse=True, resync=True,
        ),
    ),
    # Candles want a key since the spring of 2026.
    histories=(
        _payments("v2GetApiDataPublicDataFundingRateHistory", inverse=False),
        _payments("v1GetApiDataPublicDataFundingRateHistory", inverse=True),
    ),
)
