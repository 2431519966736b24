"""What Hyperliquid answers about an account, field by field, and what it says in the house's words."""

import enum
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from liqbot.venues.answers import Figure, FigureOrNothing, Positive, TimeMs, Unfit
from liqbot.venues.hyperliquid.client_ids import client_id_of
from liqbot.venues.trading import (
    ZERO,
    OrderReport,
    OrderStatus,
    PaymentReport,
    TradeKind,
    TradeReport,
    decimal,
    price_or_none,
)

QUOTE: Final = "USDC"
_STATUS: Final = {"open": OrderStatus.RESTING, "filled": OrderStatus.FILLED, "canceled": OrderStatus.CANCELLED,
                  "scheduledCancel": OrderStatus.CANCELLED, "rejected": OrderStatus.REJECTED}
"""`triggered` is neither resting nor ended: to be queried again. What else ends in `Canceled` or `Rejected` was."""


def trimmed(figure: Decimal) -> Decimal:
    """Without the `.0` that the venue writes behind whole numbers."""
    return Decimal(format(decimal(figure).normalize(), "f"))


def status_of(word: str) -> OrderStatus:
    """An immediate order that met nobody was cancelled, whatever its word."""
    if word.endswith("Canceled") or word == "iocCancelRejected":
        return OrderStatus.CANCELLED
    return OrderStatus.REJECTED if word.endswith("Rejected") else _STATUS.get(word, OrderStatus.UNKNOWN)


class HyperOrder(msgspec.Struct, rename="camel"):
    """As orders are described everywhere; `sz` is what is left of `origSz`."""

    coin: str
    side: Literal["A", "B"]
    sz: FigureOrNothing
    orig_sz: Figure
    oid: int
    reduce_only: bool
    is_trigger: bool
    trigger_px: FigureOrNothing
    cloid: str | None = None
    is_position_tpsl: bool = False

    def report(self, word: str = "open") -> OrderReport:
        quantity, left = trimmed(self.orig_sz), trimmed(self.sz)
        status = status_of(word)
        if status is OrderStatus.FILLED and left:
            # Of an immediate order the rest was cancelled.
            status = OrderStatus.CANCELLED
        filled = quantity - left if status is not OrderStatus.REJECTED else ZERO
        return OrderReport(
            client_id=client_id_of(self.cloid), venue_order_id=str(self.oid), status=status, quantity_base=quantity,
            filled_base=filled, reduce_only=self.reduce_only,
            trigger_price=price_or_none(trimmed(self.trigger_px)) if self.is_trigger else None, on_mark=self.is_trigger,
            reason="" if word in ("open", "filled") else word, whole_position=self.is_position_tpsl and not quantity,
        )


class HyperOrderName(msgspec.Struct):
    oid: int
    cloid: str | None = None

    def report(self) -> OrderReport:
        return OrderReport(client_id_of(self.cloid), str(self.oid), OrderStatus.UNKNOWN)


class _OrderAndStatus(msgspec.Struct):
    order: HyperOrder
    status: str


class HyperOrderStatus(msgspec.Struct):
    """Of one order that was queried."""

    status: Literal["order"]
    order: _OrderAndStatus


class HyperLiquidation(msgspec.Struct, rename="camel"):
    liquidated_user: str = ""


class HyperFill(msgspec.Struct, rename="camel"):
    coin: str
    px: Positive
    sz: Positive
    side: Literal["A", "B"]
    time: TimeMs
    oid: int
    tid: int
    crossed: bool
    fee: FigureOrNothing
    dir: str = ""
    fee_token: str = QUOTE
    cloid: str | None = None
    liquidation: HyperLiquidation | None = None

    def kind(self, account: str) -> TradeKind:
        if self.dir == "Auto-Deleveraging":
            return TradeKind.DELEVERAGED
        own = self.liquidation is not None and self.liquidation.liquidated_user.lower() == account
        return TradeKind.LIQUIDATION if own else TradeKind.TRADE

    def report(self, account: str) -> TradeReport:
        """An id is unique within a block only: the time of the block goes with it."""
        return TradeReport(
            trade_id=f"{self.time}-{self.tid}", venue_order_id=str(self.oid), client_id=client_id_of(self.cloid),
            buys=self.side == "B", price=trimmed(self.px), quantity_base=trimmed(self.sz), fee=trimmed(self.fee),
            fee_currency=self.fee_token, maker=not self.crossed, time_ms=self.time, kind=self.kind(account),
        )


