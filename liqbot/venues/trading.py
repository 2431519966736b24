"""The trading adapter, that is what a venue must supply to be traded on, and what it reports about our account.

Quantities are in base coin, prices in the quote currency, money in dollars; `Decimal` throughout, made from the text
that the venue sent.
"""

import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, Final, Literal, Protocol

import msgspec

from liqbot.commands import PlaceOrder
from liqbot.instruments import Instrument
from liqbot.venues.histories import HistoryPart

ZERO: Final = Decimal(0)
Channel = Literal["normal", "order", "urgent", "priority"]
"""Of the rate limiter: a queue of reads never holds up what reduces or protects (`priority`), what has to be known
before a stop can be placed (`urgent`), nor an entry (`order`)."""
Retry = Literal["read", "never"]
Decode = Callable[[Any], Any]
"""Makes a typed value of an answer. AnswerMalformed when it does not fit: a read is repeated, a write is
OutcomeUnknown."""


class Addresses(msgspec.Struct, frozen=True):
    """Whose account a client asks about, and whose key signs, where both are public addresses; empty elsewhere."""

    account: str = ""
    signer: str = ""


class VenueCaller(Protocol):
    """The part of a venue client that orders need."""

    @property
    def addresses(self) -> Addresses: ...

    async def call(
        self, method: str, *args: Any, weight: int = 1, channel: Channel = "normal", retry: Retry = "read",
        decode: Decode | None = None,
    ) -> Any: ...


class Dispatch(msgspec.Struct, frozen=True):
    """How a request leaves that places an order."""

    valid_ms: int
    """From its signing: said to the venue where that takes an expiry."""
    on_signed: Callable[[], None]
    """It is on its way from this moment, not from when it was requested."""
    turn_ms_max: int | None = None
    """Given up when its turn among our own requests has not come by then; None: it keeps its place."""


class OrderCaller(VenueCaller, Protocol):
    """A venue client that orders leave through."""

    async def call(
        self, method: str, *args: Any, weight: int = 1, channel: Channel = "normal", retry: Retry = "read",
        decode: Decode | None = None, dispatch: Dispatch | None = None,
    ) -> Any: ...


class TradedContract(msgspec.Struct, frozen=True):
    """A contract that we trade, and the venue's own id of it."""

    instrument: Instrument
    market_id: str

    def contracts(self, quantity_base: Decimal) -> Decimal:
        """As the venue counts."""
        return quantity_base / self.instrument.contract_size_base

    def base(self, contracts: object) -> Decimal:
        return decimal(contracts) * self.instrument.contract_size_base


class Call(msgspec.Struct, frozen=True):
    """One method of the unified client with its arguments; `weight` as the venue counts requests."""

    method: str
    args: tuple[Any, ...]
    weight: int = 1
    completed: "Callable[[VenueCaller], Awaitable[Call]] | None" = None
    """Where something must be read before it can be sent: what it is then."""


async def whole(call: Call, client: VenueCaller) -> Call:
    """The call as it can be sent: what it lacks has been read."""
    return call if call.completed is None else await call.completed(client)


class OrderStatus(enum.StrEnum):
    """What has become of an order."""

    RESTING = "resting"
    FILLED = "filled"
    CANCELLED = "cancelled"
    """Cancelled or expired, by whomever; a part of it may have been filled."""
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """A word that is in no table of ours: neither resting nor ended, to be queried again."""


class OrderReport(msgspec.Struct, frozen=True):
    """An order as the venue reports it. Fills of a stop may bear the id of another order, the one it turned into."""

    client_id: str
    venue_order_id: str
    status: OrderStatus
    quantity_base: Decimal = ZERO
    filled_base: Decimal = ZERO
    reduce_only: bool = False
    trigger_price: Decimal | None = None
    on_mark: bool = False
    fills_order_id: str = ""
    """The id that its fills bear; empty when that is `venue_order_id`."""
    reason: str = ""
    whole_position: bool = False
    """A stop of the position itself: its quantity is whatever is held."""


class TradeKind(enum.StrEnum):
    TRADE = "trade"
    LIQUIDATION = "liquidation"
    DELEVERAGED = "deleveraged"


class TradeReport(msgspec.Struct, frozen=True):
    """One execution of ours; `client_id` is empty where the venue does not name it here, `fee` positive when paid."""

    trade_id: str
    venue_order_id: str
    client_id: str
    buys: bool
    price: Decimal
    quantity_base: Decimal
    fee: Decimal
    fee_currency: str
    maker: bool
    time_ms: int
    kind: TradeKind = TradeKind.TRADE


class PositionReport(msgspec.Struct, frozen=True):
    """`signed_base` is negative for a short, 0 when flat."""

    signed_base: Decimal = ZERO
    entry_price: Decimal = ZERO
    leverage: float = 0.0
    isolated: bool = False
    liquidation_price: Decimal | None = None
    adl_rank: int | None = None
    """How near it is to being deleveraged for others' losses, from 1 (or 0) to 5, which is next; None where it is not
    reported."""


