"""Draws the README's picture: the map of the simulated market at the start of a paper session.

    .venv/bin/python docs/generate_picture.py [--seed 7]

Writes docs/map.svg. Deterministic for a seed.
"""

import argparse
import io
from pathlib import Path

from rich.console import Console
from rich.text import Text

from liqbot.review.pictures.map_text import draw_map
from liqbot.review.reading import reading_of
from liqbot.runtime.assembly import engine_of
from liqbot.settings import settings_model
from paper.sessions.markets import market_of

PICTURE = Path(__file__).parent / "map.svg"
WIDTH = 112


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    settings, market = market_of("world", settings_model()(), parser.parse_args().seed)
    engine = engine_of(settings, market.roster, "aaaaaa", market.instruments)
    for block in market.history:
        engine.on_block(block)
    for block in market.live:
        engine.on_block(block)
        break
    console = Console(record=True, width=WIDTH, force_terminal=True, file=io.StringIO())
    for line in draw_map(reading_of(engine.views[0], engine.market), colour=True, width=WIDTH, rows=14):
        console.print(Text.from_ansi(line))
    # No web font: the picture needs nothing from outside.
    svg = console.export_svg(title="liqbot map (simulated market)")
    PICTURE.write_text(_without_web_font(svg), encoding="utf-8")
    print(f"wrote {PICTURE}")


def _without_web_font(svg: str) -> str:
    while "@font-face" in svg:
        before, _, rest = svg.partition("@font-face")
        svg = before + rest.partition("}")[2]
    return svg.replace("Fira Code", "monospace")


if __name__ == "__main__":
    main()
