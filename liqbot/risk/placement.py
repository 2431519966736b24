"""Not being the liquidity: before any position, see where our own liquidation price would fall on the map, and lower
the leverage, or enter deeper, until it lies beyond the stop and in a thin zone."""

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from liqbot.instruments import Instrument, Side
from liqbot.margin.mechanics import Mechanics
from liqbot.market.view import MarketView
from liqbot.risk.decision import Refusal
from liqbot.risk.limits import LEVERAGE_CEILING, RiskLimits
from liqbot.risk.sizing import Budget, Size, exact, size, size_to_liquidation

_ROUNDS: Final = 3
"""The liquidation price depends on the size through the tiers; a smaller size never brings it nearer."""
_SIZE_BOUNDS: Final = ("order", "day", "exposure", "volume")


class TradingBook(msgspec.Struct, frozen=True):
    """The one traded contract of a coin and the margin physics of its venue."""

    instrument: Instrument
    mechanics: Mechanics

    def __post_init__(self) -> None:
        if self.instrument.inverse:
            raise ValueError(
                f"{self.instrument.symbol}: inverse contracts are mapped but not traded; name a linear one"
            )


class OrderProposal(msgspec.Struct, frozen=True):
    """An entry with its stop, rounded to the instrument. `limit` tells whether it rests at its price."""

    side: Side
    entry_price: Decimal
    stop_price: Decimal
    limit: bool


class LeverageCandidate(msgspec.Struct, frozen=True):
    """One combination of entry and leverage that was tried; accepted when `refusal` is None."""

    wish: OrderProposal
    leverage: int
    size: Size
    liquidation_price: float
    density_percentile: float
    refusal: Refusal | None

    def describe(self) -> str:
        """For people."""
        return (
            f"{self.leverage}x at {self.wish.entry_price}: {self.size.quantity_base} (by {self.size.bound}), "
            f"liquidation {self.liquidation_price:.8g}, density percentile {self.density_percentile:.0f}"
        )


def place(
    wish: OrderProposal, view: MarketView, book: TradingBook, budget: Budget, limits: RiskLimits
) -> tuple[LeverageCandidate, ...]:
    """All that was tried, in order: leverage from the limit down to 1 at the wished entry, then at deeper limit
    entries. The search ends at the first accepted rung, which is the last one returned."""
    tried: list[LeverageCandidate] = []
    for entry in _entries(wish, book.instrument, limits):
        for leverage in range(min(limits.leverage_max, LEVERAGE_CEILING), 0, -1):
            rung = _rung(entry, leverage, view, book, budget, limits)
            tried.append(rung)
            if rung.refusal is None:
                return tuple(tried)
    return tuple(tried)


def _entries(wish: OrderProposal, instrument: Instrument, limits: RiskLimits) -> Iterator[OrderProposal]:
    """The wish, then limit entries step by step nearer to the stop, as long as the stop keeps its least distance."""
    yield wish
    sign = int(wish.side)
    steps = math.floor(limits.deeper_pct_max / limits.deeper_step_pct + 1e-9)
    for step in range(1, steps + 1):
        deeper = wish.entry_price * (1 - sign * exact(limits.deeper_step_pct) * step / 100)
        price = instrument.round_entry(wish.side, deeper)
        room_pct = sign * (price - wish.stop_price) / price * 100
        if room_pct < exact(limits.stop_pct_min):
            return
        yield OrderProposal(wish.side, price, wish.stop_price, limit=True)


def _rung(
    wish: OrderProposal, leverage: int, view: MarketView, book: TradingBook, budget: Budget, limits: RiskLimits
) -> LeverageCandidate:
    found = size(book.instrument, wish.entry_price, wish.stop_price, leverage, budget, limits)
    liquidation_price = _own_liquidation(wish, leverage, found, book)
    for _ in range(_ROUNDS):
        if not math.isfinite(liquidation_price):
            break
        smaller = size_to_liquidation(
            book.instrument, found, wish.entry_price, exact(liquidation_price), budget, limits
        )
        if smaller.quantity_base == found.quantity_base:
            break
        found = smaller
        liquidation_price = _own_liquidation(wish, leverage, found, book)
    if not _tradable(found, wish, book.instrument):
        code = Refusal.SIZE_LIMIT if found.bound in _SIZE_BOUNDS else Refusal.SIZE_TOO_SMALL
        return LeverageCandidate(wish, leverage, found, math.nan, math.nan, code)
    if not math.isfinite(liquidation_price):
        return LeverageCandidate(wish, leverage, found, math.nan, math.nan, Refusal.LEVERAGE)
    percentile = view.map.density_percentile(wish.side, liquidation_price)
    refusal = _where(wish, liquidation_price, percentile, view, limits)
    return LeverageCandidate(wish, leverage, found, liquidation_price, percentile, refusal)


def _own_liquidation(wish: OrderProposal, leverage: int, found: Size, book: TradingBook) -> float:
    """NaN where the venue does not offer this leverage at this size, or knows no such price."""
    if not _tradable(found, wish, book.instrument):
        return math.nan
    if leverage > book.mechanics.leverage_max(float(found.quantity_base * wish.entry_price), float(wish.entry_price)):
        return math.nan
    return book.mechanics.isolated_liquidation_price(
        wish.side, float(wish.entry_price), float(found.quantity_base), leverage
    )


def _tradable(found: Size, wish: OrderProposal, instrument: Instrument) -> bool:
    return found.quantity_base > 0 and found.quantity_base * wish.entry_price >= instrument.min_notional_usd


def _where(
    wish: OrderProposal, liquidation_price: float, percentile: float, view: MarketView, limits: RiskLimits
) -> Refusal | None:
    """An unknown density (NaN) is no thin zone."""
    if buffer_pct(wish, liquidation_price) < limits.stop_buffer_pct:
        return Refusal.STOP_BEYOND_LIQUIDATION
    if not percentile <= limits.density_percentile_max or in_cluster(wish.side, liquidation_price, view, limits):
        return Refusal.LIQUIDATION_IN_CLUSTER
    return None


def buffer_pct(wish: OrderProposal, liquidation_price: float) -> float:
    """How far beyond the stop our own liquidation price lies, in percent of the entry; negative when before it."""
    return float(wish.side) * (float(wish.stop_price) - liquidation_price) / float(wish.entry_price) * 100.0


def in_cluster(side: Side, price: float, view: MarketView, limits: RiskLimits) -> bool:
    """Whether a price lies in, or within the pad of, a cluster of positions like ours."""
    pad = limits.cluster_pad_pct / 100.0
    return any(
        cluster.price_low * (1.0 - pad) <= price <= cluster.price_high * (1.0 + pad)
        for cluster in view.behind(side).clusters
    )
