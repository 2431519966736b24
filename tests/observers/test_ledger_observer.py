"""What the ledger's observer reads of the market: a forecast where a map may be written, nothing on a quiet tick."""

from pathlib import Path
from typing import Any

import pytest
from ledger_rows import ledger_rows
from random_market import ROSTER, eager_settings, random_market

from liqbot.ledger import LedgerWriter
from liqbot.ledger.later import LaterLedger
from liqbot.ledger.observation import Observation, observation_of
from liqbot.market.coin import CoinMarket
from liqbot.observers.ledger import LedgerObserver
from paper.sessions.assembly import engine_of, exchange_of, opening_facts
from paper.sessions.listings import paper_instruments
from paper.sessions.sim_loop import SimLoop

JOURNAL = "abcdef"
SEED, BLOCKS = 9, 240
BEFORE_THE_FIRST_ENTRY = 60


class Direct:
    """A ledger that folds what it is given at once or, as a thread would, `behind` observations later."""

    opened, trouble = True, ""

    def __init__(self, writer: LedgerWriter, behind: int) -> None:
        self.writer, self._behind, self._waiting = writer, behind, list[Observation]()
        self.map_due = writer.map_due

    @property
    def seq(self) -> int:
        return self.writer.seq

    def put(self, observation: Observation, wait_s: float = 0.0) -> None:
        del wait_s
        self._waiting.append(observation)
        while len(self._waiting) > self._behind:
            self.writer.observe(self._waiting.pop(0))

    def flush(self, timeout_s: float) -> bool:
        del timeout_s
        while self._waiting:
            self.writer.observe(self._waiting.pop(0))
        return True

    def close(self) -> None:
        self.flush(0.0)


def lived(url: str, blocks: int, *, behind: int | None) -> None:
    """A house that trades, with its ledger behind the observer; None: every view is kept with its forecast."""
    settings, listed = eager_settings(SEED), paper_instruments("binance", ("BTC",))
    exchange = exchange_of(settings, ROSTER, listed)
    engine = engine_of(settings, ROSTER, JOURNAL, listed)
    with LedgerWriter(url, JOURNAL) as writer:
        ledger = Direct(writer, behind or 0)

        def given_everything(seq: int, *told: Any) -> None:
            writer.observe(observation_of(seq, *told, "inbox").kept())

        observer = given_everything if behind is None else LedgerObserver(ledger, "inbox").on_step
        house = SimLoop(engine, exchange, observers=(observer,))
        house.open(opening_facts(settings, ROSTER, exchange, journal_id=JOURNAL, time_ms=1, instruments=listed))
        for block in random_market(SEED, blocks):
            house.step(block)
        ledger.close()


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize("behind", [0, 7])
def test_the_ledger_is_the_one_that_is_given_every_forecast(behind: int, tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path / name}.sqlite" for name in ("all", "asked")]
    lived(urls[0], BLOCKS, behind=None)
    lived(urls[1], BLOCKS, behind=behind)
    everything, asked = map(ledger_rows, urls)
    assert len(everything["trade"]) > 1
    assert {"periodic", "decision", "fill"} <= {row[5] for row in everything["map_snapshot"]}
    assert asked == everything


@pytest.mark.drawn(dear=True)
def test_a_quiet_tick_reads_no_forecast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    sound = CoinMarket.forecasts_at

    def counted(self: CoinMarket, time_ms: int) -> Any:
        read.append(time_ms)
        return sound(self, time_ms)

    monkeypatch.setattr(CoinMarket, "forecasts_at", counted)
    lived(f"sqlite:///{tmp_path / 'l.sqlite'}", BEFORE_THE_FIRST_ENTRY, behind=0)
    assert 0 < len(read) < BEFORE_THE_FIRST_ENTRY // 2


def test_a_ledger_that_is_not_there_yet_takes_every_map_for_due() -> None:
    assert LaterLedger(lambda: pytest.fail("not now")).map_due("BTC", 0)
