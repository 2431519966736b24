"""What each venue's public feed tells of forced orders: a share, throttled, late, and nothing while it is down."""

import numpy as np
import numpy.typing as npt

from liqbot.blocks import Rows
from paper.flow_world.params import FlowVenueParams
from paper.world.crowd import Slots
from paper.world.draws import Draws, Floats
from paper.world.forced import TRUE_FORCED, Throttle


class ForcedFeed:
    """Orders go in as they happen and come out when they are told; some never do."""

    def __init__(self, venues: tuple[FlowVenueParams, ...], ticks_per_usd: float, draws: Draws) -> None:
        self._venues, self._ticks, self._draws = venues, ticks_per_usd, draws
        self._share = np.array([venue.forced_share for venue in venues])
        self._bankruptcy = np.array([venue.forced_price == "bankruptcy" for venue in venues])
        self._down_until_ms: Floats = np.zeros(len(venues))
        self._throttle = Throttle(venues)
        self._waiting: Rows = np.zeros(0, TRUE_FORCED)

    def minute(self, orders: Rows, begin_ms: int) -> None:
        """Takes the orders of the minute that begins then, in order of time."""
        self._interrupt(begin_ms)
        if not len(orders):
            return
        venue = orders["venue"].astype(np.intp)
        received = (self._draws.uniform(len(orders)) < self._share[venue]) & (begin_ms >= self._down_until_ms[venue])
        published = orders[self._throttle.newest(venue, orders["time_ms"], received)]
        venue = published["venue"].astype(np.intp)
        price = np.where(self._bankruptcy[venue], published["bankruptcy_price"], published["price"])
        published["price"] = np.maximum(np.rint(price * self._ticks), 1.0) / self._ticks
        published["time_ms"] += self._delays(venue)
        waiting = np.concatenate((self._waiting, published))
        self._waiting = waiting[np.argsort(waiting["time_ms"], kind="stable")]

    def published_until(self, end_ms: int) -> Rows:
        """What is told up to and at a time, in order, each row with the time at which it is; once each."""
        ready = int(np.searchsorted(self._waiting["time_ms"], end_ms, side="right"))
        published, self._waiting = self._waiting[:ready], self._waiting[ready:]
        return published

    def _interrupt(self, now_ms: int) -> None:
        chance = self._draws.uniform(len(self._venues))
        for row, venue in enumerate(self._venues):
            if chance[row] < venue.gaps_day / 1440.0:
                length_ms = venue.gap_min * 60_000.0 * float(self._draws.exponential(1)[0])
                self._down_until_ms[row] = max(self._down_until_ms[row], now_ms + length_ms)

    def _delays(self, venue: Slots) -> npt.NDArray[np.int64]:
        """Milliseconds from the order to its being told."""
        feeds = np.array([(one.delay_ms, one.late_share, one.late_s * 1000.0) for one in self._venues])
        delay_ms, late_share, late_ms = feeds[venue].T
        usual = delay_ms * self._draws.exponential(len(venue))
        late = (self._draws.uniform(len(venue)) < late_share) * late_ms * self._draws.exponential(len(venue))
        return np.asarray((usual + late).astype(np.int64))
