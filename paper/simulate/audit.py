"""The books of a simulated house, made again from its journal: the same Steps, and a ledger that explains the money."""

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Final

import sqlalchemy

from liqbot.ledger import unexplained_usd
from paper.simulate.books import empty_ledger, first_difference, remade_into
from paper.simulate.scenario import Scenario

GAPS: Final = frozenset({"POSITION_MISMATCH", "FILL_WITHOUT_TRADE"})


def replayed(scenario: Scenario) -> tuple[Decimal, str]:
    """Runs the whole journal through a new engine and a new ledger. Gives what that ledger cannot explain of the wallet
    and does not point to either (a position that the venue's word ended before any fill did leaves an incident), and
    where the ledger that the house kept all along differs from it. Unrepeatable when a Step comes out otherwise than it
    did."""
    with tempfile.TemporaryDirectory() as folder:
        url = empty_ledger(Path(folder) / "ledger.sqlite")
        remade_into(url, scenario.journal, scenario.new_engine)
        missing_usd = Decimal(0) if _points_to_a_gap(url) else unexplained_usd(url)
        kept = scenario.ledger
        if kept is None or scenario.had_foreign:  # it tells of the journal before as well
            return missing_usd, ""
        kept.settled(scenario.journal, scenario.new_engine)
        return missing_usd, first_difference(kept.url, url)


def _points_to_a_gap(url: str) -> bool:
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            kinds = connection.execute(sqlalchemy.text("SELECT DISTINCT kind FROM incident")).scalars()
            return not GAPS.isdisjoint(kinds)
    finally:
        engine.dispose()
