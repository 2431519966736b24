"""Bitget: its envelope and error codes, its contracts by name, and who may make a signed request.

Every answer is `{"code", "msg", "requestTime", "data"}`, code `00000` when all is well.
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from liqbot.instruments import Instrument
from paper.dialects.accounts import VenueAccount
from paper.dialects.dialect import Handler
from paper.dialects.faults import Kind, WireFault
from paper.dialects.http import HttpAnswer, Request, Socket
from paper.dialects.hub import HeldTooLong, Hub

VENUE: Final = "bitget"
QUOTE: Final = "USDT"
PRODUCT: Final = "USDT-FUTURES"
OTHER_PRODUCTS: Final = ("USDC-FUTURES", "COIN-FUTURES", "SUSDT-FUTURES", "SUSDC-FUTURES", "SCOIN-FUTURES", "SPOT")
OK: Final = "00000"
WINDOW_MS: Final = 30_000
"""Of a signed request's time."""
PAGE_ROWS_MAX: Final = 100
DEMO_HOST: Final = "wspap.bitget.com"

Params = Mapping[str, Any]
Row = dict[str, Any]
Public = Callable[[Params], Any]
Private = Callable[[VenueAccount, Params], Awaitable[Any]]


class BitgetRefused(Exception):
    """The venue's own error."""

    def __init__(self, code: str, text: str, status: int = 400) -> None:
        super().__init__(f"{code} {text}")
        self.code, self.text, self.status = code, text, status


BY_EXCHANGE_CODE: Final[Mapping[str, tuple[str, str]]] = {
    "NO_PRICE": ("40823", "The transaction or reasonable marked price does not exist"),
    "INVALID": ("40017", "Parameter verification failed order"),
    "PRICE_BAND": ("43009", "The current order price exceeds the limit"),
    "STOP_PRICE": ("43011", "The parameter does not meet the specification presetStopLossPrice"),
    "REDUCE_ONLY": ("22002", "No position to close"),
    "OPPOSITE_POSITION": ("40804", "The number of closed positions cannot exceed the number of positions held"),
    "MIN_NOTIONAL": ("45110", "less than the minimum amount {least} USDT"),
    "LEVERAGE_TIER": ("40762", "The order size is greater than the max open size"),
    "INSUFFICIENT_MARGIN": ("43012", "Insufficient balance"),
}
NO_ORDER: Final = ("40109", "The data of the order cannot be found, please confirm the order number")
NOT_CANCELLED: Final = ("22001", "No order to cancel")


class BitgetNames:
    """Contracts by the venue's ids (`BTCUSDT`), and the hub they belong to."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        listed = [one for one in hub.instruments if one.venue == VENUE]
        self.by_symbol: dict[str, Instrument] = {f"{one.coin}{QUOTE}": one for one in listed}

    def symbol(self, coin: str) -> str:
        return f"{coin}{QUOTE}"

    def instrument(self, params: Params) -> Instrument:
        """Of the parameter `symbol`. Refused when it is missing or not listed."""
        found = self.by_symbol.get(str(params.get("symbol", "")).upper())
        if found is None:
            raise BitgetRefused("40034", f"Parameter {params.get('symbol', '')} does not exist")
        return found

    def chosen(self, params: Params, name: str = "productType") -> list[Instrument]:
        """The named contract, or all of the product type when none is named."""
        if not self.linear(params, name):
            return []
        return [self.instrument(params)] if params.get("symbol") else list(self.by_symbol.values())

    def linear(self, params: Params, name: str = "productType") -> bool:
        """Whether the request is about the kind that is listed here. Refused when the kind is none of the venue's."""
        product = str(params.get(name, "")).upper()
        if product not in (PRODUCT, *OTHER_PRODUCTS):
            raise BitgetRefused("40020", f"Parameter {name} error")
        return product == PRODUCT

    def not_modelled(self, what: str) -> BitgetRefused:
        """Note something that this dialect does not know how the venue answers."""
        self.hub.note_unknown(VENUE, what)
        return BitgetRefused("40805", f"Unsupported operation: {what}")


def whole(params: Params, name: str, default: int) -> int:
    """A whole number, or the default when it was not sent. Refused when it is no number."""
    value = params.get(name, "")
    if value in ("", None):
        return default
    try:
        return int(value)
    except (ValueError, TypeError):
        raise BitgetRefused("40020", f"Parameter {name} error") from None


def amount_of(params: Params, name: str) -> Decimal:
    """A positive number; Refused when it is none."""
    try:
        amount = Decimal(str(params.get(name, "")))
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise BitgetRefused("40020", f"Parameter {name} error")
    return amount


def page(newest_first: list[Row], params: Params, name: str, key: str, *, usual: int = PAGE_ROWS_MAX) -> Row:
    """One page of a list under `name`: what is older than `idLessThan`, and the id it ends with."""
    below = whole(params, "idLessThan", 0)
    limit = min(max(whole(params, "limit", usual), 1), PAGE_ROWS_MAX)
    rows = [row for row in newest_first if not below or int(row[key]) < below][:limit]
    return {name: rows or None, "endId": rows[-1][key] if rows else None}


def within(params: Params, time_ms: int) -> bool:
    return whole(params, "startTime", 0) <= time_ms <= whole(params, "endTime", 10**15)


