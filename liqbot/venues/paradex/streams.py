"""What to subscribe to at Paradex."""

from typing import Final

from liqbot.venues.paradex.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import RequestParams, Stream, VenueWire


def _funding_channel(contract: WireContract) -> RequestParams:
    """Of one market: the unified client asks for all of them."""
    return {"params": {"channel": f"funding_data.{contract.symbol_id}"}}


WIRE: Final = VenueWire(
    venue="paradex",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades", "liquidation"), method="watch_trades", each=True, silence_ms_max=300_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        Stream(
            feeds=("mark", "index", "open_interest"), method="watch_ticker", each=True, silence_ms_max=30_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        Stream(
            feeds=("funding",), method="watch_funding_rate", each=True, silence_ms_max=120_000,
            arguments=lambda contracts: (contracts[0].symbol, _funding_channel(contracts[0])),
        ),
    ),
    # All figures are sent again within seconds of subscribing.
    polls=(),
)
