"""The compiled form of the fold's kernels: made when the environment is built, loaded by what folds a market.

It lies in the environment, as a copy of the source with machine code beside it and a manifest over both. A process only
loads what the manifest vouches for: a compiler of seconds and of unknown mood has no place where a position may be
open. Without it (no numba, $LIQBOT_UNCOMPILED, another processor, a changed or damaged file, memory that may not be
executed) the same source runs as plain numpy, to the same bits.

    python -m liqbot.runtime.compiled_kernels    makes it anew unless it is current
"""

import contextlib
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import mmap
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from liqbot.market.estimate import fold_kernels, map_kernels, step_kernels
from liqbot.places import UNCOMPILED_VARIABLE

TRIED: Final = "fold-tried"
"""Beside it in the environment: `run` has made it from this source, or tried to."""
KERNELS: Final = (fold_kernels, step_kernels, map_kernels)
"""What is compiled, callees first."""
_PREFIX: Final = "liqbot_compiled_"
_CACHE_VARIABLE: Final = "NUMBA_CACHE_DIR"


def _written_out(module: ModuleType) -> dict[str, str]:
    """What the compiler lacks and a module writes out for it: the plain name, and that of what takes its place."""
    return dict(getattr(module, "WRITTEN_OUT", {}))


PLAIN: Final = {
    name: getattr(module, name) for module in KERNELS for name in (*module.SIGNATURES, *_written_out(module))
}


class KernelsUnavailable(Exception):
    """Why the plain form runs."""


class KernelsDamaged(KernelsUnavailable):
    """Not what was made: `run` makes it anew."""


class _State:
    """Of this process."""

    reason: str | None = None
    """Why the plain form runs; empty when the compiled one does; None before it was decided."""


def place() -> Path:
    """In the environment that runs."""
    return Path(sys.prefix) / "kernels"


def use_compiled() -> str:
    """From now on the compiled form runs in this process; why not, else empty. Decided once."""
    if _State.reason is None:
        try:
            _put(load(place()))
        except KernelsUnavailable as reason:
            _State.reason = str(reason)
            if isinstance(reason, KernelsDamaged):
                with contextlib.suppress(OSError):
                    place().with_name(TRIED).unlink(missing_ok=True)
        else:
            _State.reason = ""
    return _State.reason


def use_plain() -> None:
    """Back to plain numpy: for tests."""
    _put(PLAIN)
    _State.reason = None


def _put(functions: dict[str, Any], modules: Sequence[ModuleType] = KERNELS) -> None:
    """Into every module that has it, as its own or as a callee."""
    for name, function in functions.items():
        for module in modules:
            if hasattr(module, name):
                setattr(module, name, function)


def load(home: Path) -> dict[str, Any]:
    """The compiled functions by name, from machine code that was made before. KernelsUnavailable otherwise."""
    if os.environ.get(UNCOMPILED_VARIABLE):
        raise KernelsUnavailable(f"{UNCOMPILED_VARIABLE} is set")
    if not may_execute():
        raise KernelsUnavailable("memory may not be made executable here")
    if importlib.util.find_spec("numba") is None:
        raise KernelsUnavailable("numba is not installed")
    require_sound(home)
    # numba writes where it reads, and the environment may be read-only: it is given a copy.
    try:
        with tempfile.TemporaryDirectory(prefix="liqbot-kernels-") as copy:
            shutil.copytree(home / "cache", copy, dirs_exist_ok=True)
            found, misses = _compiled(home, Path(copy))
    except OSError as error:
        raise KernelsUnavailable(f"no room for a copy of {home}: {error}") from error
    if misses:
        raise KernelsUnavailable(f"{home}: {misses} functions were not in it")
    return found


def may_execute() -> bool:
    """Whether memory may be written and executed; a hardened service must not, and the loader would end it."""
    try:
        mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()
    except OSError:
        return False
    return True


def make(home: Path) -> None:
    """Compile into a directory, in place of what is there. Takes a minute or so of one core."""
    shutil.rmtree(home, ignore_errors=True)
    cache = home / "cache"
    cache.mkdir(parents=True)
    for module in KERNELS:
        shutil.copyfile(str(module.__file__), _copy(home, module))
    _compiled(home, cache)
    unfinished = home / "manifest.unfinished"
    unfinished.write_text(json.dumps({"of": _identity(home), "files": _digests(home)}, indent=1), encoding="utf-8")
    unfinished.replace(home / "manifest.json")


