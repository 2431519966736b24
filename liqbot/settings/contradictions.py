"""Settings that are right each by itself and make no sense together. Asked of what a user writes, never of what a run
recorded: a journal stays readable."""

import operator
from typing import Final, NamedTuple

from liqbot.settings.model import Settings


class Pair(NamedTuple):
    """The first must not be above the second."""

    low: str
    high: str
    because: str


PAIRS: Final = (
    Pair(
        "risk.risk_per_trade_pct", "risk.daily_loss_pct_max",
        "one trade that ends at its stop would lose more than a day may",
    ),
    Pair(
        "signals.avoid_liquidity.density_percentile_max", "signals.avoid_liquidity.held_percentile_max",
        "what is entered between the two would be reduced at once, and both fills are paid for",
    ),
)


def contradictions(settings: Settings) -> list[str]:
    """One line for each."""
    lines = []
    for low, high, because in PAIRS:
        low_value, high_value = operator.attrgetter(low, high)(settings)
        if low_value > high_value:
            lines.append(f"{low} = {low_value:g} is above {high} = {high_value:g}: {because}")
    return lines
