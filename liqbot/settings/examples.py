"""The example profiles that `config init` writes: what differs from the defaults, explained by its own field."""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic.fields import FieldInfo

from liqbot.settings.model import Settings
from liqbot.settings.names import Path, leaves


class Profile(NamedTuple):
    purpose: str
    values: Mapping[Path, Any]


PROFILES: Final[Mapping[str, Profile]] = {
    "paper": Profile(
        "Simulated fills; no keys, no money. Everything not written here keeps its default.",
        {("mode",): "paper", ("coins",): ["BTC"], ("risk", "leverage_max"): 3},
    ),
    "testnet": Profile(
        "Real orders on the test network of a venue. Test keys come from the environment or the secrets directory.",
        {("mode",): "testnet", ("coins",): ["BTC"], ("venues",): ["binance", "bybit", "okx"],
         ("trade_venue",): "bybit", ("risk", "leverage_max"): 2},
    ),
    "demo": Profile(
        "Real orders on the demo account of a venue, at production prices.",
        {("mode",): "demo", ("coins",): ["BTC"], ("venues",): ["binance", "bybit", "okx"],
         ("trade_venue",): "binance", ("risk", "leverage_max"): 2},
    ),
    "demo-bybit": Profile(
        "Real orders on the demo account of Bybit, at production prices.",
        {("mode",): "demo", ("coins",): ["BTC"], ("venues",): ["binance", "bybit", "okx"],
         ("trade_venue",): "bybit", ("risk", "leverage_max"): 2},
    ),
    "demo-bitget": Profile(
        "Real orders on the demo account of Bitget, at production prices.",
        {("mode",): "demo", ("coins",): ["BTC"], ("venues",): ["binance", "bybit", "okx", "bitget"],
         ("trade_venue",): "bitget", ("risk", "leverage_max"): 2},
    ),
    "demo-okx": Profile(
        "Real orders on the demo account of OKX, at production prices.",
        {("mode",): "demo", ("coins",): ["BTC"], ("venues",): ["binance", "bybit", "okx"],
         ("trade_venue",): "okx", ("risk", "leverage_max"): 2},
    ),
    "live": Profile(
        "Real orders with money. This file alone starts nothing: live must also be said on the command line.",
        {("mode",): "live", ("coins",): ["BTC"], ("venues",): ["binance", "bybit", "okx"],
         ("trade_venue",): "binance", ("risk", "leverage_max"): 2, ("log", "format"): "json"},
    ),
}


def example(name: str) -> str:
    """The TOML text of one example profile."""
    fields = dict(leaves(Settings))
    profile = PROFILES[name]
    lines = [
        f"# Profile {name}. {profile.purpose}",
        "# All settings: docs/configuration.md; what holds: liqbot config show --origin",
    ]
    section = ""
    for path, value in sorted(profile.values.items(), key=lambda item: len(item[0])):
        if (head := ".".join(path[:-1])) != section:
            section = head
            lines += ["", f"[{section}]"]
        lines += ["", f"# {fields[path].description}{_bounds(fields[path])}", f"{path[-1]} = {json.dumps(value)}"]
    return "\n".join(lines) + "\n"


def _bounds(field: FieldInfo) -> str:
    limits = {name: getattr(rule, name) for rule in field.metadata for name in ("ge", "le") if hasattr(rule, name)}
    if {"ge", "le"} <= limits.keys():
        return f" {limits['ge']}..{limits['le']}."
    return ""
