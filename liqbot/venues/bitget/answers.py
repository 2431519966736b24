"""What Bitget answers about a classic account, field by field, and what it says in the house's words."""

import math
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from liqbot.venues.answers import Figure, FigureOrNothing, Id, Positive, TimeMs, Unfit, status_of
from liqbot.venues.trading import (
    ZERO,
    OrderReport,
    OrderStatus,
    PaymentReport,
    TradedContract,
    TradeKind,
    TradeReport,
    decimal,
    price_or_none,
)

QUOTE: Final = "USDT"
PAGE: Final = 100
FUNDING: Final = "contract_settle_fee"
_PAID_IN: Final = "trans_from_"
_PAID_OUT: Final = "trans_to_"
_STATUS: Final = {
    "live": OrderStatus.RESTING, "partially_filled": OrderStatus.RESTING, "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED, "cancelled": OrderStatus.CANCELLED,
}  # fmt: skip
_PLAN_STATUS: Final = {
    "live": OrderStatus.RESTING, "not_trigger": OrderStatus.RESTING, "executing": OrderStatus.RESTING,
    "executed": OrderStatus.FILLED, "cancelled": OrderStatus.CANCELLED, "canceled": OrderStatus.CANCELLED,
    "fail_execute": OrderStatus.REJECTED, "fail_trigger": OrderStatus.REJECTED,
}  # fmt: skip
_FORCED: Final = (
    ("burst_", TradeKind.LIQUIDATION), ("reduce_", TradeKind.LIQUIDATION), ("dte_sys_adl_", TradeKind.DELEVERAGED),
)
_OF_STOPS: Final = ("loss_", "profit_", "pos_loss_", "pos_profit_", "plan_")


def own_id(client_oid: str | None) -> str:
    """As the client gave it; empty where the venue made one, which is a number: so do orders that a stop becomes."""
    return "" if not client_oid or client_oid.isdigit() else client_oid


class BitgetAnswer(msgspec.Struct):
    code: Id
    data: Any


class BitgetOrder(msgspec.Struct, rename="camel"):
    """`state` in details, `status` in lists."""

    symbol: str
    order_id: Id
    size: Figure
    base_volume: FigureOrNothing
    reduce_only: Literal["YES", "NO", "yes", "no"]
    client_oid: str | None = None
    state: str | None = None
    status: str | None = None
    order_source: str = ""
    cancel_reason: str | None = None

    @property
    def of_a_stop(self) -> bool:
        return self.order_source.startswith(_OF_STOPS)

    def report(self, traded: TradedContract) -> OrderReport:
        word = self.state or self.status or ""
        return OrderReport(
            client_id=self.client_oid or "",
            venue_order_id=str(self.order_id),
            status=status_of(_STATUS, word),
            quantity_base=traded.base(self.size),
            filled_base=traded.base(self.base_volume),
            reduce_only=self.reduce_only.lower() == "yes",
            reason=self.cancel_reason or "",
        )


class BitgetOrderName(msgspec.Struct, rename="camel"):
    order_id: Id
    client_oid: str

    def report(self, traded: TradedContract) -> OrderReport:
        del traded
        return OrderReport(self.client_oid, str(self.order_id), OrderStatus.UNKNOWN)


class BitgetPlan(msgspec.Struct, rename="camel"):
    """A stop of a part of the position (`loss_plan`), or of another kind. All of them only reduce."""

    symbol: str
    order_id: Id
    plan_type: str
    plan_status: str
    size: FigureOrNothing
    """Nothing where an order closes whatever is open."""
    trigger_price: FigureOrNothing
    trigger_type: str | None
    client_oid: str | None = None
    execute_order_id: Id | None = None
    """The order that it turned into."""

    @property
    def became(self) -> str:
        return "" if self.execute_order_id in (None, "", "0", 0) else str(self.execute_order_id)

    def report(self, traded: TradedContract) -> OrderReport:
        status = status_of(_PLAN_STATUS, self.plan_status)
        return OrderReport(
            client_id=self.client_oid or "",
            venue_order_id=str(self.order_id),
            status=status,
            quantity_base=traded.base(self.size),
            reduce_only=True,
            trigger_price=price_or_none(self.trigger_price),
            on_mark=self.trigger_type == "mark_price",
            fills_order_id=self.became,
            reason=self.plan_status if status is OrderStatus.REJECTED else "",
            whole_position=self.plan_type.startswith("pos_"),
        )


class BitgetFee(msgspec.Struct, rename="camel"):
    """Negative when paid."""

    fee_coin: str
    total_fee: Figure


