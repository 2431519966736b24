"""What a strategy is: one value that names its parameters, its gates, how its trades end and what it says.

A file in `strategies/` defines one as `STRATEGY`; so does a file of the user's own.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from pydantic import Field

from liqbot.accounting.positions import Position
from liqbot.market.view import MarketView
from liqbot.signals.features import Features
from liqbot.signals.gates import GateSpec
from liqbot.strict_params import StrictParams


class StrategyParams(StrictParams):
    """What every strategy has; its own parameters are added by a subclass."""

    enabled: bool = Field(True, description="Whether this strategy is evaluated at all.")
    max_hold_ms: int = Field(14_400_000, ge=60_000, le=604_800_000, description="Time exit after the signal.")
    cooldown_ms: int = Field(
        0, ge=0, le=604_800_000,
        description="No entry of this strategy in a coin so long after its last trade there; those of risk count too.",
    )
    expiry_ms: int = Field(
        60_000,
        ge=1_000,
        le=3_600_000,
        description="An unfilled entry is withdrawn this long after the newest bar's span.",
    )
    partial_take_r: float | None = Field(
        None, gt=0.0, le=20.0,
        description="A part is taken off once price has gone so many stop distances our way, where that is nearer than "
        "the take; null: never.",
    )
    partial_take_share: float = Field(0.5, gt=0.0, lt=1.0, description="How much of the position that part is.")
    map_skill_share_min: float | None = Field(
        None,
        ge=-1.0,
        le=1.0,
        description="The map's own score of the last days (share of deviance explained) must be this or more; a map "
        "that has no score yet does not pass.",
    )


class Exits(msgspec.Struct, frozen=True):
    """Distances from the entry, both positive. Take None: only stop and time end the trade."""

    stop_pct: float
    take_pct: float | None


class Reason(NamedTuple):
    """Why an open position should end: a code for tables, and words."""

    code: str
    why: str


Invalidation = Callable[[MarketView, Position, Any], Reason | None]
"""Whether the reason for a position is gone, from a fresh view and the strategy's parameters; None: it still holds."""


class Strategy(msgspec.Struct, frozen=True):
    """A reason to trade. `name` is also the section of its parameters: `[signals.<name>]`."""

    name: str
    params: type[StrategyParams]
    gates: tuple[GateSpec, ...]
    exits: Callable[[Features, Any], Exits]
    why: Callable[[Features, Exits], str]
    invalidations: tuple[Invalidation, ...] = ()
    rank: int = 100
    """Built-in strategies are evaluated by rank, then name; of two signals for a coin the first is reviewed first."""
    origin: str = ""
    """Where a strategy of the user's own was loaded from; empty for a built-in one."""
    sha256: str = ""
    """Of the file it was loaded from, hexadecimal; empty for a built-in one."""

    @property
    def own(self) -> bool:
        """The user's own: its calls are guarded, a fault in it disables its entries."""
        return bool(self.origin)


class EntryCondition(msgspec.Struct, frozen=True):
    """A strategy that proposes nothing and judges the entries that others propose: `gates` over `features`."""

    name: str
    params: type[StrictParams]
    gates: tuple[GateSpec, ...]
    features: type[msgspec.Struct]
