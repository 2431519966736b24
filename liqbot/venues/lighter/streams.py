"""What to subscribe to at Lighter, and where its past is kept."""

from typing import Final

from liqbot.venues.lighter import accounts, responses
from liqbot.venues.lighter.messages import parse
from liqbot.venues.public_accounts import PositionSource
from liqbot.venues.streams import HistorySource, Stream, TierSource, VenueWire

WIRE: Final = VenueWire(
    venue="lighter",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades", "liquidation"), method="watch_trades", each=True, silence_ms_max=120_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        # One market each: the channel of all markets is a hundred times as long.
        Stream(
            feeds=("mark", "index", "open_interest", "funding"), method="watch_ticker", each=True,
            silence_ms_max=15_000, arguments=lambda contracts: (contracts[0].symbol,),
        ),
    ),
    # After a gap a subscription begins with the stats as they are: no request is needed.
    polls=(),
    histories=(
        HistorySource(
            kind="bars", method="publicGetCandles", parse=responses.bars, span_ms=responses.BAR_MS, rows_max=500,
            params=lambda contract, since_ms, until_ms: {
                "market_id": contract.symbol_id, "resolution": "5m", "start_timestamp": since_ms,
                "end_timestamp": until_ms, "count_back": 0,
            },
        ),
        HistorySource(
            kind="funding", method="publicGetFundings", parse=responses.past_funding, span_ms=3_600_000, rows_max=500,
            params=lambda contract, since_ms, until_ms: {
                "market_id": contract.symbol_id, "resolution": "1h", "start_timestamp": since_ms,
                "end_timestamp": until_ms, "count_back": 0,
            },
        ),
    ),
    tiers=TierSource(
        method="publicGetOrderBookDetails", params=lambda contract: {"market_id": contract.symbol_id},
        parse=responses.tiers,
    ),
    positions=PositionSource(
        is_account=accounts.is_account,
        method="publicGetAccount",
        params=lambda number: {"by": "index", "value": number},
        parse=accounts.positions,
        weight=1,
        # Of the 60 requests a minute that an address has.
        reads_min=20,
    ),
)
