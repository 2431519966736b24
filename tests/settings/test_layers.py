"""Layers against a small model of their own: merging, names, secrets."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from liqbot.exits import Exit, ExpectedError
from liqbot.settings.layers import Layer, environment_layer, file_layer, merged, override_layer, secrets_layer
from liqbot.settings.names import Names


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    leverage_max: int = 3
    stop_pct: float = 1.0
    weights: dict[str, float] = {}


class Key(BaseModel):
    model_config = ConfigDict(extra="forbid")
    secret: SecretStr | None = None


class Small(BaseSettings):
    model_config = SettingsConfigDict(extra="forbid")
    risk: Inner = Inner()
    coins: tuple[str, ...] = ("BTC",)
    keys: dict[str, Key] = {}


NAMES = Names(Small)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_gives_values_and_their_place(tmp_path: Path) -> None:
    path = written(tmp_path / "p.toml", "coins = ['ETH']\n[risk]\nleverage_max = 2\n")
    layer = file_layer(NAMES, path)
    assert layer.values == {"coins": ["ETH"], "risk": {"leverage_max": 2}}
    assert layer.origins == {("coins",): str(path), ("risk", "leverage_max"): str(path)}


def test_an_absent_file_is_an_empty_layer(tmp_path: Path) -> None:
    assert file_layer(NAMES, tmp_path / "none.toml") == Layer({}, {})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[risk]\nleverge_max = 2\n", "unknown setting risk.leverge_max; did you mean risk.leverage_max?"),
        ("[riks]\nleverage_max = 2\n", "unknown setting riks; did you mean risk?"),
        ("coinz = ['BTC']\n", "unknown setting coinz; did you mean coins?"),
        ("risk = 2\nrisk = 3\n", "overwrite"),
        ("[keys.binance]\nsecret = 'x'\n", "LIQBOT_KEYS__BINANCE__SECRET"),
    ],
)
def test_a_file_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str, complaint: str) -> None:
    path = written(tmp_path / "p.toml", text)
    with pytest.raises(ExpectedError) as caught:
        file_layer(NAMES, path)
    assert complaint in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code is Exit.CONFIG


def test_the_environment_reaches_nested_values() -> None:
    layer = environment_layer(
        Small, NAMES, {"LIQBOT_RISK__LEVERAGE_MAX": "2", "LIQBOT_COINS": "BTC, ETH", "HOME": "/", "LIQBOT_DATA": "x"}
    )
    assert layer.values == {"risk": {"leverage_max": "2"}, "coins": ["BTC", "ETH"]}
    assert layer.origins[("risk", "leverage_max")] == "$LIQBOT_RISK__LEVERAGE_MAX"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("LIQBOT_RIKS__LEVERAGE_MAX", "LIQBOT_RISK__LEVERAGE_MAX"),
        ("LIQBOT_RISK__LEVERGE_MAX", "LIQBOT_RISK__LEVERAGE_MAX"),
        ("LIQBOT_RISK_LEVERAGE_MAX", "LIQBOT_RISK__LEVERAGE_MAX"),
        ("LIQBOT_KEYS__BINANCE__SECERT", "LIQBOT_KEYS__BINANCE__SECRET"),
        ("LIQBOT_DATE", None),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest(name: str, near: str | None) -> None:
    with pytest.raises(ExpectedError) as caught:
        environment_layer(Small, NAMES, {name: "2"})
    assert f"unknown setting {name}" in str(caught.value)
    assert near is None or f"did you mean {near}?" in str(caught.value)
    assert caught.value.exit_code is Exit.CONFIG


def test_json_in_a_variable_is_checked_by_name_too() -> None:
    layer = environment_layer(Small, NAMES, {"LIQBOT_RISK": '{"leverage_max": 2}'})
    assert layer.values == {"risk": {"leverage_max": 2}}
    assert layer.origins == {("risk", "leverage_max"): "$LIQBOT_RISK"}
    with pytest.raises(ExpectedError, match=r"risk\.leverge_max"):
        environment_layer(Small, NAMES, {"LIQBOT_RISK": '{"leverge_max": 2}'})
    with pytest.raises(ExpectedError, match="environment"):
        environment_layer(Small, NAMES, {"LIQBOT_RISK": '{"leverage_max": '})


def test_free_keys_of_a_mapping_are_legal() -> None:
    assert NAMES.known(("risk", "weights", "anything"))
    assert not NAMES.known(("risk", "weights", "anything", "deeper"))


def test_secrets_come_from_files_their_owner_alone_can_read(tmp_path: Path) -> None:
    path = written(tmp_path / "LIQBOT_KEYS__BINANCE__SECRET", "hush\n")
    path.chmod(0o600)
    written(tmp_path / "unrelated", "x")
    assert secrets_layer(Small, NAMES, tmp_path).values == {"keys": {"binance": {"secret": "hush"}}}
    path.chmod(0o644)
    with pytest.raises(ExpectedError, match="chmod 600") as caught:
        secrets_layer(Small, NAMES, tmp_path)
    assert "hush" not in str(caught.value)


def test_a_missing_secrets_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(ExpectedError, match="does not exist"):
        secrets_layer(Small, NAMES, tmp_path / "none")


@pytest.mark.parametrize(
    ("pair", "exit_code"),
    [("risk.leverage_max", Exit.USAGE), ("=3", Exit.USAGE), ("risk.leverge_max=3", Exit.CONFIG),
     ("keys.binance.secret=x", Exit.CONFIG)],
)
def test_an_override_that_is_wrong_is_refused(pair: str, exit_code: Exit) -> None:
    with pytest.raises(ExpectedError) as caught:
        override_layer(Small, NAMES, [pair])
    assert caught.value.exit_code is exit_code


def test_later_layers_win_value_by_value() -> None:
    below = Layer({"risk": {"leverage_max": 2, "stop_pct": 1.5}, "coins": ["BTC"]}, {("risk", "leverage_max"): "file"})
    above = override_layer(Small, NAMES, ["risk.leverage_max=4", "coins=ETH,SOL"])
    both = merged([below, above])
    assert both.values == {"risk": {"leverage_max": "4", "stop_pct": 1.5}, "coins": ["ETH", "SOL"]}
    assert both.origins[("risk", "leverage_max")] == "--set risk.leverage_max"


leaves = st.fixed_dictionaries({}, optional={"leverage_max": st.integers(), "stop_pct": st.floats(0, 9)})
layers = st.lists(st.fixed_dictionaries({}, optional={"risk": leaves, "coins": st.lists(st.text())}), max_size=5)


@given(layers)
def test_merging_is_the_last_word_on_every_value(stack: list[dict[str, object]]) -> None:
    values = merged([Layer(values, {}) for values in stack]).values
    for name in ("leverage_max", "stop_pct"):
        said = [layer["risk"][name] for layer in stack if name in layer.get("risk", {})]  # type: ignore[index,operator]
        assert values.get("risk", {}).get(name) == (said[-1] if said else None)
    coins = [layer["coins"] for layer in stack if "coins" in layer]
    assert values.get("coins") == (coins[-1] if coins else None)


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.integers()), min_size=3, max_size=3))
def test_merging_is_associative(stack: list[dict[str, int]]) -> None:
    a, b, c = (Layer({"risk": dict(values)}, {}) for values in stack)
    assert merged([merged([a, b]), c]) == merged([a, merged([b, c])])


def test_the_process_environment_is_not_read_behind_our_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "LIQBOT_RISK__LEVERAGE_MAX", "9")
    assert override_layer(Small, NAMES, ["coins=ETH"]).values == {"coins": ["ETH"]}


def private(folder: Path, name: str, content: bytes, mode: int = 0o600) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / name
    file.write_bytes(content)
    file.chmod(mode)
    return file


SECRET_NAME = "LIQBOT_KEYS__BINANCE__SECRET"


def test_a_secrets_directory_that_others_can_write_is_refused(tmp_path: Path) -> None:
    """They could give us keys of theirs."""
    secrets = tmp_path / "secrets"
    private(secrets, SECRET_NAME, b"hush")
    for mode in (0o777, 0o770, 0o702):
        secrets.chmod(mode)
        with pytest.raises(ExpectedError, match="others can write there; chmod 700 it"):
            secrets_layer(Small, NAMES, secrets)
    secrets.chmod(0o755)
    assert secrets_layer(Small, NAMES, secrets).values


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_secrets_of_another_user_are_refused(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    file = private(secrets, SECRET_NAME, b"hush")
    os.chown(file, 65_534, 65_534)
    with pytest.raises(ExpectedError, match="belongs to user 65534"):
        secrets_layer(Small, NAMES, secrets)
    os.chown(file, 0, 0)
    os.chown(secrets, 65_534, 65_534)
    with pytest.raises(ExpectedError, match="belongs to user 65534"):
        secrets_layer(Small, NAMES, secrets)


def test_a_secret_that_is_no_text_or_no_file_is_said_in_a_line(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    file = private(secrets, SECRET_NAME, b"hu\xffsh")
    with pytest.raises(ExpectedError, match=r"byte 3 is not UTF-8") as refused:
        secrets_layer(Small, NAMES, secrets)
    assert "hu" not in str(refused.value).removeprefix(str(file)), "nothing of the secret is shown"
    file.unlink()
    file.mkdir()
    with pytest.raises(ExpectedError, match="expected a file with the secret"):
        secrets_layer(Small, NAMES, secrets)
