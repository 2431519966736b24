"""`FeedNews`: which feeds the market itself found wrong, or right again, until somebody takes it."""

from typing import Any

import msgspec

from liqbot.events import FeedDown, FeedUp


class FeedNews:
    """Of one judge and coin."""

    def __init__(self, coin: str) -> None:
        self._coin = coin
        self._news: list[FeedUp | FeedDown] = []

    def up(self, venue: str, feed: str, time_ms: int) -> None:
        self._news.append(FeedUp(time_ms=time_ms, venue=venue, coin=self._coin, feed=feed))

    def down(self, venue: str, feed: str, time_ms: int, reason: str) -> None:
        self._news.append(FeedDown(time_ms=time_ms, venue=venue, coin=self._coin, feed=feed, reason=reason))

    def take(self) -> tuple[FeedUp | FeedDown, ...]:
        """Since it was taken last."""
        if not self._news:
            return ()
        news, self._news = tuple(self._news), []
        return news

    def state(self) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(one) for one in self._news]

    def load_state(self, state: list[dict[str, Any]]) -> None:
        self._news = [msgspec.convert(one, FeedUp | FeedDown) for one in state]
