"""Histories read to their end: span by span, oldest first, so that what has been read is known even if the rest fails.

Venues answer a history page by page and a span of time at once; what lies beyond a page is there all the same.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Generic, NamedTuple, TypeVar

Row = TypeVar("Row")

PAGES_MAX: Final = 200
"""Of one span. What is longer is read in shorter spans."""
SPAN_MS_MIN: Final = 1_000


class HistoryPart(NamedTuple, Generic[Row]):
    """Everything before `read_to_ms`, and not before the part before it, is among `rows`; a few may come twice."""

    rows: list[Row]
    read_to_ms: int


SpanRead = Callable[[int, int], Awaitable[list[Row] | None]]
"""All rows from one instant to another, both included; None when they are more than are read at once."""


async def by_spans(
    read: SpanRead[Row], since_ms: int, now_ms: int, width_ms: int, kept_ms: int
) -> AsyncIterator[HistoryPart[Row]]:
    """One part for each span, of `width_ms` or shorter, as far back as the venue keeps them (`kept_ms`).

    The last has no near end, so that a venue whose clock is ahead of ours hides nothing; spans share their borders, so
    that it does not matter which of them a venue counts in. Ends early, with the rest unread, where even a second
    holds too much.
    """
    start_ms, span_ms = max(since_ms, now_ms - kept_ms), width_ms
    while start_ms <= now_ms:
        rows = await read(start_ms, start_ms + span_ms - 1)
        if rows is None and span_ms <= SPAN_MS_MIN:
            return
        if rows is None:
            span_ms = max(span_ms // 2, SPAN_MS_MIN)
            continue
        start_ms += span_ms - 1
        span_ms = min(span_ms * 2, width_ms)
        yield HistoryPart(rows, start_ms)
