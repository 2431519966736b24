"""`FollowedMap`: the newest map of a journal that is still written, folded on by what is new each time it is asked."""

from pathlib import Path
from typing import Final

from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalReader
from liqbot.journal.errors import JournalError
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.review.parameters import recorded_parameters
from liqbot.review.reading import MapReading
from liqbot.review.sources import FoundMap, MapQuery, MarketFold, begin_of, labelled
from liqbot.runtime.assembly import snapshot_version

_BEHIND_MAX: Final = 60
"""Beyond so many new records a newer snapshot is the shorter way: one is kept every few minutes."""


class FollowedMap:
    """The same map as `sources.from_journal` gives without a time, with the parameters that the journal recorded. For
    one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._journal_id = ""
        self._fold: MarketFold | None = None
        self._next_seq = 1

    def read(self, query: MapQuery) -> MapReading:
        """`query` has no time. ExpectedError as `find_map`."""
        fold, self._fold = self._fold, None  # one that failed on its way is not gone on with
        with JournalReader(self._path) as reader:
            last_seq = reader.last_seq
            if fold is None or self._is_passed(reader, last_seq):
                fold = self._begun(reader)
            try:
                reading = fold.read(reader.blocks(self._next_seq, last_seq), query, str(self._path))
            except JournalError:
                # Retention has gone on, or a record is hurt: from the newest snapshot it may do.
                fold = self._begun(reader)
                reading = fold.read(reader.blocks(self._next_seq, last_seq), query, str(self._path))
            except ExpectedError as error:
                if error.exit_code in (Exit.USAGE, Exit.NOT_FOUND):  # of the question: the market is folded
                    self._next_seq, self._fold = last_seq + 1, fold
                raise
        self._next_seq, self._fold = last_seq + 1, fold
        config = fold.config
        if config is None:
            raise AssertionError("a fold that follows has a configuration")
        recorded = recorded_parameters(config.config_json, config.digest, "journal")
        return labelled(FoundMap(reading, recorded)).reading

    def _is_passed(self, reader: JournalReader, last_seq: int) -> bool:
        """Whether it is another journal, or one that has gone on so far that a newer snapshot is nearer to its end."""
        if reader.stamp.journal_id != self._journal_id:
            return True
        if last_seq - self._next_seq <= _BEHIND_MAX:
            return False
        newer = reader.snapshots(SNAPSHOT_NAME, snapshot_version(), from_seq=self._next_seq)
        return next(newer, None) is not None

    def _begun(self, reader: JournalReader) -> MarketFold:
        begin = begin_of(reader, None)
        recorded = recorded_parameters(begin.config.config_json, begin.config.digest, "journal").settings()
        fold = MarketFold(begin.market, recorded.market)
        fold.follow(begin.opened, begin.config)
        self._journal_id, self._next_seq = reader.stamp.journal_id, begin.from_seq
        return fold
