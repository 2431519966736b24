"""Hyperliquid: names and numbers of its coins, its refusals, and the kinds of requests: one address serves them all."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from liqbot.instruments import Instrument
from paper.dialects.http import HttpAnswer, Request
from paper.dialects.hub import Hub

VENUE: Final = "hyperliquid"
QUOTE: Final = "USDC"
INFO_PATH: Final = "/info"
ROWS_MAX: Final = 500
"""Of one answer about a span of time."""

Params = Mapping[str, Any]
Row = dict[str, Any]
Info = Callable[[Params], Any | Awaitable[Any]]


class HyperRefused(Exception):
    """A question that is none: HTTP 422, or an answer `null`, as the venue gives."""

    def __init__(self, text: str = "Failed to deserialize the JSON body into the target type") -> None:
        super().__init__(text)
        self.text = text


class HyperNames:
    """Coins by name and by number, in the order of the universe, and the hub they belong to."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.listed: tuple[Instrument, ...] = tuple(one for one in hub.instruments if one.venue == VENUE)
        self.by_coin = {one.coin: one for one in self.listed}
        self.number = {one.coin: number for number, one in enumerate(self.listed)}

    def instrument(self, coin: object) -> Instrument:
        """Refused when it is missing or not listed."""
        found = self.by_coin.get(coin) if isinstance(coin, str) else None
        if found is None:
            raise HyperRefused
        return found

    def numbered(self, asset: object) -> Instrument | None:
        if not isinstance(asset, int) or not 0 <= asset < len(self.listed):
            return None
        return self.listed[asset]

    def not_modelled(self, what: str) -> HyperRefused:
        """Note something that this dialect does not know how the venue answers."""
        self.hub.note_unknown(VENUE, what)
        return HyperRefused(f"Not modelled by this simulated venue: {what}")


def body_of(request: Request) -> Row:
    """The body of a question. Refused when it is no JSON object."""
    try:
        body = request.json
    except msgspec.DecodeError:
        raise HyperRefused("Failed to parse the request body as JSON") from None
    if not isinstance(body, dict):
        raise HyperRefused
    return body


def kind_of(request: Request) -> str:
    """The kind of a request: the `type` in the body, of an action that of the action."""
    try:
        body = body_of(request)
    except HyperRefused:
        return ""
    action = body.get("action")
    kind = action.get("type") if isinstance(action, dict) else body.get("type")
    return kind if isinstance(kind, str) else ""


def whole(params: Params, name: str, default: int) -> int:
    """A time in milliseconds, or the default where it was left out. Refused when it is no whole number."""
    value = params.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise HyperRefused
    return value


def unprocessable(refused: HyperRefused) -> HttpAnswer:
    return HttpAnswer(refused.text.encode(), 422, {"Content-Type": "text/plain; charset=utf-8"})


def figure(value: float) -> str:
    """As the venue writes numbers: always with a point."""
    text = format(value, "f") if abs(value) < 1e-4 or abs(value) >= 1e16 else repr(float(value))
    whole_part, _, rest = text.partition(".")
    return f"{whole_part}.{rest.rstrip('0') or '0'}"
