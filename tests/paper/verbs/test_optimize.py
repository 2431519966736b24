"""The verb as it is typed: one line for a space that does not hold, a table that goes on where it was."""

import json
from pathlib import Path

import numpy as np
import pytest

from liqbot.blocks import DTYPES, EventBlock, Roster, Rows
from liqbot.cli import main
from liqbot.exits import Exit
from paper.tapes.writer import write_tape

START_MS = 1_700_000_000_000


def still_bars(price: float) -> Rows:
    """Half an hour of minutes in which nothing happens."""
    bars = np.zeros(30, DTYPES["bars"])
    bars["time_ms"], bars["span_ms"] = START_MS + 60_000 * np.arange(30), 60_000
    for name in ("open", "high", "low", "close"):
        bars[name] = price
    bars["volume_usd"], bars["buy_usd"], bars["sell_usd"] = 1e6, np.nan, np.nan
    return bars


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    path = tmp_path / "still.parquet"
    write_tape(path, [EventBlock(bars=still_bars(60_000.0))], Roster(("binance",), ("BTC",)))
    return path


@pytest.mark.drawn(singly=True)
def test_a_grid_is_walked_once_and_goes_on(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["optimize", str(tape), "--grid", "--search", "signals.cascade.flow_min=0,0.1", "--json",
             "--storage", f"sqlite:///{tmp_path}/search.sqlite"]  # fmt: skip
    assert main(words) == Exit.OK
    first = json.loads(capsys.readouterr().out)
    assert (first["screened"], first["walked"]) == (0, 3)
    assert {one["candidate"]["signals.cascade.flow_min"] for one in first["finalists"]} == {0, 0.1}
    assert first["as_set"]["trades"] == 0
    assert first["walk_sets_per_s"] > 0
    assert main(words) == Exit.OK
    assert json.loads(capsys.readouterr().out)["walk_sets_per_s"] is None
    assert main([*words, "--set", "risk.leverage_max=2"]) == Exit.DATABASE
    assert "was begun with other tapes, settings or code" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--search", "cascade.flow_min=1"], "--search 'cascade.flow_min=1': signals.STRATEGY.PARAMETER"),
        (["--search", "signals.nope.flow_min=1,2"], "signals.nope: no such strategy; there are"),
        (["--search", "signals.cascade.flow_min=7,8"], "signals.cascade: flow_min"),
        (["--strategy", "nope"], "--strategy 'nope': one of grab_reverse"),
        (["--grid"], "--grid: "),
        (["--search", "signals.cascade.flow_min=0,0.1", "--search", "signals.cascade.flow_min=0.2"],
         "--search 'signals.cascade.flow_min=0.2': signals.cascade.flow_min is searched already"),
        (["--search", "signals.cascade.flow_min=0:1e300:1e-300"], "more than 1,000 values"),
    ],
)
def test_a_space_that_does_not_hold_gets_one_line(
    tape: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["optimize", str(tape), *words]) == Exit.USAGE
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert said in printed.err


def test_each_market_is_named_once(tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under whatever name; a market that was chosen on is no guard. Nothing is kept of such a search."""
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(tape.read_bytes())
    book = tmp_path / "search.sqlite"
    words = ["--grid", "--search", "signals.cascade.flow_min=0,0.1", "--storage", f"sqlite:///{book}"]
    for tapes in ([tape, tape], [tape, copy], [tape, "--held-out", copy], [tape, "--held-out", tmp_path]):
        assert main(["optimize", *map(str, tapes), *words]) == Exit.USAGE
        printed = capsys.readouterr()
        assert (printed.out, printed.err.count("\n")) == ("", 1)
        assert ("is a directory" if tapes[-1] == tmp_path else "holds the same as") in printed.err
        assert not book.exists()


def test_results_of_another_market_of_the_same_size_are_never_taken(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A search goes by what tapes hold: it goes on under another name, and not on other prices under the same."""
    words = ["--grid", "--search", "signals.cascade.flow_min=0,0.1", "--storage", f"sqlite:///{tmp_path}/search.sqlite"]
    assert main(["optimize", str(tape), *words]) == Exit.OK
    moved = tmp_path / "moved.parquet"
    moved.write_bytes(tape.read_bytes())
    assert main(["optimize", str(moved), *words, "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["walk_sets_per_s"] is None
    whole = tape.stat().st_size
    write_tape(tape, [EventBlock(bars=still_bars(61_000.0))], Roster(("binance",), ("BTC",)))
    assert tape.stat().st_size == whole
    assert main(["optimize", str(tape), *words]) == Exit.DATABASE
