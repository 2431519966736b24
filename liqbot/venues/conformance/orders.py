"""Checks of the trading adapter: what it sends bears our id and is what was ordered; what it reads is what the examples
say; a message of the user stream never surprises."""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.instruments import Instrument, Side
from liqbot.venues.conformance.mangling import mangled
from liqbot.venues.errors import VenueError
from liqbot.venues.examples import AccountExample, ResponseExample
from liqbot.venues.histories import HistoryPart
from liqbot.venues.spec import VenueSpec
from liqbot.venues.trading import (
    AccountSettings,
    Addresses,
    Call,
    Channel,
    Decode,
    OrderReport,
    OrderStatus,
    Retry,
    TradedContract,
    TradingAdapter,
)

Result = TypeVar("Result")
Row = TypeVar("Row")
VALID_MS_MAX: Final = 30_000
_ENTRY_ID: Final = "eabc12300000001"
_STOP_ID: Final = "sabc12300000002"
_SHAPES: Final = (LookupError, TypeError, ValueError, ArithmeticError, VenueError)
"""What a message of another shape may raise; whoever listens catches these."""


class Recorded:
    """Answers requests from examples: exactly these arguments, else those that ask for what an example names, else the
    same method, else a LookupError."""

    def __init__(self, responses: Sequence[ResponseExample], addresses: Addresses | None = None) -> None:
        self._responses = responses
        self.addresses = addresses or Addresses()
        self.writes: list[str] = []
        self.used: list[ResponseExample] = []
        """Whose answers were given."""

    async def call(
        self, method: str, *args: Any, weight: int = 1, channel: Channel = "normal", retry: Retry = "read",
        decode: Decode | None = None,
    ) -> Any:
        del weight, channel
        if retry != "read":
            self.writes.append(method)
        same = [one for one in self._responses if one.method == method]
        exact = [one for one in same if list(one.args) == list(args)]
        if not same:
            raise LookupError(f"no example of the answer to {method}")
        chosen = (exact or [one for one in same if _names(one, args)] or same)[0]
        self.used.append(chosen)
        return chosen.payload if decode is None else decode(chosen.payload)


def _names(one: ResponseExample, args: Sequence[Any]) -> bool:
    """Whether the first argument has all that the example's has."""
    wanted, given = one.args[:1], args[:1]
    if not wanted or not given or not isinstance(wanted[0], dict) or not isinstance(given[0], dict):
        return False
    return all(given[0].get(name) == value for name, value in wanted[0].items())


def recorded_account(account: AccountExample) -> Recorded:
    return Recorded(account.responses, Addresses(account.account, account.signer))


