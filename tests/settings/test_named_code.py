"""Whatever of the configuration names code (venues, observers) is believed in the profile's files alone, and never in
the directory that the program happens to be started in. Of strategies see `test_own_strategies.py`."""

import importlib.metadata
from pathlib import Path

import pytest

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.settings import load

NAMES = {
    "venue_files": '["own.py"]', "venue_packages": '["theirs"]', "observers.enabled": '["ledger", "own.py"]',
}


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without directories of their own, in an empty directory."""
    for name in (*places.PLACE_VARIABLES, "XDG_CONFIG_HOME", "XDG_STATE_HOME", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()


def written(directory: Path, name: str) -> None:
    section, _, key = name.rpartition(".")
    head = f"[{section}]\n" if section else ""
    (directory / "config/paper.toml").write_text(f"{head}{key} = {NAMES[name]}\n", encoding="utf-8")


def refusal(**layers: object) -> str:
    with pytest.raises(ExpectedError) as caught:
        load("paper", **({"environment": {}} | layers))  # type: ignore[arg-type]
    assert caught.value.exit_code is Exit.CONFIG
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_no_variable_and_no_option_can_name_code(name: str, tmp_path: Path) -> None:
    said = f"{name} (from --set"
    found = refusal(config=tmp_path / "config", overrides=(f"{name}={NAMES[name]}",))
    assert found.startswith(said)
    assert "code is named in the profile or in local.toml only" in found
    variable = f"LIQBOT_{name.upper().replace('.', '__')}"
    found = refusal(config=tmp_path / "config", environment={variable: NAMES[name]})
    assert found.startswith(f"{name} (from ${variable})")


@pytest.mark.parametrize("name", NAMES)
def test_code_is_not_loaded_from_the_current_directory_by_chance(name: str, tmp_path: Path) -> None:
    written(tmp_path, name)
    assert refusal().startswith(f"{name}: code is not loaded from {tmp_path / 'config'} because it is in the current")


def test_an_observer_of_an_installed_package_is_code_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def installed(*, group: str) -> tuple[importlib.metadata.EntryPoint, ...]:
        return (importlib.metadata.EntryPoint("theirs", "theirs:observer", group),)

    monkeypatch.setattr(importlib.metadata, "entry_points", installed)
    found = refusal(config=tmp_path / "config", overrides=('observers.enabled=["ledger", "theirs"]',))
    assert "observers.enabled (from --set" in found


def test_the_programs_own_observers_are_named_by_anybody(tmp_path: Path) -> None:
    found = load("paper", config=tmp_path / "config", environment={}, overrides=('observers.enabled=["ledger"]',))
    assert found.settings.observers.enabled == ("ledger",)


def test_an_observer_that_the_profile_names_loads_from_a_directory_that_was_named(tmp_path: Path) -> None:
    written(tmp_path, "observers.enabled")
    found = load("paper", config=tmp_path / "config", environment={}).settings.observers.enabled
    assert found == ("ledger", str(tmp_path / "config/own.py"))
