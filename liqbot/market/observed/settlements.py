"""When funding is settled, and which settlement a reported rate belongs to.

Venues settle on whole hours, each instrument at whole intervals since midnight UTC. They stamp what they settled at
milliseconds late or early, and not all say whether a rate is a forecast or what was paid.
"""

from typing import Final

from liqbot.instruments import FundingStage

HOUR_MS: Final = 3_600_000
STAMP_TOLERANCE_MS: Final = 60_000
"""A stamp this near to a settlement belongs to it."""


def interval_ms(interval_h: float) -> int:
    return max(1, round(interval_h * HOUR_MS))


def grid_ms(interval_h: float) -> int:
    """Settlements lie on multiples of this: on the hour, also while an interval changes."""
    return min(HOUR_MS, interval_ms(interval_h))


def settlement_ms(time_ms: int, interval_h: float, stage: FundingStage | None) -> int | None:
    """The time of the settlement at which this rate was paid; None for a forecast.

    What says that it is a settlement belongs to the nearest hour, whatever its interval, which may just have changed;
    None where there is none within a minute. What says nothing is taken for a settlement when it is stamped at a whole
    interval or within the minute after it: before it, it is what was expected to be paid.
    """
    if stage is FundingStage.FORECAST:
        return None
    step_ms = grid_ms(interval_h) if stage is FundingStage.SETTLEMENT else interval_ms(interval_h)
    before_ms = time_ms // step_ms * step_ms
    if time_ms - before_ms <= STAMP_TOLERANCE_MS:
        return before_ms
    early = stage is FundingStage.SETTLEMENT and before_ms + step_ms - time_ms <= STAMP_TOLERANCE_MS
    return before_ms + step_ms if early else None
