"""A line is one feed of one contract: whether it delivers, since when it is silent, and what is said about it."""

from typing import Final, Literal

import msgspec

from liqbot.events import FeedDown, FeedUp
from liqbot.venues.parsing import WireContract

_GAP_SHARE: Final = 0.05
State = Literal["new", "up", "down"]


class FeedStatus(msgspec.Struct):
    """Mutable: touched by every message."""

    feed: str
    contract: WireContract
    silence_ms_max: int | None
    state: State = "new"
    """New until it first delivers or fails: nothing has been said about it."""
    seen_ms: int = 0
    gap_ms: float = 0.0
    """Usual gap between arrivals."""

    def seen(self, now_ms: int) -> None:
        if self.seen_ms:
            self.gap_ms += _GAP_SHARE * (now_ms - self.seen_ms - self.gap_ms)
        self.seen_ms = now_ms

    def rise(self, now_ms: int) -> list[FeedUp]:
        if self.state == "up":
            return []
        self.state = "up"
        return [FeedUp(time_ms=now_ms, venue=self.contract.venue_key, coin=self.contract.coin, feed=self.feed)]

    def fall(self, now_ms: int, reason: str) -> list[FeedDown]:
        """Said once, until it rises again."""
        if self.state == "down":
            return []
        self.state = "down"
        return [FeedDown(time_ms=now_ms, venue=self.contract.venue_key, coin=self.contract.coin, feed=self.feed,
                         reason=reason)]

    def limit_ms(self, factor: float) -> float | None:
        """Silence beyond this is a fault; None where silence says nothing."""
        return None if self.silence_ms_max is None else max(float(self.silence_ms_max), factor * self.gap_ms)
