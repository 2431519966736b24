"""Which observers there are: built in, of installed packages (entry-point group `liqbot.observers`), or a file named in
the configuration. Modules are imported only when the configuration enables them."""

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from liqbot.exits import Exit, ExpectedError
from liqbot.extensions import extension_file, load_entry_point, load_file
from liqbot.journal import Journal
from liqbot.ledger.later import FedLedger
from liqbot.observers.observer import Observer
from liqbot.settings import Settings
from liqbot.settings.named_code import OBSERVERS_GROUP

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
    "metrics": "liqbot.observers.metrics:metrics_observer",
}


class ObserverContext(NamedTuple):
    """What an observer may be made from."""

    settings: Settings
    data: Path | None = None
    """State directory; None for a house without one."""
    journal: Journal | None = None
    ledger: FedLedger | None = None
    ledger_wait_s: float = 0.0
    """How long the market may be held up for a ledger that is behind; 0 where the market does not wait."""
    console: Observer | None = None
    """Shows a person what happens; given by modes that somebody watches."""
    source: str = "inbox"
    """What the ledger calls the place that its rows come from."""
    snapshot_version: str = ""

    def journal_trouble(self) -> str:
        """Why the journal cannot be written; empty while it can, or where there is none."""
        found = None if self.journal is None else self.journal.trouble
        return "" if found is None else str(found)


Factory = Callable[[ObserverContext], Observer | None]
"""None: not of use in this house."""


def observers_for(context: ObserverContext) -> list[Observer]:
    """Those that the configuration enables, in the order they are called. ExpectedError (configuration) for a name that
    is unknown, and for a file that cannot be loaded."""
    made: list[Observer] = []
    for name in ordered(context.settings.observers.enabled):
        observer = _made(name, context)
        if observer is not None:
            observer.name, observer.added_as = observer.name or name, "" if name in BUILT_IN else name
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
    try:
        return _extension(name)
    except ExpectedError as error:
        raise ExpectedError(f"observers.enabled: {error}", error.exit_code) from None


def _extension(name: str) -> Factory:
    if name.endswith(".py"):
        loaded = load_file(extension_file(name, Path("/")))  # the settings have made its path absolute
        factory: Factory | None = getattr(loaded.module, FILE_FACTORY, None)
        if factory is None:
            raise ExpectedError(f"{loaded.origin}: no function {FILE_FACTORY}(context)", Exit.CONFIG)
        return factory
    others = sorted(entry.name for entry in importlib.metadata.entry_points(group=OBSERVERS_GROUP))
    if name not in others:
        known = ", ".join((*BUILT_IN, *others))
        raise ExpectedError(f"{name!r} is no observer; there are {known}, and files ending in .py", Exit.CONFIG)
    installed: Factory = load_entry_point(OBSERVERS_GROUP, name)[1]
    return installed
