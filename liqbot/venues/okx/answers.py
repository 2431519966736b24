"""What OKX answers about an account, field by field, and what it says in the house's words."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from liqbot.venues.answers import Figure, FigureOrNothing, Id, Positive, TimeMs, Unfit, status_of
from liqbot.venues.trading import (
    OrderReport,
    OrderStatus,
    PaymentReport,
    TradedContract,
    TradeKind,
    TradeReport,
    decimal,
    price_or_none,
)

_STATUS: Final = {
    "live": OrderStatus.RESTING, "partially_filled": OrderStatus.RESTING, "filled": OrderStatus.FILLED, "canceled":
    OrderStatus.CANCELLED,
    "mmp_canceled": OrderStatus.CANCELLED, "pause": OrderStatus.RESTING, "partially_effective": OrderStatus.RESTING,
    "effective": OrderStatus.FILLED, "order_placed": OrderStatus.FILLED, "order_failed": OrderStatus.REJECTED,
    "partially_failed": OrderStatus.REJECTED,
}  # fmt: skip
_FORCED_BILLS: Final = {
    **dict.fromkeys(("100", "101", "102", "103", "104", "105", "106", "107", "110"), TradeKind.LIQUIDATION),
    **dict.fromkeys(("125", "126", "127", "128"), TradeKind.DELEVERAGED),
}
_FORCED: Final = {
    "full_liquidation": TradeKind.LIQUIDATION, "partial_liquidation": TradeKind.LIQUIDATION,
    "adl": TradeKind.DELEVERAGED,
}  # fmt: skip
QUOTE: Final = "USDT"
FUNDING: Final = "8"
TRANSFER: Final = "1"


class OkxAnswer(msgspec.Struct):
    code: Id
    data: list[Any]


class OkxOrder(msgspec.Struct, rename="camel"):
    inst_id: str
    ord_id: Id
    cl_ord_id: str
    state: str
    sz: Figure
    acc_fill_sz: FigureOrNothing
    reduce_only: bool
    algo_cl_ord_id: str | None = None
    """Of the stop that it came from."""
    cancel_source: str | None = None
    cancel_source_reason: str | None = None

    @property
    def client_id(self) -> str:
        return self.algo_cl_ord_id or self.cl_ord_id

    def report(self, traded: TradedContract) -> OrderReport:
        return OrderReport(
            client_id=self.client_id,
            venue_order_id=str(self.ord_id),
            status=status_of(_STATUS, self.state),
            quantity_base=traded.base(self.sz),
            filled_base=traded.base(self.acc_fill_sz),
            reduce_only=self.reduce_only,
            reason=self.cancel_source_reason or self.cancel_source or "",
        )


class OkxOrderName(msgspec.Struct, rename="camel"):
    ord_id: Id
    cl_ord_id: str
    algo_cl_ord_id: str | None = None

    def report(self, traded: TradedContract) -> OrderReport:
        del traded
        return OrderReport(self.algo_cl_ord_id or self.cl_ord_id, str(self.ord_id), OrderStatus.UNKNOWN)


class OkxAlgoOrder(msgspec.Struct, rename="camel"):
    inst_id: str
    algo_id: Id
    algo_cl_ord_id: str
    state: str
    sz: FigureOrNothing
    """Nothing where an order closes whatever is open."""
    reduce_only: bool
    sl_trigger_px: FigureOrNothing
    sl_trigger_px_type: str
    ord_id: Id
    """The order that it turned into."""
    fail_code: str | None = None

    def report(self, traded: TradedContract) -> OrderReport:
        return OrderReport(
            client_id=self.algo_cl_ord_id,
            venue_order_id=str(self.algo_id),
            status=status_of(_STATUS, self.state),
            quantity_base=traded.base(self.sz),
            reduce_only=self.reduce_only,
            trigger_price=price_or_none(self.sl_trigger_px),
            on_mark=self.sl_trigger_px_type == "mark",
            fills_order_id=str(self.ord_id) if str(self.ord_id) != "0" else "",
            reason=self.fail_code or "",
        )


class OkxAlgoOrderName(msgspec.Struct, rename="camel"):
    algo_id: Id
    algo_cl_ord_id: str

    def report(self, traded: TradedContract) -> OrderReport:
        del traded
        return OrderReport(self.algo_cl_ord_id, str(self.algo_id), OrderStatus.UNKNOWN)


class OkxFill(msgspec.Struct, rename="camel"):
    inst_id: str
    bill_id: Id
    trade_id: Id
    ord_id: Id
    side: Literal["buy", "sell"]
    fill_px: Positive
    fill_sz: Positive
    fee: Figure
    fee_ccy: str
    exec_type: str
    ts: TimeMs
    sub_type: str | None = None

    def report(self, traded: TradedContract) -> TradeReport:
        return TradeReport(
            trade_id=str(self.trade_id),
            venue_order_id=str(self.ord_id),
            client_id="",
            buys=self.side == "buy",
            price=decimal(self.fill_px),
            quantity_base=traded.base(self.fill_sz),
            fee=-decimal(self.fee),
            fee_currency=self.fee_ccy,
            maker=self.exec_type == "M",
            time_ms=self.ts,
            kind=_FORCED_BILLS.get(self.sub_type or "", TradeKind.TRADE),
        )


class OkxOrderPush(msgspec.Struct, rename="camel"):
    """An execution as the orders channel tells it. `fee` is the order's sum so far: of one execution it is told in
    `fill_fee`."""

    trade_id: Id
    ord_id: Id
    cl_ord_id: str
    side: Literal["buy", "sell"]
    fill_px: Positive
    fill_sz: Positive
    fill_time: TimeMs
    fee: FigureOrNothing
    fee_ccy: str
    exec_type: str
    fill_fee: FigureOrNothing | None = None
    fill_fee_ccy: str | None = None
    category: str | None = None
    algo_cl_ord_id: str | None = None

    def report(self, traded: TradedContract) -> TradeReport:
        return TradeReport(
            trade_id=str(self.trade_id),
            venue_order_id=str(self.ord_id),
            client_id=self.algo_cl_ord_id or self.cl_ord_id,
            buys=self.side == "buy",
            price=decimal(self.fill_px),
            quantity_base=traded.base(self.fill_sz),
            fee=-decimal(self.fee if self.fill_fee is None else self.fill_fee),
            fee_currency=self.fill_fee_ccy or self.fee_ccy,
            maker=self.exec_type == "M",
            time_ms=self.fill_time,
            kind=_FORCED.get(self.category or "", TradeKind.TRADE),
        )


class OkxPosition(msgspec.Struct, rename="camel"):
    inst_id: str
    pos: Figure
    pos_side: Literal["net", "long", "short"]
    mgn_mode: Literal["isolated", "cross"]
    avg_px: FigureOrNothing
    lever: FigureOrNothing
    liq_px: FigureOrNothing
    adl: Any = None


class OkxLeverage(msgspec.Struct, rename="camel"):
    inst_id: str
    mgn_mode: str
    lever: FigureOrNothing


class OkxConfig(msgspec.Struct, rename="camel"):
    uid: Id
    acct_lv: Id
    pos_mode: Literal["net_mode", "long_short_mode"]
    perm: str


class OkxWallet(msgspec.Struct):
    details: list[Any]


class OkxCurrency(msgspec.Struct):
    ccy: str
    eq: Figure
    upl: FigureOrNothing


class OkxBill(msgspec.Struct, rename="camel"):
    bill_id: Id
    inst_id: str
    ccy: str
    type: str
    ts: TimeMs
    pnl: FigureOrNothing
    bal_chg: Figure

    def report(self) -> PaymentReport:
        if self.type == FUNDING:
            return PaymentReport(
                "funding", self.ts, decimal(self.pnl or self.bal_chg), self.inst_id, payment_id=str(self.bill_id)
            )
        return PaymentReport("transfer", self.ts, decimal(self.bal_chg), payment_id=str(self.bill_id))


class OkxFundingRate(msgspec.Struct, rename="camel"):
    inst_id: str
    funding_time: TimeMs
    realized_rate: Figure


class OkxStamp(msgspec.Struct):
    ts: TimeMs


def oldest(rows: Sequence[Any], key: str, full: int) -> str:
    """What the last row of a full page is called, from which the next page goes on; empty when no page follows."""
    if len(rows) < full:
        return ""
    name = rows[-1].get(key) if isinstance(rows[-1], dict) else None
    if not isinstance(name, str | int) or not str(name):
        raise Unfit(f"$.data[{len(rows) - 1}].{key}", rows[-1], "the page goes on, and not from where")
    return str(name)
