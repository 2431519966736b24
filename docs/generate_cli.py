"""Writes docs/cli.md from the verbs; run it after changing a verb, its options or its help."""

import pathlib
import sys

from liqbot.verbs.document import cli_markdown

ROOT = pathlib.Path(__file__).parents[1]

if __name__ == "__main__":
    path = ROOT / "docs" / "cli.md"
    path.write_text(cli_markdown(), encoding="utf-8")
    sys.stdout.write(f"written {path.relative_to(ROOT)}\n")