class AccountSettings(msgspec.Struct, frozen=True):
    """How the account trades a contract."""

    leverage: float
    isolated: bool
    one_way: bool


class PaymentReport(msgspec.Struct, frozen=True):
    """Money that moved without a trade of ours: funding of a contract, or a transfer. Positive is received."""

    kind: Literal["funding", "transfer"]
    time_ms: int
    amount_usd: Decimal
    market_id: str = ""
    rate_pct: float | None = None
    payment_id: str = ""
    """The venue's own; two payments may be alike in everything else."""


class KeyPermissions(msgspec.Struct, frozen=True):
    """What a key may do, None where the venue does not say; `account` tells one account from another."""

    account: str
    may_withdraw: bool | None
    may_trade: bool | None
    note: str = ""
    may_transfer: bool | None = None
    """Move money to other accounts of the same owner, from where another key may withdraw it."""
    expires_ms: int | None = None
    """When it ends by itself; None where it does not, or where the venue does not say."""


class OrderHint(msgspec.Struct, frozen=True):
    """The user stream mentioned an order: worth reading it. `alias` is an order id under which its fills come."""

    client_id: str
    venue_order_id: str = ""
    alias: str = ""


Hint = OrderHint | TradeReport
UserEvents = tuple[tuple[TradedContract, Hint], ...]


class TradingAdapter(Protocol):
    """How one venue is traded on. Functions that take a client make reads only."""

    venue: str
    valid_ms: int
    """A request that has not arrived this long after it was signed will not be carried out any more."""
    stop_valid_ms: int
    """The same of a stop of its own."""
    options: dict[str, Any]
    """For the unified client."""
    duplicate_codes: frozenset[str]
    """Refusals which mean that an order of this client id was accepted before."""
    unclear_codes: frozenset[str]
    """Errors that look like refusals and leave open what became of the request."""
    early_codes: frozenset[str]
    """Refusals of a stop because the venue does not show the position yet that was just opened."""

    def place(self, order: PlaceOrder, traded: TradedContract) -> Call: ...

    def cancel(self, client_id: str, traded: TradedContract, *, stop: bool) -> Call: ...

    def settings_changes(self, traded: TradedContract, leverage: int, found: AccountSettings) -> tuple[Call, ...]:
        """Writes that turn `found` into isolated, one-way and `leverage`; what is so already is left alone."""
        ...

    def streams(self, traded: Sequence[TradedContract]) -> tuple[Call, ...]:
        """Subscriptions of the user stream."""
        ...

    def user_events(self, message: Any, traded: Sequence[TradedContract]) -> UserEvents | None:
        """A decoded message of the user stream; None when it is not about orders."""
        ...

    async def order(
        self, client: VenueCaller, traded: TradedContract, client_id: str, *, stop: bool
    ) -> OrderReport | None:
        """None when the venue knows no such order."""
        ...

    async def resting(self, client: VenueCaller, traded: TradedContract) -> list[OrderReport]: ...

    def trades(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[TradeReport]]:
        """To the end, part by part, oldest first."""
        ...

    async def owner(self, client: VenueCaller, traded: TradedContract, venue_order_id: str) -> str:
        """Client id of the order, or of the stop, that `venue_order_id` is or came from; empty when unknown."""
        ...

    async def position(self, client: VenueCaller, traded: TradedContract) -> PositionReport: ...

    async def settings(self, client: VenueCaller, traded: TradedContract) -> AccountSettings: ...

    async def wallet_usd(self, client: VenueCaller) -> Decimal:
        """Without unrealised profit."""
        ...

    def payments(
        self, client: VenueCaller, traded: Sequence[TradedContract], since_ms: int, now_ms: int
    ) -> AsyncIterator[HistoryPart[PaymentReport]]:
        """To the end, part by part, oldest first."""
        ...

    async def funding_rates(
        self, client: VenueCaller, traded: TradedContract, since_ms: int, until_ms: int
    ) -> list[tuple[int, float]]:
        """(time_ms, rate_pct) of past settlements: of those whose payments come without a rate."""
        ...

    async def permissions(self, client: VenueCaller, *, with_money: bool) -> KeyPermissions: ...

    async def server_ms(self, client: VenueCaller) -> int: ...


def decimal(text: object) -> Decimal:
    """Venues write nothing, or an empty text, for zero."""
    return Decimal(str(text)) if text not in (None, "") else ZERO


def price_or_none(text: object) -> Decimal | None:
    found = decimal(text)
    return found if found > 0 else None


def rank_or_none(value: object) -> int | None:
    """Of a rank of deleveraging as venues write it: number or text; what is neither is not reported."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) == 1 else None


def plain(number: Decimal) -> str:
    """Never with an exponent."""
    return format(number, "f")


def by_market(traded: Sequence[TradedContract], market_id: str) -> TradedContract | None:
    return next((one for one in traded if one.market_id == market_id), None)


DAY_MS: Final = 86_400_000
