"""Writes docs/configuration.md and config/*.toml from the models of the settings; run it after changing a parameter."""

import pathlib
import sys

from liqbot.settings.document import configuration_markdown
from liqbot.settings.examples import PROFILES, example

ROOT = pathlib.Path(__file__).parents[1]

if __name__ == "__main__":
    texts = {ROOT / "docs" / "configuration.md": configuration_markdown()}
    texts |= {ROOT / "config" / f"{name}.toml": example(name) for name in PROFILES}
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"written {path.relative_to(ROOT)}\n")
