"""What a run is made from, as text: so that another process, or another machine with the same files, makes the same."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from liqbot.settings import Settings, config_json, restored
from liqbot.settings.load import own_strategies
from paper.sessions.tape_settings import fitted
from paper.tapes.reader import Tape, read_tape


class Setup(msgspec.Struct, frozen=True):
    """A tape, and the settings to run on it. Paths are absolute."""

    tape: str
    settings_json: str
    profile: str
    config: str | None
    """The directory that was named; the profile's own strategies are loaded from there again."""

    @classmethod
    def of(cls, tape: Path | str, settings: Settings, profile: str, config: Path | None) -> "Setup":
        where = None if config is None else str(config.absolute())
        return cls(str(Path(tape).absolute()), config_json(settings), profile, where)


class Ready(NamedTuple):
    tape: Tape
    settings: Settings
    """Fitted to the tape."""


@lru_cache(maxsize=4)
def ready(setup: Setup) -> Ready:
    """TapeError and ExpectedError as reading a tape and a profile give them."""
    tape = read_tape(setup.tape)
    own = own_strategies(setup.profile, None if setup.config is None else Path(setup.config))
    return Ready(tape, fitted(restored(setup.settings_json, own), tape))


def content_digest(path: str) -> str:
    """Of a file's bytes: the same market under another name is the same, and another one of the same size is not."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
