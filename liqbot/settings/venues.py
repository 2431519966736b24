"""Venues that a configuration names: the user's own are loaded here, and all are held against what each can do."""

from pathlib import Path
from typing import Final

from liqbot.exits import Exit, ExpectedError
from liqbot.extensions import Extension, extension_file, load_entry_point, load_file
from liqbot.instruments import split_venue_key
from liqbot.places import config_dir
from liqbot.settings.model import TEST_MODES, Settings
from liqbot.venues.evidence import grades_of
from liqbot.venues.registry import VENUES, access_refusal, mark_poll_of, refusal, unknown
from liqbot.venues.spec import VenueSpec

VENUES_GROUP: Final = "liqbot.venues"
"""Entry-point group of installed packages; the object is a `VenueSpec`."""
_PIN: Final = "@sha256:"
_NOWHERE: Final = Path("/")
"""Recorded names are absolute; one that is not must not be looked for in the current directory."""
_VENUE_OF: Final[dict[str, str]] = {}
"""File or entry point -> the venue that was loaded from it."""
_READING_MODES: Final = ("observe", "testnet", "demo", "live")
_TRADING_MODES: Final = ("testnet", "demo", "live")


def with_able_venues(settings: Settings, config: Path | None) -> Settings:
    """With the user's own venues loaded. ExpectedError when one cannot be, or when a venue cannot do what it is for."""
    loaded = with_own_venues(settings, config_dir(config))
    require_able_venues(loaded)
    return loaded


def with_own_venues(settings: Settings, directory: Path) -> Settings:
    """Loads what `venue_files` and `venue_packages` name and adds it to the registry.

    The result has absolute paths and a pin on each entry, `own.py@sha256:...`: so a journal records which code it was
    written with. ExpectedError in one line for a broken file, or one whose text is not the pinned one.
    """
    if not settings.venue_files and not settings.venue_packages:
        return settings
    files = tuple(_from_file(entry, directory) for entry in settings.venue_files)
    packages = tuple(_from_package(entry) for entry in settings.venue_packages)
    return settings.model_copy(update={"venue_files": files, "venue_packages": packages})


def with_recorded_venues(settings: Settings) -> Settings:
    """The same for settings out of a journal, whose entries are absolute and pinned.

    What today's configuration has loaded already stays as it is: a start recovers under today's code, as it does with
    the program's own. Without it, in a replay, another text than the recorded one is refused.
    """
    entries = (*settings.venue_files, *settings.venue_packages)
    if all(_loaded(entry.partition(_PIN)[0]) for entry in entries):
        return settings
    return with_own_venues(settings, _NOWHERE)


def _loaded(name: str) -> bool:
    return _VENUE_OF.get(name) in VENUES


def _from_file(entry: str, directory: Path) -> str:
    name, _, pin = entry.partition(_PIN)
    path = extension_file(name, directory)
    extension = load_file(path)
    _demand_pin(extension, pin)
    _VENUE_OF[str(path)] = _add(getattr(extension.module, "VENUE", None), str(path))
    return f"{path}{_PIN}{extension.sha256}"


def _from_package(entry: str) -> str:
    name, _, pin = entry.partition(_PIN)
    extension, value = load_entry_point(VENUES_GROUP, name)
    _demand_pin(extension, pin)
    _VENUE_OF[name] = _add(value, f"entry point {extension.origin}")
    return f"{name}{_PIN}{extension.sha256}"


def _demand_pin(extension: Extension, pin: str) -> None:
    if pin and pin != extension.sha256:
        raise ExpectedError(
            f"{extension.origin}: its sha256 is {extension.sha256}, recorded or pinned is {pin}", Exit.CONFIG
        )


def _add(value: object, origin: str) -> str:
    if not isinstance(value, VenueSpec):
        raise ExpectedError(f"{origin}: VENUE is missing, or no VenueSpec", Exit.CONFIG)
    try:
        VENUES.add(value)
    except ValueError as error:
        raise ExpectedError(f"{origin}: {error}", Exit.CONFIG) from None
    return value.venue


def require_able_venues(settings: Settings) -> None:
    """ExpectedError, a line per fault, unless the venues exist and can do what the mode needs of them."""
    faults = [*_unknown(settings)]
    if not faults and settings.mode in _READING_MODES:
        faults += [refusal("venues", name, "market_data") for name in streamed(settings) if VENUES[name].wire is None]
        faults += _reports(settings)
        faults += _never_read(settings)
    if not faults and settings.mode in _TRADING_MODES:
        faults += _untradable(settings)
    if faults:
        raise ExpectedError("\n".join(faults), Exit.CONFIG)


def streamed(settings: Settings) -> tuple[str, ...]:
    """Venues whose market data comes over the wire: all but those whose open interest is in a file."""
    names = dict.fromkeys(split_venue_key(key)[0] for key in settings.venues)
    return tuple(name for name in names if name not in settings.feeds.reports)


def _reports(settings: Settings) -> list[str]:
    able = ", ".join(name for name, spec in VENUES.items() if spec.report is not None)
    faults = [f"feeds.reports: {name!r} has no report that can be read; possible with {able}"
              for name in settings.feeds.reports if name not in VENUES or VENUES[name].report is None]
    if not faults and not streamed(settings):
        faults.append("venues: reports alone tell no prices; name a venue that is read live")
    return faults


def _never_read(settings: Settings) -> list[str]:
    """Venues of which nothing would be read, because no feed's shape is known better than by inference."""
    if settings.feeds.inferred:
        return []
    return [f"venues: {name!r} would tell nothing: all its feeds are known from the client's parser alone, and are "
            f"read only with feeds.inferred = true" for name in streamed(settings)
            if set(grades_of(VENUES[name].evidence).values()) == {"inferred"}]


def _unknown(settings: Settings) -> list[str]:
    faults = []
    for key in settings.venues:
        name, contract = split_venue_key(key)
        if name not in VENUES:
            faults.append(unknown("venues", name))
        elif settings.mode in _READING_MODES and VENUES[name].contract(contract) is None:
            listed = ", ".join(repr(one.contract or name) for one in VENUES[name].contracts)
            faults.append(f"venues: {key!r}: {name} has no such contract; it has {listed}")
    # A misspelt one would be asked for nothing: the check that waits for it, or the share that stands for it.
    shares = settings.market.estimate.oi_shares
    for setting, keys in (("risk.core_venues", settings.risk.core_venues), ("market.estimate.oi_shares", shares)):
        faults += [unknown(setting, key) for key in keys if split_venue_key(key)[0] not in VENUES]
    return faults


def _untradable(settings: Settings) -> list[str]:
    name = split_venue_key(settings.trade_venue)[0]
    if VENUES[name].trading is None:
        return [refusal("trade_venue", name, "orders")]
    refused = access_refusal(name, settings.mode)
    if refused or settings.mode not in TEST_MODES:
        return [refused] if refused else []
    try:
        mark_poll_of(name)
    except ValueError as error:
        return [str(error)]
    return []
