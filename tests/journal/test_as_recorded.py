"""A journal run again goes by what was answered the first time; with the same answers it is the rerun that decides."""

from functools import partial
from pathlib import Path

import first_books as books
import pytest

from liqbot import places
from liqbot.execution.order_manager import OrderManager
from liqbot.journal import JournalReader
from liqbot.journal.rerun import Rerun
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from tests.builders.short_life import written


def end_of(path: Path, *, as_recorded: bool) -> bytes:
    with JournalReader(path) as reader:
        rerun = Rerun(reader, partial(recorded_engine), snapshot_version())
        for _ in rerun.answers(as_recorded=as_recorded):
            pass
        return rerun.engine.snapshot()


@pytest.mark.drawn
def test_of_the_same_version_both_ways_end_alike(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    last = written(path, snapshot_at=None)
    assert end_of(path, as_recorded=True) == end_of(path, as_recorded=False) == last


@pytest.mark.drawn
@pytest.mark.parametrize("name", books.BOOKS)
def test_orders_bear_the_names_under_which_they_left(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when this version would give every order another name."""
    folder = books.unpacked(name, tmp_path)
    with JournalReader(places.journal_path(folder)) as reader:
        rerun = Rerun(reader, partial(recorded_engine), snapshot_version())
        monkeypatch.setattr(OrderManager, "mint", lambda *_: "enobody00000001")
        for _ in rerun.answers(as_recorded=True):
            pass
    instruments = rerun.engine.order_manager.books
    strange = [order for book in instruments for order in book.orders if "nobody" in order.client_id]
    assert not strange
