"""The process whose journal a house takes its market facts from: what it collects, and what is wanted and is not."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from liqbot import places
from liqbot.blocks import Roster
from liqbot.exits import Exit, ExpectedError
from liqbot.journal.tail import JournalTail
from liqbot.runtime.followed_feed import SILENT_MS
from liqbot.runtime.process import wall_ms
from liqbot.settings import Settings

_log = structlog.get_logger(__name__)


class Collector(NamedTuple):
    path: Path
    journal_id: str
    mode: str
    roster: Roster
    age_ms: int
    """Of its newest Tick."""

    @property
    def silent(self) -> bool:
        return self.age_ms > SILENT_MS

    def describe(self) -> str:
        said = f"silent for {self.age_ms / 1_000:,.0f} s" if self.silent else f"newest Tick {self.age_ms:,} ms old"
        roster = f"{', '.join(self.roster.venues)}; {', '.join(self.roster.coins)}"
        return f"{self.path}, mode {self.mode}, {said}; collects {roster}"


def collector_of(settings: Settings) -> Collector | None:
    """None for a house that reads its venues itself. ExpectedError for a journal that cannot be read."""
    path = places.followed_journal(settings.feeds.from_journal)
    if path is None:
        return None
    with JournalTail(path) as tail:
        newest_ms = tail.newest_tick_ms()
        return Collector(path, tail.stamp.journal_id, tail.stamp.mode, tail.stamp.roster, wall_ms() - newest_ms)


def not_collected(settings: Settings, roster: Roster) -> tuple[str, ...]:
    """Venue keys and coins that the settings want and the collector does not have, those of reports left out."""
    venues = [key for key in settings.venues if key not in roster.venues and key not in settings.feeds.reports]
    return (*venues, *(coin for coin in settings.coins if coin not in roster.coins))


def lacking_text(lacking: Sequence[str]) -> str:
    return f"wanted and not collected: {', '.join(lacking)}"


def coverage_text(found: Collector, lacking: Sequence[str]) -> str:
    """What it collects and, where anything is lacking, what is not."""
    return f"{found.describe()}; {lacking_text(lacking)}" if lacking else found.describe()


def require_collected(settings: Settings, data: Path, *, held: bool = False) -> None:
    """At a start, before any venue is asked: one line about what is not collected.

    ExpectedError where nothing could ever be traded on it (its own journal; no coin, or not the venue to trade on),
    unless a position may be open. A collector that is not there yet is waited for.
    """
    path = places.followed_journal(settings.feeds.from_journal)
    if path is None:
        return
    if path.resolve() == places.journal_path(data).resolve():
        _refuse("it is the journal of this very process; name that of another one", held=held)
        return
    try:
        found = collector_of(settings)
    except ExpectedError as trouble:
        _log.warning("no collector yet: nothing is entered until it is there", reason=str(trouble))
        return
    if found is None:
        return
    lacking = not_collected(settings, found.roster)
    useless = settings.trade_venue in lacking or set(settings.coins) <= set(lacking)
    if useless:
        _refuse(f"{lacking_text(lacking)}; it collects {', '.join(found.roster.venues)} and "
                f"{', '.join(found.roster.coins)}", held=held)
    elif lacking:
        _log.warning(lacking_text(lacking), collector=str(found.path))


def _refuse(why: str, *, held: bool) -> None:
    if not held:
        raise ExpectedError(f"feeds.from_journal: {why}", Exit.CONFIG)
    _log.error("no market facts will come", reason=why)
