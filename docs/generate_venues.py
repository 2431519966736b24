"""Writes the tables of venues in the README and in docs/venues.md from the registry; run it after changing a venue."""

import pathlib
import sys

from liqbot.review.venue_facts import FEEDS_BEGIN, FEEDS_END, feeds_table
from liqbot.review.venue_table import README_BEGIN, README_END, readme_table
from liqbot.venues.registry import VENUES

ROOT = pathlib.Path(__file__).parents[1]


def written(path: pathlib.Path, begin: str, end: str, table: str) -> None:
    """What stands between the two marks is replaced, marks included."""
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    path.write_text(before + table + rest.partition(end)[2], encoding="utf-8")
    sys.stdout.write(f"written {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    written(ROOT / "README.md", README_BEGIN, README_END, readme_table(VENUES.values()))
    written(ROOT / "docs" / "venues.md", FEEDS_BEGIN, FEEDS_END, feeds_table(VENUES.values()))
