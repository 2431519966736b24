"""`FollowedFeed`: the market out of the journal of another process (a collector), clock step by clock step.

It also is the clock of the house that follows: a step ends here with the Tick it ended with there, so that both fold
the same rows at the same Ticks and see the same map. When the collector is late, Ticks of our own go on without it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import structlog

from liqbot.blocks import EventBlock, Roster, Rows, joined
from liqbot.events import FeedDown
from liqbot.journal.tail import Bookmark, MarketRecord
from liqbot.market.feeds.clock import STEP_MS
from liqbot.market.feeds.ports import Clock
from liqbot.runtime.followed_lines import FollowedLines
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.journal_tailer import Batch, JournalTailer

LATE_MS: Final = 2_000
"""A Tick of the collector is waited for so long: later than that nothing could be entered on it anyway."""
LATE_HELD_MS: Final = 1_000
"""While a position is open."""
SILENT_MS: Final = 3_000
"""A collector whose newest Tick is older counts as silent."""
AHEAD_MS: Final = 5_000
HELD_BACK_MS: Final = 300_000
"""With a position open, no more than this of what was missed is read."""
STEPS_AHEAD: Final = 20
LOOK_S: Final = 0.25
FIRST_MS_MAX: Final = 5_000
"""Longest wait for an answer of the disk, while the past is read, before Ticks begin."""
FAILS_MS: Final = 500
"""The same where it is known why nothing comes."""
Codes = npt.NDArray[Any]
_DELAYS: Final = 600
_log = structlog.get_logger(__name__)


class FollowedStats(msgspec.Struct):
    """Since the start. Delays are from a Tick of the collector to its arrival here: its own lag, its commit and our
    look at the file are in them; of the last ten minutes, steps that were caught up with left out."""

    records: int = 0
    steps: int = 0
    rows: int = 0
    late_steps: int = 0
    """Came after a Tick of our own: their rows were folded with the next one."""
    own_ticks: int = 0
    missing_records: int = 0
    unreadable_records: int = 0
    openings: int = 0
    silences: int = 0
    delay_ms: int = 0
    delay_p50_ms: int = 0
    delay_p99_ms: int = 0
    delay_max_ms: int = 0
    seq: int = 0
    collector: str = ""
    """Its journal."""
    trouble: str = ""


class FollowedFeed:
    """Runs until cancelled. Whatever is wrong with the other journal is a FeedDown, never an error."""

    def __init__(
        self, tailer: JournalTailer, roster: Roster, clock: Clock, *, held: Callable[[], bool],
        without: Collection[str] = (),
    ) -> None:
        """`held`: a position waits for its Ticks. Venue keys in `without` are read elsewhere."""
        self._tailer, self._roster, self._clock, self._held = tailer, roster, clock, held
        self._venues = [key for key in roster.venues if key not in without]
        self._lines = FollowedLines(self._venues, roster.coins)
        self._codes: dict[str, tuple[Roster, Codes, Codes]] = {}
        self._open: list[EventBlock] = []
        """Of the collector's step that is not complete yet."""
        self._late: list[EventBlock] = []
        self._tick_ms = self._newest_ms = self._began_ms = self._progress_ms = 0
        self._own = self._caught_up = False
        self._ahead = ""
        """What is wrong with the time of its Ticks."""
        self._delays: deque[int] = deque(maxlen=_DELAYS)
        self._marks: dict[str, float] = {}
        self.stats = FollowedStats()

    def mark_price(self, coin: str) -> float | None:
        """The newest of any venue."""
        return self._marks.get(coin)

    async def run(self, inbox: Inbox) -> None:
        wake, loop = asyncio.Event(), asyncio.get_running_loop()

        def found() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody follows any more
                loop.call_soon_threadsafe(wake.set)

        self._began_ms = self._progress_ms = self._clock()
        self._tailer.start(found)
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pause_s()):
                        await wake.wait()
                wake.clear()
                while (batch := self._tailer.take()) is not None:
                    await self._take(batch, inbox)
                self._look(inbox)
        finally:
            self._tailer.stop()

    # --- steps of the collector ---------------------------------------------------------------------------------------

    async def _take(self, batch: Batch, inbox: Inbox) -> None:
        if batch.read.missing or batch.read.unreadable:
            _log.warning("records of the collector are not there", missing=batch.read.missing,
                         unreadable=batch.read.unreadable, up_to=batch.read.last_seq)
        stats = self.stats
        if stats.collector != batch.journal_id:
            self._open = []  # a step that its writer never completed
        stats.collector, stats.openings = batch.journal_id, self._tailer.opened
        stats.missing_records += batch.read.missing
        stats.unreadable_records += batch.read.unreadable
        for record in batch.read.records:
            stats.records += 1
            self._take_record(record, batch, inbox)
            while inbox.steps_waiting > STEPS_AHEAD:  # noqa: ASYNC110 -- the house takes a step every few ms
                await asyncio.sleep(0.005)
        if not self._caught_up and self._held() and self._newest_ms < self._clock() - HELD_BACK_MS:
            _log.warning("the past is cut short: a position waits for its Ticks")
            self._tailer.skip_to(self._clock() - HELD_BACK_MS)
        self._progress_ms = self._clock()
        if not self._caught_up and batch.read.whole:
            self._caught_up = True
            _log.info("the collector's past is read", collector=batch.journal_id, steps=stats.steps, rows=stats.rows)

    def _take_record(self, record: MarketRecord, batch: Batch, inbox: Inbox) -> None:
        if record.backfilled and record.tick_ms is not None and record.tick_ms <= batch.floor_ms:
            self._open = []
            return
        source = Bookmark(batch.journal_id, record.seq, 0).source
        facts = tuple(fact for fact in record.feeds if self._lines.wants(fact))
        columns: dict[str, Any] = self._mapped(record.columns, batch)
        self._open.append(EventBlock(
            **columns, facts=facts, backfilled=record.backfilled, source=source, source_seq=record.seq
        ))
        if record.tick_ms is None:
            return
        whole, self._open = joined(self._open), []
        now_ms = self._clock()
        if record.tick_ms > max(now_ms, self._tick_ms) + AHEAD_MS:
            self._ahead = f"its Ticks are {(record.tick_ms - now_ms) / 1_000:,.0f} s ahead of our clock"
            return
        self._ahead = ""
        self._complete(whole, record.tick_ms, now_ms, inbox)

    def _complete(self, whole: EventBlock, tick_ms: int, now_ms: int, inbox: Inbox) -> None:
        # Stricter than what counts as silent: a delay in between neither falls nor rises, again and again.
        stats, fresh = self.stats, now_ms - tick_ms <= LATE_MS
        stats.steps += 1
        stats.rows += whole.market_rows
        stats.seq = whole.source_seq
        self._newest_ms = max(self._newest_ms, tick_ms)
        if fresh:
            self._own = False
        if self._caught_up:
            self._delayed(now_ms - tick_ms)
        facts = (*(self._lines.seen(whole, self._roster, now_ms) if fresh else ()), *whole.facts)
        self._lines.follow(whole.facts)
        whole = msgspec.structs.replace(whole, facts=facts)
        if tick_ms <= self._tick_ms:
            stats.late_steps += 1
            self._late.append(whole)
            return
        self._put(tick_ms, max(0, now_ms - tick_ms), inbox, whole)

    def _put(self, tick_ms: int, late_ms: int, inbox: Inbox, *parts: EventBlock) -> None:
        block = joined([*self._late, *parts, EventBlock()])
        self._late, self._tick_ms = [], tick_ms
        lag_ms = late_ms + inbox.steps_waiting * STEP_MS
        inbox.put(msgspec.structs.replace(block, tick_ms=tick_ms, lag_ms=lag_ms))

    def _mapped(self, columns: Mapping[str, Rows], batch: Batch) -> dict[str, Rows]:
        """The rows that are wanted, in our codes."""
        venues, coins = self._codes_of(batch)
        found: dict[str, Rows] = {}
        for kind, rows in columns.items():
            venue, coin = _recoded(rows["venue"], venues), _recoded(rows["coin"], coins)
            wanted = (venue >= 0) & (coin >= 0)
            if not wanted.any():
                continue
            mine = rows[wanted].copy()
            mine["venue"], mine["coin"] = venue[wanted], coin[wanted]
            found[kind] = mine
            if kind == "marks":
                for code, price in zip(mine["coin"].tolist(), mine["mark_price"].tolist(), strict=True):
                    self._marks[self._roster.coins[code]] = price
        return found

    def _codes_of(self, batch: Batch) -> tuple[Codes, Codes]:
        known = self._codes.get(batch.journal_id)
        if known is None or known[0] != batch.roster:
            venues = [self._roster.venue_code(one) if one in self._venues else -1 for one in batch.roster.venues]
            coins = [self._roster.coin_code(one) if one in self._roster.coins else -1 for one in batch.roster.coins]
            known = self._codes[batch.journal_id] = (batch.roster, np.array(venues), np.array(coins))
        return known[1], known[2]

    def _delayed(self, delay_ms: int) -> None:
        self._delays.append(delay_ms)
        ordered = sorted(self._delays)
        stats, last = self.stats, len(ordered) - 1
        stats.delay_ms, stats.delay_max_ms = delay_ms, ordered[last]
        stats.delay_p50_ms, stats.delay_p99_ms = ordered[last // 2], ordered[last * 99 // 100]

    # --- without it ---------------------------------------------------------------------------------------------------

    def _pause_s(self) -> float:
        """Until a Tick of our own would be due."""
        if not self._caught_up:
            return LOOK_S
        ahead_ms = self._tick_ms + STEP_MS + self._patience_ms() - self._clock()
        return min(max(ahead_ms, 0) / 1_000, LOOK_S)

    def _patience_ms(self) -> int:
        return 0 if self._own else LATE_HELD_MS if self._held() else LATE_MS

    def _look(self, inbox: Inbox) -> None:
        """Ticks go on, and silence is reported, whatever the collector does."""
        now_ms = self._clock()
        reason = self._tailer.reason()
        if not self._caught_up:
            waited_ms = now_ms - self._progress_ms
            self._caught_up = waited_ms > (FAILS_MS if reason else FIRST_MS_MAX)
            if not self._caught_up:
                return
        self.stats.trouble = reason
        facts = self._fallen(now_ms, reason or self._ahead)
        due_ms = self._tick_ms + STEP_MS
        if now_ms < due_ms + self._patience_ms():
            if facts:
                inbox.put(EventBlock(facts=facts))
            return
        self._own = True
        self.stats.own_ticks += 1
        late_ms = now_ms - due_ms if self._tick_ms else 0
        self._put(max(due_ms, now_ms // STEP_MS * STEP_MS), late_ms, inbox, EventBlock(facts=facts))

    def _fallen(self, now_ms: int, reason: str) -> tuple[FeedDown, ...]:
        """What is said once of everything that comes from a collector that is silent."""
        age_ms = now_ms - (self._newest_ms or self._began_ms)
        if age_ms <= SILENT_MS or self._lines.silent:
            return ()
        if self._newest_ms:
            said = f"the collector is silent for {age_ms / 1_000:.1f} s"
        else:
            said = "nothing is read from the collector"
        said = f"{said}: {reason}" if reason else f"{said} ({self._tailer.path})"
        self.stats.silences += 1
        _log.warning("no market facts", reason=said)
        return self._lines.fall(now_ms, said)


def _recoded(codes: Codes, ours: Codes) -> Codes:
    """-1 for what we do not want, and for what their roster does not have."""
    known = (codes >= 0) & (codes < len(ours))
    found: Codes = np.where(known, ours[np.where(known, codes, 0)], -1)
    return found
