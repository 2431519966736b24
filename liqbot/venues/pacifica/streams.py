"""What to subscribe to at Pacifica, and where its past is kept."""

from typing import Final

from liqbot.venues.pacifica import responses
from liqbot.venues.pacifica.messages import parse
from liqbot.venues.streams import HistorySource, Stream, VenueWire, by_id

_HOUR_MS: Final = 3_600_000


WIRE: Final = VenueWire(
    venue="pacifica",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades", "liquidation"), method="watch_trades", each=True, silence_ms_max=120_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        Stream(
            feeds=("mark", "index", "open_interest", "funding"), method="watch_tickers", silence_ms_max=15_000,
            arguments=lambda contracts: ([one.symbol for one in contracts],),
        ),
    ),
    polls=(),
    histories=(
        HistorySource(
            kind="bars", method="publicGetKline", parse=responses.bars, span_ms=responses.BAR_MS, rows_max=3_900,
            weight=12,
            params=lambda contract, since_ms, until_ms: by_id(contract) | {
                "interval": "5m", "start_time": since_ms, "end_time": until_ms - 1,
            },
        ),
        # The newest, whatever time is requested.
        HistorySource(
            kind="funding", method="publicGetFundingRateHistory", parse=responses.past_funding, span_ms=_HOUR_MS,
            rows_max=4_000, reach_ms=4_000 * _HOUR_MS,
            params=lambda contract, *_: by_id(contract) | {"limit": 4_000},
        ),
    ),
)
