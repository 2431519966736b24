"""What to subscribe to at ApeX, what to ask it how often, and where its past is kept."""

from typing import Final

from liqbot.venues.apex import responses
from liqbot.venues.apex.messages import parse
from liqbot.venues.streams import HistorySource, Poll, Stream, VenueWire, by_id


def _ticker(feed: str, period_ms: int) -> Poll:
    return Poll(feed=feed, method="publicGetV3Ticker", params=by_id, parse=responses.tickers, period_ms=period_ms,
                resync=True)


WIRE: Final = VenueWire(
    venue="apex",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades_for_symbols", silence_ms_max=300_000,
            arguments=lambda contracts: ([one.symbol for one in contracts],),
        ),
    ),
    # One answer holds all, the index with the mark; each is requested as often as it changes.
    polls=(_ticker("mark", 4_000), _ticker("open_interest", 15_000), _ticker("funding", 60_000)),
    histories=(
        HistorySource(
            kind="bars", method="publicGetV3Klines", parse=responses.bars, span_ms=responses.BAR_MS, rows_max=200,
            params=lambda contract, since_ms, until_ms: by_id(contract) | {
                "interval": "5", "start": since_ms // 1_000, "end": (until_ms - 1) // 1_000, "limit": 200,
            },
        ),
        # By another name of the contract.
        HistorySource(
            kind="funding", method="publicGetV3HistoryFunding", parse=responses.past_funding, span_ms=3_600_000,
            rows_max=100,
            params=lambda contract, since_ms, until_ms: {
                "symbol": f"{contract.coin}-USDT", "beginTimeInclusive": since_ms, "endTimeExclusive": until_ms,
                "limit": 100,
            },
        ),
    ),
)
