"""`Level`: a price that the map said something of, and what price did there."""

import enum
from typing import Final

import msgspec

from liqbot.instruments import Side
from liqbot.market.map.cluster_memory import beyond
from liqbot.market.map.distances import Distances

WAIT_MS: Final = 24 * 3_600_000
"""A level that price has not come to by then was not touched."""
REACTION_MS: Final = 3_600_000
"""What price does at a level is what it does within this time of the touch."""
REACTION_RANGES: Final = 0.5
"""A reaction is a move of this share of a usual hour's range, either way."""


class LevelKind(enum.StrEnum):
    CLUSTER = "cluster"
    THIN = "thin"
    """The control: a level in a thin zone."""


class Fate(enum.StrEnum):
    """What became of a level. The words of the three reactions are the same for both kinds."""

    WAITING = "waiting"
    """Not touched yet."""
    UNTOUCHED = "untouched"
    TOUCHED = "touched"
    """And not decided yet."""
    ACCELERATED = "accelerated"
    """Price went on beyond it by the reaction before it came back as far."""
    REVERSED = "reversed"
    """The other way round."""
    IGNORED = "ignored"
    """Neither within the time."""


REACTIONS: Final = (Fate.ACCELERATED, Fate.REVERSED, Fate.IGNORED)
ENDED: Final = frozenset({Fate.UNTOUCHED, *REACTIONS})


class PriceStep(msgspec.Struct, frozen=True):
    """Where price went in a step, in prices of the map."""

    time_ms: int
    low_price: float
    high_price: float
    mark_price: float
    distances: Distances


class Level(msgspec.Struct):
    """A cluster's near edge, or as far away a price in a thin zone. Whether price has come to it is asked as sweeps ask
    (`cluster_memory.beyond`)."""

    coin: str
    kind: LevelKind
    side: Side
    """Below the mark for longs, above it for shorts."""
    pair: int
    """Which cluster and which thin level belong together."""
    began_ms: int
    near_price: float
    far_price: float
    distance_pct: float
    usd: float
    """Estimated to be liquidated from its near to its far price, on its side."""
    reaction_pct: float
    touched_ms: int = 0
    ended_ms: int = 0
    fate: Fate = Fate.WAITING

    def follow(self, step: PriceStep) -> None:
        """One step more of a level that has not ended."""
        extreme, back = (
            (step.low_price, step.high_price) if self.side is Side.LONG else (step.high_price, step.low_price)
        )
        if self.fate is Fate.WAITING:
            if not beyond(self.side, extreme, self.near_price):
                if step.time_ms - self.began_ms >= WAIT_MS:
                    self._end(Fate.UNTOUCHED, step.time_ms)
                return
            self.fate, self.touched_ms = Fate.TOUCHED, step.time_ms
            back = step.mark_price  # where price was before the touch is no way back from it
        self._react(extreme, back, step)

    def _react(self, extreme: float, back: float, step: PriceStep) -> None:
        outward = -float(self.side) * self.reaction_pct
        further = beyond(self.side, extreme, step.distances.price(self.near_price, outward))
        returned = beyond(self.side.opposite, back, step.distances.price(self.near_price, -outward))
        if further and returned:  # within one step nobody knows which came first: where it ended counts
            further = beyond(self.side, step.mark_price, self.near_price)
            returned = not further
        if further or returned:
            self._end(Fate.ACCELERATED if further else Fate.REVERSED, step.time_ms)
        elif step.time_ms - self.touched_ms >= REACTION_MS:
            self._end(Fate.IGNORED, step.time_ms)

    def _end(self, fate: Fate, time_ms: int) -> None:
        self.fate, self.ended_ms = fate, time_ms

    def holds(self, low_price: float, high_price: float) -> bool:
        """Whether it shares a price with that stretch."""
        low, high = sorted((self.near_price, self.far_price))
        return low < high_price and low_price < high
