"""Bybit v5: names of its linear contracts, its errors and envelope, and who may make a signed request."""

import hashlib
import hmac
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from liqbot.instruments import Instrument
from paper.dialects.accounts import VenueAccount
from paper.dialects.dialect import Handler
from paper.dialects.http import HttpAnswer, Request
from paper.dialects.hub import HeldTooLong, Hub

VENUE: Final = "bybit"
QUOTE: Final = "USDT"
CATEGORY: Final = "linear"
OTHER_CATEGORIES: Final = ("inverse", "spot", "option")
WINDOW_MS: Final = 5_000
"""Of a signed request that names no window."""
DAY_MS: Final = 86_400_000
RANGE_MS_MAX: Final = 7 * DAY_MS
"""Longest span of time that a history may be requested for."""

Params = Mapping[str, Any]
Row = dict[str, Any]
Private = Callable[[VenueAccount, Params], Awaitable[Any]]
Public = Callable[[Params], Any]


class BybitRefused(Exception):
    """The venue's own error. It comes with HTTP status 200; `result` is what stands in the envelope's `result`."""

    def __init__(self, code: int, text: str, result: Any = None) -> None:
        super().__init__(f"{code} {text}")
        self.code, self.text, self.result = code, text, {} if result is None else result


BY_EXCHANGE_CODE: Final[Mapping[str, tuple[int, str]]] = {
    "NO_PRICE": (110066, "Trading is currently not allowed."),
    "INVALID": (10001, "Request parameter error."),
    "PRICE_BAND": (110003, "Order price exceeds the allowable range."),
    "STOP_PRICE": (10001, "StopLoss set for the position is beyond the mark price."),
    "REDUCE_ONLY": (110017, "current position is zero, cannot fix reduce-only order qty"),
    "OPPOSITE_POSITION": (110017, "Reduce-only rule not satisfied"),
    "MIN_NOTIONAL": (110094, "Order does not meet minimum order value {least}USDT"),
    "LEVERAGE_TIER": (110090, "Order placement failed as your position may exceed the max limit."),
    "INSUFFICIENT_MARGIN": (110007, "ab not enough for new order"),
}


class BybitNames:
    """Contracts by the venue's ids (`BTCUSDT`), and the hub they belong to."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        listed = [one for one in hub.instruments if one.venue == VENUE]
        self.by_symbol: dict[str, Instrument] = {f"{one.coin}{QUOTE}": one for one in listed}
        self.by_coin: dict[str, str] = {one.coin: f"{one.coin}{QUOTE}" for one in listed}

    def instrument(self, params: Params) -> Instrument:
        """Of the parameter `symbol`. Refused when it is missing or not listed."""
        found = self.by_symbol.get(str(params.get("symbol", "")))
        if found is None:
            raise BybitRefused(10001, "Not supported symbols")
        return found

    def chosen(self, params: Params) -> list[Instrument]:
        """The named contract, or all of them when none is named; none of a category where nothing is listed."""
        if not linear(params):
            return []
        return [self.instrument(params)] if params.get("symbol") else list(self.by_symbol.values())

    def symbol(self, coin: str) -> str:
        return self.by_coin[coin]

    def not_modelled(self, what: str) -> BybitRefused:
        """Note something that this dialect does not know how the venue answers."""
        self.hub.note_unknown(VENUE, what)
        return BybitRefused(10001, f"Not modelled by this simulated venue: {what}")


def linear(params: Params) -> bool:
    """Refused when the category is missing or none of the venue's."""
    category = params.get("category", "")
    if category not in (CATEGORY, *OTHER_CATEGORIES):
        raise BybitRefused(10001, "Illegal category")
    return bool(category == CATEGORY)


def number(params: Params, name: str, default: int | None = None) -> int | None:
    """A whole number, or the default when it was not sent. Refused when it is no number."""
    value = params.get(name, "")
    if value == "":
        return default
    try:
        return int(value)
    except (ValueError, TypeError):
        raise BybitRefused(10001, f"params error: {name} invalid") from None


def page(rows: Sequence[Row], params: Params, *, usual: int, most: int) -> tuple[list[Row], str]:
    """One page of a list and the cursor of the next; an empty cursor when there is none."""
    limit = min(max(number(params, "limit", usual) or usual, 1), most)
    begin = number(params, "cursor", 0) or 0
    following = begin + limit
    return list(rows[begin:following]), str(following) if following < len(rows) else ""


def time_range(params: Params, now_ms: int, usual_ms: int = RANGE_MS_MAX) -> tuple[int, int]:
    """First and last millisecond requested; an open end lies `usual_ms` away. Refused beyond seven days."""
    start_ms, end_ms = number(params, "startTime"), number(params, "endTime")
    if start_ms is None:
        end_ms = now_ms if end_ms is None else end_ms
        start_ms = end_ms - usual_ms
    elif end_ms is None:
        end_ms = start_ms + usual_ms
    if end_ms - start_ms > RANGE_MS_MAX:
        raise BybitRefused(10001, "The time range between startTime and endTime cannot exceed 7 days")
    return start_ms, end_ms


