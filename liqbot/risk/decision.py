"""Risk's answers: `Approved(Target)` or `Refused(code)`. Only `risk/review.py` may make an `Approved`."""

import enum
from decimal import Decimal
from typing import Final

import msgspec

from liqbot.instruments import Side

SAME_MARKET_RATIO: Final = Decimal(1)
"""Orders rest in the market that the map is drawn of."""


class Refusal(enum.StrEnum):
    """Why an entry may not be; first one found wins."""

    HALTED = "HALTED"
    UNRECONCILED = "UNRECONCILED"
    BACKFILLING = "BACKFILLING"
    STALE = "STALE"
    LAGGING = "LAGGING"
    MARK_STALE = "MARK_STALE"
    MARK_DEVIATION = "MARK_DEVIATION"
    MARK_MOVING = "MARK_MOVING"
    CONTRACT_CHANGED = "CONTRACT_CHANGED"
    """The traded contract is not listed, closed, or has other terms than when the process began."""
    PRICE_QUARANTINED = "PRICE_QUARANTINED"
    """The traded venue's price is not that of most others."""
    PRICE_DISPUTED = "PRICE_DISPUTED"
    """No majority of the venues agrees on the price."""
    DEPEG = "DEPEG"
    """A currency that contracts are quoted in is too far from the dollar."""
    CORE_VENUE_MISSING = "CORE_VENUE_MISSING"
    """A venue that carries much of the market is silent or not watched: the map does not know what lies there."""
    MAP_COLD = "MAP_COLD"
    MAP_UNRELIABLE = "MAP_UNRELIABLE"
    """By its own score of the last days the map says less than a constant would."""
    BLACKOUT = "BLACKOUT"
    """A time of the UTC day in which the profile enters nothing."""
    POSITION_OPEN = "POSITION_OPEN"
    ENTRY_IN_FLIGHT = "ENTRY_IN_FLIGHT"
    OPPOSING_SIGNAL = "OPPOSING_SIGNAL"
    """Another strategy wants the other side at the same time."""
    COOLDOWN = "COOLDOWN"
    DAILY_LOSS = "DAILY_LOSS"
    WEEKLY_LOSS = "WEEKLY_LOSS"
    DRAWDOWN = "DRAWDOWN"
    FOREIGN_POSITION = "FOREIGN_POSITION"
    CAUTION = "CAUTION"
    """Open interest rises while funding is extreme, and the entry is on the side that pays."""
    CORRELATED = "CORRELATED"
    """Entries on the same side of other coins took the whole risk within the hour."""
    PRICE_BAND = "PRICE_BAND"
    STOP_INVALID = "STOP_INVALID"
    STOP_TOO_FAR = "STOP_TOO_FAR"
    REWARD_TOO_SMALL = "REWARD_TOO_SMALL"
    COSTS_UNPAID = "COSTS_UNPAID"
    """Fees, slippage and funding would take more of what is between stop and take than the trade can be trusted to
    earn."""
    SIZE_TOO_SMALL = "SIZE_TOO_SMALL"
    SIZE_LIMIT = "SIZE_LIMIT"
    LEVERAGE = "LEVERAGE"
    STOP_BEYOND_LIQUIDATION = "STOP_BEYOND_LIQUIDATION"
    LIQUIDATION_LIKELY = "LIQUIDATION_LIKELY"
    """Price is too likely to come to our own liquidation price while the position is held."""
    LIQUIDATION_IN_CLUSTER = "LIQUIDATION_IN_CLUSTER"


class Reduction(enum.StrEnum):
    """Why an open position is made smaller or its stop nearer, for every reason that is risk's. Strategies have more
    of their own: what invalidates them."""

    FLATTEN = "FLATTEN"
    NO_TARGET = "NO_TARGET"
    """No decision describes a position of ours."""
    WRONG_SIDE = "WRONG_SIDE"
    LEVERAGE_DRIFT = "LEVERAGE_DRIFT"
    MARGIN_DRIFT = "MARGIN_DRIFT"
    LIQUIDATION_DIVERGED = "LIQUIDATION_DIVERGED"
    STOP_BEYOND_LIQUIDATION = "STOP_BEYOND_LIQUIDATION"
    TIME = "TIME"
    LIQUIDATION_LIKELY = "LIQUIDATION_LIKELY"
    MAP_DRIFTED = "MAP_DRIFTED"
    """A part goes where the map has come to be dense at our own liquidation price."""
    PARTIAL_TAKE = "PARTIAL_TAKE"
    BREAK_EVEN = "BREAK_EVEN"
    TRAIL = "TRAIL"
    ADOPTED = "ADOPTED"
    """The first stop of a position that a person made ours."""
    CLOSED_BY_HAND = "CLOSED_BY_HAND"
    STOP_BY_HAND = "STOP_BY_HAND"


PARTS: Final = frozenset((Reduction.MAP_DRIFTED, Reduction.PARTIAL_TAKE))
"""Those that close a part and leave the stop where it is."""


def why_of(reason: str) -> str:
    """The code that a reduction's reason begins with, as `review_reduction` writes it."""
    return reason.partition(":")[0]


class Check(msgspec.Struct, frozen=True):
    """One question of the review with its answer, for `explain`."""

    name: str
    value: float | str | None
    limit: float | str | None
    passed: bool


class Target(msgspec.Struct, frozen=True):
    """The position that should be, with its protection, in prices of the map. Quantity 0 means flat."""

    decision_id: int
    venue: str
    coin: str
    strategy: str
    side: Side
    quantity_base: Decimal
    limit_price: Decimal | None
    """None: enter at market."""
    leverage: int
    stop_price: Decimal
    take_price: Decimal | None
    liquidation_price: Decimal
    """Our own, from our own tiers, isolated margin."""
    expires_ms: int
    exit_by_ms: int
    reason: str
    price_tick: Decimal = Decimal(0)
    """The instrument's, for whoever tightens the stop later; 0: unknown, the stop is not moved."""
    account: str = ""
    """Which of several accounts at the venue; empty is the only one."""
    mark_ratio: Decimal = SAME_MARKET_RATIO
    """Trading mark over map mark when it was decided: what its prices are translated by (`risk.translation`)."""
    risk_usd: Decimal = Decimal(0)
    """Lost at the stop, costs included, as decided; 0: nobody decided it."""
    partial_take_price: Decimal | None = None
    """Once price is there `partial_take_share` of the position goes at market; None: never, or it has gone."""
    partial_take_share: Decimal = Decimal(0)


class Approved(msgspec.Struct, frozen=True, tag=True):
    target: Target
    checks: tuple[Check, ...] = ()


class Refused(msgspec.Struct, frozen=True, tag=True):
    decision_id: int
    code: Refusal
    reason: str
    checks: tuple[Check, ...] = ()
    strategy: str = ""
    coin: str = ""
    side: Side | None = None
    """What was refused, so that a refusal can be read alone."""


Decision = Approved | Refused


class Adjustment(msgspec.Struct, frozen=True, tag=True):
    """Less risk for an open position: something to close, a tighter stop, or both. `code` is why, for tables: a
    `Reduction`, or a strategy's own word."""

    venue: str
    coin: str
    code: str
    reason: str
    exit_base: Decimal = Decimal(0)
    stop_price: Decimal | None = None
    strategy: str = ""
    """By whose rules a position ends that no decision describes; empty: nobody's."""
    exit_by_ms: int = 0
    """When that is at the latest."""
    price_tick: Decimal = Decimal(0)
    mark_ratio: Decimal = SAME_MARKET_RATIO
    """By which its price, one of the map, is translated."""
