"""Which parameters an answer is calculated with: those of the run it is about, or those of a profile that was named."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from liqbot.review.ledger_reader import Ledger

if TYPE_CHECKING:
    from liqbot.settings import Settings  # costly to import, and most readings of the ledger need none

DEFAULT_PROFILE = "paper"


class Choice(NamedTuple):
    """What the command line says of parameters: nothing of it, and the run's own count."""

    profile: str | None = None
    config: Path | None = None
    overrides: Sequence[str] = ()

    @property
    def explicit(self) -> bool:
        return self.profile is not None or self.config is not None or bool(self.overrides)

    @property
    def profile_name(self) -> str:
        """Also names the state directory."""
        return self.profile or DEFAULT_PROFILE


class Parameters(NamedTuple):
    """`origin` is for the reader of the answer. The settings are read when they are wanted."""

    origin: str
    settings: Callable[[], "Settings"]


def profile_parameters(choice: Choice) -> Parameters:
    """Of the profile, in all its layers. ExpectedError (configuration) as for any verb, once they are read."""

    def load() -> "Settings":
        from liqbot import settings  # here: it takes half a second

        return settings.load(choice.profile_name, config=choice.config, overrides=choice.overrides).settings

    added = f" with --set {' '.join(choice.overrides)}" if choice.overrides else ""
    return Parameters(f"profile {choice.profile_name}{added}", load)


def recorded_parameters(config_json: str, digest: str, where: str) -> Parameters:
    """As a run wrote them down. ExpectedError, once they are read, when they do not fit this version."""

    def load() -> "Settings":
        from liqbot.settings import restored  # here: as above

        return restored(config_json)

    return Parameters(f"recorded in the {where}, digest {digest[:12]}", load)


def ledger_parameters(ledger: Ledger, choice: Choice, at_ms: int | None = None) -> Parameters:
    """Of the newest run in the ledger, or the newest that had begun by then; of the profile where none is recorded."""
    rows = ledger.rows(
        "SELECT config, config_digest FROM run WHERE started_ms <= COALESCE(?, started_ms) ORDER BY id DESC LIMIT 1",
        [at_ms],
    )
    if choice.explicit or not rows or not rows[0]["config"]:
        return profile_parameters(choice)
    config = rows[0]["config"]
    text = config if isinstance(config, str) else json.dumps(config)
    return recorded_parameters(text, rows[0]["config_digest"], "ledger")
