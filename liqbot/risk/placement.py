"""Placing an entry: every leverage and entry that may be tried, sized, with the liquidation price it would have; and of
those that are acceptable the one that is least likely to be swept at the risk asked for.

What is tried, and whether the map is thin there, is decided by `avoid_liquidity`; its answer is enforced here.
"""

import math
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from liqbot.instruments import Instrument, Side
from liqbot.margin.mechanics import Mechanics
from liqbot.market.view import MarketView
from liqbot.risk.decision import Refusal
from liqbot.risk.limits import LEVERAGE_CEILING, RiskLimits
from liqbot.risk.sizing import (
    CAUTION,
    CORRELATED,
    FIRST_WEEK,
    Budget,
    Size,
    exact,
    loss_base,
    size,
    size_to_liquidation,
)
from liqbot.risk.translation import MarkTranslation
from liqbot.signals.strategies import avoid_liquidity
from liqbot.signals.strategies.avoid_liquidity import Alternative, AvoidLiquidityParams
from liqbot.signals.verdict import ACCEPTED, MISSING_INPUT

_ROUNDS: Final = 3
"""The liquidation price depends on the size through the tiers; a smaller size never brings it nearer."""
_SIZE_BOUNDS: Final = ("order", "day", "exposure", "volume", CORRELATED, CAUTION, FIRST_WEEK)
_SAME_RISK_SHARE: Final = Decimal("0.95")
"""Placements whose risk at the stop differs by less are judged by where they would be liquidated alone."""


class TradingBook(msgspec.Struct, frozen=True):
    """The one traded contract of a coin and the margin physics of its venue."""

    instrument: Instrument
    mechanics: Mechanics
    rests: bool = True
    """Whether an entry may rest at its price here: only where a stop that rides on it covers what fills in part."""

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

    proposal: OrderProposal
    leverage: int
    size: Size
    place: Alternative
    refusal: Refusal | None
    risk_usd: Decimal
    """Lost at the stop, costs included; of the trading market."""

    @property
    def liquidation_price(self) -> float:
        """In prices of the map. NaN: there is no size, or the venue does not offer this leverage."""
        return self.place.own_liquidation_price

    def describe(self) -> str:
        """For people."""
        return (
            f"{self.leverage}x at {self.proposal.entry_price}: {self.size.quantity_base} (by {self.size.bound}), "
            f"liquidation {self.liquidation_price:.8g}, density percentile {self.place.density_percentile:.0f}, "
            f"chance {avoid_liquidity.chance_text(self.place)}, risk {self.risk_usd:.2f} USD"
        )


class Placement(NamedTuple):
    """All that was tried, in order, and what was chosen of it: None when nothing was acceptable."""

    tried: tuple[LeverageCandidate, ...]
    chosen: LeverageCandidate | None

    @property
    def accepted(self) -> LeverageCandidate:
        """What was chosen; ValueError when nothing was acceptable."""
        if self.chosen is None:
            raise ValueError(f"none of {len(self.tried)} placements is acceptable")
        return self.chosen


def place(
    proposal: OrderProposal,
    view: MarketView,
    book: TradingBook,
    budget: Budget,
    limits: RiskLimits,
    avoid: AvoidLiquidityParams,
    translation: MarkTranslation,
    hold_ms: int,
) -> Placement:
    """Every leverage at the proposed entry; deeper entries, where they can rest, only when none of these is acceptable,
    since what does not fill protects nobody. Of the acceptable ones those count that bear the most risk at the stop,
    to a twentieth: it is never above what was asked, and less where a cap binds. Of them the one is chosen that price
    is least likely to come to within `hold_ms`.

    Size and liquidation are the trading market's, whose money it is; whether the map is thin there is asked of the map,
    in its prices."""
    tried: list[LeverageCandidate] = []
    for deeper_pct, leverage in avoid_liquidity.alternatives(min(limits.leverage_max, LEVERAGE_CEILING), avoid):
        if deeper_pct and (not book.rests or _accepted_undeepened(tried, proposal)):
            break
        entry = _deeper(proposal, deeper_pct, book.instrument, limits)
        if entry is None:
            break
        tried.append(_candidate(entry, leverage, view, book, budget, limits, avoid, translation, hold_ms))
    return Placement(tuple(tried), _least_likely([one for one in tried if one.refusal is None]))


def _accepted_undeepened(tried: list[LeverageCandidate], proposal: OrderProposal) -> bool:
    return any(one.refusal is None and one.proposal is proposal for one in tried)


def _least_likely(accepted: list[LeverageCandidate]) -> LeverageCandidate | None:
    if not accepted:
        return None
    most_usd = max(one.risk_usd for one in accepted)
    alike = [one for one in accepted if one.risk_usd >= most_usd * _SAME_RISK_SHARE]
    return min(alike, key=lambda one: avoid_liquidity.likelihood(one.place))


