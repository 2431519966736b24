"""What to subscribe to at Orderly, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.streams import HistorySource, Poll, Stream, VenueWire, by_id
from liqbot.venues.woo_topics import topic_of
from liqbot.venues.woofipro import responses
from liqbot.venues.woofipro.messages import parse

_PAGE_ROWS: Final = 25
"""Of past funding."""


WIRE: Final = VenueWire(
    venue="woofipro",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades", each=True, silence_ms_max=600_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        # The unified client has no methods for the next two: those for tickers take another topic.
        Stream(
            feeds=("mark",), method="watch_ticker", each=True, silence_ms_max=15_000,
            arguments=lambda contracts: (contracts[0].symbol, topic_of(contracts[0].symbol_id, "markprice")),
        ),
        Stream(
            feeds=("liquidation",), method="watch_tickers",
            arguments=lambda contracts: ([one.symbol for one in contracts], {"topic": "liquidation"}),
        ),
    ),
    polls=(
        Poll(
            feed="funding", method="v1PublicGetPublicInfoSymbol", params=by_id, parse=responses.funding_period,
            period_ms=600_000,
        ),
        Poll(
            feed="index", method="v1PublicGetPublicFuturesSymbol", params=by_id, parse=responses.contract_figures,
            period_ms=15_000, resync=True,
        ),
        Poll(
            feed="open_interest", method="v1PublicGetPublicFuturesSymbol", params=by_id,
            parse=responses.contract_figures, period_ms=15_000, resync=True,
        ),
        Poll(
            feed="funding", method="v1PublicGetPublicFuturesSymbol", params=by_id, parse=responses.contract_figures,
            period_ms=60_000,
        ),
    ),
    histories=(
        HistorySource(
            kind="funding", method="v1PublicGetPublicFundingRateHistory", parse=responses.past_funding,
            span_ms=8 * 3_600_000, rows_max=_PAGE_ROWS,
            params=lambda contract, since_ms, until_ms: {
                "symbol": contract.symbol_id, "start_t": since_ms, "end_t": until_ms - 1,
            },
        ),
    ),
)