def signature(secret: str, text: str) -> str:
    """Base64 of HMAC-SHA256."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


class BitgetGate:
    """Turns plain functions into handlers: public ones as they are, private ones behind key, clock and signature.

    `demo_keys` work only with the header `paptrading: 1`, the others only without; `unified_keys` belong to accounts
    of the unified kind, to which the classic endpoints are closed.
    """

    def __init__(self, names: BitgetNames, demo_keys: AbstractSet[str], unified_keys: AbstractSet[str]) -> None:
        self._names, self._demo_keys, self._unified_keys = names, demo_keys, unified_keys

    def public(self, answer: Public) -> Handler:
        async def handle(request: Request) -> HttpAnswer:
            try:
                return self._ok(answer(request.params), request)
            except BitgetRefused as refused:
                return self.refusal(refused, request)

        return handle

    def signed(self, answer: Private, *, trades: bool = False, unified: bool = False) -> Handler:
        """`trades`: the key needs permission to trade; `unified`: an endpoint of unified accounts."""

        async def handle(request: Request) -> HttpAnswer:
            try:
                account = self._checked(request)
                self._check_kind(account, unified=unified)
                _check_permission(account, trades=trades)
                return self._ok(await answer(account, self._params(request)), request)
            except BitgetRefused as refused:
                return self.refusal(refused, request)
            except HeldTooLong:
                return self.refusal(BitgetRefused("40010", "Request timed out"), request)

        return handle

    def refusal(self, refused: BitgetRefused, request: Request) -> HttpAnswer:
        return HttpAnswer(self._envelope(refused.code, refused.text, None, request), refused.status)

    def trouble(self, fault: WireFault, request: Request) -> HttpAnswer:
        """Too many requests come with HTTP 429; `value` is Retry-After, which this venue does not send of itself."""
        if fault.kind is Kind.REFUSED:
            return self.refusal(BitgetRefused(str(fault.value), "refused"), request)
        if fault.kind is Kind.MAINTENANCE:
            return self.refusal(BitgetRefused("40200", "Server upgrade, please try again later", 503), request)
        answer = self.refusal(BitgetRefused("429", "Too many requests", 429), request)
        return HttpAnswer(answer.body, answer.status, {"Retry-After": str(fault.value)} if fault.value else {})

    def _ok(self, data: Any, request: Request) -> HttpAnswer:
        return HttpAnswer(self._envelope(OK, "success", data, request))

    def _envelope(self, code: str, text: str, data: Any, request: Request) -> Row:
        hub = self._names.hub
        # Figures of the market carry its time; the answers to an account carry the venue's own.
        of_market = "/market/" in request.path and hub.now_ms > 0
        time_ms = hub.now_ms if of_market else hub.server_ms(request.skew_ms)
        return {"code": code, "msg": text, "requestTime": time_ms, "data": data}

    async def clock(self, request: Request) -> HttpAnswer:
        """The venue's own time."""
        return self._ok({"serverTime": str(self._names.hub.server_ms(request.skew_ms))}, request)

    def _params(self, request: Request) -> Params:
        if request.method != "POST":
            return request.params
        try:
            body = request.json
        except msgspec.DecodeError:
            body = None
        if not isinstance(body, dict):
            raise BitgetRefused("40017", "Parameter verification failed")
        return body

    def _check_kind(self, account: VenueAccount, *, unified: bool) -> None:
        if account.key in self._unified_keys and not unified:
            raise BitgetRefused(
                "40085", "You are in Unified Account mode, and the Classic Account API is not supported at this time"
            )
        if account.key not in self._unified_keys and unified:
            raise BitgetRefused(
                "40084", "You are in Classic Account mode, and the Unified Account API is not supported at this time"
            )

    def _checked(self, request: Request) -> VenueAccount:
        headers = request.headers
        key, stamp = headers.get("access-key", ""), headers.get("access-timestamp", "")
        if not key:
            raise BitgetRefused("40001", "ACCESS_KEY cannot be empty")
        account = self._asker(key, stamp, headers.get("access-passphrase", ""), request.skew_ms)
        if (key in self._demo_keys) is not (headers.get("paptrading") == "1"):
            raise BitgetRefused("40099", "exchange environment is incorrect")
        query = f"?{unquote(request.query)}" if request.query else ""
        text = f"{stamp}{request.method}{request.path}{query}{request.body.decode()}"
        if not hmac.compare_digest(signature(account.secret, text), headers.get("access-sign", "")):
            raise BitgetRefused("40009", "sign signature error")
        return account

    def _asker(self, key: str, stamp_ms: str, passphrase: str, skew_ms: int = 0) -> VenueAccount:
        if not stamp_ms.isdigit():
            raise BitgetRefused("40005", "Invalid ACCESS_TIMESTAMP")
        if not self._names.hub.timely(int(stamp_ms), WINDOW_MS, skew_ms):
            raise BitgetRefused("40008", "Request timestamp expired")
        account = self._names.hub.account(VENUE, key)
        if account is None:
            raise BitgetRefused("40006", "Invalid ACCESS_KEY")
        if passphrase != account.passphrase:
            raise BitgetRefused("40012", "apikey/password is incorrect")
        return account

    def logged_in(self, socket: Socket, login: Params) -> VenueAccount:
        """As `_checked`, for a websocket: its time is in seconds, its text always the same path. Classic accounts."""
        stamp = str(login.get("timestamp", ""))
        account = self._asker(
            str(login.get("apiKey", "")), f"{stamp}000" if stamp.isdigit() else "", str(login.get("passphrase", ""))
        )
        if (account.key in self._demo_keys) is not (socket.host == DEMO_HOST):
            raise BitgetRefused("40099", "exchange environment is incorrect")
        expected = signature(account.secret, f"{stamp}GET/user/verify")
        if not hmac.compare_digest(expected, str(login.get("sign", ""))):
            raise BitgetRefused("40009", "sign signature error")
        self._check_kind(account, unified=False)
        return account


def _check_permission(account: VenueAccount, *, trades: bool) -> None:
    if trades and not account.may_trade:
        raise BitgetRefused("40014", "Incorrect permissions, need contract trade write permissions")
