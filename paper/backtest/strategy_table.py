"""The table of strategies as text."""

from collections.abc import Sequence

from paper.backtest.plain_tables import table
from paper.backtest.strategy_stats import BOTH, StrategyStats
from paper.score.bootstrap import Estimate

_HEAD = ("strategy", "side", "n", "R per trade (95 %)", "PF", "win", "MAE", "MFE", "time", "cost")


def strategy_table(found: Sequence[StrategyStats], idle: Sequence[str]) -> str:
    """By strategy and side, then how trades ended. `idle`: strategies that closed no trade."""
    rows: list[tuple[str, ...]] = [
        (one.strategy if one.side == BOTH else "", one.side, str(one.trades), interval(one.expectancy_r),
         _number(one.profit_factor, 1), _number(one.win_rate_pct, 0), _number(one.mae_r, 2), _number(one.mfe_r, 2),
         _number(one.exposure_pct, 1), _number(one.costs_r, 2))
        for one in found
    ]  # fmt: skip
    rows += [(name, BOTH, "0", *["-"] * (len(_HEAD) - 3)) for name in idle]
    ends = [
        f"  {one.strategy} ended by " + ", ".join(f"{reason} {count}" for reason, count in one.exits.items())
        for one in found
        if one.side == BOTH
    ]
    return "\n".join((table(_HEAD, rows, numbers_from=2, gap=1), *ends))


def interval(found: Estimate) -> str:
    """A mean in R with the middle 95 % of its resamples."""
    if found.value != found.value:
        return "-"
    return f"{found.value:+.2f} ({found.low:+.2f} {found.high:+.2f})"


def _number(value: float, digits: int) -> str:
    return "-" if value != value else f"{value:.{digits}f}"
