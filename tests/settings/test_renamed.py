"""Old names of settings hold for one release: in every layer, with a line that names the new one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.exits import Exit, ExpectedError
from liqbot.settings import Loaded, load, restored, settings_model
from liqbot.settings.names import Names
from liqbot.settings.renamed import RENAMED, new_names, with_new_names

TABLE = {
    "a.old": ("b.new",), "a.twice": ("b.one", "c.two"), "a.went": (),
    "gone": ("b.section",), "gone.apart": ("c.apart",),
}


def loaded(directory: Path, text: str = "", **layers: object) -> Loaded:
    (directory / "paper.toml").write_text(text, encoding="utf-8")
    return load("paper", config=directory, **({"environment": {}} | layers))  # type: ignore[arg-type]


def avoid(found: Loaded) -> float:
    return float(found.settings.signals.avoid_liquidity.density_percentile_max)  # type: ignore[attr-defined]


def test_every_new_name_is_a_setting_and_no_old_one_is() -> None:
    names = Names(settings_model())
    for old, new in RENAMED.items():
        assert not names.known(tuple(old.split(".")))
        assert all(names.known(tuple(name.split("."))) for name in new)


def test_an_old_name_in_a_file_holds_and_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = loaded(tmp_path, "[risk]\ndensity_percentile_max = 30.0\nleverage_max = 2\n")
    assert (avoid(found), found.settings.risk.leverage_max) == (30.0, 2)
    line = (
        f"liqbot: {tmp_path / 'paper.toml'}: risk.density_percentile_max is called "
        "signals.avoid_liquidity.density_percentile_max now; the old name goes with the next release\n"
    )
    assert capsys.readouterr().err == line
    assert found.origins["signals", "avoid_liquidity", "density_percentile_max"] == str(tmp_path / "paper.toml")


def test_one_old_name_may_be_several_new_ones(tmp_path: Path) -> None:
    signals = loaded(tmp_path, "[risk]\nfuel_share_exit = 0.1\n").settings.signals
    assert (signals.cascade.notional_ahead_share_exit, signals.funding_squeeze.notional_ahead_share_exit) == (0.1, 0.1)


def test_old_names_hold_in_the_environment_and_after_set(tmp_path: Path) -> None:
    for layers in (
        {"environment": {"LIQBOT_RISK__DENSITY_PERCENTILE_MAX": "30"}},
        {"environment": {"LIQBOT_RISK": '{"density_percentile_max": 30}'}},
        {"overrides": ("risk.density_percentile_max=30",)},
    ):
        found = loaded(tmp_path, "[signals.avoid_liquidity]\ndensity_percentile_max = 50.0\n", **layers)
        assert avoid(found) == 30.0, "a later layer wins, whatever name it uses"
        assert len(found.warnings) == 1
        origin = found.origins["signals", "avoid_liquidity", "density_percentile_max"]
        assert origin.lower().removeprefix("$liqbot_").startswith(("risk", "--set risk"))


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("[market.calibration]\nfast_h = 6.0\n", {}),
        ("", {"environment": {"LIQBOT_MARKET__CALIBRATION__FAST_H": "6"}}),
        ("", {"environment": {"LIQBOT_MARKET": '{"calibration": {"fast_h": 6}}'}}),
        ("", {"overrides": ("market.calibration.fast_h=6",)}),
    ],
)  # fmt: skip
def test_a_setting_that_went_is_passed_over_and_said_in_one_line(
    tmp_path: Path, text: str, layers: dict[str, object]
) -> None:
    found = loaded(tmp_path, text, **layers)
    assert found.settings == loaded(tmp_path).settings
    (line,) = found.warnings
    assert "market.calibration.fast_h is no setting any more and is passed over" in line


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("[risk]\ncluster_pad_pct = 0.2\n[signals.avoid_liquidity]\ncluster_pad_pct = 0.2\n", {}),
        ("", {"environment": {
            "LIQBOT_RISK__CLUSTER_PAD_PCT": "0.2", "LIQBOT_SIGNALS__AVOID_LIQUIDITY__CLUSTER_PAD_PCT": "0.2"}}),
        ("", {"overrides": ("risk.cluster_pad_pct=0.2", "signals.avoid_liquidity.cluster_pad_pct=0.2")}),
    ],
)  # fmt: skip
def test_old_and_new_in_one_place_are_refused(tmp_path: Path, text: str, layers: dict[str, object]) -> None:
    with pytest.raises(ExpectedError, match="both are given; remove") as caught:
        loaded(tmp_path, text, **layers)
    assert caught.value.exit_code is Exit.CONFIG


def test_a_value_under_an_old_name_keeps_its_bounds(tmp_path: Path) -> None:
    with pytest.raises(ExpectedError, match=r"signals\.avoid_liquidity\.density_percentile_max.*ceiling of 80"):
        loaded(tmp_path, "[risk]\ndensity_percentile_max = 90.0\n")


def test_a_recorded_configuration_is_read_under_its_old_names(capsys: pytest.CaptureFixture[str]) -> None:
    settings = restored('{"risk": {"stop_buffer_pct": 2.0}}')
    assert settings.signals.avoid_liquidity.stop_buffer_pct == 2.0  # type: ignore[attr-defined]
    assert capsys.readouterr().err == ""


def test_a_section_moves_with_everything_in_it_that_has_no_entry_of_its_own() -> None:
    assert new_names(("gone", "deep", "er"), TABLE) == (("b", "section", "deep", "er"),)
    assert new_names(("gone", "apart"), TABLE) == (("c", "apart"),)
    assert new_names(("a", "kept"), TABLE) is None
    assert new_names(("a", "went"), TABLE) == ()


values = st.fixed_dictionaries(
    {},
    optional={
        "a": st.fixed_dictionaries({}, optional={name: st.integers() for name in ("old", "twice", "kept", "went")}),
        "gone": st.dictionaries(st.sampled_from(("x", "apart")), st.integers()),
        "b": st.fixed_dictionaries({}, optional={"kept": st.integers()}),
    },
)


@pytest.mark.drawn(singly=True)
@given(values)
def test_nothing_is_lost_and_nothing_is_left_under_an_old_name(given_values: dict[str, dict[str, int]]) -> None:
    found, old_names = with_new_names(given_values, "here", TABLE)
    for section, entries in given_values.items():
        for name, value in entries.items():
            paths = new_names((section, name), TABLE)
            assert paths != () or old_names[section, name] == f"{section}.{name}"
            for path in ((section, name),) if paths is None else paths:
                held: object = found
                for part in path:
                    held = held[part]  # type: ignore[index]
                assert held == value
    assert with_new_names(found, "here", TABLE) == (found, {})
    assert all(old.split(".")[0] in given_values for old in old_names.values())
