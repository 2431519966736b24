"""What to subscribe to at Extended, what to ask it how often, and where its past is kept."""

from typing import Final

from liqbot.venues.extended import responses
from liqbot.venues.extended.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, VenueWire


def _named(contract: WireContract) -> RequestParams:
    return {"market": contract.symbol_id}


def _market(feed: str, period_ms: int) -> Poll:
    return Poll(feed=feed, method="v1PublicGetInfoMarkets", params=_named, parse=responses.markets,
                period_ms=period_ms, resync=True)


WIRE: Final = VenueWire(
    venue="extended",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades", "liquidation"), method="watch_trades", each=True, silence_ms_max=300_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
    ),
    # One answer holds all three; each is requested as often as it changes.
    polls=(_market("mark", 4_000), _market("open_interest", 15_000), _market("funding", 60_000)),
    histories=(
        HistorySource(
            kind="bars", method="v1PublicGetInfoCandlesMarketCandleType", parse=responses.bars,
            span_ms=responses.BAR_MS, rows_max=1_000,
            params=lambda contract, _, until_ms: _named(contract) | {
                "candleType": "trades", "interval": "PT5M", "limit": 1_000, "endTime": until_ms - 1,
            },
        ),
        HistorySource(
            kind="funding", method="v1PublicGetInfoMarketFunding", parse=responses.past_funding, span_ms=3_600_000,
            rows_max=1_000,
            params=lambda contract, since_ms, until_ms: _named(contract) | {
                "startTime": since_ms, "endTime": until_ms - 1, "limit": 1_000,
            },
        ),
    ),
)
