"""Writes the README's table of venues from the registry; run it after adding or changing a venue."""

import pathlib
import sys

from liqbot.review.venue_table import README_BEGIN, README_END, readme_table
from liqbot.venues.registry import VENUES

README = pathlib.Path(__file__).parents[1] / "README.md"

if __name__ == "__main__":
    before, _, rest = README.read_text(encoding="utf-8").partition(README_BEGIN)
    after = rest.partition(README_END)[2]
    README.write_text(before + readme_table(VENUES.values()) + after, encoding="utf-8")
    sys.stdout.write("written README.md\n")