ORDER_ID: Final = 1
FILL_ID: Final = 2
FUNDING_ID: Final = 3


def identity(kind: int, count: int) -> str:
    """Ids look like UUIDs and keep what they count, so that they can be read back."""
    return str(uuid.UUID(int=(kind << 96) + count))


def count_of(kind: int, text: str) -> int:
    """Inverse of `identity`; 0 for any other id."""
    try:
        found_kind, count = divmod(uuid.UUID(text).int, 1 << 96)
    except ValueError:
        return 0
    return count if found_kind == kind else 0


class BybitGate:
    """Turns plain functions into handlers: public ones as they are, private ones behind key, clock and signature."""

    def __init__(self, names: BybitNames) -> None:
        self._names = names

    def public(self, answer: Public) -> Handler:
        async def handle(request: Request) -> HttpAnswer:
            try:
                return self._ok(answer(request.params), request)
            except BybitRefused as refused:
                return self.refusal(refused, request)

        return handle

    def signed(self, answer: Private, *, trades: bool = False, demo: bool = True) -> Handler:
        """`trades`: the key needs permission to trade. Where not `demo`, the demo host does not offer it."""

        async def handle(request: Request) -> HttpAnswer:
            try:
                _check_demo(request, offered=demo)
                account = self._checked(request)
                _check_permission(account, needed=trades)
                return self._ok(await answer(account, self._params(request)), request)
            except BybitRefused as refused:
                return self.refusal(refused, request)
            except HeldTooLong:
                return self.refusal(BybitRefused(10000, "Server Timeout"), request)

        return handle

    def refusal(self, refused: BybitRefused, request: Request, status: int = 200) -> HttpAnswer:
        return self._envelope(refused.code, refused.text, refused.result, request, status)

    def _ok(self, result: Any, request: Request) -> HttpAnswer:
        if isinstance(result, HttpAnswer):
            return result
        return self._envelope(0, "OK", result, request)

    def _envelope(self, code: int, text: str, result: Any, request: Request, status: int = 200) -> HttpAnswer:
        hub = self._names.hub
        # Figures of the market carry its time; the answers to an account carry the venue's own.
        of_market = request.path.startswith("/v5/market/") and hub.now_ms > 0
        time_ms = hub.now_ms if of_market else hub.server_ms(request.skew_ms)
        body = {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": time_ms}
        return HttpAnswer(body, status)

    async def clock(self, request: Request) -> HttpAnswer:
        """The venue's own time."""
        now_ms = self._names.hub.server_ms(request.skew_ms)
        result = {"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)}
        body = {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now_ms}
        return HttpAnswer(body)

    def _params(self, request: Request) -> Params:
        if request.method != "POST":
            return request.params
        try:
            body = request.json
        except msgspec.DecodeError:
            raise BybitRefused(10001, "Request parameter error: not a JSON object") from None
        if not isinstance(body, dict):
            raise BybitRefused(10001, "Request parameter error: not a JSON object")
        return body

    def _checked(self, request: Request) -> VenueAccount:
        headers = request.headers
        key, stamp = headers.get("x-bapi-api-key", ""), headers.get("x-bapi-timestamp", "")
        window = headers.get("x-bapi-recv-window", str(WINDOW_MS))
        if not key or not stamp.isdigit() or not window.isdigit():
            text = f"empty value: apiTimestamp[{stamp}] apiKey[{key}]: openapi sign params error!"
            raise BybitRefused(10001, text)
        hub = self._names.hub
        if not hub.timely(int(stamp), int(window), request.skew_ms):
            raise BybitRefused(
                10002,
                "invalid request, please check your server timestamp or recv_window param. "
                f"req_timestamp[{stamp}],server_timestamp[{hub.server_ms(request.skew_ms)}],recv_window[{window}]",
            )
        account = hub.account(VENUE, key)
        if account is None:
            raise BybitRefused(10003, "API key is invalid.")
        payload = request.body.decode() if request.method == "POST" else request.query
        right = signature(f"{stamp}{key}{window}{payload}", account.secret)
        if not hmac.compare_digest(right, headers.get("x-bapi-sign", "")):
            raise BybitRefused(10004, f"error sign! origin_string[{stamp}{key}{window}{payload}]")
        return account


def _check_demo(request: Request, *, offered: bool) -> None:
    if not offered and request.host.startswith("api-demo"):
        raise BybitRefused(10032, "Demo trading are not supported.")


def _check_permission(account: VenueAccount, *, needed: bool) -> None:
    if needed and not account.may_trade:
        raise BybitRefused(10005, "Permission denied, please check your API key permissions.")


def signature(text: str, secret: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def amount_of(params: Params, name: str, refusal: str) -> Decimal:
    """A positive number; Refused with this text when it is none."""
    try:
        amount = Decimal(str(params.get(name, "")))
    except InvalidOperation:
        raise BybitRefused(10001, refusal) from None
    if not amount.is_finite() or amount <= 0:
        raise BybitRefused(10001, refusal)
    return amount
