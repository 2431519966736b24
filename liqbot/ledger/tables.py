"""The ledger's tables. Times are milliseconds UTC, money is micro-dollars, prices and quantities are billionths: the
views divide. Ids are given by the fold, so that a rebuild from the same journal gives the same ids.
"""

from decimal import Decimal
from typing import Any

import sqlalchemy
from sqlalchemy import JSON, BigInteger, Index, Integer, LargeBinary, MetaData, UniqueConstraint
from sqlmodel import Field, SQLModel

from liqbot.ledger.money import MicroUsd, Nano

BigId = BigInteger().with_variant(Integer, "sqlite")
ZERO = Decimal(0)


class Table(SQLModel):
    """Base of the ledger's tables, with metadata of their own."""

    metadata = MetaData()


def core(table: type[Table]) -> sqlalchemy.Table:
    """The table beneath a class, for inserts of many rows at once."""
    return Table.metadata.tables[str(table.__tablename__)]


def key() -> Any:
    return Field(primary_key=True, sa_type=BigId, sa_column_kwargs={"autoincrement": False})


def ref(target: str, *, null: bool = False) -> Any:
    default: Any = None if null else ...
    return Field(default, foreign_key=target, sa_type=BigInteger, index=True, nullable=null)


def when(*, null: bool = False, index: bool = False) -> Any:
    return Field(None if null else ..., sa_type=BigInteger, nullable=null, index=index)


def usd(*, null: bool = False) -> Any:
    return Field(None if null else ZERO, sa_type=MicroUsd, nullable=null)


def nano(*, null: bool = True) -> Any:
    return Field(None if null else ZERO, sa_type=Nano, nullable=null)


def account() -> Any:
    """Which of several accounts at the venue; empty is the only one."""
    return Field("", sa_column_kwargs={"server_default": ""})


def json() -> Any:
    return Field(None, sa_type=JSON, nullable=True)


class Run(Table, table=True):
    """One start of the program on one journal."""

    id: int = key()
    journal_id: str
    mode: str
    started_ms: int = when()
    version: str = ""
    platform: str = ""
    config_digest: str = ""
    config: Any = json()


class MapSnapshot(Table, table=True):
    """The map of a coin at one time, in bins of about 20 basis points: JSON `{edges, long_usd, short_usd}`, USD open
    there."""

    __tablename__ = "map_snapshot"
    id: int = key()
    run_id: int | None = ref("run.id", null=True)
    seq: int = when()
    time_ms: int = when(index=True)
    coin: str
    why: str
    mark_price: Decimal = nano(null=False)
    long_usd: Decimal = usd()
    short_usd: Decimal = usd()
    bins: Any = json()
    skill_share: float | None = None
    """The map's own score of the last days when it was written; null until it had one."""
    printed_ratio: float | None = None
    """Printed over promised USD of the last days."""
    forecast: Any = json()
    """The forecast layer: JSON `{edges, by_horizon_h: {hours: {long_usd, long_sd_usd, short_usd, short_sd_usd}}}`."""


class MarkMinute(Table, table=True):
    """The mark of a coin over the ticks of a minute (of a coarser tape: of a tick); `time_ms` is that of the last one.
    Prices of the map."""

    __tablename__ = "mark_minute"
    __table_args__ = (Index("ix_mark_minute_coin_time_ms", "coin", "time_ms"),)
    id: int = key()
    seq: int = when()
    time_ms: int = when()
    coin: str
    low_price: Decimal = nano(null=False)
    high_price: Decimal = nano(null=False)
    mark_price: Decimal = nano(null=False)


class DecisionRow(Table, table=True):
    """A verdict that changed, or what risk said to it. Repeats are counted and only move `last_seen_ms`."""

    __tablename__ = "decision"

    id: int = key()
    run_id: int | None = ref("run.id", null=True)
    seq: int = when()
    decision_id: int | None = Field(None, sa_type=BigInteger, nullable=True, index=True)
    kind: str
    time_ms: int = when(index=True)
    last_seen_ms: int = when()
    count: int = 1
    strategy: str
    venue: str = ""
    coin: str
    side: str
    code: str = Field(index=True)
    reason: str = ""
    entry_price: Decimal | None = nano()
    stop_price: Decimal | None = nano()
    take_price: Decimal | None = nano()
    quantity_base: Decimal | None = nano()
    leverage: float | None = None
    liquidation_price: Decimal | None = nano()
    liquidation_density_pct: float | None = None
    max_hold_ms: int | None = when(null=True)
    """Of an entry that was proposed: how long it was to be held at most."""
    mark_ratio: float | None = None
    """Trading mark over map mark: the prices here are the map's, those of orders are these times this.
    Null where both are the same."""
    features: Any = json()
    gates: Any = json()
    checks: Any = json()
    map_id: int | None = ref("map_snapshot.id", null=True)


class TradeRow(Table, table=True):
    """Our own round trip, from flat to flat. Gross, fees and funding apart; funding positive when received."""

    __tablename__ = "trade"

    id: int = key()
    run_id: int | None = ref("run.id", null=True)
    decision_row: int | None = ref("decision.id", null=True)
    venue: str
    coin: str
    strategy: str
    side: str
    status: str = Field(index=True)
    opened_ms: int = when(index=True)
    closed_ms: int | None = when(null=True)
    quantity_base: Decimal = nano(null=False)
    open_base: Decimal = nano(null=False)
    entry_price: Decimal = nano(null=False)
    exit_price: Decimal | None = nano()
    exit_reason: str = ""
    leverage: float | None = None
    gross_usd: Decimal = usd()
    fees_usd: Decimal = usd()
    funding_usd: Decimal = usd()
    initial_stop_price: Decimal | None = nano()
    liquidation_price: Decimal | None = nano()
    risk_usd: Decimal | None = usd(null=True)
    mae_usd: Decimal = usd()
    mfe_usd: Decimal = usd()
    fees_other: str = Field("", sa_column_kwargs={"server_default": ""})
    """Fees that nothing values, by currency; not in `fees_usd`."""
    account: str = account()
    naked_ms: int | None = when(null=True)
    """How long in all the position was without a confirmed stop over all of it; null where nobody measured."""
    mark_ratio: float | None = None
    """By which the entry was translated from prices of the map into those of the trading market, which all
    here are. Null where both are the same."""


