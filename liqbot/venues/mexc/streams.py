"""What to subscribe to at MEXC, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.mexc import responses
from liqbot.venues.mexc.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, TierSource, VenueWire, by_id

_HOUR_MS: Final = 3_600_000
_PAGE: Final = 1_000


def _newest_page(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    """It cannot be requested by time."""
    del since_ms, until_ms
    return by_id(contract) | {"page_num": 1, "page_size": _PAGE}


WIRE: Final = VenueWire(
    venue="mexc",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades", each=True, silence_ms_max=60_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        # Sent once a second.
        Stream(
            feeds=("mark", "funding", "open_interest"), method="watch_ticker", each=True, silence_ms_max=10_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
    ),
    polls=(
        Poll(
            feed="mark", method="contractPublicGetTicker", params=by_id, parse=responses.tickers, period_ms=60_000,
            resync=True,
        ),
        # The ticker tells no interval.
        Poll(
            feed="funding", method="contractPublicGetFundingRateSymbol", params=by_id, parse=responses.fundings,
            period_ms=300_000, resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="contractPublicGetKlineSymbol", parse=responses.bars, span_ms=responses.BAR_MS,
            rows_max=2_000,
            params=lambda contract, since_ms, until_ms: by_id(contract) | {
                "interval": "Min5", "start": since_ms // 1_000, "end": (until_ms - 1) // 1_000,
            },
        ),
        # By pages, the newest first: one page is read, and no further back than it reaches at one payment an hour.
        HistorySource(
            kind="funding", method="contractPublicGetFundingRateHistory", parse=responses.past_funding,
            span_ms=_HOUR_MS, rows_max=_PAGE, reach_ms=_PAGE * _HOUR_MS,
            params=_newest_page,
        ),
    ),
    # One request for contracts in five seconds is allowed.
    tiers=TierSource(
        method="contractPublicGetDetail", params=by_id, parse=responses.tiers, in_coin=True, weight=10,
    ),
)
