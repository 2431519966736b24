"""What to subscribe to at WOO X, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.streams import HistorySource, Poll, Stream, VenueWire, by_id
from liqbot.venues.woo import responses
from liqbot.venues.woo.messages import parse
from liqbot.venues.woo_topics import topic_of

WIRE: Final = VenueWire(
    venue="woo",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades", each=True, silence_ms_max=120_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        # The unified client has no methods for mark price and open interest: others take their topics.
        Stream(
            feeds=("mark",), method="watch_ticker", each=True, silence_ms_max=15_000,
            arguments=lambda contracts: (contracts[0].symbol, topic_of(contracts[0].symbol_id, "markprice")),
        ),
        Stream(
            feeds=("open_interest",), method="watch_ohlcv", each=True, silence_ms_max=300_000,
            arguments=lambda contracts: (
                contracts[0].symbol, "1m", None, None, topic_of(contracts[0].symbol_id, "openinterest"),
            ),
        ),
        Stream(
            feeds=("funding",), method="watch_funding_rate", each=True, silence_ms_max=300_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
    ),
    polls=(
        # Streams of the index go by the spot market's name: it is requested, and travels on with the next mark.
        Poll(
            feed="index", method="v3PublicGetFutures", params=by_id, parse=responses.marks, period_ms=10_000,
            resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="v3PublicGetKlineHistory", parse=responses.bars, span_ms=responses.BAR_MS,
            rows_max=1_000,
            params=lambda contract, since_ms, until_ms: {
                "symbol": contract.symbol_id, "type": "5m", "after": since_ms - 1, "before": until_ms, "limit": 1_000,
            },
        ),
        HistorySource(
            kind="funding", method="v3PublicGetFundingRateHistory", parse=responses.past_funding,
            span_ms=8 * 3_600_000, rows_max=25,
            params=lambda contract, since_ms, until_ms: {
                "symbol": contract.symbol_id, "startTime": since_ms, "endTime": until_ms - 1,
            },
        ),
    ),
)
