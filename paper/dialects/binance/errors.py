"""Binance USD-M: names of its contracts, its errors, and who may make a signed request."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from liqbot.instruments import Instrument
from paper.dialects.accounts import VenueAccount
from paper.dialects.dialect import Handler
from paper.dialects.http import HttpAnswer, Request
from paper.dialects.hub import HeldTooLong, Hub

VENUE: Final = "binance"
QUOTE: Final = "USDT"
WINDOW_MS: Final = 5_000
"""recvWindow when a request names none."""
SIGNING: Final = frozenset({"timestamp", "recvWindow", "signature"})
TIMED_OUT: Final = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."

Params = Mapping[str, str]
Private = Callable[[VenueAccount, Params], Awaitable[HttpAnswer]]
Public = Callable[[Params], HttpAnswer]


class BinanceRefused(Exception):
    """The venue's own error: its number, its words, and the HTTP status they come with."""

    def __init__(self, code: int, text: str, status: int = 400) -> None:
        super().__init__(f"{code} {text}")
        self.answer = HttpAnswer({"code": code, "msg": text}, status)


BY_EXCHANGE_CODE: Final[Mapping[str, tuple[int, str]]] = {
    "NO_PRICE": (-1001, "Internal error; unable to process your request. Please try again."),
    "INVALID": (-4003, "Quantity less than or equal to zero."),
    "PRECISION": (-1111, "Precision is over the maximum defined for this asset."),
    "WOULD_TRIGGER": (-2021, "Order would immediately trigger."),
    "POST_ONLY": (-5022, "Due to the order could not be executed as maker, the Post Only order will be rejected."),
    "PRICE_BAND": (-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit"),
    "REDUCE_ONLY": (-2022, "ReduceOnly Order is rejected."),
    "REDUCE_ONLY_OPEN_ORDERS": (-4118, "ReduceOnly Order Failed. Please check your existing position and open orders"),
    "OPPOSITE_POSITION": (-2022, "ReduceOnly Order is rejected."),
    "MIN_NOTIONAL": (-4164, "Order's notional must be no smaller than {least} (unless you choose reduce only)."),
    "LEVERAGE_TIER": (-2027, "Exceeded the maximum allowable position at current leverage."),
    "INSUFFICIENT_MARGIN": (-2019, "Margin is insufficient."),
}


class BinanceNames:
    """Contracts by the venue's ids (`BTCUSDT`), and the hub they belong to."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        listed = [one for one in hub.instruments if one.venue == VENUE]
        self.by_symbol: dict[str, Instrument] = {f"{one.coin}{QUOTE}": one for one in listed}
        self.by_coin: dict[str, str] = {one.coin: f"{one.coin}{QUOTE}" for one in listed}

    def instrument(self, params: Params) -> Instrument:
        """Of the parameter `symbol`. Refused when it is missing or not listed."""
        symbol = params.get("symbol", "")
        if not symbol:
            raise BinanceRefused(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        found = self.by_symbol.get(symbol)
        if found is None:
            raise BinanceRefused(-1121, "Invalid symbol.")
        return found

    def chosen(self, params: Params) -> list[Instrument]:
        """The named contract, or all of them when none is named."""
        return [self.instrument(params)] if params.get("symbol") else list(self.by_symbol.values())

    def symbol(self, coin: str) -> str:
        return self.by_coin[coin]

    def not_modelled(self, what: str) -> BinanceRefused:
        """Note something that this dialect does not know how the venue answers."""
        self.hub.note_unknown(VENUE, what)
        return BinanceRefused(-1106, f"Not modelled by this simulated venue: {what}")


def number(params: Params, name: str, default: int | None = None) -> int | None:
    """A whole number, or the default when it was not sent. Refused when it is no number."""
    text = params.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise BinanceRefused(-1100, f"Illegal characters found in parameter '{name}'.") from None


class BinanceGate:
    """Turns plain functions into handlers: public ones as they are, private ones behind key, clock and signature."""

    def __init__(self, names: BinanceNames) -> None:
        self._names = names

    def public(self, answer: Public) -> Handler:
        async def handle(request: Request) -> HttpAnswer:
            try:
                return answer(request.params)
            except BinanceRefused as refused:
                return refused.answer

        return handle

    def keyed(self, answer: Private) -> Handler:
        """Needs the key alone, no signature."""

        async def handle(request: Request) -> HttpAnswer:
            try:
                return await answer(self._account(request), request.params)
            except BinanceRefused as refused:
                return refused.answer

        return handle

    def signed(self, answer: Private, known: frozenset[str] | None = None) -> Handler:
        """`known`: the parameters this endpoint models; any other is noted and refused."""

        async def handle(request: Request) -> HttpAnswer:
            try:
                account = self._checked(request)
                params = request.params
                strange = set(params) - known - SIGNING if known is not None else set()
                if strange:
                    raise self._names.not_modelled(f"{request.endpoint} {', '.join(sorted(strange))}")
                return await answer(account, params)
            except BinanceRefused as refused:
                return refused.answer
            except HeldTooLong:
                return HttpAnswer({"code": -1007, "msg": TIMED_OUT}, 408)

        return handle

    def _account(self, request: Request) -> VenueAccount:
        key = request.headers.get("x-mbx-apikey", "")
        if not key:
            raise BinanceRefused(-2014, "API-key format invalid.", 401)
        account = self._names.hub.account(VENUE, key)
        if account is None:
            raise BinanceRefused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return account

    def _checked(self, request: Request) -> VenueAccount:
        account, params = self._account(request), request.params
        stamp_ms = number(params, "timestamp")
        if stamp_ms is None:
            raise BinanceRefused(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
        window_ms = number(params, "recvWindow", WINDOW_MS) or WINDOW_MS
        if window_ms > 60_000:
            raise BinanceRefused(-1131, "recvWindow must be less than 60000")
        if not self._names.hub.timely(stamp_ms, window_ms, request.skew_ms):
            raise BinanceRefused(-1021, "Timestamp for this request is outside of the recvWindow.")
        if not hmac.compare_digest(_signature(request, account.secret), params.get("signature", "")):
            raise BinanceRefused(-1022, "Signature for this request is not valid.")
        return account


def _signature(request: Request, secret: str) -> str:
    """HMAC SHA256 over query and body as they were sent, without the signature itself, which comes last."""
    signed = (request.query + request.body.decode()).rpartition("signature=")[0].removesuffix("&")
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
