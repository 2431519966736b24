"""Maintenance-margin tiers: what share of a position's value a venue wants to see as equity, by size of the position.

Two kinds of table exist. In a *progressive* table each rate applies to the part of the position inside its tier, which
venues write as rate x notional - deduction. In a *whole-position* table the tier's rate applies to all of it, so the
requirement jumps at a border. Some venues state the borders in coin; such tables carry the price they were written at.
"""

import functools
import math
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BORDER_SLACK: Final = 1.0 + 1e-12
"""A notional made of floats that should lie on a border lies on it: 10 BTC are 10 BTC after size x price / price."""

_HUNDRED: Final = Decimal(100)


class LeverageTier(msgspec.Struct, frozen=True):
    """One tier: notional above the floor, up to and including the cap."""

    notional_usd_floor: float
    notional_usd_cap: float
    leverage_max: float
    maintenance_pct: float
    deduction_usd: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.notional_usd_floor < self.notional_usd_cap:
            raise ValueError(f"notional_usd_cap: {self.notional_usd_cap} must exceed {self.notional_usd_floor}")
        if not 1.0 <= self.leverage_max < math.inf:
            raise ValueError(f"leverage_max: {self.leverage_max} must be a finite number of at least 1")
        if not 0.0 < self.maintenance_pct < 100.0:
            raise ValueError(f"maintenance_pct: {self.maintenance_pct} must lie between 0 and 100")
        if not 0.0 <= self.deduction_usd < math.inf:
            raise ValueError(f"deduction_usd: {self.deduction_usd} must be a finite number, not negative")


class TierTable(msgspec.Struct, frozen=True, dict=True, kw_only=True):
    """A venue's tiers for one contract, lowest first, with where they come from.

    `coin_price_usd` is set when the venue states its borders in coin: the USD figures are those at this price and move
    with the price. The last tier's rate also applies above its cap, but no leverage is offered there.
    """

    tiers: tuple[LeverageTier, ...]
    progressive: bool
    source: str
    as_of: str
    checked_to_usd: float = 0.0
    """Up to this notional the figures are the venue's own, recorded or published; above it they are assumed."""
    coin_price_usd: float | None = None

    def __post_init__(self) -> None:
        if not self.tiers:
            raise ValueError("tiers: a table needs at least one tier")
        if self.tiers[0].notional_usd_floor != 0.0:
            raise ValueError(f"tiers[0].notional_usd_floor: {self.tiers[0].notional_usd_floor} must be 0")
        if self.coin_price_usd is not None and not 0.0 < self.coin_price_usd < math.inf:
            raise ValueError(f"coin_price_usd: {self.coin_price_usd} must be a positive number")
        if self.tiers[0].deduction_usd != 0.0:
            raise ValueError(f"tiers[0].deduction_usd: {self.tiers[0].deduction_usd} must be 0")
        for number in range(1, len(self.tiers)):
            _check_step(number, self.tiers[number - 1], self.tiers[number], progressive=self.progressive)

    @property
    def checked(self) -> bool:
        return self.checked_to_usd > 0.0

    @functools.cached_property
    def caps_usd(self) -> Floats:
        return np.array([tier.notional_usd_cap for tier in self.tiers])

    @functools.cached_property
    def rates(self) -> Floats:
        """Maintenance as a fraction, not in percent."""
        return np.array([tier.maintenance_pct for tier in self.tiers]) / 100.0

    @functools.cached_property
    def deductions_usd(self) -> Floats:
        return np.array([tier.deduction_usd for tier in self.tiers])

    @functools.cached_property
    def exact(self) -> tuple[tuple[Decimal, Decimal, Decimal], ...]:
        """(cap_usd, rate as a fraction, deduction_usd) per tier as Decimals of the written figures."""
        return tuple(
            (
                Decimal(str(tier.notional_usd_cap)),
                Decimal(str(tier.maintenance_pct)) / _HUNDRED,
                Decimal(str(tier.deduction_usd)),
            )
            for tier in self.tiers
        )

    def scale(self, price: float | None) -> float:
        """Factor from the table's USD figures to those at `price`; 1 for a table in USD."""
        if self.coin_price_usd is None or price is None:
            return 1.0
        return price / self.coin_price_usd

    def tier_at(self, notional_usd: float, price: float | None = None) -> LeverageTier:
        """The tier of a notional; a border belongs to the tier below it, everything above the last cap to the last."""
        reduced = notional_usd / self.scale(price)
        for tier in self.tiers:
            if reduced <= tier.notional_usd_cap * BORDER_SLACK:
                return tier
        return self.tiers[-1]

    def leverage_max(self, notional_usd: float, price: float | None = None) -> float:
        """0.0 where the venue takes no position of this size."""
        if notional_usd / self.scale(price) > self.tiers[-1].notional_usd_cap * BORDER_SLACK:
            return 0.0
        return self.tier_at(notional_usd, price).leverage_max

    def maintenance_usd(self, notional_usd: float, price: float | None = None) -> float:
        tier = self.tier_at(notional_usd, price)
        return notional_usd * tier.maintenance_pct / 100.0 - tier.deduction_usd * self.scale(price)

    def maintenance_usd_exact(self, notional_usd: Decimal, price: Decimal | None = None) -> Decimal:
        scale = Decimal(1)
        if self.coin_price_usd is not None and price is not None:
            scale = price / Decimal(str(self.coin_price_usd))
        for cap_usd, rate, deduction_usd in self.exact:
            if notional_usd <= cap_usd * scale:
                return notional_usd * rate - deduction_usd * scale
        _, rate, deduction_usd = self.exact[-1]
        return notional_usd * rate - deduction_usd * scale

    def notional_usd_kept(self, equity_usd: float, price: float | None = None) -> float:
        """The largest notional whose maintenance this equity still covers: where a forced reduction may stop."""
        scale, kept = self.scale(price), 0.0
        for tier in self.tiers:
            bearable = (equity_usd + tier.deduction_usd * scale) * 100.0 / tier.maintenance_pct
            if bearable <= tier.notional_usd_floor * scale:
                break
            kept = bearable if tier is self.tiers[-1] else min(bearable, tier.notional_usd_cap * scale)
        return max(kept, 0.0)


