"""Settings that are right each by itself and make no sense together. Asked of what a user writes, never of what a run
recorded: a journal stays readable."""

import operator
from collections.abc import Iterator
from typing import Final, NamedTuple

from pydantic import BaseModel

from liqbot.settings.model import Settings
from liqbot.settings.names import leaves


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
    """One line for each, those of strategies of the user's own included."""
    lines = []
    for low, high, because in (*PAIRS, *_least_and_most(type(settings))):
        low_value, high_value = operator.attrgetter(low, high)(settings)
        if low_value is not None and high_value is not None and low_value > high_value:
            lines.append(f"{low} = {low_value:g} is above {high} = {high_value:g}: {because}")
    return lines


def _least_and_most(model: type[BaseModel]) -> Iterator[Pair]:
    """`distance_pct_min` and `distance_pct_max` of a section: nothing lies between the two when they are swapped."""
    names = {".".join(path) for path, _ in leaves(model)}
    for low in sorted(names):
        high = f"{low.removesuffix('_min')}_max"
        if low.endswith("_min") and high in names:
            yield Pair(low, high, "nothing lies between the two")
