"""The README's table of venues is the registry's: written by docs/generate_venues.py, and current."""

from pathlib import Path

from liqbot.review.venue_table import README_BEGIN, README_END, abilities, readme_table
from liqbot.venues.registry import VENUES

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_readme_is_current() -> None:
    assert README.count(README_BEGIN) == README.count(README_END) == 1
    assert readme_table(VENUES.values()) in README, "run .venv/bin/python docs/generate_venues.py"


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
