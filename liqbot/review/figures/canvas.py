"""`Canvas`: what all pictures share: size, light or dark, colours, units, and how one becomes a file.

Colours are those of Okabe and Ito (2008, "Color Universal Design"), which the colour-blind tell apart; scales of many
steps are cividis (Nunez, Anderton and Renslow 2018).
"""

import io
from datetime import UTC
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from liqbot.exits import Exit, ExpectedError
from liqbot.legible import short_usd

FORMATS: Final = (".png", ".svg")
LONGS: Final = "#D55E00"
SHORTS: Final = "#0072B2"
GOOD: Final = "#009E73"
OWN: Final = "#CC79A7"
STEPS: Final = "cividis"
_INCHES: Final = (11.0, 6.2)
_DPI: Final = 120


class Look(NamedTuple):
    """Colours of paper and ink."""

    paper: str
    ink: str
    faint: str


LIGHT: Final = Look("#ffffff", "#1a1a1a", "#c9c9c9")
DARK: Final = Look("#14171c", "#e8e8e8", "#4a4f58")
PAGE: Final = Look("none", "#808080", "#808080")
"""On whatever colour a page has."""


class Canvas:
    """One picture with one or more panels: below each other over the same horizontal axis, or beside each other over
    the same vertical one."""

    def __init__(
        self, title: str, note: str, *, look: Look = LIGHT, heights: tuple[float, ...] = (1.0,),
        widths: tuple[float, ...] = (1.0,), inches: tuple[float, float] = _INCHES,
    ) -> None:
        """`note` stands below the picture: what the figures are, and where they come from. `heights` or `widths` of the
        panels, in proportion."""
        self.look = look
        self.figure = Figure(figsize=inches, dpi=_DPI, layout="constrained", facecolor=self.look.paper)
        axes = self.figure.subplots(
            len(heights), len(widths), sharex="col", sharey="row", squeeze=False, height_ratios=heights,
            width_ratios=widths,
        )
        self.panels: list[Axes] = list(axes.flat)
        self.say(title)
        if note:
            self.figure.supxlabel(note, color=self.look.ink, fontsize=8, x=0.01, ha="left", alpha=0.8)
        for panel in self.panels:
            self.dress(panel)

    def say(self, title: str) -> None:
        """Above the picture."""
        self.title = title
        if title:
            self.figure.suptitle(title, color=self.look.ink, fontsize=13, x=0.01, ha="left")

    def dress(self, panel: Axes) -> None:
        """Ink and a faint grid for a panel, or for an axis added beside one."""
        panel.set_facecolor(self.look.paper)
        panel.tick_params(colors=self.look.ink, labelsize=9)
        panel.grid(visible=True, color=self.look.faint, linewidth=0.4, alpha=0.6)
        panel.set_axisbelow(True)
        panel.xaxis.label.set_color(self.look.ink)
        panel.yaxis.label.set_color(self.look.ink)
        for spine in panel.spines.values():
            spine.set_color(self.look.faint)

    def in_time(self, panel: Axes) -> None:
        """The horizontal axis carries times, UTC."""
        locator = AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]  # the library's own lack
        panel.xaxis.set_major_locator(locator)
        panel.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
        panel.set_xlabel("UTC")

    def legend(self, panel: Axes, **where: Any) -> None:
        """Of everything in the panel that has a name; none where nothing has."""
        handles, labels = panel.get_legend_handles_labels()
        if handles:
            panel.legend(handles, labels, **{
                "fontsize": 8, "facecolor": self.look.paper, "edgecolor": self.look.faint, "labelcolor": self.look.ink,
                "framealpha": 0.85, **where,
            })

    def write(self, path: Path) -> None:
        """Text in an SVG stays text, and the same picture is the same file. ExpectedError for another format, or where
        nothing can be written."""
        require_format(path)
        try:
            if path.suffix.lower() == ".svg":
                path.write_text(svg_of(self.figure), encoding="utf-8")
            else:
                self.figure.savefig(path, facecolor=self.look.paper, metadata={"Software": "liqbot"})
        except OSError as error:
            raise ExpectedError(f"{path}: cannot be written ({error.strerror or error})") from None


def look_of(*, dark: bool) -> Look:
    return DARK if dark else LIGHT


def svg_of(figure: Figure, name: str = "liqbot") -> str:
    """The picture as an element of a page: text stays text, nothing runs, and the same picture is the same text.
    Pictures of one page need names of their own, which their parts refer to each other by."""
    kept = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        about = {"Date": None, "Creator": "liqbot"}
        figure.savefig(kept, format="svg", facecolor=figure.get_facecolor(), metadata=about)
    drawn = kept.getvalue()
    return drawn[drawn.index("<svg"):]


def require_format(path: Path) -> None:
    """ExpectedError unless the name ends in a format that can be drawn."""
    if path.suffix.lower() not in FORMATS:
        ending = path.suffix or "none"
        raise ExpectedError(f"{path}: its ending is {ending}; pictures are {' or '.join(FORMATS)}", Exit.USAGE)


USD_TICKS: Final = FuncFormatter(lambda usd, _place: short_usd(usd))
PRICE_TICKS: Final = FuncFormatter(lambda price, _place: f"{price:,.0f}" if price >= 100 else f"{price:.6g}")
