"""Code of the user's own: Python files and entry points that the configuration names, loaded only if they are safe.

It runs beside the keys, with every right of this process: there is no sandbox. So nothing loads that a profile does not
name, nor from a place where somebody else on this machine could have put it.
"""

import contextlib
import hashlib
import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import stat
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

from liqbot.exits import Exit, ExpectedError
from liqbot.lent_arithmetic import lent_at_load
from liqbot.raised import from_keyboard, said_by

_ROOT_UID: Final = 0
_GROUP_OR_ALL: Final = stat.S_IWGRP | stat.S_IWOTH
_CODE: Final = (*importlib.machinery.SOURCE_SUFFIXES, *importlib.machinery.EXTENSION_SUFFIXES)


class Extension(NamedTuple):
    """Something that was loaded. `sha256` is that of the source text that ran, hexadecimal; of an entry point that of
    all code of its package."""

    origin: str
    """The file, or `group:name` of an entry point."""
    sha256: str
    module: ModuleType


def extension_file(name: str, directory: Path) -> Path:
    """The file that a setting names, relative names below the directory of the configuration, never below the current
    one. ExpectedError unless it is a Python file of ours that nobody else may write."""
    path = Path(name).expanduser()
    path = path if path.is_absolute() else directory.absolute() / path
    path = Path(os.path.realpath(path))
    if path.suffix != ".py" or not path.is_file():
        raise ExpectedError(f"{name}: no Python file at {path}", Exit.CONFIG)
    for place in (path, path.parent):
        _require_ours(place, name)
    _require_closed_above(path.parent, name)
    return path


def _require_ours(place: Path, name: str, writers: int = _GROUP_OR_ALL) -> None:
    found = place.stat()
    if found.st_uid not in (_ROOT_UID, os.geteuid()):
        raise ExpectedError(f"{name}: {place} belongs to user {found.st_uid}, not to this one; own it", Exit.CONFIG)
    if found.st_mode & writers:
        who = "anybody" if found.st_mode & stat.S_IWOTH else "its group"
        raise ExpectedError(f"{name}: {who} may write {place}; chmod go-w {place}", Exit.CONFIG)


def _require_closed_above(directory: Path, name: str) -> None:
    for place in directory.parents:
        mode = place.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise ExpectedError(f"{name}: anybody may write {place}, which it lies in; chmod o-w {place}", Exit.CONFIG)


def load_file(path: Path) -> Extension:
    """Run a file that `extension_file` accepted. ExpectedError in one line that names file and line of the fault.

    The bytes that are hashed are the bytes that run: nothing is read twice, no cached bytecode is used.
    """
    source = _read(path)
    digest = hashlib.sha256(source).hexdigest()
    name = f"liqbot_extension_{path.stem}_{digest[:12]}"
    module = ModuleType(name)
    module.__file__ = str(path)
    # Annotations of structs and models are looked up in the module they were written in.
    sys.modules[name] = module
    try:
        with contextlib.redirect_stdout(sys.stderr), lent_at_load():  # stdout is the verb's own, for JSON too
            exec(compile(source, str(path), "exec"), vars(module))  # noqa: S102 -- this is what the user asked for
    except SyntaxError as error:
        del sys.modules[name]
        raise ExpectedError(f"{path}:{error.lineno or 1}: {error.msg}", Exit.CONFIG) from None
    except BaseException as error:
        if from_keyboard(error):
            raise
        del sys.modules[name]
        raise ExpectedError(_fault(path, error), Exit.CONFIG) from None
    return Extension(str(path), digest, module)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExpectedError(f"{path}: {error.strerror or error}", Exit.CONFIG) from None


def _fault(path: Path, error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = f":{frames[-1].lineno}" if frames else ""
    return f"{path}{line}: {_in_a_line(error)}"


def _in_a_line(error: BaseException) -> str:
    said = said_by(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def load_entry_point(group: str, name: str) -> tuple[Extension, Any]:
    """An installed package's entry point that a setting names, and the object it stands for.

    ExpectedError when there is none of that name, more than one, or when it fails; and, before anything of it runs,
    when its code lies where somebody else may write, or is announced by the current directory alone.
    """
    found = [entry for entry in importlib.metadata.entry_points(group=group) if entry.name == name]
    if len(found) != 1:
        there = ", ".join(sorted({entry.name for entry in importlib.metadata.entry_points(group=group)})) or "none"
        count = "several packages have" if found else "no installed package has"
        raise ExpectedError(f"{name}: {count} this entry point in {group}; there are: {there}", Exit.CONFIG)
    where = f"{name}: entry point {found[0].value} of {group}"
    _require_installed(found[0], where)
    try:
        package = _package_of(found[0], where)
        digest = _digest(package)
        with contextlib.redirect_stdout(sys.stderr), lent_at_load():
            value = found[0].load()
            module = importlib.import_module(found[0].module)
    except ExpectedError:
        raise
    except BaseException as error:
        if from_keyboard(error):
            raise
        raise ExpectedError(f"{where}: {_in_a_line(error)}", Exit.CONFIG) from None
    return Extension(f"{group}:{name}", digest, module), value


def _require_installed(entry: importlib.metadata.EntryPoint, where: str) -> None:
    """What is found only because of where the program was started is not installed."""
    announced = None if entry.dist is None else Path(str(entry.dist.locate_file("")))
    if announced is not None and os.path.realpath(announced) == os.path.realpath(Path.cwd()):
        raise ExpectedError(f"{where}: only the current directory, {announced.absolute()}, has it; install its package "
                            "or start the program elsewhere", Exit.CONFIG)


def _package_of(entry: importlib.metadata.EntryPoint, where: str) -> dict[str, Path]:
    """All code of the package (or of the one module) that an entry point lies in, by its place there. Nothing of it has
    run. ExpectedError where somebody else may write any of it; a group may, as where it administers the system."""
    top = entry.module.partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {top!r}")
    roots = [Path(os.path.realpath(root)) for root in spec.submodule_search_locations or ()]
    code = {
        path.relative_to(root).as_posix(): path
        for root in roots for path in root.rglob("*") if path.name.endswith(_CODE) and path.is_file()
    }
    if not roots and spec.has_location and spec.origin is not None:
        code = {Path(spec.origin).name: Path(os.path.realpath(spec.origin))}
    for place in sorted({*code.values(), *(path.parent for path in code.values()), *roots}):
        _require_ours(place, where, stat.S_IWOTH)
    for root in roots or [path.parent for path in code.values()]:
        _require_closed_above(root, where)
    return code


def _digest(code: dict[str, Path]) -> str:
    """Of one module its own; of several that of their names and theirs. Empty for what has no file."""
    each = {name: hashlib.sha256(_read(path)).hexdigest() for name, path in sorted(code.items())}
    if len(each) <= 1:
        return "".join(each.values())
    return hashlib.sha256("".join(f"{name} {one}\n" for name, one in each.items()).encode()).hexdigest()
