"""Everything the ledger's fold remembers between observations; stored with the offset, in the same transaction."""

from decimal import Decimal
from typing import Any

import msgspec

from liqbot.accounting.cash_flow import CashAccount
from liqbot.accounting.dedupe import Seen
from liqbot.accounting.round_trips import OpenTrade


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


class Plan(msgspec.Struct):
    """What an approved entry wanted, for the trade that grows from it."""

    row: int
    strategy: str
    leverage: float
    stop_price: Decimal
    liquidation_price: Decimal


class LedgerState(msgspec.Struct):
    """Serialised with msgpack; every field has a default, so that older states can be read."""

    last_ids: dict[str, int] = {}
    run_id: int | None = None
    venues: tuple[str, ...] = ()
    coins: tuple[str, ...] = ()
    purse: CashAccount = msgspec.field(default_factory=CashAccount)
    trades: dict[str, OpenTrade] = {}
    orders: dict[str, KnownOrder] = {}
    plans: dict[str, Plan] = {}
    """By decision id."""
    fills_seen: list[str] = []
    told: Seen = msgspec.field(default_factory=Seen)
    """Money that moved without an order of ours; told apart as the account does."""
    verdict_rows: dict[str, Verdicts] = {}
    codes: dict[str, str] = {}
    """By strategy, coin and side: the code in force."""
    signal_gates: dict[str, Any] = {}
    """By strategy, coin and side: the gates of the signal in force."""
    last_decision_id: int = 0
    equity_ms: int = 0
    equity_usd: Decimal = Decimal(0)
    wallet_usd: Decimal = Decimal(0)
    maps_written: dict[str, tuple[int, int]] = {}
    """By coin: the time and the row of the map written last."""


def encode(state: LedgerState) -> bytes:
    return msgspec.msgpack.encode(state)


def decode(stored: bytes) -> LedgerState:
    return msgspec.msgpack.decode(stored, type=LedgerState)
