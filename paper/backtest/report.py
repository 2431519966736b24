"""The report of a backtest as one value: what was decided, what it earned, and what the tape could not tell."""

from decimal import Decimal
from typing import Final

import msgspec

from paper.backtest.equity import LargestFall
from paper.backtest.planned_trips import TripLine
from paper.backtest.strategy_stats import StrategyStats
from paper.backtest.verdict_counts import Count, MissingInputCount
from paper.tapes.info import TapeInfo

SIMULATED: Final = "simulated: fills, fees and funding are modelled, and USD in a liquidation map is an estimate"


class Money(msgspec.Struct, frozen=True):
    """USD. Net = gross - fees + funding + rebates + unrealised. Funding is positive when received."""

    start_usd: Decimal
    end_usd: Decimal
    gross_usd: Decimal
    fees_usd: Decimal
    funding_usd: Decimal
    rebates_usd: Decimal
    unrealised_usd: Decimal
    net_usd: Decimal
    net_pct: float
    house_differs_usd: Decimal
    """Equity by the wallets as the exchange states them minus equity by the facts that explain it: 0 is right."""
    fees_other: str = ""
    """Fees that nothing values, by currency; in no other figure."""


class TradeStats(msgspec.Struct, frozen=True):
    """Over closed round trips; null without any."""

    closed: int
    open: int
    wins: int
    win_rate_pct: float | None
    r_mean: float | None
    best_usd: Decimal | None
    worst_usd: Decimal | None


class Benchmark(msgspec.Struct, frozen=True):
    """Holding one coin over the same span, unlevered and free of cost."""

    coin: str
    first_price: float
    last_price: float
    return_pct: float
    drawdown_pct: float


class Speed(msgspec.Struct, frozen=True):
    """Wall time of the run, reading and deciding included, the check of the tape before it not. A bar is one trade bar
    of one venue."""

    seconds: float
    rows_per_s: float
    bars_per_s: float
    peak_memory_mb: float


class BacktestReport(msgspec.Struct, frozen=True):
    """Everything `backtest --json` prints."""

    caption: str
    tape: TapeInfo
    profile: str
    trade_venue: str
    strategies: tuple[str, ...]
    waive: tuple[str, ...]
    ticks: int
    rows: int
    bars: int
    weighed: int
    """Ticks at which reasons were weighed, over all coins; each gives a verdict per strategy and side."""
    verdicts: tuple[Count, ...]
    strategies_failed: dict[str, str]
    """Strategies of the user's own that a fault of theirs disabled, and why."""
    signals: int
    approvals: int
    refusals: tuple[Count, ...]
    lacks: tuple[MissingInputCount, ...]
    orders: dict[str, int]
    """Orders sent, by purpose."""
    orders_rejected: dict[str, int]
    """By code of the exchange."""
    liquidated: int
    trades: TradeStats
    by_strategy: tuple[StrategyStats, ...]
    """Closed round trips of each strategy, both sides together and each."""
    trips: tuple[TripLine, ...]
    money: Money
    drawdown: LargestFall
    exposure_pct: float
    leverage_mean: float
    leverage_max: float
    hold: tuple[Benchmark, ...]
    speed: Speed | None = None
    journal: str | None = None
    ledger: str | None = None
