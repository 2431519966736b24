"""An observation out of a journal: the house that wrote it is run again, and looked at."""

from pathlib import Path
from typing import Final

from liqbot.engine import Engine, Step
from liqbot.exits import Exit, ExpectedError
from liqbot.review.levels.observer import LevelObserver
from liqbot.review.levels.report import LevelObservation
from liqbot.review.progress import Advance

SIMULATED: Final = frozenset({"paper", "tape"})
"""What journals call the source of a market that is not the venues' own."""


def observed(path: Path, advance: Advance = lambda _share: None) -> LevelObservation:
    """From its beginning, or from the oldest snapshot where that was dropped. What it decided then is what was decided.
    ExpectedError where there is none."""
    from liqbot.journal import JournalReader
    from liqbot.journal.rerun import Rerun
    from liqbot.runtime.assembly import recorded_engine, snapshot_version
    from liqbot.settings import restored

    if not path.is_file():
        raise ExpectedError(f"no journal at {path}: liqbot observe makes one, and any bot does", Exit.NOT_FOUND)
    with JournalReader(path) as reader:
        _, _, config = reader.opening()
        if config is None:
            raise ExpectedError(f"journal {path} has not begun yet", Exit.NOT_FOUND)
        watch, simulated = LevelObserver(restored(config.config_json)), False
        rerun: Rerun[Engine] = Rerun(reader, recorded_engine, snapshot_version())
        for number, (record, step) in enumerate(rerun.answers(as_recorded=True)):
            simulated = simulated or record.source in SIMULATED
            if isinstance(step, Step):
                watch.on_step(record.seq, record.block, step, rerun.engine)
            if number % 64 == 0:
                advance((record.seq - rerun.from_seq) / max(1, reader.last_seq - rerun.from_seq))
        return watch.observation(str(path), simulated=simulated)
