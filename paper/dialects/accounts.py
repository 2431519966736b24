"""An API key's account as a venue keeps it: the simulated exchange with its money, and the histories venues show.

The exchange knows what rests and what is held; what became of every order, every fill and every payment is kept here.
"""

import enum
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from liqbot import events
from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.events import Event
from liqbot.instruments import Side
from liqbot.venues.entry_stops import attached_order
from paper.exchange import PaperExchange
from paper.exchange.exchange import Happened
from paper.exchange.money import ExchangeHolding

HISTORY_MAX: Final = 100_000
FORCED_PREFIX: Final = "autoclose-"
"""Client ids of the venue's own orders that liquidate us begin so; such an order is in `orders` and `fills` too."""
DELEVERAGED_PREFIX: Final = "adl_autoclose-"
"""The same for auto-deleveraging."""


RODE_IN_WITH: Final = "rode_in_with"
"""In `params` of a stop that came with an entry: that entry's client id."""


class VenueOrderState(enum.StrEnum):
    """Life of an order as venues tell it."""

    SENT = "sent"
    """Known to the venue's door, not yet to its matching engine."""
    NEW = "new"
    PARTLY = "partly"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class FillRecord(msgspec.Struct, frozen=True):
    number: int
    """Counts the account's fills from 1: the trade id."""
    fill: events.Fill
    realised_usd: Decimal


class OrderRecord(msgspec.Struct):
    """One order from the moment it was requested. `params` keeps the venue's own parameters for showing them again."""

    command: PlaceOrder
    number: int
    """The venue's order id, counted over all orders of the hub."""
    params: Mapping[str, str]
    created_ms: int
    updated_ms: int
    state: VenueOrderState = VenueOrderState.SENT
    reason: str = ""
    filled_base: Decimal = Decimal(0)
    filled_usd: Decimal = Decimal(0)
    triggered_ms: int = 0
    """When a stop's trigger was reached; 0: not yet."""
    fills: list[FillRecord] = []

    @property
    def open(self) -> bool:
        return self.state in (VenueOrderState.NEW, VenueOrderState.PARTLY)

    @property
    def is_stop(self) -> bool:
        """Waits for its trigger, or waited for it."""
        return self.command.trigger_price is not None

    @property
    def triggered(self) -> bool:
        """A stop that has become an ordinary order; it fills at once, if only in part."""
        return self.is_stop and bool(self.fills)

    @property
    def refused_as_taker(self) -> bool:
        """A post-only order that would have traded; there are venues that take it and cancel it at once."""
        return self.state is VenueOrderState.REJECTED and self.reason.startswith("POST_ONLY")

    @property
    def forced(self) -> bool:
        """Liquidation or auto-deleveraging: the venue's own order."""
        return self.command.client_id.startswith((FORCED_PREFIX, DELEVERAGED_PREFIX))

    @property
    def rode_in_with(self) -> str:
        """Client id of the entry that brought this stop along; empty for any other order."""
        return self.params.get(RODE_IN_WITH, "")

    @property
    def average_price(self) -> Decimal:
        """0 while nothing is filled."""
        return self.filled_usd / self.filled_base if self.filled_base else Decimal(0)

    @property
    def buys(self) -> bool:
        return (self.command.side is Side.LONG) is not self.command.reduce_only


class Payment(msgspec.Struct, frozen=True):
    """Money that moved: `kind` is `realised`, `fee`, `funding`, `transfer`, `liquidation` or `rebate`; positive is
    received. A fee that was taken in another coin counts in that: `currency` says so."""

    number: int
    time_ms: int
    kind: str
    coin: str
    amount_usd: Decimal
    rate_pct: float = 0.0
    fill_number: int = 0
    currency: str = "USD"


