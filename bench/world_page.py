"""The page on the simulated market: its facts beside recorded ones, the worst resemblance first, and two cascades."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from world_picture import picture

from paper.world import GENERATOR, WorldParams

DOCS = Path(__file__).parents[1] / "docs"
TEXT = Path(__file__).with_name("world_text.md")
PICTURE = "simulated_cascades.svg"
_YEAR_MIN = 525_600
_CASCADES = {"forced_long": "A cascade down", "forced_short": "A squeeze up"}
FACTS = (
    ("return, standard deviation per hour %", "sd"),
    ("return, kurtosis per hour", "kurtosis"),
    ("return, kurtosis per day", "kurtosis_day"),
    ("return, largest hour %", "largest"),
    ("|return|, autocorrelation 1 h", "cluster_1"),
    ("|return|, autocorrelation 6 h", "cluster_6"),
    ("|return|, autocorrelation 24 h", "cluster_24"),
    ("high-low range over |return|, median", "range_ratio"),
    ("volume per day over open interest", "turnover"),
    ("volume, hourly max over median", "volume_peak"),
    ("volume and |return|, correlation", "volume_move"),
    ("taker imbalance, standard deviation", "imbalance"),
    ("taker imbalance and return, correlation", "imbalance_move"),
    ("open interest change, sd per hour %", "oi_sd"),
    ("open interest change, largest fall in an hour %", "oi_fall"),
    ("forced orders per day over open interest %", "forced"),
    ("forced orders, long share", "forced_long"),
    ("forced orders over open interest fall, all falling hours %", "forced_drop"),
    ("forced orders over open interest fall, ten largest falls %", "forced_crash"),
    ("forced orders, share of the busiest 1 % of hours %", "forced_burst"),
    ("funding per 8 h, mean %", "funding"),
    ("funding per 8 h, sd %", "funding_sd"),
)
"""What is said of a fact, and its key in what was measured."""


class Market(Protocol):
    """What was measured of a simulated market (`world_facts.Measured`)."""

    facts: dict[str, float]
    cpu_s: float
    cascades: dict[str, list[list[float]]]


class Compared(NamedTuple):
    """One fact. `beyond_pct`: how far the mean over seeds lies beyond the nearest tape, in % of that tape's value."""

    label: str
    tapes: list[float]
    worlds: list[float]
    beyond_pct: float

    @property
    def seeds_outside(self) -> int:
        return sum(not min(self.tapes) <= value <= max(self.tapes) for value in self.worlds)


def compared(tapes: Sequence[Mapping[str, float]], worlds: Sequence[Mapping[str, float]]) -> list[Compared]:
    """Every fact that at least one tape has, the worst first."""
    found = []
    for label, key in FACTS:
        real = [one[key] for one in tapes if key in one]
        made = [one[key] for one in worlds if key in one]
        if real and made:
            mean = float(np.mean(made))
            nearest = min(max(mean, min(real)), max(real))
            found.append(Compared(label, real, made, abs(mean - nearest) / abs(nearest) * 100))
    return sorted(found, key=lambda one: (-one.beyond_pct, -one.seeds_outside))


def write_page(params: WorldParams, tapes: Mapping[str, Mapping[str, float]], worlds: Mapping[int, Market]) -> None:
    """docs/simulated_market.md and its picture."""
    facts = compared(list(tapes.values()), [one.facts for one in worlds.values()])
    drawn = {name: max((one.cascades[name] for one in worlds.values()), key=_forced_usd) for name in _CASCADES}
    (DOCS / PICTURE).write_text(picture([(_CASCADES[name], rows) for name, rows in drawn.items()]), encoding="utf-8")
    speed = params.days * 1440 * len(worlds) / sum(one.cpu_s for one in worlds.values())
    outside = sum(one.beyond_pct > 0 for one in facts)
    text = TEXT.read_text(encoding="utf-8").format(
        generator=GENERATOR, venues=len(params.venues), positions=params.crowd.positions, picture=PICTURE,
        cascades="\n".join(f"- {_CASCADES[name]}: {_said(rows)}" for name, rows in drawn.items()),
        table="\n".join(_row(one) for one in facts), outside=outside, facts=len(facts), days=params.days,
        seeds=", ".join(str(seed) for seed in worlds), tapes=", ".join(tapes), speed=round(speed, -1),
        year_min=_YEAR_MIN / speed / 60, measured_days=params.days * len(worlds), knobs=_knobs(),
    )  # fmt: skip
    (DOCS / "simulated_market.md").write_text(text, encoding="utf-8")
    print(f"wrote {DOCS / 'simulated_market.md'}")


def _row(fact: Compared) -> str:
    mean, low, high = float(np.mean(fact.worlds)), min(fact.worlds), max(fact.worlds)
    tapes = f"{min(fact.tapes):.3g} .. {max(fact.tapes):.3g}" if len(fact.tapes) > 1 else f"{fact.tapes[0]:.3g}"
    beyond = f"{fact.beyond_pct:.0f} %" if fact.beyond_pct > 0 else "inside"
    seeds = f"{fact.seeds_outside} of {len(fact.worlds)}"
    label = fact.label.replace("|", r"\|")
    return f"| {label} | {tapes} ({len(fact.tapes)}) | {mean:.3g} ({low:.3g} .. {high:.3g}) | {beyond} | {seeds} |"


def _forced_usd(rows: Sequence[Sequence[float]]) -> float:
    return sum(row[1] + row[2] for row in rows)


def _said(rows: Sequence[Sequence[float]]) -> str:
    columns = np.array(rows)
    price, interest = columns[:, 0], columns[:, 5]
    forced, told = columns[:, 1:3].sum() / 1e6, columns[:, 3:5].sum() / 1e6
    fall = (interest[0] - interest.min()) / interest[0] * 100
    return (
        f"price {price.min():,.0f} .. {price.max():,.0f}; forced ${forced:,.0f} million, of which the feeds told "
        f"${told:,.0f} million ({told / forced * 100:.0f} %); open interest in coin fell by {fall:.1f} %."
    )


def _knobs() -> str:
    lines = []
    for name, section in WorldParams.model_fields.items():
        kind = section.annotation
        if isinstance(kind, type) and hasattr(kind, "model_fields"):
            names = ", ".join(f"`{knob}`" for knob in kind.model_fields)
            lines.append(f"- `paper.world.{name}` ({section.description.rstrip('.').lower()}): {names}.")
    return "\n".join(lines)
