"""The books of a simulated house, made again from its journal: the same Steps, and a ledger that explains the money."""

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Final

import sqlalchemy

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.ledger import LedgerWriter, sqlite_url, unexplained_usd
from paper.simulate.scenario import Scenario

GAPS: Final = frozenset({"POSITION_MISMATCH", "FILL_WITHOUT_TRADE"})


def replayed(scenario: Scenario) -> Decimal:
    """Runs the whole journal through a new engine and a new ledger; gives what the ledger cannot explain of the wallet
    and does not point to either: a position that the venue's word ended before any fill did leaves an incident.
    Unrepeatable when a Step comes out otherwise than it did."""
    with tempfile.TemporaryDirectory() as folder:
        url = sqlite_url(Path(folder) / "ledger.sqlite")
        with LedgerWriter(url, scenario.journal.journal_id) as ledger:
            observe = ledger.observer("simulate")

            def seen(seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
                observe(seq, block, step, engine)

            scenario.journal.recovered(scenario.new_engine, from_start=True, seen=seen)
        return Decimal(0) if _points_to_a_gap(url) else unexplained_usd(url)


def _points_to_a_gap(url: str) -> bool:
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            kinds = connection.execute(sqlalchemy.text("SELECT DISTINCT kind FROM incident")).scalars()
            return not GAPS.isdisjoint(kinds)
    finally:
        engine.dispose()