class VenueAccount:
    """One API key of one venue. Reads are of this moment; only the hub writes."""

    def __init__(
        self,
        venue: str,
        key: str,
        secret: str,
        exchange: PaperExchange,
        next_order: Callable[[], int],
        *,
        passphrase: str = "",
    ) -> None:
        self.venue, self.key, self.secret, self.passphrase = venue, key, secret, passphrase
        self.exchange, self._next_order = exchange, next_order
        self.now_ms = 0
        self.may_withdraw = False
        self.may_transfer = False
        self.may_trade = True
        self.hedge_mode = False
        self.isolated: dict[str, bool] = {coin: False for _, coin in exchange.accounts.instruments}
        """Margin mode by coin as set by hand or by the client; a fresh account is in cross mode, as venues have it."""
        self.orders: dict[str, OrderRecord] = {}
        """Every order by client id, oldest first."""
        self.fills: list[FillRecord] = []
        self.payments: list[Payment] = []
        self._realised_usd = exchange.wallet(venue).realised_usd

    # --- reads -----------------------------------------------------------------------------------------------------

    @property
    def wallet_usd(self) -> Decimal:
        """Without unrealised profit."""
        return self.exchange.wallet(self.venue).wallet_usd

    @property
    def available_usd(self) -> Decimal:
        """Free for new margin."""
        return self.exchange.accounts.available_usd(self.venue)

    def holding(self, coin: str) -> ExchangeHolding | None:
        return self.exchange.accounts.holding((self.venue, coin))

    def leverage(self, coin: str) -> int:
        held = self.holding(coin)
        return held.leverage if held is not None else self.exchange.accounts.entries.leverages[f"{self.venue} {coin}"]

    def mark_price(self, coin: str) -> Decimal:
        """As the account's exchange values positions now; 0 when nothing is known yet."""
        quote = self.exchange.quote(self.venue, coin)
        return Decimal(str(quote.mark_price or quote.last_price))

    def unrealised_usd(self, coin: str) -> Decimal:
        held = self.holding(coin)
        return Decimal(0) if held is None else held.profit_usd(self.mark_price(coin), held.quantity_base)

    def order(self, *, client_id: str = "", number: int = 0) -> OrderRecord | None:
        """By either name; None when this account has no such order."""
        if client_id:
            return self.orders.get(client_id)
        return next((order for order in reversed(self.orders.values()) if order.number == number), None)

    def open_orders(self, coin: str = "") -> list[OrderRecord]:
        """Resting now, oldest first; of every coin when none is named."""
        return [order for order in self.orders.values() if order.open and coin in ("", order.command.coin)]

    # --- what the hub writes ---------------------------------------------------------------------------------------

    def record_order(self, command: PlaceOrder, params: Mapping[str, str]) -> OrderRecord:
        """An order request was accepted for handling."""
        record = OrderRecord(command, self._next_order(), params, self.now_ms, self.now_ms)
        self.orders[command.client_id] = record
        while len(self.orders) > HISTORY_MAX:
            del self.orders[next(iter(self.orders))]
        return record

    def fold(self, happened: Happened) -> None:
        """Write down what the exchange did."""
        self.now_ms = max(self.now_ms, happened.time_ms)
        for fact in happened.facts:
            if isinstance(fact, events.Fill):
                self._filled(fact)
                self._follow(fact.client_id)
            elif isinstance(fact, events.OrderAccepted):
                self._rode_in(fact.client_id)
                self._move(fact.client_id, VenueOrderState.NEW)
            elif isinstance(fact, events.OrderRejected):
                self._move(fact.client_id, VenueOrderState.REJECTED, f"{fact.code}: {fact.reason}")
            elif isinstance(fact, events.OrderCancelled):
                self._move(fact.client_id, VenueOrderState.CANCELLED, fact.reason)
            else:
                self._paid(fact)
        del self.fills[:-HISTORY_MAX], self.payments[:-HISTORY_MAX]

    def _rode_in(self, stop_id: str) -> None:
        """A stop that came with an entry appears when the venue makes it."""
        entries = reversed(self.orders.values())
        entry = None if stop_id in self.orders else next(
            (one for one in entries if one.command.stop_client_id == stop_id), None
        )
        if entry is not None:
            self.record_order(attached_order(entry.command), {RODE_IN_WITH: entry.command.client_id})
            self._follow(entry.command.client_id)

    def _follow(self, entry_id: str) -> None:
        """It covers what its entry has filled."""
        entry = self.orders.get(entry_id)
        stop = None if entry is None else self.orders.get(entry.command.stop_client_id)
        if entry is not None and stop is not None and (stop.open or stop.state is VenueOrderState.SENT):
            stop.command = msgspec.structs.replace(stop.command, quantity_base=entry.filled_base)

    def _move(self, client_id: str, state: VenueOrderState, reason: str = "") -> None:
        record = self.orders.get(client_id)
        # A repeated cancel or a query tells the old word again: what is over stays over.
        if record is not None and record.state in (VenueOrderState.SENT, VenueOrderState.NEW, VenueOrderState.PARTLY):
            record.state, record.reason, record.updated_ms = state, reason, self.now_ms

    def _filled(self, fill: events.Fill) -> None:
        record = self.orders.get(fill.client_id)
        if record is None or any(known.fill.fill_id == fill.fill_id for known in record.fills):
            return
        entry = FillRecord(len(self.fills) + 1, fill, self._newly_realised_usd())
        self.fills.append(entry)
        record.fills.append(entry)
        record.filled_base += fill.quantity_base
        record.filled_usd += fill.quantity_base * fill.price
        record.state = (
            VenueOrderState.FILLED if record.filled_base >= record.command.quantity_base else VenueOrderState.PARTLY
        )
        record.updated_ms = self.now_ms
        if record.command.trigger_price is not None and not record.triggered_ms:
            record.triggered_ms = self.now_ms
        if entry.realised_usd:
            self._pay("realised", fill.coin, entry.realised_usd, fill_number=entry.number)
        kind = "liquidation" if record.forced else "fee"
        if fill.fee or not record.forced:
            self._pay(kind, fill.coin, -fill.fee, fill_number=entry.number, currency=fill.fee_currency)

    def _newly_realised_usd(self) -> Decimal:
        now_usd = self.exchange.wallet(self.venue).realised_usd
        realised_usd, self._realised_usd = now_usd - self._realised_usd, now_usd
        return realised_usd

    def _paid(self, fact: Event) -> None:
        if isinstance(fact, events.FundingPaid):
            self._pay("funding", fact.coin, fact.amount_usd, rate_pct=fact.rate_pct)
        elif isinstance(fact, events.Transfer):
            self._pay("transfer", "", fact.amount_usd)
        elif isinstance(fact, events.Rebate):
            self._pay("rebate", fact.coin, fact.amount_usd)
        elif isinstance(fact, events.PositionLiquidated):
            self._forced(fact, FORCED_PREFIX, fact.fee)
        elif isinstance(fact, events.PositionDeleveraged):
            self._forced(fact, DELEVERAGED_PREFIX, Decimal(0))

    def _forced(
        self, fact: events.PositionLiquidated | events.PositionDeleveraged, prefix: str, fee: Decimal
    ) -> None:
        """The venue's own order against us: it appears among orders and fills like any other, with its own name."""
        name = f"{prefix}{len(self.fills) + 1}"
        order = PlaceOrder(
            name, self.venue, fact.coin, 0, Purpose.EXIT, OrderKind.MARKET, fact.side, fact.quantity_base,
            reduce_only=True,
        )  # fmt: skip
        self.record_order(order, {})
        self._filled(
            events.Fill(
                time_ms=fact.time_ms,
                venue=self.venue,
                coin=fact.coin,
                client_id=name,
                fill_id=name,
                side=fact.side,
                reduces=True,
                price=fact.price,
                quantity_base=fact.quantity_base,
                fee=fee,
            )
        )

    def _pay(
        self, kind: str, coin: str, amount_usd: Decimal, *, rate_pct: float = 0.0, fill_number: int = 0,
        currency: str = "USD",
    ) -> None:
        number = self.payments[-1].number + 1 if self.payments else 1
        paid = Payment(number, self.now_ms, kind, coin, amount_usd, rate_pct, fill_number, currency)
        self.payments.append(paid)
