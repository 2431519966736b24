"""The report of a search as text: the guards first, then the best candidates."""

import math
from typing import Any

from paper.backtest.plain_tables import table
from paper.backtest.strategy_table import interval
from paper.research.search import TRADES_MIN, Finalist, SearchReport


def text_of(report: SearchReport) -> str:
    """Several paragraphs."""
    rows = [_row("as set", report.as_set)]
    rows += [_row(str(number), one) for number, one in enumerate(report.finalists, 1)]
    lines = [f"{number}: {_named(one.candidate)}" for number, one in enumerate(report.finalists, 1)]
    return "\n\n".join((
        _guards(report),
        table(("", "Sharpe/day", "n", "R per trade (95 %)", "n held out", "R held out"), rows, numbers_from=1),
        "\n".join(lines),
    ))  # fmt: skip


def _guards(report: SearchReport) -> str:
    best = report.finalists[0] if report.finalists else report.as_set
    held = best.held_out_r
    unseen = "no tape was held out: nothing is known outside these" if held is None else (
        f"on held-out tapes the best made {interval(held)} R in {best.held_out_trades} trades"
    )
    return "\n".join((
        f"{report.screened:,} screened, {report.walked:,} walked through the whole house",
        f"deflated Sharpe ratio {_share(report.deflated_sharpe_probability)}: chance that the best has any skill,",
        "  given how many were tried (above .95 is worth a look)",
        f"probability of overfitting {_share(report.overfitting_probability)}: how often the best of one half of",
        "  the days is no better than the median in the other half (.5 is chance)",
        unseen,
        f"speed: screening {_speed(report.screen_sets_per_s)}, walks {_speed(report.walk_sets_per_s)} bar-sets/s",
    ))  # fmt: skip


def _row(name: str, one: Finalist) -> tuple[str, ...]:
    held = "-" if one.held_out_r is None else interval(one.held_out_r)
    ratio = f"{one.value:+.3f}" if math.isfinite(one.value) else f"n < {TRADES_MIN}"
    return (name, ratio, str(one.trades), interval(one.expectancy_r),
            "-" if one.held_out_r is None else str(one.held_out_trades), held)  # fmt: skip


def _named(candidate: dict[str, Any]) -> str:
    return ", ".join(f"{name.removeprefix('signals.')} {value}" for name, value in candidate.items())


def _share(value: float) -> str:
    return "unknown" if value != value else f"{value:.2f}"


def _speed(value: float) -> str:
    return "none" if value != value else f"{value:,.0f}"
