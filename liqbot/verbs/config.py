"""`liqbot config init|show|check`: example profiles, the effective configuration, and whether it holds."""

import json
from pathlib import Path

import typer

from liqbot import places
from liqbot.control.chat import require_chat
from liqbot.control.webhook import require_secret
from liqbot.exits import Exit, ExpectedError
from liqbot.live.collector import collector_of, coverage_text, not_collected
from liqbot.live.ladder import climbed
from liqbot.observers.alerts import require_sinks
from liqbot.observers.registry import require_known
from liqbot.runtime.process import wall_ms
from liqbot.settings import Settings, config_digest, config_json, load
from liqbot.settings.examples import PROFILES, example
from liqbot.settings.model import TEST_MODES
from liqbot.settings.show import rows
from liqbot.settings.tradable import require_tradable
from liqbot.verbs.options import ConfigDir, Data, Json, Profile, Set

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback()
def config() -> None:
    """Write example profiles, show the effective configuration, check it."""


@app.command()
def init(config: ConfigDir = None, as_json: Json = False) -> None:
    """Write the example profiles that are not there yet; existing files are never touched."""
    directory = places.config_dir(config)
    done: dict[str, list[str]] = {"kept": [], "written": []}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in PROFILES:
            path = directory / f"{name}.toml"
            done["kept" if path.exists() else "written"].append(str(path))
            if not path.exists():
                path.write_text(example(name), encoding="utf-8")
    except OSError as error:
        raise ExpectedError(f"cannot write the examples: {error}", Exit.CONFIG) from None
    if as_json:
        print(json.dumps(done, indent=2))
        return
    for word, paths in done.items():
        for one in paths:
            print(f"{word:<8} {one}")
    print(f"next: liqbot config show --config {directory} --origin")


@app.command()
def show(
    profile: Profile = "paper",
    config: ConfigDir = None,
    overrides: Set = None,
    origin: bool = typer.Option(False, "--origin", help="Say where each value was written, and which places count."),
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print the effective configuration, one value a line; secrets are masked."""
    values = rows(load(profile, config=config, overrides=overrides or ()))
    directories = _directories(config, data, profile)
    if as_json:
        plain = {row.name: {"value": row.value, "origin": row.origin} for row in values}
        print(json.dumps(plain | {f"place.{name}": place for name, place in directories.items()}, indent=2))
        return
    for name, place in directories.items() if origin else ():
        line = f"# {name} directory {place['value']}"
        print(f"{line:<60}  # {place['origin']}")
    for row in values:
        line = f"{row.name} = {json.dumps(row.value)}"
        print(f"{line:<60}  # {row.origin}" if origin else line)


def _directories(config: Path | None, data: Path | None, profile: str) -> dict[str, dict[str, str]]:
    """By name: which directory counts, and what named it."""
    secrets = places.secrets_dir()
    found = {
        "configuration": places.config_place(config),
        "state": places.data_place(data, profile),
        "secrets": places.Place(secrets, "environment") if secrets is not None else None,
    }
    return {
        name: {"value": str(place.path.absolute()), "origin": place.origin}
        for name, place in found.items() if place is not None
    }


@app.command()
def check(profile: Profile = "paper", config: ConfigDir = None, overrides: Set = None, as_json: Json = False) -> None:
    """Say whether the configuration holds; exit code 3 and one line per fault when it does not."""
    loaded = load(profile, config=config, overrides=overrides or ())
    require_tradable(loaded.settings)
    require_known(loaded.settings.observers.enabled)
    require_secret(loaded.settings.webhook)
    require_chat(loaded.settings.chat)
    require_sinks(loaded.settings.observers.alert_sinks)
    collector = _collector(loaded.settings)
    digest = config_digest(config_json(loaded.settings))
    if as_json:
        found = {"profile": profile, "mode": loaded.settings.mode, "set": len(loaded.origins), "digest": digest}
        found |= {"collector": collector} if collector else {}
        print(json.dumps(found))
    else:
        counted = f"{len(loaded.origins)} values set, digest {digest[:12]}"
        print(f"ok: profile {profile}, mode {loaded.settings.mode}, {counted}")
        if loaded.settings.mode in TEST_MODES:
            risk = loaded.settings.risk
            print(f"test market: prices of the map are translated by its mark, up to {risk.mark_deviation_pct_max:g} % "
                  f"away and {risk.mark_age_ms_max / 1000:g} s old; liqbot doctor compares the marks of now")
        if collector:
            print(f"collector: {collector}")
        if loaded.settings.mode == "live":
            rungs, live_days = climbed(loaded.settings, wall_ms())
            print(f"ladder: {', '.join(one.describe() for one in rungs)}; live {live_days:.1f} days")


def _collector(settings: Settings) -> str:
    """Of a profile that follows one: it need not run while a configuration is checked."""
    try:
        found = collector_of(settings)
    except ExpectedError as error:
        return f"NOT READ: {error}"
    if found is None:
        return ""
    return coverage_text(found, not_collected(settings, found.roster))
