"""What to subscribe to at BingX, what to ask how often, and where its past is kept."""

from typing import Any, Final

from liqbot.venues.bingx import responses
from liqbot.venues.bingx.messages import MARK, parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RawSocket, RequestParams, Stream, VenueWire, by_id

STREAMS: Final = "wss://open-api-swap.bingx.com/swap-market"


def _answer(raw: str | bytes) -> Any:
    """A server that hears no pong hangs up."""
    return "Pong" if raw in ("Ping", b"Ping") else None


def _subscribed(contracts: tuple[WireContract, ...]) -> tuple[RequestParams, ...]:
    return tuple(
        {"id": contract.symbol_id, "reqType": "sub", "dataType": f"{contract.symbol_id}{MARK}"}
        for contract in contracts
    )


def _page(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    return by_id(contract) | {"startTime": since_ms, "endTime": until_ms - 1, "limit": 1_000}


WIRE: Final = VenueWire(
    venue="bingx",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades", each=True, silence_ms_max=60_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        # The unified client knows no stream of marks here.
        Stream(
            feeds=("mark",), silence_ms_max=30_000,
            socket=RawSocket(url=lambda _: STREAMS, subscribe=_subscribed, answer=_answer),
        ),
    ),
    polls=(
        # The stream of marks carries no index: it is requested, and travels on with the next mark.
        Poll(
            feed="index", method="swapV2PublicGetQuotePremiumIndex", params=by_id, parse=responses.premium,
            period_ms=5_000, resync=True,
        ),
        Poll(
            feed="funding", method="swapV2PublicGetQuotePremiumIndex", params=by_id, parse=responses.premium,
            period_ms=60_000, resync=True,
        ),
        Poll(
            feed="open_interest", method="swapV2PublicGetQuoteOpenInterest", params=by_id,
            parse=responses.open_interest, period_ms=10_000, resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="swapV3PublicGetQuoteKlines", parse=responses.bars, span_ms=responses.BAR_MS,
            rows_max=1_000, params=lambda *span: _page(*span) | {"interval": "5m"},
        ),
        HistorySource(
            kind="funding", method="swapV2PublicGetQuoteFundingRate", parse=responses.past_funding, span_ms=3_600_000,
            rows_max=1_000, params=_page,
        ),
    ),
)
