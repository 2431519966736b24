"""The effective configuration as canonical JSON without secrets: what a journal remembers, and its digest."""

import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from liqbot.exits import Exit, ExpectedError
from liqbot.settings.model import Settings, settings_model
from liqbot.settings.names import Names, Path
from liqbot.settings.venues import with_own_venues

ROOT: Final = pathlib.Path("/")
"""Recorded names of files are absolute; one that is not must not be looked for in the current directory."""


def config_json(settings: Settings) -> str:
    """Equal configurations, equal text; secrets are left out, not masked."""
    values = _without_secrets(settings.model_dump(mode="json"), Names(type(settings)))
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def config_digest(text: str) -> str:
    """sha256 of `config_json`, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def restored(text: str) -> Settings:
    """The settings a journal was written with, the user's own code loaded that it was written with.

    ExpectedError, exit code 3, when it was written under other names, or when that code has changed.
    """
    try:
        return with_own_venues(settings_model()(**json.loads(text)), ROOT)
    except (ValidationError, json.JSONDecodeError) as error:
        raise ExpectedError(f"the recorded configuration does not fit this version: {error}", Exit.CONFIG) from None


def _without_secrets(values: Mapping[str, Any], names: Names, prefix: Path = ()) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in values.items():
        path = (*prefix, name)
        if isinstance(value, Mapping):
            inner = _without_secrets(value, names, path)
            if inner or not value or not prefix:  # an entry of secrets alone leaves no trace, not even its name
                kept[name] = inner
        elif not names.secret(path):
            kept[name] = value
    return kept
