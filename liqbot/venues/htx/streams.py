"""What to subscribe to at HTX, what to ask how often, and where its past is kept."""

from typing import Any, Final

import msgspec

from liqbot.venues.htx import responses
from liqbot.venues.htx.messages import FORCED, FUNDING, INDEX, MARK, parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RawSocket, RequestParams, Stream, VenueWire

HOST: Final = "wss://api.hbdm.com"
_HOUR_MS: Final = 3_600_000
_PAYMENT_MS: Final = 8 * _HOUR_MS
_PAYMENTS: Final = 50
_HOURS: Final = 200
_SETTLEMENTS: Final = "contractPublicGetV5MarketFundingRateHistory"


class _Ping(msgspec.Struct):
    """Of streams of prices `{"ping": 1}`, of notifications `{"op": "ping", "ts": "1"}`."""

    ping: int | None = None
    op: str = ""
    ts: int | str | None = None


_PING: Final = msgspec.json.Decoder(_Ping)


def _answer(raw: str | bytes) -> Any:
    """A server that hears no pong hangs up."""
    head = raw[:40]
    if ("ping" if isinstance(head, str) else b"ping") not in head:  # type: ignore[operator]
        return None
    try:
        message = _PING.decode(raw)
    except msgspec.MsgspecError:
        return None
    if message.ping is not None:
        return {"pong": message.ping}
    return {"op": "pong", "ts": message.ts} if message.op == "ping" else None


def _prices(contracts: tuple[WireContract, ...]) -> str:
    del contracts
    return f"{HOST}/ws_index"


def _subscribed_prices(contracts: tuple[WireContract, ...]) -> tuple[RequestParams, ...]:
    return tuple(
        {"sub": f"market.{contract.symbol_id}.{kind}", "id": f"{contract.symbol_id} {kind}"}
        for contract in contracts for kind in (INDEX, MARK)
    )


def _notifications(contracts: tuple[WireContract, ...]) -> str:
    return f"{HOST}/{'swap' if contracts[0].inverse else 'linear-swap'}-notification"


def _subscribed_notifications(contracts: tuple[WireContract, ...]) -> tuple[RequestParams, ...]:
    return tuple(
        {"op": "sub", "cid": f"{contract.symbol_id} {kind}", "topic": f"public.{contract.symbol_id}.{kind}"}
        for contract in contracts for kind in (FORCED, FUNDING)
    )


def _named(contract: WireContract) -> RequestParams:
    return {"contract_code": contract.symbol_id}


def _candles(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    return _named(contract) | {"period": "5min", "from": since_ms // 1_000, "to": (until_ms - 1) // 1_000}


def _newest_hours(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    """It has a number of rows, no beginning and no end."""
    del since_ms, until_ms
    params = _named(contract) | {"period": "60min", "amount_type": 1, "size": _HOURS}
    return params if contract.inverse else params | {"contract_type": "swap"}


def _newest_payments(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    """By pages, the newest first: one page is read."""
    del since_ms, until_ms
    return _named(contract) | {"page_size": _PAYMENTS}


def _polls(kline: str, interest: str, funding: str, *, inverse: bool) -> tuple[Poll, ...]:
    return (
        Poll(
            feed="mark", method=f"contractPublicGetIndexMarketHistory{kline}MarkPriceKline", parse=responses.marks,
            params=lambda c: _named(c) | {"period": "1min", "size": 1}, period_ms=60_000, inverse=inverse, resync=True,
        ),
        Poll(
            feed="open_interest", method=f"contractPublicGet{interest}OpenInterest", params=_named,
            parse=responses.open_interests, period_ms=10_000, inverse=inverse, resync=True,
        ),
        Poll(
            feed="funding", method=f"contractPublicGet{funding}FundingRate", params=_named, parse=responses.fundings,
            period_ms=120_000, inverse=inverse, resync=True,
        ),
    )


def _histories(kline: str, interest: str, funding: str, *, inverse: bool) -> tuple[HistorySource, ...]:
    return (
        HistorySource(
            kind="bars", method=f"contractPublicGet{kline}ExMarketHistoryKline", parse=responses.bars,
            span_ms=responses.BAR_MS, rows_max=2_000, params=_candles, inverse=inverse,
        ),
        HistorySource(
            kind="open_interest", method=f"contractPublicGet{interest}ApiV1SwapHisOpenInterest",
            parse=responses.past_open_interest, span_ms=_HOUR_MS, rows_max=_HOURS, reach_ms=_HOURS * _HOUR_MS,
            params=_newest_hours, inverse=inverse,
        ),
        HistorySource(
            kind="funding", method=funding, parse=responses.past_funding, span_ms=_PAYMENT_MS, rows_max=_PAYMENTS,
            reach_ms=_PAYMENTS * _PAYMENT_MS, params=_newest_payments, inverse=inverse,
        ),
    )


WIRE: Final = VenueWire(
    venue="htx",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades", each=True, silence_ms_max=120_000,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        # The unified client reads neither prices nor what is published to all.
        Stream(
            feeds=("mark",), silence_ms_max=60_000,
            socket=RawSocket(url=_prices, subscribe=_subscribed_prices, answer=_answer),
        ),
        Stream(
            feeds=("liquidation", "funding"),
            socket=RawSocket(url=_notifications, subscribe=_subscribed_notifications, answer=_answer),
        ),
    ),
    polls=_polls("LinearSwap", "V5Market", "V5Market", inverse=False)
    + _polls("Swap", "SwapApiV1Swap", "SwapApiV1Swap", inverse=True),
    histories=_histories("LinearSwap", "LinearSwap", _SETTLEMENTS, inverse=False)
    + _histories("Swap", "Swap", "contractPublicGetSwapApiV1SwapHistoricalFundingRate", inverse=True),
)
