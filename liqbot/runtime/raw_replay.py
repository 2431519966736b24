"""Raw messages back into market facts, through the parsers and the bars of the live feeds.

What came over sockets and in answers to repeated requests comes back; history before the start, positions of accounts
and margin tiers are not among raw messages. Where a recording says when what was gathered went to the house and when
clock steps ended, the rows of each step are those of the journal, in their order; else steps follow receive times.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from liqbot.blocks import EventBlock, Roster, joined
from liqbot.connection.client import VenueClient
from liqbot.exits import Exit, ExpectedError
from liqbot.market.feeds.clock import STEP_MS
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.params import FeedParams
from liqbot.runtime.raw_frames import (
    Answer,
    Contracts,
    Frame,
    HandedOver,
    Heard,
    Lost,
    Message,
    Session,
    Ticked,
    frames_of,
    raw_files,
)
from liqbot.venues.registry import VENUES, wire_of


class RawReplay:
    """A `Sink` for its own feeds. One recording: every session has the same venues and coins."""

    steps_waiting = 0

    def __init__(self, session: Session) -> None:
        self.roster = Roster(session.venues, session.coins)
        self._session = session
        self._feeds: dict[str, VenueFeed] = {}
        self._markets: dict[str, bytes] = {}
        self._now_ms = self._flush_ms = self._tick_ms = 0
        self._parts: list[EventBlock] = []

    def put(self, part: EventBlock) -> None:
        self._parts.append(part)

    def blocks(self, frames: Iterable[Frame]) -> Iterator[EventBlock]:
        """One per clock step in which something was received. ExpectedError (usage) when venues or coins change."""
        for frame in frames:
            if isinstance(frame, Session):
                self._begin(frame)
                continue
            if self._session.steps:
                yield from self._as_recorded(frame)
            else:
                yield from self._until(frame.t)
                self._take(frame)
        yield from self._step(everything=True)

    def _as_recorded(self, frame: Heard) -> Iterator[EventBlock]:
        self._now_ms = frame.t
        if isinstance(frame, HandedOver):
            self._parts.append(self._handed_over(frame))
        elif isinstance(frame, Ticked):
            self._tick_ms = frame.tick + STEP_MS
            yield joined([*self._parts, EventBlock(tick_ms=frame.tick, lag_ms=frame.lag)])
            self._parts = []
        else:
            self._take(frame)

    def _handed_over(self, frame: HandedOver) -> EventBlock:
        """Of its lines the recording knows more than messages tell: what was dialled, silent, given up."""
        parts: list[EventBlock] = []
        if frame.v in self._feeds:  # else its contracts could not be read yet
            self._feeds[frame.v].flush(_Parts(parts), everything=frame.everything)
        return msgspec.structs.replace(joined(parts) if parts else EventBlock(), facts=frame.facts)

    def _begin(self, session: Session) -> None:
        """A file of the same process goes on where the last one ended; another process begins anew."""
        if Roster(session.venues, session.coins) != self.roster:
            raise ExpectedError(
                f"raw messages of {_named(self._session)} and of {_named(session)}: read them apart, "
                "each into a tape of its own", Exit.USAGE,
            )
        if session.began_ms != self._session.began_ms:
            self._flush(everything=True)
            self._feeds, self._markets = {}, {}
        self._session = session

    def _until(self, time_ms: int) -> Iterator[EventBlock]:
        if not self._tick_ms:
            self._tick_ms = time_ms // STEP_MS * STEP_MS + STEP_MS
        if time_ms >= self._tick_ms:
            self._now_ms = max(self._now_ms, self._tick_ms)
            yield from self._step(everything=False)
            self._tick_ms = time_ms // STEP_MS * STEP_MS + STEP_MS
        self._now_ms = time_ms
        if abs(time_ms - self._flush_ms) >= self._session.flush_ms:
            self._flush(everything=False)
            self._flush_ms = time_ms

    def _step(self, *, everything: bool) -> Iterator[EventBlock]:
        self._tick_ms = self._tick_ms or self._now_ms // STEP_MS * STEP_MS + STEP_MS
        self._flush(everything=everything)
        if self._parts:
            yield joined([*self._parts, EventBlock(tick_ms=self._tick_ms)])
            self._parts = []

    def _flush(self, *, everything: bool) -> None:
        for feed in self._feeds.values():
            feed.flush(self, everything=everything)

    def _take(self, frame: Heard) -> None:
        if isinstance(frame, Contracts):
            self._contracts(frame)
        elif isinstance(frame, Message):
            self._feed(frame.v).take(frame.raw, frame.s)
        elif isinstance(frame, Answer):
            self._feed(frame.v).answered_again(frame.poll, msgspec.json.decode(frame.payload))
        elif isinstance(frame, Lost):
            self._feed(frame.v).lost_again(frame.subscription, frame.reason)

    def _contracts(self, frame: Contracts) -> None:
        markets = bytes(frame.markets)
        if self._markets.get(frame.v) == markets:
            return  # repeated at the beginning of a file
        spec = VENUES.get(frame.v)
        if spec is None:
            raise ExpectedError(f"raw messages of {frame.v!r}: not a venue that is known here", Exit.USAGE)
        params = FeedParams(
            trade_span_ms=self._session.trade_span_ms, flush_ms=self._session.flush_ms, inferred=self._session.inferred
        )
        feed = VenueFeed(VenueClient(spec), wire_of(frame.v), self.roster, lambda: self._now_ms, params)
        feed.prepare(msgspec.json.decode(markets))
        self._markets[frame.v], self._feeds[frame.v] = markets, feed

    def _feed(self, venue: str) -> VenueFeed:
        if venue not in self._feeds:
            raise ExpectedError(
                f"raw messages of {venue!r} before its contracts: the file's beginning is missing", Exit.USAGE
            )
        return self._feeds[venue]


class _Parts:
    """A `Sink` that keeps."""

    steps_waiting = 0

    def __init__(self, parts: list[EventBlock]) -> None:
        self._parts = parts

    def put(self, part: EventBlock) -> None:
        self._parts.append(part)


def replayed(directory: Path) -> tuple[Roster, Iterator[EventBlock]]:
    """What the files of a directory tell, oldest first, read while it is taken. ExpectedError (usage) without any."""
    frames = frames_of(raw_files(directory))
    try:
        session = next(frames, None)
    except ValueError as error:
        raise ExpectedError(str(error), Exit.USAGE) from None
    if not isinstance(session, Session):
        raise ExpectedError(f"{directory}: no raw messages that `record --raw` wrote", Exit.USAGE)
    replay = RawReplay(session)
    return replay.roster, _spoken(replay.blocks(frames))


def _spoken(blocks: Iterator[EventBlock]) -> Iterator[EventBlock]:
    try:
        yield from blocks
    except ValueError as error:
        raise ExpectedError(str(error), Exit.USAGE) from None


def _named(session: Session) -> str:
    return f"{', '.join(session.venues)} ({', '.join(session.coins)})"
