"""The section `[paper]` is as strict as any other, though live code knows nothing of it."""

import json
from pathlib import Path

import pytest

from liqbot.exits import ExpectedError
from liqbot.settings import config_json, load, restored
from liqbot.settings.show import rows
from paper.params import PaperSection


def test_the_section_is_layered_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "paper.toml").write_text("[paper.world]\nstep_ms = 500\n", encoding="utf-8")
    found = load("paper", config=tmp_path, environment={"LIQBOT_PAPER__WORLD__DAYS": "2"})
    world = found.settings.section(PaperSection).world
    assert found.settings.section(PaperSection).exchange.latency_ms == 200
    assert (world.step_ms, world.days) == (500, 2.0)
    assert restored(config_json(found.settings)).section(PaperSection) == found.settings.section(PaperSection)


def test_unknown_names_in_it_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExpectedError, match=r"did you mean LIQBOT_PAPER__WORLD__STEP_MS\?"):
        load("paper", config=tmp_path, environment={"LIQBOT_PAPER__WORLD__STEP_SM": "500"})


def test_every_value_can_be_shown_as_json(tmp_path: Path) -> None:
    shown = {row.name: row.value for row in rows(load("paper", config=tmp_path, environment={}))}
    assert json.loads(json.dumps(shown))["paper.exchange.wallet_usd"] == "10000"