class BitgetFill(msgspec.Struct, rename="camel"):
    """Only pushes carry the client id of its order."""

    symbol: str
    trade_id: Id
    order_id: Id
    side: Literal["buy", "sell"]
    price: Positive
    base_volume: Positive
    fee_detail: list[BitgetFee]
    trade_side: str
    trade_scope: str
    c_time: TimeMs
    client_oid: str | None = None

    def report(self, traded: TradedContract) -> TradeReport:
        """A fee in several coins is reported as that of the first, which is the one that trades are paid in."""
        first = self.fee_detail[0].fee_coin if self.fee_detail else QUOTE
        paid = sum((decimal(one.total_fee) for one in self.fee_detail if one.fee_coin == first), ZERO)
        return TradeReport(
            trade_id=str(self.trade_id),
            venue_order_id=str(self.order_id),
            client_id=own_id(self.client_oid),
            buys=self.side == "buy",
            price=decimal(self.price),
            quantity_base=traded.base(self.base_volume),
            fee=-paid,
            fee_currency=first,
            maker=self.trade_scope == "maker",
            time_ms=self.c_time,
            kind=next((kind for word, kind in _FORCED if self.trade_side.startswith(word)), TradeKind.TRADE),
        )


class BitgetPosition(msgspec.Struct, rename="camel"):
    symbol: str
    hold_side: Literal["long", "short"]
    total: Figure
    open_price_avg: FigureOrNothing
    leverage: FigureOrNothing
    margin_mode: Literal["isolated", "crossed"]
    liquidation_price: FigureOrNothing
    """Not above zero where none can be reached."""


class BitgetAdlRank(msgspec.Struct, rename="camel"):
    """From 0 to 1, which is next."""

    symbol: str
    hold_side: str
    adl_rank: Any = None

    @property
    def of_five(self) -> int | None:
        """As other venues rank; None for what is no such number."""
        try:
            return min(max(math.ceil(float(self.adl_rank) * 5), 1), 5)
        except (TypeError, ValueError, OverflowError):
            return None


class BitgetSettings(msgspec.Struct, rename="camel"):
    """Of one contract, with the balance."""

    margin_coin: str
    margin_mode: Literal["isolated", "crossed"]
    pos_mode: Literal["one_way_mode", "hedge_mode"]
    isolated_long_lever: FigureOrNothing
    isolated_short_lever: FigureOrNothing

    @property
    def leverage(self) -> float:
        """0 where the sides differ: it is none that could be set."""
        same = self.isolated_long_lever == self.isolated_short_lever
        return float(self.isolated_long_lever) if same else 0.0


class BitgetBalance(msgspec.Struct, rename="camel"):
    margin_coin: str
    account_equity: FigureOrNothing
    unrealized_profit: FigureOrNothing = msgspec.field(name="unrealizedPL")


class BitgetKey(msgspec.Struct, rename="camel"):
    user_id: Id
    authorities: list[str]


class BitgetBill(msgspec.Struct, rename="camel"):
    bill_id: Id
    symbol: str | None
    business_type: str
    coin: str
    amount: Figure
    c_time: TimeMs

    @property
    def is_payment(self) -> bool:
        return self.business_type == FUNDING or self.business_type.startswith((_PAID_IN, _PAID_OUT))

    def report(self) -> PaymentReport:
        """The sign of a transfer is that of its kind: which one the amount has is not documented."""
        amount = decimal(self.amount)
        if self.business_type == FUNDING:
            return PaymentReport("funding", self.c_time, amount, self.symbol or "", payment_id=str(self.bill_id))
        amount = abs(amount) if self.business_type.startswith(_PAID_IN) else -abs(amount)
        return PaymentReport("transfer", self.c_time, amount, payment_id=str(self.bill_id))


class BitgetFundingRate(msgspec.Struct, rename="camel"):
    symbol: str
    funding_time: TimeMs
    funding_rate: Figure


class BitgetTime(msgspec.Struct, rename="camel"):
    server_time: TimeMs


def rows_of(data: Any) -> list[Any]:
    """A list; nothing stands for an empty one."""
    if data is None:
        return []
    if not isinstance(data, list):
        raise Unfit("$.data", data, "Expected `array`")
    return data


def listed(data: Any, name: str) -> list[Any]:
    """Of `{name: [...]}`, where nothing stands for no row."""
    if not isinstance(data, dict) or name not in data:
        raise Unfit(f"$.data.{name}", data, "Object missing required field")
    return rows_of(data[name])


def oldest(rows: Sequence[Any], key: str) -> str:
    """What the last row of a full page is called, before which the next page begins; empty when no page follows."""
    if len(rows) < PAGE:
        return ""
    name = rows[-1].get(key) if isinstance(rows[-1], dict) else None
    if not isinstance(name, str | int) or not str(name):
        raise Unfit(f"$.data[{len(rows) - 1}].{key}", rows[-1], "the page goes on, and not from where")
    return str(name)