class HyperLeverage(msgspec.Struct):
    type: Literal["isolated", "cross"]
    value: Positive


class HyperPosition(msgspec.Struct, rename="camel"):
    coin: str
    szi: Figure
    entry_px: FigureOrNothing
    unrealized_pnl: Figure
    leverage: HyperLeverage
    liquidation_px: FigureOrNothing


class _Held(msgspec.Struct):
    position: Any


class _Summary(msgspec.Struct, rename="camel"):
    account_value: Figure


class HyperState(msgspec.Struct, rename="camel"):
    """`accountValue` has unrealised profit in it."""

    margin_summary: _Summary
    asset_positions: list[_Held]

    @property
    def rows(self) -> list[Any]:
        return [one.position for one in self.asset_positions]


class HyperProfit(msgspec.Struct, rename="camel"):
    """Of any position."""

    unrealized_pnl: Figure


class HyperAssetData(msgspec.Struct):
    coin: str
    leverage: HyperLeverage


class _Funding(msgspec.Struct, rename="camel"):
    coin: str
    usdc: Figure
    funding_rate: Figure


class HyperFunding(msgspec.Struct):
    time: TimeMs
    delta: _Funding

    def report(self) -> PaymentReport:
        """Received when positive; there is one a coin and hour."""
        paid = self.delta
        return PaymentReport("funding", self.time, decimal(paid.usdc), paid.coin, float(paid.funding_rate) * 100,
                             f"{self.time}-{paid.coin}")


class HyperLedgerDelta(msgspec.Struct, rename="camel"):
    type: str
    usdc: FigureOrNothing = FigureOrNothing(0)
    fee: FigureOrNothing = FigureOrNothing(0)
    to_perp: bool = False
    destination: str = ""
    net_withdrawn_usd: FigureOrNothing = FigureOrNothing(0)


class HyperLedgerRow(msgspec.Struct):
    time: TimeMs
    hash: str
    delta: HyperLedgerDelta

    def report(self, account: str) -> PaymentReport | None:
        """None for what moves nothing of the perpetuals' USDC."""
        delta = self.delta
        usdc, fee = decimal(delta.usdc), decimal(delta.fee)
        incoming = delta.destination.lower() == account
        amount = {
            "deposit": usdc, "withdraw": -usdc - fee, "accountClassTransfer": usdc if delta.to_perp else -usdc,
            "internalTransfer": usdc if incoming else -usdc - fee, "subAccountTransfer": usdc if incoming else -usdc,
            "vaultDeposit": -usdc, "vaultWithdraw": decimal(delta.net_withdrawn_usd),
        }.get(delta.type, ZERO)
        if not amount:
            return None
        return PaymentReport("transfer", self.time, amount, payment_id=f"{self.hash}-{delta.type}")


class _AgentOf(msgspec.Struct):
    user: str


class HyperRole(msgspec.Struct):
    role: Literal["missing", "user", "agent", "vault", "subAccount"]
    data: Any = None

    @property
    def agent_of(self) -> str:
        """The account that it acts for; empty for anything but an API wallet."""
        if self.role != "agent":
            return ""
        try:
            return msgspec.convert(self.data, _AgentOf).user.lower()
        except msgspec.ValidationError:
            raise Unfit("$.data", self.data, "of an agent, and it does not say whose") from None


class HyperMode(enum.StrEnum):
    """How an account's balances stand together; in two of them perpetuals have none of their own."""

    DEFAULT = "default"
    DISABLED = "disabled"
    DEX = "dexAbstraction"
    UNIFIED = "unifiedAccount"
    PORTFOLIO = "portfolioMargin"


def mode_of(text: str) -> HyperMode:
    """The answer is a bare text, which the unified client hands on as it came, quotation marks and all."""
    try:
        return HyperMode(text.strip('"'))
    except ValueError:
        raise Unfit("$", text, "no mode of an account") from None


class HyperAgent(msgspec.Struct, rename="camel"):
    address: str
    valid_until: int


class HyperClock(msgspec.Struct):
    time: TimeMs


class HyperLevel(msgspec.Struct):
    px: Positive


class HyperBook(msgspec.Struct):
    coin: str
    levels: tuple[list[HyperLevel], list[HyperLevel]]
