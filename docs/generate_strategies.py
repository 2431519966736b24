"""Writes the worked examples of docs/strategies.md and their pictures (docs/strategy-*.svg).

    .venv/bin/python docs/generate_strategies.py

The house trades made markets (docs/_strategy_markets.py). Run it after a change of a gate, of a default, of the map's
estimate or of how pictures are drawn.
"""

import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs"), str(ROOT / "tests" / "builders")]

from _strategy_house import LEVERAGE_MAX, VENUE, Lived, lived  # noqa: E402
from _strategy_markets import MARKETS  # noqa: E402
from _strategy_text import placement_text, trade_text  # noqa: E402

from liqbot.instruments import side_of  # noqa: E402
from liqbot.review.figures.canvas import Canvas  # noqa: E402
from liqbot.review.figures.placement_figure import placement_figure  # noqa: E402
from liqbot.review.figures.trade_figure import trade_figure  # noqa: E402
from liqbot.review.placement import PlacedPosition, PlacementReport, ReadMap, check_position  # noqa: E402
from liqbot.signals.strategies import avoid_liquidity  # noqa: E402
from liqbot.venues.registry import mechanics_of  # noqa: E402

PAGE: Final = ROOT / "docs" / "strategies.md"
PLACED: Final = avoid_liquidity.STRATEGY.name
ENTERED: Final = "grab_reverse"
"""The strategy whose entry is the example of a placement."""
NAMES: Final = (*MARKETS, PLACED)
SOURCE: Final = "; simulated market"
SAYS: Final = "The mark around the decision, with what was wanted and filled, beside the map"
PLACED_SAYS: Final = "Where each leverage would be liquidated, on the map"


class Example(NamedTuple):
    """What stands between the marks of the page, and the picture that it shows."""

    text: str
    picture: Canvas


def examples(names: Collection[str] = NAMES) -> Iterator[tuple[str, Example]]:
    """By strategy; the placement's is of another one's entry."""
    for strategy, market in MARKETS.items():
        wanted = [name for name in names if name == strategy or (name == PLACED and strategy == ENTERED)]
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = lived(market(), strategy, Path(folder))
        for name in wanted:
            yield name, _placed(found) if name == PLACED else _traded(found)


def _traded(found: Lived) -> Example:
    name = found.story["decision"]["strategy"]
    text = f"{_shown(name, SAYS)}\n\n{trade_text(found.story)}"
    return Example(text, trade_figure(found.story, found.moment, source=SOURCE))


def _placed(found: Lived) -> Example:
    report = _report(found)
    text = f"{_shown(PLACED, PLACED_SAYS)}\n\n{placement_text(found.story, found.placement, report)}"
    taken = found.story["decision"]["leverage"]
    return Example(text, placement_figure(found.reading, report, taken=taken, source=SOURCE))


def _report(found: Lived) -> PlacementReport:
    """What risk asked, as `liqbot check` answers it."""
    said, reading = found.story["decision"], found.reading
    position = PlacedPosition(
        VENUE, said["coin"], side_of(said["side"]), said["entry_price"], said["leverage"],
        said["quantity_base"] * said["entry_price"], said["max_hold_ms"], said["stop_price"],
    )  # fmt: skip
    around = ReadMap(reading.chart, reading.clusters, reading.record["range_pct"])
    avoid = found.settings.signals.of(avoid_liquidity.STRATEGY)
    return check_position(around, mechanics_of(VENUE, said["coin"]), position, avoid, LEVERAGE_MAX)


def _shown(name: str, says: str) -> str:
    return f"![{says} (simulated market; USD is an estimate)]({picture_of(name).name})"


def picture_of(name: str) -> Path:
    """Where its picture lies."""
    return ROOT / "docs" / f"strategy-{name}.svg"


def parts(page: str, name: str) -> tuple[str, str, str]:
    """What stands before an example, the example, and what stands after it. ValueError for a page without its marks."""
    begin, end = f"<!-- example {name}: begin -->\n", f"\n<!-- example {name}: end -->"
    if begin not in page or end not in page:
        raise ValueError(f"{PAGE.name}: lacks the marks of the example {name}")
    before, _, rest = page.partition(begin)
    held, _, after = rest.partition(end)
    return before + begin, held, end + after


def main() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, example in examples():
        before, _, after = parts(page, name)
        page = before + example.text + after
        example.picture.write(picture_of(name))
        sys.stdout.write(f"written docs/{picture_of(name).name}\n")
    PAGE.write_text(page, encoding="utf-8")
    sys.stdout.write(f"written docs/{PAGE.name}\n")


if __name__ == "__main__":
    main()
