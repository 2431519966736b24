"""Closing under force: what a minute's path runs over, in the order of its seconds, and the moves that this makes.

A position is closed whole once its venue's mark has touched its price. Large ones are worked off in child orders of
their own times. A stop is the same without a forced order. All of it is pushed into `Impact`, so that one may run over
the next: a cascade.
"""

from typing import Final, NamedTuple

import numpy as np

from liqbot.blocks import Rows
from paper.flow_world.impact import SECONDS, Impact
from paper.flow_world.params import MINUTE_MS
from paper.world.crowd import Crowd, Slots
from paper.world.draws import Draws, Floats
from paper.world.forced import TRUE_FORCED

_CHILD_USD: Final = 250_000.0
_CHILDREN_MAX: Final = 24
_PACE_MS: Final = 1_200.0


class ForcedMinute(NamedTuple):
    """What one minute closed: forced orders in order of time, signed taker USD [venue, second], and the final path."""

    orders: Rows
    flow_usd: Floats
    path: Floats


class Cascades:
    """Closes what is run over. Holds no state but its own chance."""

    def __init__(self, venue_count: int, draws: Draws) -> None:
        self._count, self._draws = venue_count, draws

    def run(self, crowd: Crowd, impact: Impact, base: Floats, basis: Floats, begin_ms: int) -> ForcedMinute:
        """`base` [second] is price without impact, `basis` [venue, second] each mark over the common price."""
        flow = np.zeros((self._count, SECONDS))
        orders: list[Rows] = []
        path = _path(base, impact, basis)
        while True:
            slots, seconds = _first_crossed(crowd, path)
            if not len(slots):
                break
            now = slots[seconds == seconds.min()]
            children, pushed = self._close(crowd, now, int(seconds.min()), begin_ms)
            orders.append(children)
            flow += pushed
            impact.push(pushed.sum(axis=0))
            path = _path(base, impact, basis)
        forced = np.concatenate(orders) if orders else np.zeros(0, TRUE_FORCED)
        return ForcedMinute(forced[np.argsort(forced["time_ms"], kind="stable")], flow, path)

    def _close(self, crowd: Crowd, slots: Slots, second: int, begin_ms: int) -> tuple[Rows, Floats]:
        """Forced orders and the flow [venue, second] of positions that meet their price at one second."""
        sign, guard = crowd.signs_of(slots), crowd.guard_price[slots]
        forced = guard == crowd.liquidation_price[slots]
        usd = crowd.quantity_base[slots] * guard
        counts = np.where(forced, np.clip(np.ceil(usd / _CHILD_USD), 1, _CHILDREN_MAX), 1).astype(np.intp)
        whole = np.repeat(np.arange(len(slots)), counts)
        times = self._times(counts, second)
        pushed = np.zeros((self._count, SECONDS))
        np.add.at(pushed, (crowd.venue[slots][whole], times // 1000), (-sign * usd / counts)[whole])
        rows = np.zeros(len(whole), TRUE_FORCED)
        entry, held = crowd.entry_price[slots], slots[whole]
        rows["time_ms"], rows["venue"], rows["side"] = begin_ms + times, crowd.venue[held], sign[whole]
        rows["leverage"], rows["entry_price"] = crowd.leverage[held], entry[whole]
        rows["price"], rows["size_usd"] = crowd.liquidation_price[held], (usd / counts)[whole]
        bankrupt = entry * np.maximum(1 - sign * crowd.margin_ratio[slots], 1e-4)
        rows["bankruptcy_price"] = bankrupt[whole]
        crowd.close(slots)
        return rows[forced[whole]], pushed

    def _times(self, counts: Slots, second: int) -> Slots:
        """Milliseconds of the minute: the first child somewhere in the second, the others after it, all within."""
        first = np.cumsum(counts) - counts
        pauses = self._draws.exponential(int(counts.sum())) * _PACE_MS
        pauses[first] = 1000.0 * self._draws.uniform(len(counts))
        since = np.cumsum(pauses)
        since -= np.repeat(since[first] - pauses[first], counts)
        return np.minimum(second * 1000 + since.astype(np.intp), MINUTE_MS - 1)


def _path(base: Floats, impact: Impact, basis: Floats) -> Floats:
    """[venue, second] marks."""
    return np.asarray((base * (1.0 + impact.shift()))[None, :] * basis)


def _first_crossed(crowd: Crowd, path: Floats) -> tuple[Slots, Slots]:
    """Slots that the path runs over, and the second at which each is first met."""
    slots = crowd.crossed(path.min(axis=1), path.max(axis=1))
    if not len(slots):
        return slots, slots
    marks, guard = path[crowd.venue[slots]], crowd.guard_price[slots, None]
    met = np.where((slots < crowd.capacity)[:, None], marks <= guard, marks >= guard)
    return slots, met.argmax(axis=1)
