"""The README's table of venues is the registry's: written by docs/generate_venues.py, and current."""

from pathlib import Path

import msgspec
import pytest

from liqbot.review.venue_facts import FEEDS_BEGIN, FEEDS_END, StatedFact, counted, facts_of, feeds_table
from liqbot.review.venue_table import README_BEGIN, README_END, abilities, readme_table
from liqbot.venues.registry import VENUES
from liqbot.venues.statements import Statement

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
DOCS = (Path(__file__).parents[2] / "docs" / "venues.md").read_text(encoding="utf-8")


def test_the_readme_is_current() -> None:
    assert README.count(README_BEGIN) == README.count(README_END) == 1
    assert readme_table(VENUES.values()) in README, "run .venv/bin/python docs/generate_venues.py"


def test_the_documents_are_current() -> None:
    assert DOCS.count(FEEDS_BEGIN) == DOCS.count(FEEDS_END) == 1
    assert feeds_table(VENUES.values()) in DOCS, "run .venv/bin/python docs/generate_venues.py"


def test_every_venue_stands_in_one_line() -> None:
    lines = readme_table(VENUES.values()).splitlines()
    titles = [title for line in lines[3:-1] for title in line.split("|")[1].strip().split(", ")]
    assert sorted(titles) == sorted(spec.title for spec in VENUES.values())


def test_what_a_venue_lacks_is_said_with_its_reason() -> None:
    for spec in VENUES.values():
        able = abilities(spec)
        for said, capability in ((able.orders, "orders"), (able.market_data, "market_data")):
            assert said == f"no: {reason}" if (reason := spec.lack(capability)) else said.startswith("yes")
    bitget = abilities(VENUES["bitget"])
    assert (bitget.test_access, bitget.margin) == ("demo", "own rule and tiers")
    assert abilities(VENUES["cme"]).margin == "no price liquidates"
    assert abilities(VENUES["htx"]).margin == "stand-in"
    assert "not against the live venue" in abilities(VENUES["okx"]).orders


def test_feeds_are_counted_by_what_they_stand_on() -> None:
    gate = VENUES["gate"]
    guessed = msgspec.structs.replace(VENUES["kucoin"], evidence=tuple(
        msgspec.structs.replace(row, grade="inferred") for row in VENUES["kucoin"].evidence
    ))
    alone = counted([gate])
    assert (alone.read, alone.feeds["recorded"], alone.feeds["documented"]) == (1, 1, 5)
    both = counted([gate, guessed, VENUES["cme"]])
    assert (both.read, both.documented_venues, both.recorded_venues) == (2, 1, 1)
    assert both.feeds["inferred"] > 0


def test_what_nobody_looked_up_is_unknown_and_what_is_stated_has_its_source() -> None:
    bare = msgspec.structs.replace(VENUES["gate"], statements=())
    unknown = {fact.topic for fact in facts_of(bare) if fact.text == "unknown"}
    assert unknown >= {"trigger", "insurance_fund", "reserves", "account_security"}
    said = Statement(topic="trigger", text="mark price", source="a page", as_of="2026-11-30")
    told = [fact for fact in facts_of(msgspec.structs.replace(bare, statements=(said,))) if fact.topic == "trigger"]
    assert told == [StatedFact("trigger", "mark price", "a page", "2026-11-30")]


@pytest.mark.parametrize(("change", "fault"), [
    ({"as_of": "lately"}, "as_of: 'lately' is no date"), ({"source": " "}, "source: missing"),
    ({"text": ""}, "text: missing"),
])
def test_a_statement_without_source_or_date_is_refused(change: dict[str, str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Statement(**{"topic": "fees", "text": "0", "source": "a page", "as_of": "2026-11-30"} | change)  # type: ignore[arg-type]
