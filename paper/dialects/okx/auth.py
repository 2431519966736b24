"""Who is asking: OKX's signed headers on requests and its login on websockets, live and demo trading."""

import base64
import hashlib
import hmac
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final

from paper.dialects.accounts import VenueAccount
from paper.dialects.http import Request, Socket
from paper.dialects.hub import Hub
from paper.dialects.okx.errors import OkxRefused, OkxTrouble

WINDOW_MS: Final = 30_000
DEMO_HOSTS: Final = ("wspap.okx.com", "wspap.okx.com:443", "wspap.okx.com:8443")
_HEADERS: Final = {
    "ok-access-key": OkxTrouble("50103", 'Request header "OK-ACCESS-KEY" cannot be empty.', 401),
    "ok-access-passphrase": OkxTrouble("50104", 'Request header "OK-ACCESS-PASSPHRASE" cannot be empty.', 401),
    "ok-access-sign": OkxTrouble("50106", 'Request header "OK-ACCESS-SIGN" cannot be empty.', 401),
    "ok-access-timestamp": OkxTrouble("50107", 'Request header "OK-ACCESS-TIMESTAMP" cannot be empty.', 401),
}
OTHER_PLACE: Final = OkxTrouble("50101", "APIKey does not match current environment.", 401)


def signature(secret: str, text: str) -> str:
    """Base64 of HMAC-SHA256 over time, method, path with query, and body."""
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def asker(hub: Hub, venue: str, request: Request, demo_keys: AbstractSet[str]) -> VenueAccount:
    """The account that signed this request, Refused when none did. Demo keys want `x-simulated-trading: 1`."""
    headers = request.headers
    for name, trouble in _HEADERS.items():
        if not headers.get(name):
            raise OkxRefused(trouble)
    key, stamp = headers["ok-access-key"], headers["ok-access-timestamp"]
    stamp_ms = _milliseconds(stamp)
    if stamp_ms is None:
        raise OkxRefused(OkxTrouble("50112", "Invalid OK-ACCESS-TIMESTAMP.", 401))
    if not hub.timely(stamp_ms, WINDOW_MS, request.skew_ms):
        raise OkxRefused(OkxTrouble("50102", "Timestamp request expired.", 401))
    account = hub.account(venue, key)
    if account is None:
        raise OkxRefused(OkxTrouble("50111", "Invalid OK-ACCESS-KEY.", 401))
    if (key in demo_keys) is not (headers.get("x-simulated-trading") == "1"):
        raise OkxRefused(OTHER_PLACE)
    if headers["ok-access-passphrase"] != account.passphrase:
        raise OkxRefused(OkxTrouble("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', 401))
    query = f"?{request.query}" if request.query else ""
    text = f"{stamp}{request.method}{request.path}{query}{request.body.decode()}"
    if not hmac.compare_digest(signature(account.secret, text), headers["ok-access-sign"]):
        raise OkxRefused(OkxTrouble("50113", "Invalid signature.", 401))
    return account


def expired(hub: Hub, request: Request) -> bool:
    """The request says in `expTime` until when it may be carried out, and that is over: by the clock that it was
    signed by, the wall's or the market's."""
    said, stamp_ms = request.headers.get("exptime", ""), _milliseconds(request.headers.get("ok-access-timestamp", ""))
    if not said.isdigit() or stamp_ms is None:
        return False
    now_ms = min(hub.clocks_ms(request.skew_ms), key=lambda clock_ms: abs(clock_ms - stamp_ms))
    return int(said) < now_ms


def _milliseconds(stamp: str) -> int | None:
    """Of an ISO time in UTC, as requests carry it."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return None if moment.tzinfo is None else round(moment.timestamp() * 1000)


def logged_in(hub: Hub, venue: str, socket: Socket, login: dict[str, Any], demo_keys: AbstractSet[str]) -> VenueAccount:
    """As `asker`, for a login: its time is in seconds, its text always the same path."""
    key, stamp = str(login.get("apiKey", "")), str(login.get("timestamp", ""))
    try:
        stamp_ms = round(float(stamp) * 1000)
    except ValueError:
        raise OkxRefused(OkxTrouble("60004", "Invalid timestamp")) from None
    if not hub.timely(stamp_ms, WINDOW_MS):
        raise OkxRefused(OkxTrouble("60006", "Timestamp request expired"))
    account = hub.account(venue, key)
    if account is None:
        raise OkxRefused(OkxTrouble("60005", "Invalid apiKey"))
    if (key in demo_keys) is not (socket.host in DEMO_HOSTS):
        raise OkxRefused(OTHER_PLACE)
    if str(login.get("passphrase", "")) != account.passphrase:
        raise OkxRefused(OkxTrouble("60024", "Wrong passphrase"))
    expected = signature(account.secret, f"{stamp}GET/users/self/verify")
    if not hmac.compare_digest(expected, str(login.get("sign", ""))):
        raise OkxRefused(OkxTrouble("60007", "Invalid sign"))
    return account
