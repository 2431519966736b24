"""What Binance answers about an account, field by field, and what it says in the house's words."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from liqbot.venues.answers import Figure, FigureOrNothing, Id, Positive, TimeMs, Unfit, rows_about, status_of
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
    "NEW": OrderStatus.RESTING, "PARTIALLY_FILLED": OrderStatus.RESTING, "FILLED": OrderStatus.FILLED, "CANCELED":
    OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.CANCELLED, "EXPIRED_IN_MATCH": OrderStatus.CANCELLED, "REJECTED": OrderStatus.REJECTED,
    "TRIGGERING": OrderStatus.RESTING, "TRIGGERED": OrderStatus.FILLED, "FINISHED": OrderStatus.FILLED,
}  # fmt: skip
_FORCED: Final = {"autoclose-": TradeKind.LIQUIDATION, "adl_autoclose": TradeKind.DELEVERAGED}
QUOTE: Final = "USDT"


class BinanceOrder(msgspec.Struct, rename="camel"):
    symbol: str
    order_id: Id
    client_order_id: str
    status: str
    orig_qty: Figure
    executed_qty: Figure
    reduce_only: bool

    def report(self) -> OrderReport:
        return OrderReport(
            client_id=self.client_order_id,
            venue_order_id=str(self.order_id),
            status=status_of(_STATUS, self.status),
            quantity_base=decimal(self.orig_qty),
            filled_base=decimal(self.executed_qty),
            reduce_only=self.reduce_only,
            reason=self.status.lower(),
        )


class BinanceOrderName(msgspec.Struct, rename="camel"):
    order_id: Id
    client_order_id: str

    def report(self) -> OrderReport:
        return OrderReport(self.client_order_id, str(self.order_id), OrderStatus.UNKNOWN)


class BinanceAlgoOrder(msgspec.Struct, rename="camel"):
    symbol: str
    algo_id: Id
    client_algo_id: str
    algo_status: str
    quantity: FigureOrNothing
    """Nothing where an order closes whatever is open."""
    reduce_only: bool
    trigger_price: FigureOrNothing
    working_type: str
    actual_order_id: Id | None
    """The order that it turned into."""

    def report(self) -> OrderReport:
        return OrderReport(
            client_id=self.client_algo_id,
            venue_order_id=str(self.algo_id),
            status=status_of(_STATUS, self.algo_status),
            quantity_base=decimal(self.quantity),
            reduce_only=self.reduce_only,
            trigger_price=price_or_none(self.trigger_price),
            on_mark=self.working_type == "MARK_PRICE",
            fills_order_id=str(self.actual_order_id or "") if self.actual_order_id != "0" else "",
            reason=self.algo_status.lower(),
        )


class BinanceAlgoOrderName(msgspec.Struct, rename="camel"):
    algo_id: Id
    client_algo_id: str
    actual_order_id: Id | None = None

    def report(self) -> OrderReport:
        return OrderReport(self.client_algo_id, str(self.algo_id), OrderStatus.UNKNOWN)


class BinanceTrade(msgspec.Struct, rename="camel"):
    symbol: str
    id: int
    order_id: Id
    buyer: bool
    price: Positive
    qty: Positive
    commission: Figure
    commission_asset: str
    maker: bool
    time: TimeMs

    def report(self) -> TradeReport:
        return TradeReport(
            trade_id=str(self.id),
            venue_order_id=str(self.order_id),
            client_id="",
            buys=self.buyer,
            price=decimal(self.price),
            quantity_base=decimal(self.qty),
            fee=decimal(self.commission),
            fee_currency=self.commission_asset,
            maker=self.maker,
            time_ms=self.time,
        )


class BinanceStreamTrade(msgspec.Struct):
    """An execution as the user stream tells it."""

    trade_id: Id = msgspec.field(name="t")
    order_id: Id = msgspec.field(name="i")
    client_id: str = msgspec.field(name="c")
    side: Literal["BUY", "SELL"] = msgspec.field(name="S")
    price: Positive = msgspec.field(name="L")
    quantity: Positive = msgspec.field(name="l")
    maker: bool = msgspec.field(name="m")
    time: TimeMs = msgspec.field(name="T")
    fee: FigureOrNothing = msgspec.field(name="n", default=FigureOrNothing(0))
    fee_currency: str | None = msgspec.field(name="N", default=None)

    def report(self, traded: TradedContract) -> TradeReport:
        kind = next((kind for head, kind in _FORCED.items() if self.client_id.startswith(head)), TradeKind.TRADE)
        return TradeReport(
            trade_id=str(self.trade_id),
            venue_order_id=str(self.order_id),
            client_id=self.client_id,
            buys=self.side == "BUY",
            price=decimal(self.price),
            quantity_base=traded.base(self.quantity),
            fee=decimal(self.fee),
            fee_currency=self.fee_currency or QUOTE,
            maker=self.maker,
            time_ms=self.time,
            kind=kind,
        )


class BinancePosition(msgspec.Struct, rename="camel"):
    symbol: str
    position_amt: Figure
    entry_price: Figure
    liquidation_price: FigureOrNothing
    adl: Any = None


class BinanceSymbolConfig(msgspec.Struct, rename="camel"):
    symbol: str
    leverage: Positive
    margin_type: Literal["ISOLATED", "CROSSED"]


class BinancePositionMode(msgspec.Struct, rename="camel"):
    dual_side_position: bool


class BinanceBalance(msgspec.Struct, rename="camel"):
    account_alias: str
    asset: str
    balance: Figure


class BinanceRestrictions(msgspec.Struct, rename="camel"):
    enable_withdrawals: bool
    enable_futures: bool
    enable_internal_transfer: bool | None = None
    permits_universal_transfer: bool | None = None
    trading_authority_expiration_time: TimeMs | None = None

    @property
    def may_transfer(self) -> bool | None:
        """None unless the venue states both."""
        rights = (self.enable_internal_transfer, self.permits_universal_transfer)
        return True if True in rights else None if None in rights else False


class BinanceServerTime(msgspec.Struct, rename="camel"):
    server_time: TimeMs


class BinanceFundingRate(msgspec.Struct, rename="camel"):
    funding_time: TimeMs
    funding_rate: Figure


class BinanceIncome(msgspec.Struct, rename="camel"):
    symbol: str
    income_type: str
    income: Figure
    asset: str
    time: TimeMs
    tran_id: Id

    def report(self) -> PaymentReport:
        if self.income_type == "FUNDING_FEE":
            return PaymentReport(
                "funding", self.time, decimal(self.income), self.symbol, payment_id=str(self.tran_id)
            )
        return PaymentReport("transfer", self.time, decimal(self.income), payment_id=str(self.tran_id))


class BinanceIncomePage(msgspec.Struct):
    """`newest_ms`: the latest instant on the page, 0 when it is empty; `count`: its rows, whosever they are."""

    payments: list[PaymentReport]
    newest_ms: int
    count: int


def income_page(rows: Sequence[Any], kind: str, traded: Sequence[TradedContract]) -> BinanceIncomePage:
    wanted: dict[str, tuple[str, ...]] = {"asset": (QUOTE,), "incomeType": (kind,)}
    if kind == "FUNDING_FEE":
        wanted["symbol"] = tuple(one.market_id for one in traded)
    payments = [row.report() for row in rows_about(rows, BinanceIncome, wanted)]
    stamps = [row["time"] for row in rows if isinstance(row, dict) and isinstance(row.get("time"), int)]
    if rows and not stamps:
        raise Unfit("$[...].time", rows[0], "no row says when it was")
    return BinanceIncomePage(payments, max(stamps, default=0), len(rows))

