"""The effective configuration as canonical JSON without secrets: what a journal remembers, and its digest."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from liqbot.exits import Exit, ExpectedError
from liqbot.legible import spelled_and_cut, without_passwords
from liqbot.settings.model import Settings, settings_model
from liqbot.settings.names import Names, Path, names_of
from liqbot.settings.renamed import with_new_names
from liqbot.settings.venues import with_recorded_venues
from liqbot.signals.strategy import Strategy

_NAMED_MAX: Final = 3


def config_json(settings: Settings) -> str:
    """Equal configurations, equal text; secrets are left out, passwords in addresses masked."""
    values = _without_secrets(settings.model_dump(mode="json"), names_of(type(settings)))
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def config_digest(text: str) -> str:
    """sha256 of `config_json`, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def restored(text: str, own: tuple[Strategy, ...] = ()) -> Settings:
    """The settings a journal was written with. One written under other names: ExpectedError, exit code 3.

    `own` are the strategies of the user's own as they are loaded now; what was set for others of theirs is left out.
    Venues of the user's own are loaded too, see `with_recorded_venues`.
    """
    try:
        values, _ = with_new_names(json.loads(text))
        model = settings_model(own)
        return with_recorded_venues(model(**_without_unloaded(values, model)))
    except ValidationError as error:
        raise ExpectedError(_misfit(error), Exit.CONFIG) from None
    except json.JSONDecodeError as error:
        raise ExpectedError(f"the recorded configuration cannot be read: {error}", Exit.CONFIG) from None


def _misfit(error: ValidationError) -> str:
    """One line: settings that only a newer program knows, else the first value that does not fit."""
    named = [(".".join(map(str, one["loc"])), one) for one in error.errors()]
    newer = [name for name, one in named if one["type"] == "extra_forbidden"]
    if newer:
        shown = ", ".join(newer[:_NAMED_MAX]) + (f" and {len(newer) - _NAMED_MAX} more" if newer[_NAMED_MAX:] else "")
        return (
            f"the recorded configuration has settings that this version does not know ({shown}): a newer liqbot wrote "
            "it; use that version, or begin in a new --data directory"
        )
    name, first = named[0]
    said = spelled_and_cut(f"{name}: {first['input']!r}; {first['msg']}")
    return f"the recorded configuration does not fit this version: {said}; begin in a new --data directory"


def _without_unloaded(values: dict[str, Any], model: type[Settings]) -> dict[str, Any]:
    """Without the sections of own strategies that are not loaded. Without any such, every name must be known."""
    signals = values.get("signals")
    if not isinstance(signals, Mapping) or not (signals.get("files") or signals.get("entry_points")):
        return values
    known = model.model_fields["signals"].annotation.model_fields  # type: ignore[union-attr]
    kept = {name: value for name, value in signals.items() if name in known or not isinstance(value, Mapping)}
    return {**values, "signals": kept}


def _without_secrets(values: Mapping[str, Any], names: Names, prefix: Path = ()) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in values.items():
        path = (*prefix, name)
        if isinstance(value, Mapping):
            inner = _without_secrets(value, names, path)
            if inner or not value or not prefix:  # an entry of secrets alone leaves no trace, not even its name
                kept[name] = inner
        elif not names.secret(path):
            kept[name] = without_passwords(value) if isinstance(value, str) else value
    return kept
