"""Start-up is recovery: the newest readable snapshot, then the journal after it through the engine.

What was decided and sent the first time is what was, whatever this version would decide; nothing of it is sent again,
and the venue is queried about it.
"""

from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from liqbot.blocks import Roster
from liqbot.engine import Engine
from liqbot.events import ConfigLoaded, JournalOpened
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Instrument
from liqbot.journal import JournalReader, Record
from liqbot.journal.errors import CorruptRecordError
from liqbot.journal.reader import Snapshot
from liqbot.journal.rerun import SNAPSHOT_NAME, Beginning, Rerun
from liqbot.journal.snapshots import FOR_RECOVERY
from liqbot.journal.steps import StepLike
from liqbot.runtime.assembly import engine_of, recorded_engine, snapshot_version
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.settings import Settings
from liqbot.signals.strategy import Strategy

PLAIN_FOLDS_MAX: Final = 600
"""So many, of one coin each, are run again by the plain fold before the compiled one, to the same bits, is loaded: that
takes as long as they do."""
Observe = Callable[[Record, StepLike, Engine], None]
_log = structlog.get_logger(__name__)


class Recovered(NamedTuple):
    engine: Engine
    records: int
    """How many were run again."""
    last_ms: int
    """Time of the newest record; 0 for a new journal."""
    fills_since_ms: int
    """No fill or payment before this can be unknown; 0 for a new journal."""


def recover(
    path: Path, settings: Settings, roster: Roster, instruments: Sequence[Instrument], observe: Observe, *,
    ledger_seq: int | None = None, hung: Collection[str] = (),
) -> Recovered:
    """The engine as the journal left it, under today's settings. `observe` sees every record that is run again: all
    that a ledger which ends at `ledger_seq` misses. None: no ledger waits for them, but a position that may be open
    does, so the compiled fold is loaded only where it pays. Strategies named in `hung` did not return the last time,
    and are not called again.

    ExpectedError when the state does not fit: other instruments, or nothing readable to begin from.
    """
    with JournalReader(path) as reader:
        journal_id = reader.stamp.journal_id
        fresh = engine_of(settings, roster, journal_id, instruments)
        if not reader.last_seq:
            return Recovered(fresh, 0, 0, 0)
        own = tuple(one for one in settings.signals.own if one.name not in hung)
        before, records, last_ms = _before(reader, observe, own, ledger_seq)
        if not last_ms:
            last_ms = next(iter(reader.records(reader.last_seq, facts_only=True))).time_ms
    try:
        fresh.restore(before.snapshot())
    except ValueError as error:
        raise ExpectedError(
            f"journal {path}: its state does not fit these settings ({error}); start on a new --data directory",
            Exit.CONFIG,
        ) from None
    return Recovered(fresh, records, last_ms, last_ms)


def _before(
    reader: JournalReader, observe: Observe, own: tuple[Strategy, ...], ledger_seq: int | None
) -> tuple[Engine, int, int]:
    """Own strategies answer as their files are today: what has been sent is known from the facts that came of it."""
    warnings: list[str] = []
    snapshots = newest_snapshots(reader, warnings)
    reached = (one for one in snapshots if ledger_seq is None or one.seq <= ledger_seq)
    snapshot = next(reached, snapshots[0] if snapshots else None)
    folds = (reader.last_seq - (snapshot.seq if snapshot else 0)) * len(reader.stamp.roster.coins)
    if ledger_seq is not None or folds > PLAIN_FOLDS_MAX:
        use_compiled()
    for warning in warnings:
        _log.warning("snapshot passed over", reason=warning)
    beginning = None if snapshot is None else Beginning(snapshot, *configuration_at(reader, snapshot.seq))
    rerun = Rerun(reader, partial(recorded_engine, own=own), snapshot_version(), beginning=beginning)
    count, last_ms = 0, 0
    for record, step in rerun.answers(as_recorded=True):
        observe(record, step, rerun.engine)
        count, last_ms = count + 1, record.time_ms
    return rerun.engine, count, last_ms


def newest_snapshots(reader: JournalReader, passed_over: list[str] | None = None) -> list[Snapshot]:
    """Those that recovery may begin from, newest first: of older ones too many records would have to be run again."""
    found = reader.snapshots(SNAPSHOT_NAME, snapshot_version(), passed_over=passed_over)
    return list(islice(found, FOR_RECOVERY))


def configuration_at(reader: JournalReader, seq: int) -> tuple[JournalOpened, ConfigLoaded]:
    """What was in force at a record: the newest of each at or before it, looked for from behind."""
    opened: JournalOpened | None = None
    config: ConfigLoaded | None = None
    for record in reader.with_facts(seq):
        for fact in reversed(record.block.facts):
            if isinstance(fact, JournalOpened):
                opened = opened or fact
            elif isinstance(fact, ConfigLoaded):
                config = config or fact
        if opened is not None and config is not None:
            return opened, config
    raise CorruptRecordError(f"journal {reader.path}: no configuration before record {seq}")


