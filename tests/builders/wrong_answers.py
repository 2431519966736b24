"""Answers of status 200 that are not what was asked for, and what a house that ended of one ended of."""

import asyncio
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.instruments import Side

Change = Callable[[bytes], bytes]
STRANGE_STATUS = "PendingNew"
NOT_UNDERSTOOD = (TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)
"""What reading such an answer raises where nobody expects it (RuntimeError: a StopIteration in a coroutine)."""


class Ended(Exception):
    """The house ended of an answer that it did not understand."""


class Believed(Exception):
    """Nonsense was taken for the truth."""


def without_fields(payload: bytes) -> bytes:
    """The envelope stays whole; every row in it loses its fields."""
    return json.dumps(_emptied(json.loads(payload))).encode()


def _emptied(value: Any) -> Any:
    if isinstance(value, list):
        return [{}]
    inner = {name: _emptied(one) for name, one in value.items() if isinstance(one, dict | list) and one}
    envelope = inner or value.keys() & {"code", "retCode"}
    plain = {name: one for name, one in value.items() if not isinstance(one, dict | list)}
    return plain | inner if envelope else {}


SHAPES: dict[str, Change] = {
    "html": lambda _: b"<html><head><title>Maintenance</title></head><body>Back soon</body></html>",
    "null": lambda _: b"null",
    "string": lambda _: b'"maintenance"',
    "cut": lambda payload: payload[: len(payload) // 2],
    "empty": lambda _: b"",
    "without fields": without_fields,
}


def with_status(*known: str) -> Change:
    """The same orders in a state that no table has."""

    def change(payload: bytes) -> bytes:
        for word in known:
            payload = payload.replace(f'"{word}"'.encode(), f'"{STRANGE_STATUS}"'.encode())
        return payload

    return change


STATUSES = {
    "binance": ("NEW",), "bybit": ("New", "Untriggered"), "okx": ("live",), "bitget": ("live",),
    "hyperliquid": ("open",),
}
"""The words for orders that rest."""
RESTING = {
    "binance": "GET /fapi/v1/openOrders", "bybit": "GET /v5/order/realtime", "okx": "GET /api/v5/trade/orders-pending",
    "bitget": "GET /api/v2/mix/order/orders-pending",
    "hyperliquid": "POST /info frontendOpenOrders",
}  # fmt: skip
"""Where such orders are read."""


def by_hand(venue: str) -> PlaceOrder:
    """A limit order far below the market that somebody else would place."""
    return PlaceOrder(
        client_id="byhand1", venue=venue, coin="BTC", decision_id=0, purpose=Purpose.ENTRY, kind=OrderKind.LIMIT,
        side=Side.LONG, quantity_base=Decimal("0.01"), reduce_only=False, limit_price=Decimal(40_000),
    )


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group of groups."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from leaves(one)
    else:
        yield error


def require_running(task: asyncio.Task[Any]) -> None:
    """Ended when it ended of an answer that it did not understand; other errors as they are."""
    if not task.done():
        return
    error = task.exception()
    if error is None:
        raise AssertionError("the house ended without being asked to")
    found = list(leaves(error))
    if all(isinstance(one, NOT_UNDERSTOOD) for one in found):
        raise Ended(", ".join(f"{type(one).__name__}: {one}" for one in found)) from error
    raise error


def _changed(change: Callable[[Any], Any]) -> Change:
    return lambda payload: json.dumps(change(json.loads(payload))).encode()


def _none_of(*path: str) -> Callable[[Any], Any]:
    """The list there is empty; without a path the answer is it."""
    def change(answer: Any) -> Any:
        inner = answer
        for step in path[:-1]:
            inner = inner[step]
        if not path:
            return []
        inner[path[-1]] = []
        return answer

    return change


def _unheld(answer: Any) -> Any:
    for row in answer["result"]["list"]:
        row |= {"size": "0", "side": "", "avgPrice": "0"}
    return answer


def _halved(state: Any) -> Any:
    for one in state["assetPositions"]:
        one["position"]["szi"] = str(Decimal(one["position"]["szi"]) / 2)
    return state


FLAT: dict[str, tuple[str, Change]] = {
    "binance": ("GET /fapi/v3/positionRisk", _changed(_none_of())),
    "bybit": ("GET /v5/position/list", _changed(_unheld)),
    "okx": ("GET /api/v5/account/positions", _changed(_none_of("data"))),
    "bitget": ("GET /api/v2/mix/position/single-position", _changed(_none_of("data"))),
    "hyperliquid": ("POST /info clearinghouseState", _changed(_none_of("assetPositions"))),
}
"""Where a position is read, and the same answer of an account that holds nothing: well-formed, and wrong."""
HALF: dict[str, Change] = {
    "binance": _changed(lambda rows: [row | {"positionAmt": str(Decimal(row["positionAmt"]) / 2)} for row in rows]),
    "hyperliquid": _changed(_halved),
}
"""The same of one that holds half as much."""
