"""What a backtest is read beside, as text for its first screen."""

from collections.abc import Sequence

from paper.backtest.plain_tables import table
from paper.backtest.report import BacktestReport
from paper.backtest.strategy_stats import BOTH, StrategyStats
from paper.backtest.strategy_table import interval
from paper.research.ablation import WithoutGate
from paper.research.controls import FILLS, OWN, ControlRow
from paper.research.monte_carlo import MonteCarlo, Percentiles
from paper.research.refused_entries import RefusalPrice
from paper.research.researched import Research
from paper.research.walk_forward import WalkForward
from paper.tapes.info import iso

_FEW = 20
"""Trades from which on an interval is worth reading."""


def controls_text(report: BacktestReport, research: Research) -> str:
    """A row for each control of each strategy, and one sentence that says what it comes to."""
    head = ("strategy", "beside", "n", "R per trade (95 %)", "own better by")
    own = {one.strategy: one for one in report.by_strategy if one.side == BOTH}
    rows: list[tuple[str, ...]] = []
    for strategy in report.strategies:
        stats = own.get(strategy)
        mean = interval(stats.expectancy_r) if stats else "-"
        rows.append((strategy, OWN, str(stats.trades if stats else 0), mean, ""))
        rows += [
            ("", one.control, str(one.trades), interval(one.expectancy_r), interval(one.own_better_r))
            for one in research.controls
            if one.strategy == strategy and (stats is not None or one.trades)
        ]
    lines = [f"  {strategy}: {edge_of(strategy, report, research)}" for strategy in report.strategies]
    return "\n".join((table(head, rows, numbers_from=2, gap=1), *lines, "  chance: share of random samples as good"))


def edge_of(strategy: str, report: BacktestReport, research: Research) -> str:
    """One sentence: whether the strategy did better than what knows nothing."""
    own = next((one for one in report.by_strategy if one.strategy == strategy and one.side == BOTH), None)
    return verdict_on(own, [one for one in research.controls if one.strategy == strategy])


def verdict_on(own: StrategyStats | None, beside: Sequence[ControlRow]) -> str:
    """`own` over both sides, None without a closed trade; `beside` are its controls."""
    if own is None:
        return "no trade closed, so nothing is shown either way"
    nothing_known = [one for one in beside if one.control not in FILLS and one.trades]
    chance = "".join(f"; chance {one.by_chance_share:.2f}" for one in nothing_known if one.by_chance_share is not None)
    rest = f"{chance}; {own.trades} trades: few" if own.trades < _FEW else chance
    if not own.expectancy_r.above_zero:
        return f"no edge, interval not above 0{rest}"
    if not nothing_known:
        return f"gains, with nothing to compare it with{rest}"
    unbeaten = [one.control for one in nothing_known if not one.own_better_r.above_zero]
    if unbeaten:
        return f"gains, no better than {', '.join(unbeaten)}{rest}"
    return f"better than 0 and than every control{rest}"


def refusals_text(refusals: Sequence[RefusalPrice], strategies: Sequence[str], *, shown: int = 4) -> str:
    """Per strategy the refusals that kept it from most trades: what they would have earned."""
    if not refusals:
        return ""
    head = ("refused alone by", "n", "would have earned, R (95 %)")
    rows: list[tuple[str, ...]] = []
    for strategy in strategies:
        own = sorted((one for one in refusals if one.strategy == strategy), key=lambda one: -one.entries)
        rows += [
            (f"{strategy} {one.by} {one.code}", str(one.entries), interval(one.expectancy_r)) for one in own[:shown]
        ]
        if len(own) > shown:
            rows.append((f"{strategy}: {len(own) - shown} more", str(sum(one.entries for one in own[shown:])), ""))
    return table(head, rows, numbers_from=1, gap=1)


def monte_carlo_text(found: MonteCarlo | None) -> str:
    """What luck of order and of draw would have made of the same trades."""
    if found is None:
        return "monte carlo: fewer than two closed trades"
    reordered, redrawn, ends = map(
        _percentiles, (found.drawdown_reordered, found.drawdown_redrawn, found.end_redrawn)
    )
    return "\n".join((
        f"monte carlo, {found.runs:,} runs of {found.trades} trades at {found.risk_pct:g} % risk each, 5 / 50 / 95 %:",
        f"  drawdown as traded {found.drawdown_as_traded_pct:.1f} %; in another order {reordered}",
        f"  trades drawn anew: drawdown {redrawn};",
        f"  end {ends}; a loss in {100 * found.loses_share:.0f} %",
    ))  # fmt: skip


def _percentiles(found: Percentiles) -> str:
    return f"{found.p5_pct:.1f} / {found.p50_pct:.1f} / {found.p95_pct:.1f} %"


def walk_forward_text(found: WalkForward) -> str:
    """What choosing anew before each window made, beside choosing nothing and beside hindsight."""
    rows = [
        (iso(one.start_ms)[:10], str(one.trades), "-" if one.r_mean != one.r_mean else f"{one.r_mean:+.2f}",
         ", ".join(f"{name.removeprefix('signals.')} {value}" for name, value in one.chosen.items()) or "as set")
        for one in found.windows
    ]  # fmt: skip
    return "\n".join((
        table(("walking forward from", "n", "R", "chosen by what came before"), rows),
        f"  chosen before each window {interval(found.chosen_r)} R per trade; as set {interval(found.as_set_r)};",
        f"  the best in hindsight {interval(found.best_in_hindsight_r)}, which nobody could have chosen",
    ))


def ablation_text(found: Sequence[WithoutGate]) -> str:
    """Each strategy without each of its gates."""
    rows = [
        (one.strategy if not one.gate else "", f"without {one.gate}" if one.gate else "as it is", str(one.trades),
         interval(one.expectancy_r)) for one in found
    ]  # fmt: skip
    return table(("strategy", "", "n", "R per trade (95 %)"), rows, numbers_from=2, gap=1)
