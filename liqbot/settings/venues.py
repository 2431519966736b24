"""Venues that a configuration names: the user's own are loaded here, and all are held against what each can do."""

from pathlib import Path
from typing import Final

from liqbot.exits import Exit, ExpectedError
from liqbot.extensions import Extension, extension_file, load_entry_point, load_file
from liqbot.instruments import split_venue_key
from liqbot.settings.model import Settings
from liqbot.venues.registry import VENUES, access_refusal, refusal, unknown
from liqbot.venues.spec import VenueSpec

VENUES_GROUP: Final = "liqbot.venues"
"""Entry-point group of installed packages; the object is a `VenueSpec`."""
_PIN: Final = "@sha256:"
_READING_MODES: Final = ("observe", "testnet", "demo", "live")
_TRADING_MODES: Final = ("testnet", "demo", "live")


def with_own_venues(settings: Settings, directory: Path) -> Settings:
    """Loads what `venue_files` and `venue_packages` name and adds it to the registry.

    The result has absolute paths and a pin on each entry, `own.py@sha256:...`: so a journal records which code it was
    written with, and settings that are restored from it refuse any other. ExpectedError in one line for a broken file.
    """
    if not settings.venue_files and not settings.venue_packages:
        return settings
    files = tuple(_from_file(entry, directory) for entry in settings.venue_files)
    packages = tuple(_from_package(entry) for entry in settings.venue_packages)
    return settings.model_copy(update={"venue_files": files, "venue_packages": packages})


def _from_file(entry: str, directory: Path) -> str:
    name, _, pin = entry.partition(_PIN)
    path = extension_file(name, directory)
    extension = load_file(path)
    _demand_pin(extension, pin)
    _add(getattr(extension.module, "VENUE", None), str(path))
    return f"{path}{_PIN}{extension.sha256}"


def _from_package(entry: str) -> str:
    name, _, pin = entry.partition(_PIN)
    extension, value = load_entry_point(VENUES_GROUP, name)
    _demand_pin(extension, pin)
    _add(value, f"entry point {extension.origin}")
    return f"{name}{_PIN}{extension.sha256}"


def _demand_pin(extension: Extension, pin: str) -> None:
    if pin and pin != extension.sha256:
        raise ExpectedError(
            f"{extension.origin}: its sha256 is {extension.sha256}, recorded or pinned is {pin}", Exit.CONFIG
        )


def _add(value: object, origin: str) -> None:
    if not isinstance(value, VenueSpec):
        raise ExpectedError(f"{origin}: VENUE is missing, or no VenueSpec", Exit.CONFIG)
    try:
        VENUES.add(value)
    except ValueError as error:
        raise ExpectedError(f"{origin}: {error}", Exit.CONFIG) from None


def require_able_venues(settings: Settings) -> None:
    """ExpectedError, a line per fault, unless the venues exist and can do what the mode needs of them."""
    faults = [*_unknown(settings)]
    if not faults and settings.mode in _READING_MODES:
        names = dict.fromkeys(split_venue_key(key)[0] for key in settings.venues)
        faults += [refusal("venues", name, "market_data") for name in names if VENUES[name].wire is None]
    if not faults and settings.mode in _TRADING_MODES:
        faults += _untradable(settings)
    if faults:
        raise ExpectedError("\n".join(faults), Exit.CONFIG)


def _unknown(settings: Settings) -> list[str]:
    faults = []
    for key in settings.venues:
        name, contract = split_venue_key(key)
        if name not in VENUES:
            faults.append(unknown("venues", name))
        elif VENUES[name].contract(contract) is None:
            listed = ", ".join(repr(one.contract or name) for one in VENUES[name].contracts)
            faults.append(f"venues: {key!r}: {name} has no such contract; it has {listed}")
    return faults


def _untradable(settings: Settings) -> list[str]:
    name = split_venue_key(settings.trade_venue)[0]
    if VENUES[name].trading is None:
        return [refusal("trade_venue", name, "orders")]
    refused = access_refusal(name, settings.mode)
    return [refused] if refused else []
