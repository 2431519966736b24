"""Subscriptions of one venue: which call of the client keeps each stream open, and the lines that it carries."""

from collections.abc import Sequence
from typing import Any

from liqbot.market.feeds.feed_status import FeedStatus
from liqbot.venues.parsing import WireBook, WireContract
from liqbot.venues.streams import Stream, VenueWire


class Subscription:
    """One stream for contracts of one kind."""

    def __init__(self, stream: Stream, contracts: Sequence[WireContract], indices: Sequence[int]) -> None:
        self.stream, self.contracts, self.indices = stream, tuple(contracts), tuple(indices)
        self.arguments: tuple[Any, ...] = stream.arguments(self.contracts)
        self.lines = [
            FeedStatus(feed=feed, contract=contract, silence_ms_max=stream.silence_ms_max)
            for feed in stream.feeds for contract in contracts
        ]
        self.url: str | None = None
        """The socket that carries it, once dialled."""
        self.started_ms = 0
        self.waiting = True
        """Made, or lost, and not dialled since."""
        self.losses = 0
        self.silences = 0
        """Times in a row that it was given up for silence."""

    def begin(self, now_ms: int) -> None:
        self.started_ms = now_ms

    def beside(self, line: FeedStatus) -> list[FeedStatus]:
        """It and the other lines of its contract."""
        return [one for one in self.lines if one.contract is line.contract]

    def silent_lines(self, now_ms: int, factor: float) -> list[tuple[FeedStatus, float]]:
        """(line, age in ms) of those silent for too long, counted from when it was subscribed at the earliest."""
        found = []
        for line in self.lines:
            limit_ms, age_ms = line.limit_ms(factor), now_ms - max(line.seen_ms, self.started_ms)
            if limit_ms is not None and age_ms > limit_ms:
                found.append((line, float(age_ms)))
        return found


def subscriptions(wire: VenueWire, book: WireBook) -> list[Subscription]:
    """Every stream for linear and for inverse contracts apart: the client serves them over different sockets."""
    found: list[Subscription] = []
    for stream in wire.streams:
        for inverse in (False, True):
            kind = [index for index, contract in enumerate(book.contracts) if contract.inverse is inverse]
            groups = [[index] for index in kind] if stream.each else [kind] if kind else []
            found += [Subscription(stream, [book.contracts[i] for i in group], group) for group in groups]
    return found
