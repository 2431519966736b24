"""A user's strategy is a section like any other; code is named in files alone and never found by chance."""

import shutil
from pathlib import Path

import pytest

from liqbot.exits import Exit, ExpectedError
from liqbot.settings import Loaded, config_json, load, restored
from liqbot.settings.load import own_strategies

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_strategy.py"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    (folder / "strategies").mkdir(parents=True, mode=0o700)
    shutil.copyfile(EXAMPLE, folder / "strategies" / "own_strategy.py")
    (folder / "strategies" / "own_strategy.py").chmod(0o600)
    (folder / "paper.toml").write_text('[signals]\nfiles = ["own_strategy.py"]\n', encoding="utf-8")
    return folder


def loaded(config: Path, **layers: object) -> Loaded:
    return load("paper", config=config, **({"environment": {}} | layers))  # type: ignore[arg-type]


def refusal(config: Path, **layers: object) -> str:
    with pytest.raises(ExpectedError) as caught:
        loaded(config, **layers)
    assert caught.value.exit_code is Exit.CONFIG
    return str(caught.value)


def test_its_section_is_read_from_every_layer(config: Path) -> None:
    found = loaded(config, environment={"LIQBOT_SIGNALS__BREAKOUT__TAKE_R": "3"}, overrides=(
        "signals.breakout.move_range_min=4",))  # fmt: skip
    params = found.settings.signals.breakout  # type: ignore[attr-defined]
    assert (params.take_r, params.move_range_min) == (3.0, 4.0)
    assert found.origins["signals", "breakout", "take_r"] == "$LIQBOT_SIGNALS__BREAKOUT__TAKE_R"


def test_a_profile_may_begin_with_the_mark_that_some_editors_write(config: Path) -> None:
    text = (config / "paper.toml").read_text(encoding="utf-8")
    (config / "paper.toml").write_text(text + "[signals.breakout]\ntake_r = 3.0\n", encoding="utf-8-sig")
    assert loaded(config).settings.signals.breakout.take_r == 3.0  # type: ignore[attr-defined]


def test_a_typo_in_it_is_refused_with_the_nearest_name(config: Path) -> None:
    said = refusal(config, environment={"LIQBOT_SIGNALS__BREAKOUT__TAKE_RR": "3"})
    assert said.endswith("did you mean LIQBOT_SIGNALS__BREAKOUT__TAKE_R?")
    said = refusal(config, environment={"LIQBOT_SIGNALS__BRAKEOUT__TAKE_R": "3"})
    assert said.endswith("did you mean LIQBOT_SIGNALS__BREAKOUT__TAKE_R?")
    assert "signals.breakout.take_r" in refusal(config, overrides=("signals.breakout.take_r=-1",))


def test_without_its_file_its_section_is_unknown(config: Path) -> None:
    (config / "paper.toml").write_text("[signals.breakout]\ntake_r = 3.0\n", encoding="utf-8")
    assert "unknown setting signals.breakout" in refusal(config)


@pytest.mark.parametrize(
    "layers",
    [
        {"environment": {"LIQBOT_SIGNALS__FILES": "other.py"}},
        {"environment": {"LIQBOT_SIGNALS": '{"entry_points": ["other"]}'}},
        {"overrides": ("signals.files=other.py",)},
    ],
)
def test_no_variable_and_no_option_can_name_code(config: Path, layers: dict[str, object]) -> None:
    assert "code is named in the profile or in local.toml only" in refusal(config, **layers)


def test_code_is_not_loaded_from_the_current_directory_by_chance(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    for name in ("LIQBOT_CONFIG", "LIQBOT_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ExpectedError, match=r"code is not loaded from .* name the configuration with --config"):
        load("paper", environment={})
    monkeypatch.setenv("LIQBOT_CONFIG", str(config))
    assert [one.name for one in own_strategies("paper")] == ["breakout"]


def test_a_journals_configuration_comes_back_with_its_strategies_and_without_those_that_are_gone(config: Path) -> None:
    settings = loaded(config, overrides=("signals.breakout.take_r=3",)).settings
    text = config_json(settings)
    own = own_strategies("paper", config)
    assert restored(text, own).signals.breakout.take_r == 3.0  # type: ignore[attr-defined]
    assert config_json(restored(text, own)) == text
    gone = restored(text).signals
    assert not hasattr(gone, "breakout")
    assert gone.cascade == settings.signals.cascade  # type: ignore[attr-defined]
    with pytest.raises(ExpectedError, match=r"does not know \(signals.breakout\)"):
        restored('{"signals": {"breakout": {}}}')