def finished(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs a coroutine that waits for nothing but a `Recorded`."""
    try:
        work.send(None)
    except StopIteration as done:
        value: Result = done.value
        return value
    work.close()
    raise TypeError("a trading adapter waits for nothing but the client")


def drained(history: AsyncIterator[HistoryPart[Row]]) -> list[Row]:
    """All rows of a history whose answers come from a `Recorded`."""

    async def read() -> list[Row]:
        return [row async for part in history for row in part.rows]

    return finished(read())


def contract_of(spec: VenueSpec, account: AccountExample | None) -> TradedContract:
    """The main contract of the first coin, of the size that the examples or the listing give."""
    listing = spec.contracts[0].listings[0]
    size = account.contract_size_base if account is not None else listing.contract_units or 1.0
    instrument = Instrument(
        venue=spec.venue, coin=listing.coin, symbol=account.symbol if account is not None else listing.symbol,
        price_tick=Decimal("0.1"), quantity_step_base=Decimal("0.0001"), contract_size_base=Decimal(str(size)),
        min_notional_usd=Decimal(5), inverse=False, maker_fee_pct=0.02, taker_fee_pct=0.05,
    )
    return TradedContract(instrument, account.market_id if account is not None else listing.symbol)


def account_of(spec: VenueSpec) -> AccountExample | None:
    """That of its examples, if they have one."""
    return spec.examples().account if spec.examples is not None else None


def order_of(spec: VenueSpec, traded: TradedContract, purpose: Purpose, kind: OrderKind, **more: Any) -> PlaceOrder:
    """Half a coin, long; stops bear another client id than everything else."""
    return PlaceOrder(
        client_id=_STOP_ID if purpose is Purpose.STOP else _ENTRY_ID, venue=spec.venue, coin=traded.instrument.coin,
        decision_id=1, purpose=purpose, kind=kind, side=Side.LONG, quantity_base=Decimal("0.5"),
        reduce_only=purpose is not Purpose.ENTRY, **more,
    )


# --- what is sent -----------------------------------------------------------------------------------------------------


def request_faults(spec: VenueSpec) -> list[str]:
    if spec.trading is None:
        return []
    adapter, traded = spec.trading, contract_of(spec, account_of(spec))
    found = []
    if not 0 < adapter.valid_ms <= VALID_MS_MAX:
        found.append(f"valid_ms {adapter.valid_ms}: a lost order would be waited for that long")
    if adapter.duplicate_codes & adapter.unclear_codes:
        found.append(f"codes {sorted(adapter.duplicate_codes & adapter.unclear_codes)} mean two things")
    found += _entry_faults(spec, adapter, traded) + _stop_faults(spec, adapter, traded)
    found += _cancel_faults(spec, adapter, traded) + _settings_faults(adapter, traded)
    if not adapter.streams((traded,)):
        found.append("streams: no subscription to the user stream")
    return found


def _entry_faults(spec: VenueSpec, adapter: TradingAdapter, traded: TradedContract) -> list[str]:
    found = []
    market = adapter.place(order_of(spec, traded, Purpose.ENTRY, OrderKind.MARKET), traded)
    limit = adapter.place(
        order_of(spec, traded, Purpose.ENTRY, OrderKind.LIMIT, limit_price=Decimal("49000.5"), post_only=True), traded
    )
    leave = adapter.place(order_of(spec, traded, Purpose.EXIT, OrderKind.MARKET), traded)
    for name, call, amount in (("market entry", market, 0.5), ("limit entry", limit, 0.5), ("exit", leave, 0.5)):
        if spelt(spec, _ENTRY_ID) not in texts_of(call):
            found.append(f"{name}: does not bear our client order id")
        if amount / float(traded.instrument.contract_size_base) not in _numbers(call):
            found.append(f"{name}: its amount is not the quantity in the venue's contracts")
    if 49_000.5 not in _numbers(limit):
        found.append("limit entry: its price is not in it")
    if not _flags(limit) - _flags(market):
        found.append("limit entry: post-only makes no difference")
    if not _reduces(leave) or _reduces(market):
        found.append("exit: reduce-only must be said with it, and not with an entry")
    if "buy" not in texts_of(market) or "sell" not in texts_of(leave):
        found.append("a long is entered by buying and left by selling")
    return found


def _stop_faults(spec: VenueSpec, adapter: TradingAdapter, traded: TradedContract) -> list[str]:
    order = order_of(spec, traded, Purpose.STOP, OrderKind.STOP_MARKET, trigger_price=Decimal("48000.5"))
    call, found = adapter.place(order, traded), []
    if spelt(spec, _STOP_ID) not in texts_of(call):
        found.append("stop: does not bear our client order id")
    if not _reduces(call):
        found.append("stop: is not reduce-only")
    if 48_000.5 not in _numbers(call):
        found.append("stop: its trigger is not in it")
    said = any("mark" in text.lower().split("_")[0] for text in texts_of(call) if text != "market")
    if not said and not spec.always_on_mark:
        found.append("stop: does not say that the mark price triggers it")
    return found


def _cancel_faults(spec: VenueSpec, adapter: TradingAdapter, traded: TradedContract) -> list[str]:
    cases = (("order", _ENTRY_ID, False), ("stop", _STOP_ID, True))
    return [f"cancel of an {name}: does not name it by our client order id" for name, client_id, stop in cases
            if spelt(spec, client_id) not in texts_of(adapter.cancel(client_id, traded, stop=stop))]


def spelt(spec: VenueSpec, client_id: str) -> str:
    """As the venue writes it."""
    return client_id if spec.client_id is None else spec.client_id.spelt(client_id)


def _settings_faults(adapter: TradingAdapter, traded: TradedContract) -> list[str]:
    """What is so already is left alone; what differs leads to a request."""
    as_wanted = AccountSettings(leverage=3.0, isolated=True, one_way=True)
    found = ["settings: a request though nothing differs"] if adapter.settings_changes(traded, 3, as_wanted) else []
    for field, value in (("leverage", 7.0), ("isolated", False), ("one_way", False)):
        differs = msgspec.structs.replace(as_wanted, **{field: value})
        if not adapter.settings_changes(traded, 3, differs):
            found.append(f"settings: no request though {field} differs")
    return found


def leaves_of(value: Any) -> list[Any]:
    """All that is neither a list nor a mapping."""
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves_of(inner)]
    if isinstance(value, list | tuple):
        return [leaf for inner in value for leaf in leaves_of(inner)]
    return [value]


def texts_of(call: Call) -> set[str]:
    """Every text in the arguments."""
    return {leaf for leaf in leaves_of(call.args) if isinstance(leaf, str)}


def _numbers(call: Call) -> set[float]:
    numbers = (leaf for leaf in leaves_of(call.args) if isinstance(leaf, int | float) and not isinstance(leaf, bool))
    return {float(number) for number in numbers}


def _flags(call: Call) -> set[str]:
    """Names of parameters that are set."""
    return {name for part in call.args if isinstance(part, dict) for name, value in part.items() if value}


def _reduces(call: Call) -> bool:
    return any("reduce" in name.lower() for name in _flags(call))


# --- what is read -----------------------------------------------------------------------------------------------------


def read_faults(spec: VenueSpec) -> list[str]:
    """On the account of the examples: one long position, a stop that rests below it, an entry that was filled."""
    if spec.trading is None:
        return []
    account = account_of(spec)
    if account is None:
        return ["examples: no account, so what is read of it cannot be checked"]
    adapter, traded, client = spec.trading, contract_of(spec, account), recorded_account(account)
    found: list[str] = []
    for read in (_orders_read, _trades_read, _position_read, _account_read):
        try:
            found += read(adapter, client, traded, account)
        except _SHAPES as error:
            found.append(f"{read.__name__.strip('_').replace('_', ' ')}: {type(error).__name__}: {error}")
    if client.writes:
        found.append(f"reading changes something: {client.writes}")
    return found


def _orders_read(
    adapter: TradingAdapter, client: Recorded, traded: TradedContract, account: AccountExample
) -> list[str]:
    entry = finished(adapter.order(client, traded, account.entry_client_id, stop=False))
    stop = finished(adapter.order(client, traded, account.stop_client_id, stop=True))
    resting = finished(adapter.resting(client, traded))
    found = []
    if entry is None or entry.client_id != account.entry_client_id or entry.status is not OrderStatus.FILLED:
        found.append(f"the filled entry reads as {entry}")
    if stop is None or not _guards(stop, account):
        found.append(f"the resting stop reads as {stop}")
    if not any(_guards(one, account) for one in resting):
        found.append(f"the stop is not among the resting orders: {resting}")
    return found


def _guards(stop: OrderReport, account: AccountExample) -> bool:
    whole = stop.reduce_only and stop.on_mark and stop.trigger_price is not None and stop.quantity_base > 0
    return whole and stop.client_id == account.stop_client_id and stop.status is OrderStatus.RESTING


def _trades_read(
    adapter: TradingAdapter, client: Recorded, traded: TradedContract, account: AccountExample
) -> list[str]:
    trades = drained(adapter.trades(client, traded, 1, 2))
    if not trades:
        return ["no trades, though an entry was filled"]
    first = trades[0]
    owner = first.client_id or finished(adapter.owner(client, traded, first.venue_order_id))
    found = []
    if not first.buys or first.price <= 0 or first.quantity_base <= 0 or not first.trade_id or first.time_ms <= 0:
        found.append(f"the trade reads as {first}")
    if owner != account.entry_client_id:
        found.append(f"the trade belongs to {owner!r}, not to the entry")
    return found


def _position_read(
    adapter: TradingAdapter, client: Recorded, traded: TradedContract, account: AccountExample
) -> list[str]:
    del account
    position = finished(adapter.position(client, traded))
    settings = finished(adapter.settings(client, traded))
    found = []
    if position.signed_base <= 0 or position.entry_price <= 0 or position.leverage < 1.0 or not position.isolated:
        found.append(f"the long position reads as {position}")
    if settings != AccountSettings(position.leverage, isolated=True, one_way=True):
        found.append(f"settings read as {settings}, the position has leverage {position.leverage:g}")
    return found


def _account_read(
    adapter: TradingAdapter, client: Recorded, traded: TradedContract, account: AccountExample
) -> list[str]:
    del account
    found = []
    if finished(adapter.wallet_usd(client)) <= 0:
        found.append("the wallet reads as empty")
    drained(adapter.payments(client, (traded,), 1, 2))
    if finished(adapter.permissions(client, with_money=True)).may_withdraw is None:
        found.append("with money at stake it is not read whether the key may withdraw")
    if finished(adapter.server_ms(client)) < 1_000_000_000_000:
        found.append("the venue's clock is not in milliseconds")
    return found


def user_stream_faults(spec: VenueSpec) -> list[str]:
    """Examples are about our orders; foreign messages are left alone; a mangled one raises what listeners catch."""
    account = account_of(spec)
    if spec.trading is None or account is None:
        return []
    adapter, traded = spec.trading, (contract_of(spec, account),)
    found = [f"example {number} of the user stream gives nothing"
             for number, message in enumerate(account.messages) if not adapter.user_events(message, traded)]
    if not account.messages:
        found.append("no example of the user stream")
    foreign_ones: tuple[Any, ...] = (None, 1, "pong", [], {}, {"event": "subscribe"})
    for foreign in foreign_ones:
        found += _surprises(adapter.user_events, foreign, traded, caught=())
        if not found and adapter.user_events(foreign, traded):
            found.append(f"{foreign!r} is taken for a message about orders")
    surprises = {fault for message in account.messages for one in mangled(message)
                 for fault in _surprises(adapter.user_events, one, traded, caught=_SHAPES)}
    return found + sorted(surprises)


def _surprises(
    read: Callable[..., object], message: Any, traded: Sequence[TradedContract], caught: tuple[type[Exception], ...]
) -> list[str]:
    try:
        read(message, traded)
    except caught:
        return []
    except Exception as error:  # noqa: BLE001 -- whatever else is raised is the fault that is looked for
        return [f"user_events raises {type(error).__name__} for a message of another shape"]
    return []
