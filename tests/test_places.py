"""Given beats environment beats default, for every place."""

from pathlib import Path

import pytest

from liqbot import places


def test_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert places.data_dir(None, "demo") == Path("var/demo")
    monkeypatch.setenv("LIQBOT_DATA", "/srv/state")
    assert places.data_dir(None, "demo") == Path("/srv/state")
    assert places.data_dir(Path("mine"), "demo") == Path("mine")


def test_configuration_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert places.config_dir() == Path("config")
    monkeypatch.setenv("LIQBOT_CONFIG", "/etc/bot")
    assert places.config_dir() == Path("/etc/bot")
    assert places.config_dir(Path("mine")) == Path("mine")


def test_secrets_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert places.secrets_dir() is None
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/bot")
    assert places.secrets_dir() == Path("/run/credentials/bot")
    monkeypatch.setenv("LIQBOT_SECRETS", "/etc/secrets")
    assert places.secrets_dir() == Path("/etc/secrets")
