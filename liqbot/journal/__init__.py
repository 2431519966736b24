"""The journal: the append-only record of everything that entered the engine and of what it answered.

`Journal` writes (one process at a time), `JournalReader` reads (any number, no lock).
"""

from liqbot.journal.journal import Journal, JournalLimits
from liqbot.journal.maintenance import backup, check, restore
from liqbot.journal.reader import JournalReader, Record, RecordedStep, Snapshot
from liqbot.journal.repair import Repaired, repair
from liqbot.journal.schema import Stamp
from liqbot.journal.steps import plain_step

__all__ = [
    "Journal", "JournalLimits", "JournalReader", "Record", "RecordedStep", "Repaired", "Snapshot", "Stamp", "backup",
    "check", "plain_step", "repair", "restore",
]
