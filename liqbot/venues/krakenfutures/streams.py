"""What to subscribe to at Kraken Futures, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.krakenfutures import responses
from liqbot.venues.krakenfutures.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, TierSource, VenueWire, all_symbols


def _nothing(_contract: WireContract) -> RequestParams:
    """Answered for all contracts at once."""
    return {}


WIRE: Final = VenueWire(
    venue="krakenfutures",
    parse=parse,
    streams=(
        # Inverse contracts trade minutes apart. Everything comes over one socket, and the tickers tell its silence.
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
            method="publicGetTickers",
            params=_nothing,
            parse=responses.tickers,
            period_ms=60_000,
            each=False,
            resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars",
            method="chartsGetPriceTypeSymbolInterval",
            parse=responses.bars,
            span_ms=responses.BAR_MS,
            rows_max=1_000,
            params=lambda contract, since_ms, until_ms: {
                "price_type": "trade", "symbol": contract.symbol_id, "interval": "5m", "from": since_ms // 1_000,
                "to": until_ms // 1_000 - 1,
            },
        ),
        HistorySource(
            kind="funding",
            method="publicGetHistoricalfundingrates",
            parse=responses.past_funding,
            span_ms=3_600_000,
            rows_max=100_000,
            params=lambda contract, _since_ms, _until_ms: {"symbol": contract.symbol_id},
        ),
    ),
    tiers=TierSource(method="publicGetInstruments", params=_nothing, parse=responses.tiers),
)  # fmt: skip
