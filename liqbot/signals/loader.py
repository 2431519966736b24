"""Strategies of the user's own: from the files and entry points that a profile names, checked before they are used.

They run beside the keys, with every right of this process. What is imported is only looked over: a lint, no sandbox.
"""

import ast
import contextlib
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from liqbot.exits import Exit, ExpectedError
from liqbot.extensions import extension_file, load_entry_point, load_file
from liqbot.lent_arithmetic import lent_at_load
from liqbot.raised import from_keyboard, said_by
from liqbot.signals.checked import faults_of
from liqbot.signals.own_answers import answering
from liqbot.signals.registry import CONDITIONS, STRATEGIES, SignalParams
from liqbot.signals.strategy import Strategy

FOLDER: Final = "strategies"
"""Of the configuration directory."""
GROUP: Final = "liqbot.strategies"
ATTRIBUTE: Final = "STRATEGY"
IMPURE: Final = (
    "aiohttp", "asyncio", "ccxt", "datetime", "http", "httpx", "multiprocessing", "os", "pathlib", "pickle", "random",
    "requests", "secrets", "shutil", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time",
    "urllib", "uuid",
)  # fmt: skip
"""Not for a strategy: it answers from what it is given, and the same again in a replay."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


class OwnStrategies(NamedTuple):
    """What was loaded, in the order it was named, and what the lint says about it."""

    strategies: tuple[Strategy, ...] = ()
    warnings: tuple[str, ...] = ()


def load_own(files: Sequence[str], entry_points: Sequence[str], config: Path) -> OwnStrategies:
    """ExpectedError (exit code 3) in one line naming file, line and fault for anything that cannot be used."""
    found: list[Strategy] = []
    warnings: list[str] = []
    for name in files:
        path = extension_file(name, config / FOLDER)
        extension = load_file(path)
        line = _line_of(path)
        found.append(_accepted(getattr(extension.module, ATTRIBUTE, None), str(path), line, extension.sha256, found))
        warnings += _lint(path)
    for name in entry_points:
        extension, value = load_entry_point(GROUP, name)
        found.append(_accepted(value, extension.origin, 0, extension.sha256, found))
    return OwnStrategies(tuple(found), tuple(warnings))


def _accepted(value: Any, origin: str, line: int, sha256: str, before: Iterable[Strategy]) -> Strategy:
    where = f"{origin}:{line}" if line else origin
    if not isinstance(value, Strategy):
        raise ExpectedError(f"{where}: expected {ATTRIBUTE} = Strategy(...), found {_kind(value)}", Exit.CONFIG)
    fault = _name_fault(str(value.name), before) or _fault(value)
    if fault:
        raise ExpectedError(f"{where}: {fault}", Exit.CONFIG)
    return answering(msgspec.structs.replace(value, origin=origin, sha256=sha256))


def _name_fault(name: str, before: Iterable[Strategy]) -> str:
    taken = {one.name for one in (*STRATEGIES, *before)} | {one.name for one in CONDITIONS}
    if _NAME.fullmatch(name) is None:
        return f"name {name!r}: expected small letters, digits and '_', as in my_strategy"
    if name in taken or name in SignalParams.model_fields:
        return f"name {name!r}: is taken; give it another one"
    return ""


def _fault(strategy: Strategy) -> str:
    try:
        with contextlib.redirect_stdout(sys.stderr), lent_at_load():  # stdout is the verb's own
            return next(faults_of(strategy), "")
    except BaseException as error:
        if from_keyboard(error):
            raise
        return f"{type(error).__name__}: {said_by(error)}"


def _kind(value: Any) -> str:
    return f"no {ATTRIBUTE}" if value is None else f"a {type(value).__name__}"


def _line_of(path: Path) -> int:
    """Where `STRATEGY` is defined; 0 when it is not."""
    for node in ast.parse(path.read_bytes()).body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(target, ast.Name) and target.id == ATTRIBUTE for target in targets):
            return node.lineno
    return 0


def _lint(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            if name.split(".")[0] in IMPURE:
                yield (
                    f"{path}:{node.lineno}: imports {name}: a strategy has no clock, network, disk or chance, else a "
                    "replay of its decisions fails (this is a lint, not a sandbox)"
                )
