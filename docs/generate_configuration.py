"""Writes docs/configuration.md from the settings' own models: `python docs/generate_configuration.py`."""

import pathlib
import sys

from liqbot.settings.document import configuration_markdown

TARGET = pathlib.Path(__file__).with_name("configuration.md")

if __name__ == "__main__":
    TARGET.write_text(configuration_markdown(), encoding="utf-8")
    sys.stdout.write(f"written {TARGET}\n")
