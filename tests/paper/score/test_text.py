"""A score as text: every table is there, a dash stands for nothing, columns line up."""

import msgspec
import pytest

from paper.score.bootstrap import Estimate
from paper.score.result import Lead, Score
from paper.score.skill_gap import NOTHING
from paper.score.tape_score import Scored
from paper.score.text import shown, table, text_of, way


def test_every_table_is_there_and_what_decides_comes_first(scored: Scored) -> None:
    text = text_of(scored.score)
    titles = (
        "Our map against the best of the baselines", "M1 touch skill", "M2 information gain of frozen maps, 4 h",
        "M2 by window", "M3 partial rank correlation", "M5 size", "M5 reliability", "M5 'more than this if visited'",
        "M6 density",
    )  # fmt: skip
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    for model in ("liqbot", "B2b", "B4v", "ORACLE"):
        assert text.count(model) >= 5
    assert "nan" not in text.split()


def test_what_cannot_be_measured_is_a_dash() -> None:
    assert shown(NOTHING) == "-"
    assert shown(Estimate(0.5, 0.25, 1.0), 2) == "0.50 (0.25..1.00)"


@pytest.mark.parametrize(
    ("ceiling", "gap", "share", "wanted"),
    [
        ("", NOTHING, NOTHING, "-"),
        ("ORACLE_C", Estimate(0.01, -0.2, 0.3), NOTHING, "gap to ORACLE_C not resolved: 0.010 (-0.200..0.300)"),
        ("ORACLE_C", Estimate(0.2, 0.1, 0.3), Estimate(0.9, 0.8, 1.0), "0.90 (0.80..1.00) ORACLE_C"),
    ],
)
def test_a_way_is_told_only_of_a_gap(ceiling: str, gap: Estimate, share: Estimate, wanted: str) -> None:
    assert way(Lead("M2", "B4v", NOTHING, {}, ceiling, gap, share)) == wanted


def test_columns_line_up() -> None:
    lines = table(("name", "value"), [("a", "1"), ("longer", "22.5")]).splitlines()
    assert lines == ["name    value", "a           1", "longer   22.5"]


def test_a_score_survives_being_stored(scored: Scored) -> None:
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(scored.score), type=Score)
    assert text_of(again) == text_of(scored.score)
