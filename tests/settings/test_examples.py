"""The example profiles and the generated reference are what the code would write today."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from liqbot.settings import load
from liqbot.settings.document import configuration_markdown
from liqbot.settings.examples import PROFILES, example
from liqbot.settings.model import settings_model
from liqbot.settings.names import leaves

ROOT = Path(__file__).parents[2]
REWRITE = ".venv/bin/python docs/generate_configuration.py writes it"


@pytest.mark.parametrize("name", PROFILES)
def test_each_example_loads_and_is_what_the_repository_ships(name: str) -> None:
    assert (ROOT / "config" / f"{name}.toml").read_text(encoding="utf-8") == example(name), REWRITE
    loaded = load(name, config=ROOT / "config", environment={})
    assert loaded.settings.mode == PROFILES[name].values["mode",]
    values = json.loads(loaded.settings.model_dump_json())
    for path, value in PROFILES[name].values.items():
        held = values
        for part in path:
            held = held[part]
        assert held == value


def test_the_reference_is_current() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert text == configuration_markdown(), REWRITE


def test_the_reference_names_every_setting() -> None:
    text = configuration_markdown()
    for path, field in leaves(settings_model()):
        assert f"| `{path[-1]}` |" in text
        assert field.description, f"{'.'.join(path)} has no description"


@pytest.mark.drawn
def test_the_reference_does_not_depend_on_the_hash_seed() -> None:
    code = "from liqbot.settings.document import configuration_markdown as m; print(m())"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
