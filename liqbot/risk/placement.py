"""Placing an entry: every leverage and entry that may be tried, sized, with the liquidation price it would have.

What is tried, and whether the map is thin there, is decided by `avoid_liquidity`; its answer is enforced here.
"""

import math
from decimal import Decimal
from typing import Final

import msgspec

from liqbot.instruments import Instrument, Side
from liqbot.margin.mechanics import Mechanics
from liqbot.market.view import MarketView
from liqbot.risk.decision import Refusal
from liqbot.risk.limits import LEVERAGE_CEILING, RiskLimits
from liqbot.risk.sizing import FIRST_WEEK, Budget, Size, exact, size, size_to_liquidation
from liqbot.risk.translation import MarkTranslation
from liqbot.signals.strategies import avoid_liquidity
from liqbot.signals.strategies.avoid_liquidity import Alternative, AvoidLiquidityParams
from liqbot.signals.verdict import ACCEPTED

_ROUNDS: Final = 3
"""The liquidation price depends on the size through the tiers; a smaller size never brings it nearer."""
_SIZE_BOUNDS: Final = ("order", "day", "exposure", "volume", FIRST_WEEK)


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

    proposal: OrderProposal
    leverage: int
    size: Size
    place: Alternative
    refusal: Refusal | None

    @property
    def liquidation_price(self) -> float:
        """In prices of the map. NaN: there is no size, or the venue does not offer this leverage."""
        return self.place.own_liquidation_price

    def describe(self) -> str:
        """For people."""
        return (
            f"{self.leverage}x at {self.proposal.entry_price}: {self.size.quantity_base} (by {self.size.bound}), "
            f"liquidation {self.liquidation_price:.8g}, density percentile {self.place.density_percentile:.0f}"
        )


def place(
    proposal: OrderProposal,
    view: MarketView,
    book: TradingBook,
    budget: Budget,
    limits: RiskLimits,
    avoid: AvoidLiquidityParams,
    translation: MarkTranslation,
) -> tuple[LeverageCandidate, ...]:
    """All that was tried, in order. The search ends at the first accepted candidate, which is the last one returned, or
    where a deeper entry would come too near to the stop. Size and liquidation are the trading market's, whose money it
    is; whether the map is thin there is asked of the map, in its prices."""
    tried: list[LeverageCandidate] = []
    for deeper_pct, leverage in avoid_liquidity.alternatives(min(limits.leverage_max, LEVERAGE_CEILING), avoid):
        entry = _deeper(proposal, deeper_pct, book.instrument, limits)
        if entry is None:
            break
        candidate = _candidate(entry, leverage, view, book, budget, limits, avoid, translation)
        tried.append(candidate)
        if candidate.refusal is None:
            break
    return tuple(tried)


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
) -> LeverageCandidate:
    ordered = _at_venue(proposal, translation)
    found, liquidation_price = _sized(ordered, leverage, book, budget, limits)
    tradable = _tradable(found, ordered, book.instrument)
    there = avoid_liquidity.alternative(
        proposal.side, float(proposal.entry_price), float(proposal.stop_price), leverage,
        _in_map(liquidation_price, translation) if tradable else math.nan, view, avoid,
    )  # fmt: skip
    if not tradable:
        refusal: Refusal | None = Refusal.SIZE_LIMIT if found.bound in _SIZE_BOUNDS else Refusal.SIZE_TOO_SMALL
    elif not math.isfinite(liquidation_price):
        refusal = Refusal.LEVERAGE
    else:
        refusal = _where(there, avoid)
    return LeverageCandidate(proposal, leverage, found, there, refusal)


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
    beyond = code == avoid_liquidity.BEYOND_STOP
    return Refusal.STOP_BEYOND_LIQUIDATION if beyond else Refusal.LIQUIDATION_IN_CLUSTER
