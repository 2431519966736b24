"""Watches a house at work, block by block, and makes the report of it."""

from collections import Counter
from decimal import Decimal
from typing import Final

from liqbot.blocks import EventBlock
from liqbot.commands import PlaceOrder
from liqbot.engine import Engine, Step
from liqbot.events import Balance, OrderRejected, PositionLiquidated
from liqbot.risk.decision import Approved
from liqbot.settings import Settings
from paper.backtest.equity import EquityCurve
from paper.backtest.report import SIMULATED, BacktestReport, Benchmark, Money, TradeStats, TripLine
from paper.backtest.verdict_counts import VerdictTally
from paper.tapes.info import TapeInfo
from paper.trips import Trip, Trips

MICRO: Final = Decimal("0.000001")


class BacktestRecorder:
    """An observer of `House`; `report` at the end."""

    def __init__(self, settings: Settings, coins: tuple[str, ...]) -> None:
        self._settings = settings
        self.trips = Trips()
        self.equity = EquityCurve(self.trips)
        self.tally = VerdictTally(settings.signals, coins)
        self.ticks = self.rows = self.bars = self.liquidated = 0
        self._approved: set[int] = set()
        self._orders: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._started = False

    def __call__(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq
        for decision in step.decisions:
            if isinstance(decision, Approved) and decision.target.decision_id not in self._approved:
                self._approved.add(decision.target.decision_id)
                self.trips.expect(decision.target)
        for command in step.commands:
            if isinstance(command, PlaceOrder):
                self._orders[command.purpose.value] += 1
        if block.facts:
            self._on_facts(block)
        self.rows += block.market_rows
        self.bars += len(block.bars)
        if block.tick_ms is not None:
            self.ticks += 1
            self.tally.on_tick(step, engine)
            self.equity.on_tick(block.tick_ms, engine)

    def _on_facts(self, block: EventBlock) -> None:
        if not self._started:
            stated = {fact.venue: fact.wallet_usd for fact in block.facts if isinstance(fact, Balance)}
            if stated:
                self.equity.start(sum(stated.values(), Decimal(0)))
                self._started = True
        self.trips.fold(block.facts)
        self.liquidated += sum(isinstance(fact, PositionLiquidated) for fact in block.facts)
        self._rejected.update(fact.code for fact in block.facts if isinstance(fact, OrderRejected))

    def report(self, tape: TapeInfo, profile: str, equity_usd: Decimal) -> BacktestReport:
        """`equity_usd` is the house's own figure at the end."""
        signals = self._settings.signals
        names = tuple(name for name in type(signals).model_fields if getattr(getattr(signals, name), "enabled", False))
        verdicts = self.tally.verdicts()
        equity = self.equity
        return BacktestReport(
            caption=SIMULATED, tape=tape, profile=profile, trade_venue=self._settings.trade_venue, strategies=names,
            waive=tuple(signals.waive), ticks=self.ticks, rows=self.rows, bars=self.bars, weighed=self.tally.ticks,
            verdicts=verdicts, signals=sum(one.times for one in verdicts if one.code == "SIGNAL"),
            approvals=len(self._approved), refusals=self.tally.refusals(), lacks=self.tally.lacks(),
            orders=dict(sorted(self._orders.items())), orders_rejected=dict(sorted(self._rejected.items())),
            liquidated=self.liquidated, trades=_stats(self.trips), trips=_lines(self.trips),
            money=self._money(equity_usd), drawdown=equity.falls.deepest, exposure_pct=equity.exposure_pct,
            leverage_mean=equity.leverage_mean, leverage_max=equity.leverage_max,
            hold=tuple(
                Benchmark(coin, hold.first_price, hold.last_price, hold.return_pct, hold.falls.deepest.pct)
                for coin, hold in equity.holds.items()
            ),
        )  # fmt: skip

    def _money(self, house_usd: Decimal) -> Money:
        equity, trips = self.equity, self.trips
        net = equity.equity_usd - equity.start_usd - trips.transfers_usd
        return Money(
            start_usd=equity.start_usd, end_usd=equity.equity_usd, gross_usd=trips.gross_usd, fees_usd=trips.fees_usd,
            funding_usd=trips.funding_usd, rebates_usd=trips.rebates_usd, unrealised_usd=equity.unrealised_usd,
            net_usd=net, net_pct=float(net / equity.start_usd * 100) if equity.start_usd > 0 else 0.0,
            house_differs_usd=(house_usd - equity.equity_usd).quantize(MICRO),
        )  # fmt: skip


def _stats(trips: Trips) -> TradeStats:
    nets = [trip.net_usd for trip in trips.closed]
    wins = sum(net > 0 for net in nets)
    multiples = [multiple for trip in trips.closed if (multiple := trip.r_multiple) is not None]
    return TradeStats(
        closed=len(nets), open=len(trips.open), wins=wins,
        win_rate_pct=100.0 * wins / len(nets) if nets else None,
        r_mean=sum(multiples) / len(multiples) if multiples else None,
        best_usd=max(nets, default=None), worst_usd=min(nets, default=None),
    )  # fmt: skip


def _lines(trips: Trips) -> tuple[TripLine, ...]:
    return tuple(_line(trip) for trip in (*trips.closed, *trips.open))


def _line(trip: Trip) -> TripLine:
    return TripLine(
        trip.venue, trip.coin, trip.side.word, trip.strategy, trip.decision_id, trip.opened_ms, trip.closed_ms,
        trip.entry_price, trip.exit_price if trip.left_base else None, trip.quantity_base, trip.gross_usd,
        trip.fees_usd, trip.funding_usd, trip.net_usd, trip.r_multiple, trip.ended_by if trip.closed_ms else "",
    )  # fmt: skip
