"""Avoiding being the liquidity: no entry where our own liquidation price lies among those of others.

It proposes nothing. Risk computes for each alternative (a leverage, an entry) where we would be liquidated, and this
file says whether the map is thin there and how likely price is to come there while the position is held. Of what it
accepts, risk takes the least likely one. It is asked again while a position is open. Nothing switches it off; its
limits may be tightened.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Protocol

import msgspec

from liqbot.instruments import Side
from liqbot.market.forecast.sweep_chance import reach_chance
from liqbot.market.map.clusters import spans_of
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.view import SideView
from liqbot.signals.gates import Condition, GateSpec, conditions, same, shown
from liqbot.signals.gates import code_of as first_failed
from liqbot.signals.strategy import EntryCondition
from liqbot.signals.verdict import ACCEPTED, DERIVED, MISSING, NO_ENTRY, SIGNAL, Gate, Input, Verdict
from liqbot.strict_params import StrictParams, limit


class AvoidLiquidityParams(StrictParams):
    """Where our own liquidation price may lie, on every entry of every strategy."""

    stop_buffer_pct: float = limit(
        1.0, "Our own liquidation price lies at least this far beyond the stop, in percent of the entry.", gt=0, le=20
    )
    density_percentile_max: float = limit(
        40.0, "Density percentile of the map at our own liquidation price.", ceiling=80.0, ge=0
    )
    cluster_pad_pct: float = limit(0.1, "Our own liquidation price keeps this far from any cluster.", ge=0, le=5)
    deeper_pct_max: float = limit(
        0.5,
        "How much deeper a limit entry may be placed to get our liquidation price into a thin zone; 0: never.",
        ge=0,
        le=5,
    )
    deeper_step_pct: float = limit(0.25, "Step of the search for a deeper entry.", gt=0, le=5)
    sweep_chance_pct_max: float = limit(
        1.0, "Chance that price comes to our own liquidation price while the position is held.", ceiling=5.0, gt=0
    )
    held_percentile_max: float = limit(
        80.0,
        "Density percentile at our own liquidation price beyond which an open position is reduced and a waiting entry "
        "withdrawn; so they are where a cluster has come to lie there.",
        ceiling=95.0, ge=0,
    )


class Surroundings(Protocol):
    """What must be known of the market around a liquidation price; a `MarketView` knows it."""

    @property
    def mark_price(self) -> float: ...

    @property
    def range_pct(self) -> float:
        """Mean range of an hour."""

    @property
    def map(self) -> LiquidationMap: ...

    def behind(self, side: Side) -> SideView:
        """The side of the mark on which a position of `side` is liquidated."""


class Alternative(msgspec.Struct, frozen=True):
    """One way to place an entry, and what the map says at its liquidation price. NaN is absent: without a size there is
    no such price, beyond the map no density."""

    side: Side
    entry_price: float
    leverage: float
    own_liquidation_price: float
    beyond_stop_pct: float
    """How far beyond the stop it lies, in percent of the entry; negative when before it."""
    density_percentile: float
    cluster_count: float
    """Clusters of positions like ours that hold the price, or have it within their pad."""
    cluster_distance_pct: float
    """To the nearest such cluster, in percent of the entry; 0 inside one."""
    sweep_chance_pct: float
    """That price comes there while the position is held (`market.forecast.sweep_chance`)."""

    def value(self, name: str) -> Any:
        return getattr(self, name)


GATES: Final = (
    GateSpec("beyond_stop", ("own_liquidation_price",), same("beyond_stop_pct"), ">=", "stop_buffer_pct"),
    GateSpec("thin_zone", ("density_percentile",), same("density_percentile"), "<=", "density_percentile_max"),
    GateSpec("no_cluster", ("cluster_count", "cluster_distance_pct"), same("cluster_count"), "<=", 0.0),
    GateSpec("sweep_chance", ("sweep_chance_pct",), same("sweep_chance_pct"), "<=", "sweep_chance_pct_max"),
)
STRATEGY: Final = EntryCondition("avoid_liquidity", AvoidLiquidityParams, GATES, Alternative)

BEYOND_STOP: Final = GATES[0].code
SWEEP_CHANCE: Final = GATES[-1].code
_DERIVED: Final = frozenset(Alternative.__struct_fields__)
_WITHOUT_PRICE: Final = 0
_STOP_TOO_NEAR: Final = 1
_DENSE: Final = 2
_SAME_CHANCE_PCT: Final = 0.01


def alternatives(leverage_max: int, params: AvoidLiquidityParams) -> Iterator[tuple[Decimal, int]]:
    """What to try, as (how much deeper the entry, leverage): leverage from the limit down to 1 at the proposed price,
    then at deeper limit entries."""
    steps = math.floor(params.deeper_pct_max / params.deeper_step_pct + 1e-9)
    for step in range(steps + 1):
        for leverage in range(leverage_max, 0, -1):
            yield Decimal(str(params.deeper_step_pct)) * step, leverage


def alternative(
    side: Side,
    entry_price: float,
    stop_price: float,
    leverage: float,
    liquidation_price: float,
    view: Surroundings,
    params: AvoidLiquidityParams,
    hold_ms: int,
) -> Alternative:
    """What the map says about one that is held for `hold_ms` at the most. `liquidation_price` NaN: risk found no size
    or no leverage for it."""
    if not math.isfinite(liquidation_price):
        return Alternative(side, entry_price, leverage, *[math.nan] * 6)
    return Alternative(
        side=side,
        entry_price=entry_price,
        leverage=leverage,
        own_liquidation_price=liquidation_price,
        beyond_stop_pct=beyond_stop_pct(side, entry_price, stop_price, liquidation_price),
        density_percentile=view.map.density_percentile(side, liquidation_price),
        cluster_count=float(_cluster_count(side, liquidation_price, view, params)),
        cluster_distance_pct=_cluster_distance_pct(side, liquidation_price, entry_price, view),
        sweep_chance_pct=sweep_chance_pct(view, liquidation_price, hold_ms),
    )


def code_of(tried: Alternative, params: AvoidLiquidityParams) -> str:
    """ACCEPTED, MISSING_INPUT (an unknown density is no thin zone) or the first gate that fails."""
    code = first_failed(_required(params), tried, params)
    return ACCEPTED if code == SIGNAL else code


@lru_cache(maxsize=16)
def _required(params: AvoidLiquidityParams) -> tuple[Condition, ...]:
    return conditions(GATES, params, ())


def sweep_chance_pct(view: Surroundings, price: float, within_ms: float) -> float:
    """Chance that the mark comes to a price within a time, in percent; NaN where price or range are not known."""
    return 100.0 * reach_chance(view.mark_price, price, view.range_pct, within_ms)


def chance_text(tried: Alternative) -> str:
    """For people."""
    chance_pct = tried.sweep_chance_pct
    return f"{chance_pct:.2g} %" if math.isfinite(chance_pct) else "unknown"


def likelihood(tried: Alternative) -> tuple[float, float, float, float]:
    """Sorts acceptable alternatives: the least likely to be swept first, of equally likely ones the one in the thinner
    place, then again by chance and by leverage. Below one in ten thousand all count as equally likely: so far out the
    chance is a tail that nobody measured, and what is left to go by is the map."""
    chance_pct = tried.sweep_chance_pct
    return max(chance_pct, _SAME_CHANCE_PCT), tried.density_percentile, chance_pct, tried.leverage


def verdict_on(
    coin: str, side: Side, tried: Sequence[Alternative], params: AvoidLiquidityParams,
    chosen: Alternative | None = None,
) -> Verdict:
    """On a proposed entry: the gates of the alternative that risk chose, or else of the one that came furthest, and all
    densities."""
    best = chosen or max(tried, key=lambda one: _reached(one, params))
    code, gates = shown(GATES, best, params, (), _DERIVED)
    accepted = code == SIGNAL
    reason = (
        f"{best.leverage:g}x at {best.entry_price:g} would be liquidated at {best.own_liquidation_price:.8g}, "
        f"density percentile {best.density_percentile:.0f}, chance {chance_text(best)}"
    )
    return Verdict(
        STRATEGY.name, coin, side, ACCEPTED if accepted else code, (*gates, _tried(tried, params)),
        reason=reason if accepted else "",
    )


def changes(coin: str, said: Mapping[Side, Sequence[Verdict]], last: dict[str, str]) -> list[Verdict]:
    """Of the verdicts on the entries proposed at this tick, those whose code changed; NO_ENTRY once nothing is proposed
    any more. `last` remembers the codes between ticks."""
    found: list[Verdict] = []
    for side in Side:
        key, verdicts = f"{coin} {STRATEGY.name} {side.word}", said.get(side, ())
        code = " ".join(verdict.code for verdict in verdicts)
        if last.get(key, "") == code:
            continue
        if verdicts:
            last[key] = code
            found += verdicts
        else:
            del last[key]
            found.append(Verdict(STRATEGY.name, coin, side, NO_ENTRY, (), reason="no entry is proposed any more"))
    return found


def beyond_stop_pct(side: Side, entry_price: float, stop_price: float, liquidation_price: float) -> float:
    """How far beyond the stop our own liquidation price lies, in percent of the entry; negative when before it."""
    return float(side) * (stop_price - liquidation_price) / entry_price * 100.0


def crowded(side: Side, price: float, view: Surroundings, params: AvoidLiquidityParams) -> str:
    """Why the map has come to be dense at the liquidation price of what was placed where it was thin; empty when it has
    not. What the map does not say (beyond it, on the wrong side of the mark) is no reason."""
    if in_cluster(side, price, view, params):
        return f"a cluster has come to lie at our own liquidation price {price:.8g}"
    percentile = view.map.density_percentile(side, price)
    if percentile > params.held_percentile_max:
        return f"density percentile {percentile:.0f} at our own liquidation price {price:.8g}"
    return ""


def in_cluster(side: Side, price: float, view: Surroundings, params: AvoidLiquidityParams) -> bool:
    """Whether a price lies in, or within the pad of, a cluster of positions like ours."""
    return _cluster_count(side, price, view, params) > 0


def _cluster_count(side: Side, price: float, view: Surroundings, params: AvoidLiquidityParams) -> int:
    pad = params.cluster_pad_pct / 100.0
    spans = spans_of(view.behind(side).clusters)
    return len([low for low, high in spans if low * (1.0 - pad) <= price <= high * (1.0 + pad)])


def _cluster_distance_pct(side: Side, price: float, entry_price: float, view: Surroundings) -> float:
    distances = [
        max(0.0, low - price, price - high) / entry_price * 100.0
        for low, high in spans_of(view.behind(side).clusters)
    ]
    return min(distances, default=math.nan)


def _reached(tried: Alternative, params: AvoidLiquidityParams) -> int:
    """How far it came; of equals the first one tried counts."""
    code = code_of(tried, params)
    if code == ACCEPTED:
        return _DENSE + 1
    if tried.own_liquidation_price != tried.own_liquidation_price:
        return _WITHOUT_PRICE
    return _STOP_TOO_NEAR if code == BEYOND_STOP else _DENSE


def _tried(tried: Sequence[Alternative], params: AvoidLiquidityParams) -> Gate:
    """The alternatives as one gate: an input for each with its density, the value how many were acceptable."""
    inputs = tuple(
        Input(f"{one.leverage:g}x at {one.entry_price:g}", _known(one.density_percentile),
              MISSING if one.density_percentile != one.density_percentile else DERIVED)
        for one in tried
    )  # fmt: skip
    count = sum(code_of(one, params) == ACCEPTED for one in tried)
    return Gate("alternatives", inputs, float(count), ">=", 1.0, count > 0)


def _known(value: Any) -> float | None:
    return value if value == value else None
