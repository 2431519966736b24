"""OKX's envelope, its error codes, and how the simulated exchange's refusals read in them.

Every answer is `{"code", "msg", "data"}`. A request that was understood but whose orders failed comes with HTTP 200,
code 1 and an `sCode` per order; trouble with the request itself has its own code and HTTP status.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from paper.dialects.faults import Kind, WireFault
from paper.dialects.http import HttpAnswer
from paper.dialects.okx.listing import Row


class OkxTrouble(NamedTuple):
    """An error as OKX words it; `status` is of HTTP."""

    code: str
    message: str
    status: int = 200


class OkxRefused(Exception):
    """The request as a whole is refused."""

    def __init__(self, trouble: OkxTrouble) -> None:
        super().__init__(f"{trouble.code} {trouble.message}")
        self.trouble = trouble


TIMEOUT: Final = OkxTrouble(
    "50004", "API endpoint request timeout (does not mean that the request was successful or failed, please check "
    "the request result).", 400,
)
NOT_JSON: Final = OkxTrouble("50002", "JSON syntax error", 400)
NO_PERMISSION: Final = OkxTrouble("50120", "This API key doesn't have permission to use this function")
NO_SUCH_INSTRUMENT: Final = OkxTrouble("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
NO_ID: Final = OkxTrouble("51003", "Either client order ID or order ID is required.")
TWICE: Final = OkxTrouble("51016", "Client order ID already exists.")
ALGO_TWICE: Final = OkxTrouble("51065", "algoClOrdId already exists.")
OFF_LOT: Final = OkxTrouble("51121", "Order quantity must be a multiple of the lot size.")
NOT_CANCELLED: Final = OkxTrouble(
    "51400", "Cancellation failed as the order has been filled, canceled or doesn't exist."
)
NO_SUCH_ORDER: Final = OkxTrouble("51603", "Order doesn't exist")
SETTINGS_LOCKED: Final = OkxTrouble("59000", "Settings failed. Close any open positions or orders before modifying "
                                          "settings.")
LEVERAGE_LOCKED: Final = OkxTrouble("59101", "Leverage can't be modified. Please cancel all pending isolated margin "
                                          "orders before adjusting the leverage.")
LEVERAGE_TOO_HIGH: Final = OkxTrouble("59102", "Leverage exceeds the maximum limit. Please lower the leverage.")

_NOTHING_TO_REDUCE: Final = OkxTrouble(
    "51169", "Order failed because you don't have any positions in this direction for this contract to reduce or "
    "close.",
)
_WRONG_SIDE: Final = OkxTrouble(
    "51170", "Failed to place order. A reduce-only order can't be the same trading direction as your existing "
    "positions.",
)
_REFUSALS: Final[Mapping[str, OkxTrouble]] = {
    "NO_PRICE": OkxTrouble("51022", "Instrument suspended"),
    "PRECISION": OkxTrouble("51150", "The precision of trading quantity or price exceeds the limit."),
    "STOP_PRICE": OkxTrouble("51053", "SL trigger price is beyond the mark price."),
    "PRICE_BAND": OkxTrouble("51006", "Order price is not within the price limit"),
    "MIN_NOTIONAL": OkxTrouble("51020", "Your order should meet or exceed the minimum order amount."),
    "LEVERAGE_TIER": OkxTrouble("51004", "Order failed. The sum of your positions and orders can't exceed the limit of "
                                      "contracts under current leverage."),
    "INSUFFICIENT_MARGIN": OkxTrouble("51008", "Order failed. Insufficient USDT margin in account"),
}
_ABOVE_MARK: Final = OkxTrouble("51304", "SL trigger price cannot be higher than the mark price")
_BELOW_MARK: Final = OkxTrouble("51302", "SL trigger price cannot be lower than the mark price")


EXPIRED: Final = OkxTrouble(
    "50036", "The expTime can't be earlier than the current system time. Please adjust the expTime and try again."
)


def parameter(name: str) -> OkxTrouble:
    """A parameter that is missing, malformed or not taken."""
    return OkxTrouble("51000", f"Parameter {name} error", 400)


def order_trouble(code: str, *, buys: bool, other_side_held: bool) -> OkxTrouble:
    """For a refusal of the simulated exchange. `other_side_held`: there is a position, but this order would add."""
    if code == "REDUCE_ONLY":
        return _WRONG_SIDE if other_side_held else _NOTHING_TO_REDUCE
    if code == "WOULD_TRIGGER":
        return _BELOW_MARK if buys else _ABOVE_MARK
    return _REFUSALS.get(code, parameter("order"))


def success(rows: Iterable[Row] | Sequence[Sequence[str]]) -> HttpAnswer:
    return HttpAnswer({"code": "0", "data": list(rows), "msg": ""})


def refused(trouble: OkxTrouble) -> HttpAnswer:
    return HttpAnswer({"code": trouble.code, "data": [], "msg": trouble.message}, trouble.status)


def acknowledged(rows: list[Row]) -> HttpAnswer:
    """Orders, each with its own `sCode`: code 0 when all went well, 1 when none did, 2 for some."""
    failed = sum(row["sCode"] != "0" for row in rows)
    code, message = "0", ""
    if failed:
        code, message = ("1", "All operations failed") if failed == len(rows) else (
            "2", "Bulk operation partially succeeded")
    return HttpAnswer({"code": code, "data": rows, "msg": message})


def outcome(trouble: OkxTrouble | None) -> dict[str, str]:
    """The part of an order's row that says how it went."""
    return {"sCode": "0", "sMsg": ""} if trouble is None else {"sCode": trouble.code, "sMsg": trouble.message}


def no_such_path() -> HttpAnswer:
    body: dict[str, Any] = {"code": "404", "data": {}, "detailMsg": "", "error_code": "404",
                            "error_message": "Not Found", "msg": "Not Found"}
    return HttpAnswer(body, 404)


def faulty(fault: WireFault) -> HttpAnswer:
    if fault.kind is Kind.REFUSED:
        return refused(OkxTrouble(str(fault.value), "refused"))
    if fault.kind is Kind.MAINTENANCE:
        return refused(OkxTrouble("50001", "Service temporarily unavailable. Please try again later.", 503))
    answer = refused(OkxTrouble("50011", "Too Many Requests", 429))
    return HttpAnswer(answer.body, answer.status, {"Retry-After": str(fault.value)} if fault.value else {})
