"""The books that the version before wrote, unpacked and recovered by this one."""

import gzip
import shutil
from pathlib import Path

from liqbot import places
from liqbot.blocks import Roster
from liqbot.runtime.last_known import last_known
from liqbot.runtime.recovery import Recovered, recover
from liqbot.settings import restored

BOOKS = Path(__file__).parents[1] / "fixtures" / "former_version" / "journal.sqlite.gz"


def unpacked(data: Path) -> Path:
    path = places.journal_path(data)
    with gzip.open(BOOKS) as packed, path.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    path.chmod(0o600)
    return data


def recovered(data: Path) -> Recovered:
    known = last_known(data, "any")
    assert known is not None
    settings = restored(known.config.config_json)
    roster = Roster(known.opened.venues, known.opened.coins)
    return recover(
        places.journal_path(data), settings, roster, known.config.instruments, lambda _record, _step, _engine: None
    )
