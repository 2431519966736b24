"""What the ledger's fold remembers between observations, and its rows in the database: only what changed is written,
in the transaction of the ledger's own rows and of the offset. Our money is not here: the engine's books carry it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec


class Verdicts(msgspec.Struct):
    """The row of one (strategy, coin, side, code) that is in force or may yet be taken up again."""

    row: int
    count: int
    last_seen_ms: int


class KnownOrder(msgspec.Struct):
    """An order of ours that may still receive events."""

    row: int
    decision_id: int
    purpose: str
    quantity_base: Decimal
    filled_base: Decimal = Decimal(0)
    filled_usd: Decimal = Decimal(0)
    done: bool = False
    stop_client_id: str = ""
    """Of the stop that rides on it."""


class Plan(msgspec.Struct):
    """What an approved entry wanted, for the trade that grows from it; prices of the trading market."""

    row: int
    strategy: str
    leverage: float
    stop_price: Decimal
    liquidation_price: Decimal
    mark_ratio: Decimal = Decimal(1)


class OpenTradeRow(msgspec.Struct):
    """The row of a round trip that is not flat yet."""

    row: int
    stop_price: Decimal | None = None
    """The initial one: what was risked."""


class OpenMinute(msgspec.Struct):
    """The mark over the ticks of a minute that is not over."""

    time_ms: int
    low_price: float
    high_price: float
    mark_price: float


class ProposedEntry(msgspec.Struct):
    """What a strategy asked for when it gave its signal: gates as they were, prices of the map."""

    gates: Any
    entry_price: float
    stop_price: float
    take_price: float | None
    max_hold_ms: int


class LedgerState(msgspec.Struct):
    """Every field has a default, so that older states can be read."""

    last_ids: dict[str, int] = {}
    """By table; read from the tables themselves."""
    run_id: int | None = None
    venues: tuple[str, ...] = ()
    coins: tuple[str, ...] = ()
    trades: dict[str, OpenTradeRow] = {}
    """By the round trip's key."""
    orders: dict[str, KnownOrder] = {}
    plans: dict[str, Plan] = {}
    """By decision id."""
    verdict_rows: dict[str, Verdicts] = {}
    codes: dict[str, str] = {}
    """By strategy, coin and side: the code in force."""
    proposed: dict[str, ProposedEntry] = {}
    """By strategy, coin and side: the signal in force."""
    last_decision_id: int = 0
    equity_ms: int = 0
    equity_usd: Decimal = Decimal(0)
    wallet_usd: Decimal = Decimal(0)
    maps_written: dict[str, tuple[int, int]] = {}
    """By coin: the time and the row of the map written last."""
    marks: dict[str, float] = {}
    """By coin: the mark price of the newest Tick. A start may send before there is a new one."""
    minutes: dict[str, OpenMinute] = {}
    """By coin."""


_BY_KEY: Final = ("trades", "orders", "plans", "verdict_rows", "codes", "proposed", "maps_written", "marks", "minutes")
"""Fields with a row per entry; the others share one."""
_SINGLE: Final = tuple(
    name for name in LedgerState.__struct_fields__ if name not in _BY_KEY and name != "last_ids"
)
_SINGLE_NAME: Final = "single"

Entries = dict[str, bytes]


def entries_of(state: LedgerState) -> Entries:
    """The whole state as it is stored: encoded values by name."""
    encode = msgspec.msgpack.encode
    found = {f"{name} {key}": encode(one) for name in _BY_KEY for key, one in getattr(state, name).items()}
    found[_SINGLE_NAME] = encode({name: getattr(state, name) for name in _SINGLE})
    return found


def state_of(entries: Iterable[tuple[str, bytes]]) -> LedgerState:
    """Inverse of `entries_of`; ValueError (msgspec's) for what is no state. Names of fields that are gone are left."""
    plain: dict[str, Any] = {name: {} for name in _BY_KEY}
    for name, value in entries:
        decoded = msgspec.msgpack.decode(value)
        field, _, key = name.partition(" ")
        if name == _SINGLE_NAME:
            plain |= decoded
        elif field in _BY_KEY:
            plain[field][key] = decoded
    return msgspec.convert(plain, LedgerState)


def changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[Entries, list[str]]:
    """(entries that are new or differ, names that are gone)."""
    return (
        {name: value for name, value in after.items() if before.get(name) != value},
        [name for name in before if name not in after],
    )
