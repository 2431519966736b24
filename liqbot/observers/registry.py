"""Which observers there are: built in, of installed packages (entry-point group `liqbot.observers`), or a file named in
the configuration. Modules are imported only when the configuration enables them."""

import importlib
import importlib.metadata
import importlib.util
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from liqbot.exits import Exit, ExpectedError
from liqbot.journal import Journal
from liqbot.observers.observer import Observer
from liqbot.settings import Settings

if TYPE_CHECKING:
    from liqbot.ledger import LedgerWriter  # its libraries take seconds to import, and not every house keeps one

ENTRY_POINT_GROUP: Final = "liqbot.observers"
"""Of other packages: name -> factory."""
FILE_FACTORY: Final = "observer"
"""The function a file must define."""
FIRST, LAST = "ledger", "snapshots"
"""A snapshot must not be ahead of the ledger, so the one is fed before the other saves."""

BUILT_IN: Final[Mapping[str, str]] = {
    "ledger": "liqbot.observers.ledger:ledger_observer",
    "snapshots": "liqbot.observers.snapshots:snapshot_observer",
    "log": "liqbot.observers.log:log_observer",
    "console": "liqbot.observers.console:console_observer",
    "alerts": "liqbot.observers.alerts:alert_observer",
}


class ObserverContext(NamedTuple):
    """What an observer may be made from."""

    settings: Settings
    data: Path | None = None
    """State directory; None for a house without one."""
    journal: Journal | None = None
    ledger: "LedgerWriter | None" = None
    console: Observer | None = None
    """Shows a person what happens; given by modes that somebody watches."""
    source: str = "inbox"
    """What the ledger calls the place that its rows come from."""
    snapshot_version: str = ""


Factory = Callable[[ObserverContext], Observer | None]
"""None: not of use in this house."""


def observers_for(context: ObserverContext) -> list[Observer]:
    """Those that the configuration enables, in the order they are called. ExpectedError (configuration) for a name that
    is unknown, and for a file that cannot be loaded."""
    made: list[Observer] = []
    for name in ordered(context.settings.observers.enabled):
        observer = _made(name, context)
        if observer is not None:
            observer.name = observer.name or name
            made.append(observer)
    return made


def require_known(enabled: tuple[str, ...]) -> None:
    """ExpectedError (configuration) unless every name can be made into an observer; nothing is made."""
    for name in enabled:
        _factory(name)


def ordered(enabled: tuple[str, ...]) -> tuple[str, ...]:
    """The ledger first, snapshots last, the others as they are written."""
    return tuple(sorted(enabled, key=lambda name: (name == LAST) - (name == FIRST)))


def _made(name: str, context: ObserverContext) -> Observer | None:
    factory = _factory(name)
    try:
        observer = factory(context)
    except ExpectedError:
        raise
    except Exception as error:
        reason = f"observers.enabled: {name!r} cannot be made: {type(error).__name__}: {error}"
        raise ExpectedError(reason, Exit.CONFIG) from error
    if observer is not None and not isinstance(observer, Observer):
        kind = type(observer).__name__
        raise ExpectedError(f"observers.enabled: {name!r} made a {kind}, expected an Observer or None", Exit.CONFIG)
    return observer


def _factory(name: str) -> Factory:
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        built_in: Factory = getattr(importlib.import_module(module), attribute)
        return built_in
    if name.endswith(".py"):
        return _from_file(Path(name))
    others = {entry.name: entry for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}
    if name not in others:
        known = ", ".join((*BUILT_IN, *sorted(others)))
        raise ExpectedError(
            f"observers.enabled: {name!r} is no observer; there are {known}, and files ending in .py", Exit.CONFIG
        )
    return _called(name, others[name].load)


def _from_file(path: Path) -> Factory:
    """It runs with the keys in memory: only a file that nobody else can change is loaded."""
    for place in (path, path.parent):
        try:
            found = place.stat()
        except OSError as error:
            raise ExpectedError(f"observers.enabled: {place}: {error.strerror}", Exit.CONFIG) from None
        if found.st_uid not in (0, os.getuid()) or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ExpectedError(
                f"observers.enabled: {place}: others than its owner can write it, or it is not ours; "
                f"chown it to this user and chmod go-w it", Exit.CONFIG,
            )
    return _called(str(path), lambda: getattr(_module(path), FILE_FACTORY))


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"liqbot_observer_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _called(name: str, load: Callable[[], Any]) -> Factory:
    """Code of somebody else: whatever goes wrong while it is loaded is one line."""
    try:
        factory: Factory = load()
    except Exception as error:
        reason = f"observers.enabled: {name!r} cannot be loaded: {type(error).__name__}: {error}"
        raise ExpectedError(reason, Exit.CONFIG) from error
    return factory