class OrderRow(Table, table=True):
    """One order of ours. `expected_price` is what it should have filled at, for the slippage."""

    __tablename__ = "order"

    id: int = key()
    client_id: str = Field(unique=True)
    venue_order_id: str = ""
    decision_id: int | None = Field(None, sa_type=BigInteger, nullable=True, index=True)
    venue: str
    coin: str
    side: str
    purpose: str
    kind: str
    reduce_only: bool
    quantity_base: Decimal = nano(null=False)
    limit_price: Decimal | None = nano()
    trigger_price: Decimal | None = nano()
    expected_price: Decimal | None = nano()
    status: str
    filled_base: Decimal = nano(null=False)
    average_price: Decimal | None = nano()
    sent_ms: int = when(index=True)
    ack_ms: int | None = when(null=True)
    done_ms: int | None = when(null=True)
    account: str = account()


class OrderEventRow(Table, table=True):
    """Everything that happened to an order, from us (`local`) or as a source reported it."""

    __tablename__ = "order_event"
    id: int = key()
    order_id: int | None = ref("order.id", null=True)
    client_id: str
    seq: int = when()
    time_ms: int = when()
    event: str
    source: str
    raw: Any = json()


class FillRow(Table, table=True):
    """One execution; `kind` is fill, liquidation or deleveraging. A reversal is two rows: closing and opening.
    `fee_usd` is what the fee cost in dollars; `fee_other` the amount when it was paid in another currency."""

    __tablename__ = "fill"

    __table_args__ = (UniqueConstraint("venue", "coin", "fill_id", "reduces", "trade_id"),)
    id: int = key()
    order_id: int | None = ref("order.id", null=True)
    trade_id: int | None = ref("trade.id", null=True)
    seq: int = when()
    time_ms: int = when(index=True)
    fill_id: str
    kind: str
    venue: str
    coin: str
    side: str
    reduces: bool
    price: Decimal = nano(null=False)
    quantity_base: Decimal = nano(null=False)
    realised_usd: Decimal = usd()
    fee_usd: Decimal = usd()
    fee_other: Decimal | None = nano()
    fee_currency: str = "USD"
    maker: bool = False
    fee_apart_usd: Decimal = Field(ZERO, sa_type=MicroUsd, sa_column_kwargs={"server_default": "0"})
    """The part of `fee_usd` that another coin's wallet paid."""
    fee_unvalued: Decimal | None = nano()
    """Of `fee_other`, what nothing values."""
    account: str = account()


class FundingPayment(Table, table=True):
    """Positive: received."""

    __tablename__ = "funding_payment"
    id: int = key()
    trade_id: int | None = ref("trade.id", null=True)
    seq: int = when()
    time_ms: int = when(index=True)
    venue: str
    coin: str
    amount_usd: Decimal = usd()
    rate_pct: float
    account: str = account()


class CashTransfer(Table, table=True):
    """Money that came or went without a trade: `opening` (the first balance seen), deposit, withdrawal, rebate."""

    __tablename__ = "transfer"
    id: int = key()
    seq: int = when()
    time_ms: int = when(index=True)
    venue: str
    kind: str
    amount_usd: Decimal = usd()
    account: str = account()


class Equity(Table, table=True):
    """Wallets and equity now; `unexplained_usd` is what no row of this ledger accounts for."""

    id: int = key()
    run_id: int | None = ref("run.id", null=True)
    seq: int = when()
    time_ms: int = when(index=True)
    wallet_usd: Decimal = usd()
    equity_usd: Decimal = usd()
    transfers_usd: Decimal = usd()
    unexplained_usd: Decimal = usd()
    account: str = account()


class ForcedOrder(Table, table=True):
    """An observed liquidation, with what the map had at its price just before; null where there was no map."""

    __tablename__ = "liquidation"
    id: int = key()
    seq: int = when()
    time_ms: int = when(index=True)
    venue: str
    coin: str
    side: str
    price: Decimal = nano(null=False)
    size_usd: Decimal = usd()
    predicted_usd: Decimal | None = usd(null=True)
    density_decile: int | None = None


class Incident(Table, table=True):
    """Something a person should know about."""

    id: int = key()
    seq: int = when()
    time_ms: int = when(index=True)
    severity: str
    kind: str
    venue: str = ""
    coin: str = ""
    detail: str = ""


class Offset(Table, table=True):
    """How far into a journal this ledger has read: written with the rows, so exactly once."""

    journal_id: str = Field(primary_key=True)
    seq: int = when()


class FoldState(Table, table=True):
    """What the fold remembers, a row per entry, written with the rows it belongs to."""

    __tablename__ = "fold_state"
    journal_id: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: bytes = Field(sa_type=LargeBinary)


TABLES: tuple[type[Table], ...] = (
    Run, MapSnapshot, DecisionRow, TradeRow, OrderRow, OrderEventRow, FillRow, FundingPayment, CashTransfer, Equity,
    ForcedOrder,
    Incident,
    MarkMinute,
)
"""Those with ids, parents before children."""
