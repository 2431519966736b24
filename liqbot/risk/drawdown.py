"""Losses that deposits and withdrawals cannot hide or fake: equity per unit, as a fund counts it, and three latches."""

from decimal import Decimal
from typing import Final

import msgspec

from liqbot.risk.limits import RiskLimits

_DAY_MS: Final = 86_400_000
_HUNDRED: Final = Decimal(100)
_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)


class Drawdown(msgspec.Struct):
    """Units are bought and sold at the current value by every transfer, so the value of one moves only with results.

    Latches hold through restarts: daily until the next UTC day, weekly until Monday, peak until `resume`.
    """

    units: Decimal = _ZERO
    value: Decimal = _ONE
    """Of one unit, at the last tick or transfer."""
    day: int = -1
    day_value: Decimal = _ONE
    week: int = -1
    week_value: Decimal = _ONE
    peak_value: Decimal = _ONE
    daily_latched: bool = False
    weekly_latched: bool = False
    peak_latched: bool = False

    def transfer(self, equity_usd: Decimal, amount_usd: Decimal) -> None:
        """Money came in (or went out, negative) on top of `equity_usd`, which does not hold it yet."""
        if self.units > 0 and equity_usd > 0:
            self.value = equity_usd / self.units
        after_usd = equity_usd + amount_usd
        if self.value <= 0:
            # Everything was lost, so new money has nothing to be measured against: the latches keep telling.
            self.value = self.day_value = self.week_value = self.peak_value = _ONE
        # An emptied account keeps its value for the day money returns.
        self.units = after_usd / self.value if after_usd > 0 else _ZERO

    def tick(self, tick_ms: int, equity_usd: Decimal, limits: RiskLimits) -> None:
        if self.units <= 0:
            if equity_usd <= 0:
                return
            self.transfer(_ZERO, equity_usd)
        # Below zero is as bad as zero: a unit cannot be worth less than nothing.
        self.value = max(_ZERO, equity_usd / self.units)
        day, week = tick_ms // _DAY_MS, (tick_ms // _DAY_MS + 3) // 7  # 1970-01-01 was a Thursday
        # A clock that went back is still the same day: only a later one begins anew.
        if day > self.day:
            self.day, self.day_value, self.daily_latched = day, self.value, False
        if week > self.week:
            self.week, self.week_value, self.weekly_latched = week, self.value, False
        self.peak_value = max(self.peak_value, self.value)
        self.daily_latched |= self.daily_loss_pct >= limits.daily_loss_pct_max
        self.weekly_latched |= self.weekly_loss_pct >= limits.weekly_loss_pct_max
        self.peak_latched |= self.drawdown_pct >= limits.drawdown_pct_max

    def resume(self) -> None:
        """A person looked: a latched peak starts again from here. Daily and weekly latches stay."""
        if self.peak_latched:
            self.peak_latched, self.peak_value = False, self.value

    @property
    def latched(self) -> bool:
        """Whether any of the three forbids entries."""
        return self.daily_latched or self.weekly_latched or self.peak_latched

    @property
    def daily_loss_pct(self) -> float:
        return _loss_pct(self.day_value, self.value)

    @property
    def weekly_loss_pct(self) -> float:
        return _loss_pct(self.week_value, self.value)

    @property
    def drawdown_pct(self) -> float:
        return _loss_pct(self.peak_value, self.value)


def _loss_pct(start: Decimal, now: Decimal) -> float:
    """Positive for a loss; a start at nothing cannot lose."""
    return float((start - now) / start * _HUNDRED) if start > 0 else 0.0
