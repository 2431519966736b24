"""The map of a journal that grows is the one that is read anew, however far it has gone on, or replaced."""

from pathlib import Path

import pytest
from market_rows import START_MS, RandomMarket
from short_life import MARKET, STEPS, written

from liqbot import places
from liqbot.blocks import block_of
from liqbot.exits import ExpectedError
from liqbot.journal import Journal
from liqbot.review.followed_map import FollowedMap
from liqbot.review.parameters import Choice
from liqbot.review.sources import MapQuery, find_map

WHOLE = MapQuery(split=True)


def read_anew(data: Path) -> dict[str, object]:
    return find_map(WHOLE, Choice(), data=data).reading.noted(parameters="").record


def followed(one: FollowedMap) -> dict[str, object]:
    return one.read(WHOLE).noted(parameters="").record


@pytest.mark.drawn
def test_it_grows_with_its_journal_and_begins_anew_with_another(tmp_path: Path) -> None:
    path = places.journal_path(tmp_path)
    written(path, snapshot_at=100)
    one = FollowedMap(path)
    assert followed(one) == read_anew(tmp_path)
    later = RandomMarket(seed=4, venues=("binance", "bybit"), marks=True, span_ms=1_000)
    ticks = list(later.steps(STEPS + 90))[STEPS:]
    for some in (ticks[:5], ticks[5:6], ticks[6:]):
        with Journal.open(path, mode="demo", account="x", roster=MARKET.roster) as journal:
            for number, (time_ms, rows) in enumerate(some):
                journal.append(block_of(rows, MARKET.roster, tick_ms=time_ms), "inbox", 1_000 + number)
        before = one.read(MapQuery()).record["time_ms"]
        assert before == some[-1][0]
        assert followed(one) == read_anew(tmp_path)
        with pytest.raises(ExpectedError, match="no map of DOGE"):
            one.read(MapQuery(coin="DOGE"))
    for file in tmp_path.glob("journal.sqlite*"):
        file.unlink()
    written(path, snapshot_at=None)
    assert followed(one)["time_ms"] == START_MS + (STEPS - 1) * 1_000
    assert followed(one) == read_anew(tmp_path)
