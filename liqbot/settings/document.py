"""The reference of all settings as Markdown, made from the models themselves so that it cannot be out of date."""

import enum
import json
import types
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from liqbot.places import CONFIG_VARIABLE, DATA_VARIABLE, HOME_VARIABLE, RUNGS_VARIABLE, SECRETS_VARIABLE
from liqbot.settings.layers import NESTING, PREFIX
from liqbot.settings.model import settings_model
from liqbot.settings.names import leaves
from liqbot.settings.renamed import RENAMED
from liqbot.settings.show import plain

_INTRO: Final = f"""# Configuration

Made from the program's own models by `docs/generate_configuration.py`; do not edit.

Layers, later ones win, value by value: defaults in code, `<config>/<profile>.toml`, `<config>/local.toml`,
the environment (`{PREFIX}RISK{NESTING}LEVERAGE_MAX=2`), the secrets directory, `--set risk.leverage_max=2`.
An unknown name in any of them refuses to start. In the environment and after `--set` a list is written `a,b,c`.
`liqbot config show --origin` says where every value comes from.

Places are no settings. Each is the first of these that is named or exists:

- configuration: `--config`, `{CONFIG_VARIABLE}`, `config` in `{HOME_VARIABLE}`, `$XDG_CONFIG_HOME/liqbot`,
  `/etc/liqbot`, `./config`;
- state: `--data`, `{DATA_VARIABLE}`, `var/<profile>` in `{HOME_VARIABLE}`, `<profile>` in `$XDG_STATE_HOME/liqbot` or
  `/var/lib/liqbot`, `./var/<profile>`;
- secrets: `{SECRETS_VARIABLE}`, the service manager's credentials directory, none;
- the record of days that `[conduct]` asks for: `{RUNGS_VARIABLE}`, `rungs.jsonl` beside the states of the profiles.

`./run` exports `{HOME_VARIABLE}`, the checkout it belongs to, so that it works from any directory. The current
directory is the last resort, and one line of the log says so; `liqbot config show --origin` names each place and
what named it. A user's and the system's directories count once they exist.
A secrets directory holds files named like the variables they stand in for
(`{PREFIX}KEYS{NESTING}BINANCE{NESTING}SECRET`), mode 600. Secrets are refused in TOML files and after `--set`.
"""
_RENAMED_HEAD: Final = """
## Renamed settings

Old names are honoured for one release, with a line on stderr that names the new one; both in one place are refused.

| old name | now |
|---|---|
"""
_BOUND_SIGNS: Final = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def configuration_markdown() -> str:
    """The whole document; sections in the order of the model."""
    parts = [_INTRO]
    section = None
    for path, field in leaves(settings_model()):
        head = ".".join(path[:-1])
        if head != section:
            section = head
            parts.append("\n".join([f"\n## [{head}]" if head else "\n## Top level", *_about(path), "",
                                    "| setting | type | default | bounds | meaning |", "|---|---|---|---|---|"]))
        parts.append(_row(path[-1], field))
    parts.append(_RENAMED_HEAD + "\n".join(_renamed_row(old, new) for old, new in RENAMED.items()))
    return "\n".join(parts) + "\n"


def _renamed_row(old: str, new: tuple[str, ...]) -> str:
    return f"| `{old}` | {', '.join(f'`{name}`' for name in new) or 'nothing: it is passed over'} |"


def _about(path: tuple[str, ...]) -> Iterator[str]:
    model: type[BaseModel] = settings_model()
    for name in path[:-1]:
        field = model.model_fields.get(name)
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return
        model = field.annotation
    if path[:-1]:
        yield ""
        yield " ".join((model.__doc__ or "").split("\n\n")[0].split())


def _row(name: str, field: FieldInfo) -> str:
    cells = (f"`{name}`", _type(field.annotation), _default(field), _bounds(field), field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " / ".join(str(argument) for argument in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join("none" if part is type(None) else _type(part) for part in arguments)
    if origin in (tuple, list, frozenset, set):
        return f"list of {_type(arguments[0])}"
    if origin is not None:
        pair = len(arguments) > 1 and origin is not Annotated
        return f"{_type(arguments[0])} -> {_type(arguments[-1])}" if pair else _type(arguments[0])
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return " / ".join(str(member.value) for member in annotation)
    words = {
        "str": "text", "int": "whole number", "float": "number", "bool": "true / false", "Decimal": "decimal",
        "SecretStr": "secret",
    }
    word = getattr(annotation, "__name__", str(annotation))
    return words.get(word, word)


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if field.is_required():
        return "(required)"
    return f"`{json.dumps(plain(value))}`"


def _bounds(field: FieldInfo) -> str:
    found = [
        f"{sign} {getattr(rule, name)}"
        for rule in field.metadata
        for name, sign in _BOUND_SIGNS.items()
        if getattr(rule, name, None) is not None
    ]
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "ceiling" in extra:  # judged by the model itself, with a message of its own
        found.append(f"<= {extra['ceiling']:,g}")
    return ", ".join(found)
