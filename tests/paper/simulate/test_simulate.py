"""The simulation itself: one seed is one run, a few seeds break no law, defects are caught, results are kept."""

import math

import msgspec
import pytest

from liqbot.exits import ExpectedError
from paper.simulate import fault_schedule, run
from paper.simulate.campaign import _percentile, outcomes, summary
from paper.simulate.fault_schedule import DRAWS, Draw, draws_of
from paper.simulate.faults import AIMS, BY_NAME, CATALOGUE, CELLS, IN_TEST_MARKET, NONE, STATES
from paper.simulate.mutant_run import _likely_first, run_mutants
from paper.simulate.mutants import MUTANTS
from paper.simulate.naked_time import NAKED_MS_MAX
from paper.simulate.records import MutantRun, MutantRuns, RunRecords
from paper.simulate.run import AUDIT_EVERY, simulate, trades_in_test_market
from paper.simulate.shrink import shrink
from paper.simulate.text import mutant_runs_text, text_of
from paper.verbs.simulate import _chosen


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize(
    "seeds", [pytest.param(range(3, 5), id="two"), pytest.param(range(5, 15), id="more", marks=pytest.mark.long)]
)
def test_a_few_seeds_trade_meet_trouble_and_break_no_law(seeds):
    found = [simulate(seed) for seed in seeds]
    assert [outcome.violation for outcome in found] == [None] * len(found)
    assert sum(outcome.entries for outcome in found) >= len(found)
    assert sum(sum(outcome.met.values()) for outcome in found) >= len(found)


@pytest.mark.drawn(dear=True)
def test_the_same_seed_is_the_same_run():
    assert msgspec.json.encode(simulate(3)) == msgspec.json.encode(simulate(3))


def test_draws_reach_every_pair_that_can_exist():
    assert math.gcd(fault_schedule._STRIDE, len(AIMS)) == 1
    drawn = {(draw.fault, draw.state) for seed in range(len(AIMS)) for draw in draws_of(seed)}
    assert drawn == set(CELLS)
    audited = {(draw.fault, draw.state) for seed in range(0, len(AIMS), AUDIT_EVERY) for draw in draws_of(seed)}
    assert audited == drawn
    assert len(CELLS) == len(CATALOGUE) * len(STATES) - sum(bool(fault.needs) for fault in CATALOGUE)


def test_a_fault_that_happens_to_an_order_never_finds_none():
    assert not BY_NAME["create_lost"].can_meet(NONE)
    assert BY_NAME["suspended"].can_meet(NONE)


# Each with a seed that is known to catch it, and by which law; the verb runs all of them over many seeds.
CAUGHT = {
    "drop_stop": (1, "UNPROTECTED"), "wrong_side": (0, "NOT_APPROVED"), "skip_journal": (0, "JOURNAL_FIRST"),
    "cancel_first": (0, "CANCEL_UNPROTECTS"), "leverage_unread": (26, "LEVERAGE"), "waits_for_disk": (109, "NAKED"),
    "ends_at_once": (21, "ENDED_NAKED"), "ratio_ignored": (1, "MISTRANSLATED"), "newest_mark": (101, "MISTRANSLATED"),
    "marks_unchecked": (30, "ENTRY_MARK_DEVIATION"), "forced_unnoticed": (112, "FORCED_UNNOTICED"),
    "strays_left": (143, "LEFT_BEHIND"),
}  # fmt: skip


@pytest.mark.drawn(singly=True, dear=True)
@pytest.mark.parametrize(("name", "seed", "law"), [(name, *found) for name, found in CAUGHT.items()])
def test_defects_are_caught_and_the_house_is_sound_again_afterwards(name, seed, law):
    patches = MUTANTS[name].patches
    sound = [patch.owner.__dict__[patch.name] for patch in patches]
    with MUTANTS[name].applied():
        violation = simulate(seed).violation
    assert violation is not None
    assert violation.law == law
    assert [patch.owner.__dict__[patch.name] for patch in patches] == sound


# Pairs that hundreds of seeds had not met while states were waited for, each with a seed that brings it about.
AIMED = [
    ("answers_nonsense", "partial", 5), ("ended_in_order", "none", 5), ("exit_rejected", "partial", 0),
    ("part_then_disconnect", "cancelling", 37), ("state_unknown", "cancelling", 5), ("stop_rejected", "cancelling", 5),
]


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize(("fault", "state", "seed"), AIMED)
def test_a_fault_waits_for_its_state_and_brings_it_about(fault, state, seed):
    outcome = simulate(seed, (Draw(fault, state, 6),), 60)
    assert outcome.violation is None
    assert outcome.met[f"{fault} {state}"] > 0


def test_a_seed_that_draws_a_fault_of_the_test_markets_mark_trades_in_one():
    drawn = [seed for seed in range(200) if any(draw.fault in IN_TEST_MARKET for draw in draws_of(seed))]
    assert drawn
    assert all(trades_in_test_market(seed) for seed in drawn)
    assert 0 < sum(trades_in_test_market(seed) for seed in range(200)) - len(drawn) < 100


