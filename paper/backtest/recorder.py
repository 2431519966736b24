"""Watches a house at work, block by block, and makes the report of it. The money is read from the account's books."""

from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from liqbot.accounting.currencies import amounts_text
from liqbot.accounting.round_trips import TripFigures
from liqbot.blocks import EventBlock
from liqbot.commands import PlaceOrder
from liqbot.engine import Engine, Step
from liqbot.events import Balance, OrderRejected, PositionLiquidated
from liqbot.settings import Settings
from paper.backtest.equity import EquityCurve
from paper.backtest.planned_trips import PlannedTrips
from paper.backtest.report import SIMULATED, BacktestReport, Benchmark, Money, TradeStats
from paper.backtest.strategy_stats import stats_of
from paper.backtest.verdict_counts import VerdictTally
from paper.tapes.info import TapeInfo

MICRO: Final = Decimal("0.000001")
ZERO: Final = Decimal(0)


class BacktestRecorder:
    """An observer of `House`; `report` at the end."""

    def __init__(self, settings: Settings, coins: tuple[str, ...]) -> None:
        self._settings = settings
        self.trips = PlannedTrips()
        self.equity = EquityCurve()
        self.tally = VerdictTally(settings.signals, coins)
        self.ticks = self.rows = self.bars = self.liquidated = 0
        self._orders: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._started = False

    def __call__(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        self.trips(seq, block, step, engine)
        for command in step.commands:
            if isinstance(command, PlaceOrder):
                self._orders[command.purpose.value] += 1
        if block.facts:
            self._on_facts(block)
        self.rows += block.market_rows
        self.bars += len(block.bars)
        if block.tick_ms is not None:
            self.ticks += 1
        if block.tick_ms is not None and step.time_ms >= block.tick_ms:  # else the house awaits a price
            self.tally.on_tick(step, engine)
            self.equity.on_tick(block.tick_ms, engine)

    def _on_facts(self, block: EventBlock) -> None:
        if not self._started:
            stated = {fact.venue: fact.wallet_usd for fact in block.facts if isinstance(fact, Balance)}
            if stated:
                self.equity.start(sum(stated.values(), Decimal(0)))
                self._started = True
        self.liquidated += sum(isinstance(fact, PositionLiquidated) for fact in block.facts)
        self._rejected.update(fact.code for fact in block.facts if isinstance(fact, OrderRejected))

    def report(self, tape: TapeInfo, profile: str, engine: Engine) -> BacktestReport:
        """`engine` as the last block left it."""
        signals = self._settings.signals
        names = tuple(name for name in type(signals).model_fields if getattr(getattr(signals, name), "enabled", False))
        verdicts = self.tally.verdicts()
        equity, trips = self.equity, (*self.trips.closed, *engine.account.books.open_trips())
        lines = tuple(map(self.trips.line, trips))
        return BacktestReport(
            caption=SIMULATED, tape=tape, profile=profile, trade_venue=self._settings.trade_venue, strategies=names,
            waive=tuple(signals.waive), ticks=self.ticks, rows=self.rows, bars=self.bars, weighed=self.tally.ticks,
            verdicts=verdicts, strategies_failed=self.tally.failed,
            signals=sum(one.times for one in verdicts if one.code == "SIGNAL"),
            approvals=len(self.trips.approved), refusals=self.tally.refusals(), lacks=self.tally.lacks(),
            orders=dict(sorted(self._orders.items())), orders_rejected=dict(sorted(self._rejected.items())),
            liquidated=self.liquidated, trades=self._stats(trips),
            by_strategy=stats_of(lines, equity.last_ms - equity.first_ms), trips=lines,
            money=self._money(engine), drawdown=equity.falls.deepest, exposure_pct=equity.exposure_pct,
            leverage_mean=equity.leverage_mean, leverage_max=equity.leverage_max,
            hold=tuple(
                Benchmark(coin, hold.first_price, hold.last_price, hold.return_pct, hold.falls.deepest.pct)
                for coin, hold in equity.holds.items()
            ),
        )  # fmt: skip

    def _money(self, engine: Engine) -> Money:
        """Fees that another coin's wallet paid are a cost of ours, and missing from no wallet of dollars."""
        equity, cash = self.equity, engine.account.books.cash
        net = equity.equity_usd - equity.start_usd - cash.transfers_usd
        house_usd = engine.account.equity_usd - cash.paid_apart_usd
        return Money(
            start_usd=equity.start_usd, end_usd=equity.equity_usd, gross_usd=cash.gross_usd, fees_usd=cash.fees_usd,
            funding_usd=cash.funding_usd, rebates_usd=cash.rebates_usd, unrealised_usd=equity.unrealised_usd,
            net_usd=net, net_pct=float(net / equity.start_usd * 100) if equity.start_usd > 0 else 0.0,
            house_differs_usd=(house_usd - equity.equity_usd).quantize(MICRO, ROUND_HALF_EVEN),
            fees_other=amounts_text(cash.fees_unvalued),
        )  # fmt: skip

    def _stats(self, trips: tuple[TripFigures, ...]) -> TradeStats:
        nets = [trip.net_usd for trip in trips if trip.closed_ms is not None]
        wins = sum(net > 0 for net in nets)
        found = (self.trips.r_multiple(trip) for trip in trips if trip.closed_ms is not None)
        multiples = [multiple for multiple in found if multiple is not None]
        return TradeStats(
            closed=len(nets), open=len(trips) - len(nets), wins=wins,
            win_rate_pct=100.0 * wins / len(nets) if nets else None,
            r_mean=sum(multiples) / len(multiples) if multiples else None,
            best_usd=max(nets, default=None), worst_usd=min(nets, default=None),
        )  # fmt: skip
