"""What Bybit answers about an account, field by field, and what it says in the house's words."""

from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from liqbot.venues.answers import Figure, FigureOrNothing, Id, TimeMs, Unfit, status_of
from liqbot.venues.bybit import attached_stop
from liqbot.venues.trading import (
    OrderReport,
    OrderStatus,
    PaymentReport,
    TradeKind,
    TradeReport,
    decimal,
    price_or_none,
)

_STATUS: Final = {
    "New": OrderStatus.RESTING, "Created": OrderStatus.RESTING, "PartiallyFilled": OrderStatus.RESTING, "Untriggered":
    OrderStatus.RESTING,
    "Triggered": OrderStatus.RESTING, "Active": OrderStatus.RESTING, "PendingCancel": OrderStatus.RESTING, "Filled":
    OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELLED, "PartiallyFilledCanceled": OrderStatus.CANCELLED, "Deactivated":
    OrderStatus.CANCELLED,
    "Rejected": OrderStatus.REJECTED,
}  # fmt: skip
_KINDS: Final = {"BustTrade": TradeKind.LIQUIDATION, "AdlTrade": TradeKind.DELEVERAGED}
_NO_TRADES: Final = ("Funding", "Delivery", "Settle", "SessionSettlePnL")
"""Executions in which nothing is bought or sold. Words that are in neither table are taken for trades."""
QUOTE: Final = "USDT"
FUNDING: Final = "SETTLEMENT"
TRANSFERS: Final = ("TRANSFER_IN", "TRANSFER_OUT")


class BybitRows(msgspec.Struct, rename="camel"):
    list: list[Any]
    next_page_cursor: str | None = None


class BybitListAnswer(msgspec.Struct, rename="camel"):
    ret_code: int
    result: BybitRows

    @property
    def rows(self) -> list[Any]:
        return self.result.list

    @property
    def cursor(self) -> str:
        """Of the next page; empty on the last one."""
        return (self.result.next_page_cursor or "") if self.result.list else ""


class BybitOrder(msgspec.Struct, rename="camel"):
    symbol: str
    order_id: Id
    order_link_id: str
    order_status: str
    qty: Figure
    cum_exec_qty: FigureOrNothing
    reduce_only: bool
    trigger_price: FigureOrNothing
    trigger_by: str
    reject_reason: str | None = None
    cancel_type: str | None = None
    parent_order_link_id: str | None = None
    """Of the entry that a stop rode in on."""
    stop_order_type: str | None = None
    tpsl_mode: str | None = None
    stop_loss: FigureOrNothing = FigureOrNothing(0)
    """Of an entry: where the stop that it brings along triggers."""

    @property
    def client_id(self) -> str:
        return attached_stop.our_name(self.order_link_id, self.parent_order_link_id, self.stop_order_type)

    @property
    def of_position(self) -> bool:
        return attached_stop.of_position(self.stop_order_type, self.tpsl_mode)

    @property
    def nameless_stop(self) -> bool:
        return self.of_position and not self.order_link_id and not self.parent_order_link_id

    def report(self) -> OrderReport:
        reason = self.reject_reason or ""
        return OrderReport(
            client_id=self.client_id,
            venue_order_id=str(self.order_id),
            status=status_of(_STATUS, self.order_status),
            quantity_base=decimal(self.qty),
            filled_base=decimal(self.cum_exec_qty),
            reduce_only=self.reduce_only,
            trigger_price=price_or_none(self.trigger_price),
            on_mark=self.trigger_by == "MarkPrice",
            reason=reason if reason != "EC_NoError" else self.cancel_type or "",
            whole_position=self.of_position,
        )


class BybitOrderName(msgspec.Struct, rename="camel"):
    order_id: Id
    order_link_id: str
    parent_order_link_id: str | None = None
    stop_order_type: str | None = None

    def report(self) -> OrderReport:
        name = attached_stop.our_name(self.order_link_id, self.parent_order_link_id, self.stop_order_type)
        return OrderReport(name, str(self.order_id), OrderStatus.UNKNOWN)


class BybitExecution(msgspec.Struct, rename="camel"):
    symbol: str
    exec_id: str
    order_id: Id
    order_link_id: str
    side: Literal["Buy", "Sell"]
    exec_price: FigureOrNothing
    exec_qty: FigureOrNothing
    exec_fee: FigureOrNothing
    exec_type: str
    is_maker: bool
    exec_time: TimeMs
    fee_currency: str | None = None

    @property
    def trades(self) -> bool:
        return self.exec_type not in _NO_TRADES

    def report(self) -> TradeReport:
        if not self.exec_price > 0 or not self.exec_qty > 0:
            raise Unfit("execPrice, execQty", (self.exec_price, self.exec_qty), f"of a {self.exec_type}")
        return TradeReport(
            trade_id=self.exec_id,
            venue_order_id=str(self.order_id),
            client_id=self.order_link_id,
            buys=self.side == "Buy",
            price=decimal(self.exec_price),
            quantity_base=decimal(self.exec_qty),
            fee=decimal(self.exec_fee),
            fee_currency=self.fee_currency or QUOTE,
            maker=self.is_maker,
            time_ms=self.exec_time,
            kind=_KINDS.get(self.exec_type, TradeKind.TRADE),
        )


class BybitPosition(msgspec.Struct, rename="camel"):
    symbol: str
    position_idx: int
    side: Literal["Buy", "Sell", "None", ""]
    size: Figure
    avg_price: FigureOrNothing
    leverage: FigureOrNothing
    liq_price: FigureOrNothing
    adl_rank_indicator: Any = None

    def require_side(self) -> None:
        """Unfit when something is held, and it is not said on which side."""
        if self.size and self.side not in ("Buy", "Sell"):
            raise Unfit("$.result.list[...].side", self.side, f"of a position of {self.size}")


class _MarginMode(msgspec.Struct, rename="camel"):
    margin_mode: Literal["ISOLATED_MARGIN", "REGULAR_MARGIN", "PORTFOLIO_MARGIN"]


class BybitAccountAnswer(msgspec.Struct, rename="camel"):
    ret_code: int
    result: _MarginMode


class BybitWallet(msgspec.Struct):
    coin: list[Any]


class BybitCoin(msgspec.Struct, rename="camel"):
    coin: str
    wallet_balance: Figure


class BybitBooking(msgspec.Struct, rename="camel"):
    id: Id
    symbol: str
    type: str
    currency: str
    transaction_time: TimeMs
    cash_flow: FigureOrNothing
    change: FigureOrNothing
    funding: FigureOrNothing
    fee_rate: FigureOrNothing

    def report(self) -> PaymentReport:
        if self.type == FUNDING:
            rate_pct = float(self.fee_rate) * 100
            return PaymentReport(
                "funding", self.transaction_time, decimal(self.funding), self.symbol, rate_pct, str(self.id)
            )
        return PaymentReport(
            "transfer", self.transaction_time, decimal(self.cash_flow or self.change), payment_id=str(self.id)
        )


class _Key(msgspec.Struct, rename="camel"):
    user_id: Id = msgspec.field(name="userID")
    read_only: int
    permissions: dict[str, list[str] | None]
    uta: int = 1
    expired_at: str = ""

    @property
    def expires_ms(self) -> int | None:
        """None for what is no time: keys that are bound to an address do not end."""
        try:
            return int(datetime.fromisoformat(self.expired_at).timestamp() * 1_000)
        except (ValueError, OverflowError):
            return None


class BybitKeyAnswer(msgspec.Struct, rename="camel"):
    ret_code: int
    result: _Key


class BybitTimeAnswer(msgspec.Struct, rename="camel"):
    ret_code: int
    time: TimeMs
