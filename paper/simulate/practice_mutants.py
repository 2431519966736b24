"""Defects of a house whose orders rest in a test market with prices of its own."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.market import mark_ratio
from liqbot.risk import review
from liqbot.risk.decision import SAME_MARKET_RATIO, Refusal
from liqbot.risk.translation import MarkTranslation
from paper.simulate.mutant import Mutant, Patch, instead, unasked

_SHOWS_IN: Final = ("mark_jumps", "mark_absurd", "mark_silent")


def _at_par(sound: Callable[..., Decimal]) -> Callable[..., Decimal]:
    def mutant(self: MarkTranslation, *args: Any) -> Decimal:
        return sound(msgspec.structs.replace(self, ratio=SAME_MARKET_RATIO), *args)

    return mutant


PRACTICE: Final = (
    Mutant(
        "ratio_ignored",
        "orders bear the prices of the map, whatever those are in the test market",
        (Patch(MarkTranslation, "_on_grid", _at_par), Patch(MarkTranslation, "price_at_venue", _at_par)),
        shows_in=_SHOWS_IN,
    ),
    Mutant(
        "newest_mark",
        "the newest comparison of the two marks is the ratio, absurd or not",
        (Patch(mark_ratio, "median", instead(lambda ratios: list(ratios)[-1])),),
        shows_in=_SHOWS_IN,
    ),
    Mutant(
        "marks_unchecked",
        "entries go on whether or not the test market's mark is fresh and near",
        (
            Patch(
                review, "PRE_TRADE_CHECKS", unasked(Refusal.MARK_STALE, Refusal.MARK_DEVIATION, Refusal.MARK_MOVING)
            ),
        ),
        shows_in=_SHOWS_IN,
    ),
)
