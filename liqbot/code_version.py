"""What a journal says about the program that wrote it: version, source, numeric platform, and users' strategy files.

Also the version of a snapshot, which follows from the source: nobody has to remember to raise it.
"""

import ast
import contextlib
import functools
import hashlib
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from liqbot.blocks import DTYPES
from liqbot.events import CodeVersion
from liqbot.exits import Exit, ExpectedError

_PACKAGE: Final = Path(__file__).parent
_DIGEST_LENGTH: Final = 16
_IS_DIGEST: Final = re.compile(f"[0-9a-f]{{{_DIGEST_LENGTH}}}")
_STATE_ROOMS: Final = (
    "engine.py", "instruments.py", "commands.py", "accounting", "margin", "market", "risk", "signals", "execution",
)
"""Where the engine's state is defined; their edges hold none of it."""
_EDGES: Final = ("feeds", "edge")
_SAVES: Final = re.compile(r"\w*state|snapshot|restore|packed|unpacked")
"""Functions that write or read state."""
_MAY_HOLD_STATE: Final = re.compile(r"def (?:\w*state|snapshot|restore|packed|unpacked)\b|\bStruct\b|\bNamedTuple\b")


def this_code(version: str, time_ms: int, strategies: tuple[tuple[str, str], ...] = ()) -> CodeVersion:
    """The running program: interpreter, numpy, processor, the features numpy uses, and a digest of its source.

    `strategies` gives name and SHA-256 of every strategy file that is not part of the program.
    """
    features = getattr(sys.modules.get("numpy._core._multiarray_umath"), "__cpu_features__", {})
    used = ",".join(sorted(name for name, on in features.items() if on))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return CodeVersion(
        time_ms=time_ms, version=version, platform=f"{python}; numpy {np.__version__}; {platform.machine()}; {used}",
        source=source_digest(), strategies=tuple(sorted(strategies)),
    )


@functools.cache
def source_digest() -> str:
    """SHA-256 over every source file of the program, by path: two states of development never share it."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        digest.update(f"{path.relative_to(_PACKAGE).as_posix()}\0{len(source)}\0".encode())
        digest.update(source)
    return digest.hexdigest()


def require_same_strategies(recorded: CodeVersion, here: CodeVersion, journal: str | Path) -> None:
    """ExpectedError when a strategy file that the journal was written with is another one now, or missing. One that
    is here beside them decides nothing under the recorded configuration."""
    loaded = dict(here.strategies)
    for name, sha256 in recorded.strategies:
        now = loaded.get(name)
        if now == sha256:
            continue
        wanted = f"journal {journal} was written with strategy {name!r} of SHA-256 {sha256[:12]}..."
        if now is None:
            raise ExpectedError(f"{wanted}; it is not loaded: name the profile (--config DIR) that has it", Exit.CONFIG)
        raise ExpectedError(f"{wanted}; {now[:12]}... is loaded: put that file back to replay it", Exit.CONFIG)


@functools.cache
def state_version() -> str:
    """The shape of the engine's state, as a digest: snapshots of another shape cannot be read."""
    return _remembered_digest(
        dict(_state_sources()), {kind: str(dtype.descr) for kind, dtype in DTYPES.items()},
        Path(sys.prefix) / "state-version",
    )


def _remembered_digest(sources: Mapping[str, str], columns: Mapping[str, str], place: Path) -> str:
    """`shape_digest`, kept at `place` with what it follows from to the byte, interpreter included: parsing the source
    takes a third of a second, and every reading verb asks. A file that is damaged, of another source or not to be
    written is as good as none."""
    asked = hashlib.sha256(repr((sys.version, sources, columns)).encode()).hexdigest()
    with contextlib.suppress(OSError, ValueError):
        kept, digest = place.read_text(encoding="ascii").split()
        if kept == asked and _IS_DIGEST.fullmatch(digest):
            return digest
    digest = shape_digest(sources, columns)
    with contextlib.suppress(OSError):
        unfinished = place.with_name(f"{place.name}.{os.getpid()}")
        unfinished.write_text(f"{asked} {digest}\n", encoding="ascii")
        unfinished.replace(place)
    return digest


def _state_sources() -> Iterator[tuple[str, str]]:
    for room in _STATE_ROOMS:
        place = _PACKAGE / room
        for path in (place,) if place.suffix else place.rglob("*.py"):
            parts = path.relative_to(_PACKAGE).parts
            if not set(_EDGES) & set(parts):
                yield "/".join(parts), path.read_text(encoding="utf-8")


def shape_digest(sources: Mapping[str, str], columns: Mapping[str, str]) -> str:
    """Over what decides the shape of a state: fields of structs with their types, what functions that save and load
    state do, and for the classes that have them what they begin with (dtypes of arrays, constants of the module).
    Comments, docstrings and layout do not count, nor does the file a definition lies in."""
    parts = [f"{kind} {dtype}" for kind, dtype in columns.items()]
    for source in sources.values():
        if _MAY_HOLD_STATE.search(source):
            parts += _shape_of(ast.parse(source))
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:_DIGEST_LENGTH]


def _shape_of(module: ast.Module) -> Iterator[str]:
    stateful = False
    for node in _statements(module):
        if isinstance(node, ast.ClassDef):
            fields = [ast.unparse(part) for part in node.body if isinstance(part, ast.AnnAssign)]
            yield f"class {node.name}({', '.join(map(ast.unparse, node.bases))}): {'; '.join(fields)}"
            functions = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            if any(_SAVES.fullmatch(function.name) for function in functions):
                stateful = True
                yield from (f"{node.name} {_plain(one)}" for one in functions if one.name == "__init__")
        elif isinstance(node, ast.FunctionDef) and _SAVES.fullmatch(node.name):
            stateful = True
            yield _plain(node)
    if stateful:
        yield from (ast.unparse(part) for part in module.body if isinstance(part, ast.Assign | ast.AnnAssign))


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements, however deep: definitions are statements, and expressions are most of a tree."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for part in getattr(node, name, ()):
            yield part
            yield from _statements(part)


def _plain(function: ast.FunctionDef) -> str:
    """The function without its docstring."""
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:] or [ast.Pass()]
    return ast.unparse(function)
