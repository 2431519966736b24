"""`simulate` as its user runs it: the figures of a range in JSON, one seed in text, clear words for wrong ones."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from liqbot.cli import main
from liqbot.exits import Exit
from paper.simulate.campaign import ALL_PAIRS_SEEDS
from paper.simulate.faults import CELLS
from paper.simulate.run import RunOutcome
from paper.simulate.run import simulate as run_seed
from paper.verbs import simulate as verb


@pytest.mark.drawn(dear=True)
def test_figures_of_a_range_are_numbers_and_the_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["simulate", "--seeds", "2", "--first-seed", "3", "--json", "--data", str(tmp_path)]
    assert main(words) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["violations"], told["failures"], told["seeds"]) == (0, [], 2)
    assert all(isinstance(told[name], int) for name in ("entries", "liquidations", "adl", "simulated_hours"))
    met = sum(count or 0 for row in told["faults"].values() for count in row.values())
    assert met > 0
    assert {"command", "commit", "code", "wall_s"} <= set(told)
    assert main(words) == Exit.OK
    again = json.loads(capsys.readouterr().out)
    assert {**again, "wall_s": 0} == {**told, "wall_s": 0}, "kept results are the same results"


@pytest.mark.drawn(dear=True)
def test_a_range_that_was_not_finished_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Iterator[RunOutcome]:
        yield run_seed(3)
        raise KeyboardInterrupt

    monkeypatch.setattr(verb, "outcomes", interrupted)
    assert main(["simulate", "--seeds", "2", "--first-seed", "3", "--json", "--data", str(tmp_path)]) == Exit.FAILED
    told = capsys.readouterr()
    assert json.loads(told.out)["seeds"] == 1
    assert "interrupted after 1 of 2 seeds" in told.err


@pytest.mark.drawn(singly=True)
def test_many_seeds_that_leave_a_pair_unmet_are_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = {f"{fault} {state}": 1 for fault, state in CELLS}
    but_one = {pair: count for pair, count in everything.items() if pair != "exit_rejected partial"}

    def told(seeds: int, met: dict[str, int]) -> tuple[int, str]:
        outcome = RunOutcome(
            seed=0, steps=1, entries=1, liquidations=0, adl=0, restarts=0, test_market=False, simulated_h=0.1, met=met,
            naked_ms=(), naked_excused_ms=(),
        )
        found = [msgspec.structs.replace(outcome, seed=seed) for seed in range(seeds)]
        monkeypatch.setattr(verb, "outcomes", lambda *_: iter(found))
        code = main(["simulate", "--seeds", str(seeds), "--data", str(tmp_path)])
        return code, capsys.readouterr().out

    code, text = told(ALL_PAIRS_SEEDS, but_one)
    assert code == Exit.FAILED
    assert "not met: exit_rejected partial\nno success" in text
    assert told(ALL_PAIRS_SEEDS - 1, but_one)[0] == Exit.OK
    assert told(ALL_PAIRS_SEEDS, everything)[0] == Exit.OK


def test_wrong_words_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--mutant", "no_such", "--data", str(tmp_path)]) == Exit.USAGE
    assert "--mutant 'no_such'" in capsys.readouterr().err
    assert main(["simulate", "--first-seed", "3", "--faults", "9", "--data", str(tmp_path)]) == Exit.USAGE
    assert "--faults '9'" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert main(["simulate", "--seeds", "1", "--data", str(tmp_path / "file")]) == Exit.USAGE
    assert "name a directory" in capsys.readouterr().err