@pytest.mark.drawn(singly=True)
def test_the_new_stop_may_fill_while_the_cancel_of_the_old_one_is_on_its_way(monkeypatch):
    monkeypatch.setattr(run, "AUDIT_EVERY", 10**9)
    assert simulate(60).violation is None


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(1, id="stops that vanish as the process dies are asked about by the next one"),
        pytest.param(302, id="a stop is moved by a record whose answer died with the process"),
        pytest.param(936, id="nobody can know of a fill that the stream lost while nothing that is read makes sense"),
        pytest.param(1156, id="a stop whose request hung is asked about in time, and not waited for after a start"),
        pytest.param(1465, id="a stop that a dead process sent is not waited for", marks=pytest.mark.long),
        pytest.param(1885, id="an end begins when the house hears of it", marks=pytest.mark.long),
        pytest.param(464, id="an earlier journal's deleveraging takes nothing off a new position"),
    ],
)
def test_seeds_that_once_broke_a_law(seed, monkeypatch):
    monkeypatch.setattr(run, "AUDIT_EVERY", 10**9)
    assert simulate(seed).violation is None


@pytest.mark.long
@pytest.mark.parametrize("seed", sorted({seed for seed, _ in CAUGHT.values()}))
def test_without_the_defect_the_seed_breaks_no_law(seed):
    assert simulate(seed).violation is None


@pytest.mark.drawn(dear=True)
def test_a_failure_is_made_small_and_its_command_repeats_it():
    with MUTANTS["leverage_unread"].applied():
        seed = CAUGHT["leverage_unread"][0]
        whole, small = simulate(seed), shrink(seed, draws_of(seed))
        assert small.faults == ()
        assert f"--first-seed {seed} --faults none --steps {small.steps}" in small.command
        assert simulate(seed, (), small.steps).violation == small.violation
        assert small.steps <= whole.steps


@pytest.mark.long
def test_results_are_taken_up_where_they_were_left(tmp_path):
    first = list(outcomes(3, 2, RunRecords(tmp_path), processes=1))
    kept = RunRecords(tmp_path).read()
    assert [kept[outcome.seed] for outcome in first] == first
    again = RunRecords(tmp_path)
    again.path.write_text(again.path.read_text() + '{"seed": 5, "st')
    assert sorted(RunRecords(tmp_path).read()) == [3, 4]
    whole = summary(list(outcomes(3, 3, RunRecords(tmp_path), processes=1)))
    assert whole.seeds == 3
    assert whole.entries >= sum(outcome.entries for outcome in first)
    again.path.write_text("other code\n" + msgspec.json.encode(first[0]).decode() + "\n")
    assert RunRecords(tmp_path).read() == {}


@pytest.mark.drawn(singly=True)
def test_hunts_are_kept_and_tabled_with_what_was_missed_first(tmp_path):
    (found,) = run_mutants(("wrong_side",), 3, 2, MutantRuns(tmp_path), processes=1)
    assert found.caught is not None
    missed = MutantRun("lag_accepted", 3, 2, None, 2)
    MutantRuns(tmp_path).add(missed)
    assert MutantRuns(tmp_path).read(3, 2) == {"wrong_side": found, "lag_accepted": missed}
    assert MutantRuns(tmp_path).read(3, 9) == {}
    first, *lines = mutant_runs_text([found, missed])
    assert first == "defects not caught: lag_accepted (of 2)"
    assert found.caught.violation.law in lines[0]
    assert "NOT CAUGHT" in lines[1]


def test_likely_seeds_come_first_and_none_is_left_out():
    likely = _likely_first("withdrawal_as_loss", range(60))
    assert sorted(likely) == list(range(60))
    assert any(draw.fault == "withdrawal" for draw in draws_of(likely[0]))
    assert all(fault in BY_NAME for mutant in MUTANTS.values() for fault in mutant.shows_in)


@pytest.mark.drawn(dear=True)
def test_the_matrix_shows_what_was_not_met_first():
    outcome = simulate(3)
    text = text_of(summary([outcome]))
    lines = text.splitlines()
    assert "not met" in lines[4]
    assert "violations: none" in text
    for pair in outcome.met:
        assert f" {pair}," not in f" {lines[4]},"


@pytest.mark.drawn(dear=True)
def test_time_without_a_stop_is_counted_by_position():
    found = [simulate(seed) for seed in (3, 29)]
    whole = summary(found)
    positions = [ms for outcome in found for ms in outcome.naked_ms]
    assert len(positions) >= sum(outcome.entries for outcome in found) - 2, "an entry in parts is one position"
    assert 0 < whole.naked_ms_p99 <= whole.naked_ms_max == max(positions) <= NAKED_MS_MAX + 1_200
    assert f"maximum {whole.naked_ms_max} ms" in text_of(whole)


@pytest.mark.parametrize(("ordered", "expected"), [([], 0), ([7], 7), (list(range(1, 101)), 99), ([1, 2, 3], 3)])
def test_a_percentile_is_a_value_that_was_met(ordered, expected):
    assert _percentile(ordered, 99) == expected


def test_faults_are_chosen_by_index():
    drawn = draws_of(7)
    assert _chosen("", drawn) == drawn
    assert _chosen("none", drawn) == ()
    assert _chosen("2,0", drawn) == (drawn[2], drawn[0])
    with pytest.raises(ExpectedError, match=f"0 to {DRAWS - 1}"):
        _chosen("9", drawn)