def _deeper(
    proposal: OrderProposal, deeper_pct: Decimal, instrument: Instrument, limits: RiskLimits
) -> OrderProposal | None:
    """The proposal, or a limit entry nearer to the stop; None when the stop would lose its least distance."""
    if not deeper_pct:
        return proposal
    sign = int(proposal.side)
    price = instrument.round_entry(proposal.side, proposal.entry_price * (1 - sign * deeper_pct / 100))
    room_pct = sign * (price - proposal.stop_price) / price * 100
    if room_pct < exact(limits.stop_pct_min):
        return None
    return OrderProposal(proposal.side, price, proposal.stop_price, limit=True)


def _candidate(
    proposal: OrderProposal,
    leverage: int,
    view: MarketView,
    book: TradingBook,
    budget: Budget,
    limits: RiskLimits,
    avoid: AvoidLiquidityParams,
    translation: MarkTranslation,
    hold_ms: int,
) -> LeverageCandidate:
    ordered = _at_venue(proposal, translation)
    found, liquidation_price = _sized(ordered, leverage, book, budget, limits)
    tradable = _tradable(found, ordered, book.instrument)
    there = avoid_liquidity.alternative(
        proposal.side, float(proposal.entry_price), float(proposal.stop_price), leverage,
        _in_map(liquidation_price, translation) if tradable else math.nan, view, avoid, hold_ms,
    )  # fmt: skip
    if not tradable:
        refusal: Refusal | None = Refusal.SIZE_LIMIT if found.bound in _SIZE_BOUNDS else Refusal.SIZE_TOO_SMALL
    elif not math.isfinite(liquidation_price):
        refusal = Refusal.LEVERAGE
    else:
        refusal = _where(there, avoid)
    loss_usd = loss_base(book.instrument, ordered.entry_price, ordered.stop_price, limits)
    return LeverageCandidate(proposal, leverage, found, there, refusal, found.quantity_base * loss_usd)


def _sized(
    ordered: OrderProposal, leverage: int, book: TradingBook, budget: Budget, limits: RiskLimits
) -> tuple[Size, float]:
    """The size, and the price at which it would be liquidated; both of the trading market."""
    found = size(book.instrument, ordered.entry_price, ordered.stop_price, leverage, budget, limits)
    liquidation_price = _own_liquidation(ordered, leverage, found, book)
    for _ in range(_ROUNDS):
        if not math.isfinite(liquidation_price):
            break
        smaller = size_to_liquidation(
            book.instrument, found, ordered.entry_price, exact(liquidation_price), budget, limits
        )
        if smaller.quantity_base == found.quantity_base:
            break
        found = smaller
        liquidation_price = _own_liquidation(ordered, leverage, found, book)
    return found, liquidation_price


def _at_venue(proposal: OrderProposal, translation: MarkTranslation) -> OrderProposal:
    side, price = proposal.side, proposal.entry_price
    entry_price = translation.entry_at_venue(side, price) if proposal.limit else translation.price_at_venue(price)
    return OrderProposal(side, entry_price, translation.stop_at_venue(side, proposal.stop_price), proposal.limit)


def _in_map(price: float, translation: MarkTranslation) -> float:
    return float(translation.in_map(exact(price))) if math.isfinite(price) else math.nan


def _own_liquidation(proposal: OrderProposal, leverage: int, found: Size, book: TradingBook) -> float:
    """NaN where the venue does not offer this leverage at this size, or knows no such price."""
    if not _tradable(found, proposal, book.instrument):
        return math.nan
    entry_price = float(proposal.entry_price)
    if leverage > book.mechanics.leverage_max(float(found.quantity_base * proposal.entry_price), entry_price):
        return math.nan
    return book.mechanics.isolated_liquidation_price(proposal.side, entry_price, float(found.quantity_base), leverage)


def _tradable(found: Size, proposal: OrderProposal, instrument: Instrument) -> bool:
    return found.quantity_base > 0 and found.quantity_base * proposal.entry_price >= instrument.min_notional_usd


def _where(there: Alternative, avoid: AvoidLiquidityParams) -> Refusal | None:
    """The answer of `avoid_liquidity` as a refusal."""
    code = avoid_liquidity.code_of(there, avoid)
    if code == ACCEPTED:
        return None
    if code == MISSING_INPUT and math.isfinite(there.density_percentile):
        return Refusal.LIQUIDATION_LIKELY  # how far price usually goes is not known yet, so nor is the chance
    return _REFUSALS.get(code, Refusal.LIQUIDATION_IN_CLUSTER)


_REFUSALS: Final = {
    avoid_liquidity.BEYOND_STOP: Refusal.STOP_BEYOND_LIQUIDATION,
    avoid_liquidity.SWEEP_CHANCE: Refusal.LIQUIDATION_LIKELY,
}