def require_sound(home: Path) -> None:
    """KernelsUnavailable unless every byte is as it was made, by this source, for this interpreter and processor."""
    manifest = home / "manifest.json"
    try:
        made = json.loads(manifest.read_text(encoding="utf-8"))
        sound = made["files"] == _digests(home)
        of = made["of"]
    except FileNotFoundError:
        raise KernelsUnavailable(f"{home}: nothing compiled there") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KernelsDamaged(f"{manifest}: {error}") from error
    if not sound:
        raise KernelsDamaged(f"{home}: damaged; ./run makes it anew")
    for name, value in _identity(home).items():
        if of.get(name) != value:
            raise KernelsUnavailable(f"{home}: made for another {name}; ./run makes it anew")


def _identity(home: Path) -> dict[str, str]:
    """What machine code depends on. numba goes by the time of its source, so that is part of it."""
    processor: Any = importlib.import_module("llvmlite.binding")
    features = processor.get_host_cpu_features().flatten()
    copied = [_copy(home, module).stat() for module in KERNELS]
    return {
        "source": hashlib.sha256(b"\0".join(path.read_bytes() for path in _sources())).hexdigest(),
        "place": str(home.resolve()),
        "copy of the source": " ".join(f"{one.st_mtime_ns} {one.st_size}" for one in copied),
        "interpreter": sys.version,
        "numba": importlib.metadata.version("numba"),
        "numpy": importlib.metadata.version("numpy"),
        "processor": f"{platform.machine()} {processor.get_host_cpu_name()} {features}",
    }


def _digests(home: Path) -> dict[str, str]:
    files = [*(_copy(home, module) for module in KERNELS), *sorted((home / "cache").rglob("*.nb?"))]
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _sources() -> list[Path]:
    """What machine code follows from, constants included."""
    return sorted(Path(str(fold_kernels.__file__)).parent.glob("*kernels.py"))


def _copy(home: Path, module: ModuleType) -> Path:
    return home / Path(str(module.__file__)).name


def _compiled(home: Path, cache: Path) -> tuple[dict[str, Any], int]:
    """The functions of the copies of the source, compiled where the cache lacks them, and how many it lacked."""
    before = os.environ.get(_CACHE_VARIABLE)
    os.environ[_CACHE_VARIABLE] = str(cache)
    try:
        numba: Any = importlib.import_module("numba")
        numba.config.reload_config()
        copies = [_module(_copy(home, module)) for module in KERNELS]
        found: dict[str, Any] = {}
        for copy in copies:
            for name, signature in copy.SIGNATURES.items():
                function = numba.njit(signature, cache=True, error_model="numpy", no_cfunc_wrapper=True)(
                    getattr(copy, name)
                )
                added = {name: function}
                added |= {plain: function for plain, other in _written_out(copy).items() if other == name}
                _put(added, copies)
                found |= added
        return found, sum(sum(one.stats.cache_misses.values()) for one in found.values())
    finally:
        os.environ.pop(_CACHE_VARIABLE)
        if before is not None:
            os.environ[_CACHE_VARIABLE] = before


class _FromSource(SourceFileLoader):
    """Neither reads nor leaves bytecode, for which no manifest vouches."""

    def path_stats(self, path: str) -> dict[str, float]:
        raise OSError(f"{path}: no bytecode is kept of it")


def _module(source: Path) -> ModuleType:
    """A second copy of a module: the functions of such copies see each other's compiled form."""
    name = _PREFIX + source.stem
    spec = importlib.util.spec_from_file_location(name, source, loader=_FromSource(name, str(source)))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    """What `run` calls. Nothing depends on it: a failure is said, and the plain form runs."""
    home = place()
    try:
        require_sound(home)
    except KernelsUnavailable:
        try:
            make(home)
            require_sound(home)
        except (ImportError, OSError, KernelsUnavailable) as error:
            sys.stderr.write(f"run: the fold stays uncompiled: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