def _check_step(number: int, below: LeverageTier, tier: LeverageTier, *, progressive: bool) -> None:
    where = f"tiers[{number}]"
    if tier.notional_usd_floor != below.notional_usd_cap:
        raise ValueError(f"{where}.notional_usd_floor: {tier.notional_usd_floor} must be {below.notional_usd_cap}")
    if tier.leverage_max > below.leverage_max:
        raise ValueError(f"{where}.leverage_max: {tier.leverage_max} must not rise above {below.leverage_max}")
    if tier.maintenance_pct < below.maintenance_pct:
        raise ValueError(f"{where}.maintenance_pct: {tier.maintenance_pct} must not fall below {below.maintenance_pct}")
    step = tier.notional_usd_floor * (tier.maintenance_pct - below.maintenance_pct) / 100.0
    right = below.deduction_usd + step if progressive else 0.0
    if abs(tier.deduction_usd - right) > 1e-9 * max(tier.notional_usd_floor, 1.0):
        raise ValueError(f"{where}.deduction_usd: {tier.deduction_usd} must be {right}, or the requirement jumps")


def tier_table(
    rows: tuple[tuple[float, float, float], ...],
    *,
    source: str,
    as_of: str,
    progressive: bool = True,
    checked_to_usd: float = 0.0,
    coin_price_usd: float | None = None,
) -> TierTable:
    """From (cap, leverage_max, maintenance_pct), lowest first. With `coin_price_usd` the caps are in coin.

    Deductions follow from continuity: deduction_n = deduction_(n-1) + floor_n (rate_n - rate_(n-1)), as every venue
    with progressive tiers defines them; in Decimal, so that they are the venue's own figures to the last digit.
    """
    price = Decimal(1) if coin_price_usd is None else Decimal(str(coin_price_usd))
    tiers: list[LeverageTier] = []
    floor = deduction = rate_before = Decimal(0)
    for cap, leverage_max, maintenance_pct in rows:
        rate = Decimal(str(maintenance_pct)) / _HUNDRED
        deduction += floor * (rate - rate_before) if progressive else Decimal(0)
        cap_usd = Decimal(str(cap)) * price
        tiers.append(LeverageTier(float(floor), float(cap_usd), leverage_max, maintenance_pct, float(deduction)))
        floor, rate_before = cap_usd, rate
    return TierTable(
        tiers=tuple(tiers),
        progressive=progressive,
        source=source,
        as_of=as_of,
        checked_to_usd=checked_to_usd,
        coin_price_usd=coin_price_usd,
    )


def evenly_stepped(
    first: tuple[tuple[float, float, float], ...], *, step: float, count: int, maintenance_pct_step: float,
    initial_pct: float, initial_pct_step: float,
) -> tuple[tuple[float, float, float], ...]:
    """Rows that go on from `first` in even steps, as some venues state theirs ("each further tier ...").

    `initial_pct` is the initial margin of the last row of `first`; leverage is 100 / initial_pct, in hundredths, down.
    """
    rows = list(first)
    cap, _, maintenance_pct = first[-1]
    for number in range(1, count + 1):
        needed_pct = initial_pct + number * initial_pct_step
        leverage_max = max(math.floor(10_000.0 / needed_pct) / 100.0, 1.0)
        rows.append((cap + number * step, leverage_max, round(maintenance_pct + number * maintenance_pct_step, 6)))
    return tuple(rows)
