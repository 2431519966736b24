"""What to subscribe to at Coinbase, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.coinbase import responses
from liqbot.venues.coinbase.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, VenueWire, all_symbols


def _named(contract: WireContract) -> RequestParams:
    return {"product_type": "FUTURE", "product_ids": contract.symbol_id}


WIRE: Final = VenueWire(
    venue="coinbase",
    parse=parse,
    streams=(
        Stream(feeds=("trades",), method="watch_trades_for_symbols", arguments=all_symbols),
        # Every five seconds while something changes. Everything comes over one socket, whose silence this one tells.
        Stream(feeds=("mark",), method="watch_tickers", silence_ms_max=60_000, arguments=all_symbols),
        # Without it the venue closes channels that had nothing to say for a minute or so.
        Stream(feeds=(), method="subscribe", arguments=lambda _contracts: ("heartbeats", False)),
    ),
    polls=(
        Poll(
            feed="open_interest",
            method="v3PublicGetBrokerageMarketProducts",
            params=_named,
            parse=responses.products,
            period_ms=30_000,
            resync=True,
        ),
        # The same answer: what it tells of funding has a line of its own.
        Poll(
            feed="funding",
            method="v3PublicGetBrokerageMarketProducts",
            params=_named,
            parse=responses.products,
            period_ms=600_000,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars",
            method="v3PublicGetBrokerageMarketProductsProductIdCandles",
            parse=responses.bars,
            span_ms=responses.BAR_MS,
            rows_max=300,
            params=lambda contract, since_ms, until_ms: {
                "product_id": contract.symbol_id, "granularity": "FIVE_MINUTE", "start": since_ms // 1_000,
                "end": until_ms // 1_000 - 1,
            },
        ),
    ),
)  # fmt: skip
