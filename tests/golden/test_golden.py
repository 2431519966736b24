"""The house decides what it decided: the golden runs, in part always and whole under `--all`."""

import pytest
from golden_files import compared, stored_lines, summary
from golden_house import RUNS, Run
from golden_lines import (
    RENAMES,
    Difference,
    counts_of,
    digest_of,
    fact_lines,
    first_difference,
    in_old_words,
    step_lines,
    text_of,
)

STEP = {
    "seq": 7,
    "time_ms": 1_735_689_600_000,
    "verdicts": [
        {
            "strategy": "cascade", "coin": "BTC", "side": 1, "code": "BIAS", "signal": None,
            "gates": [{"name": "bias", "inputs": [], "value": 0.25, "op": ">=", "threshold": 0.5, "passed": False,
                       "waived": False}],
        }
    ],
    "decisions": [
        {"type": "Refused", "decision_id": 3, "code": "COOLDOWN", "reason": "words", "strategy": "cascade",
         "coin": "BTC", "side": -1, "checks": [{"name": "left_ms", "value": 5.0, "limit": 0.0, "passed": False}]},
    ],
    "commands": [
        {"type": "PlaceOrder", "client_id": "abc", "venue": "binance", "coin": "BTC", "decision_id": 2,
         "purpose": "stop", "kind": "stop_market", "side": 1, "quantity_base": "0.50", "reduce_only": True,
         "limit_price": None, "trigger_price": "64000", "post_only": False},
    ],
}  # fmt: skip
LINES = [
    "2025-01-01T00:00:00.000Z verdict BIAS cascade BTC long | bias:0.25>=0.5!",
    "2025-01-01T00:00:00.000Z decision COOLDOWN cascade BTC short | left_ms:5.0/0.0!",
    (
        "2025-01-01T00:00:00.000Z command PlaceOrder venue=binance coin=BTC purpose=stop kind=stop_market side=long "
        "quantity_base=0.5 reduce_only=yes limit_price=- trigger_price=64000 post_only=no"
    ),
]


ALWAYS = ("btc_2024_08_permissive", "btc_2025_10_paper", "eth_2024_08_paper", "world_permissive")
"""A run of each market whenever anything is tested; the others with everything."""


def named(run: Run) -> str:
    return run.name


def compare(run: Run, *, whole: bool) -> None:
    if run.missing:
        pytest.skip(run.missing)
    complaints = compared(run, whole=whole)
    assert not complaints, "\n".join([f"seed {run.seed}, renames {RENAMES}", *complaints])


@pytest.mark.drawn(singly=True, dear=True)
@pytest.mark.parametrize(
    "run", [run if run.name in ALWAYS else pytest.param(run, marks=pytest.mark.long) for run in RUNS], ids=named
)
def test_it_decides_what_it_decided(run: Run) -> None:
    compare(run, whole=False)


@pytest.mark.long
@pytest.mark.parametrize("run", [run for run in RUNS if run.quick_h is not None], ids=named)
def test_it_decides_what_it_decided_to_the_end(run: Run) -> None:
    compare(run, whole=True)


@pytest.mark.parametrize("run", RUNS, ids=named)
def test_what_is_kept_agrees_with_itself(run: Run) -> None:
    told, lines = summary(run), stored_lines(run)
    for part in (told["whole"], told.get("quick", told["whole"])):
        assert digest_of(lines[: part["lines"]]) == part["digest"]
    assert len(lines) == told["whole"]["lines"]
    assert counts_of(lines) == told["counts"]
    assert (told["market"], told["profile"], told["seed"]) == (run.market, run.profile, run.seed)
    assert told["overrides"] == list(run.overrides)


def test_the_runs_together_have_everything_in_them() -> None:
    counts: dict[str, int] = {}
    for run in RUNS:
        for kind, count in summary(run)["counts"].items():
            counts[kind] = counts.get(kind, 0) + count
    for purpose in ("entry", "stop", "take", "exit"):
        assert counts[f"command PlaceOrder {purpose}"] >= 50
    for kind in ("verdict SIGNAL", "decision APPROVED", "decision POSITION_OPEN", "fact Fill", "fact FundingPaid"):
        assert counts[kind] >= 100, kind


def test_a_line_says_what_was_decided_and_no_id() -> None:
    assert list(step_lines(STEP)) == LINES


def test_facts_about_the_program_are_no_decisions() -> None:
    told = [
        {"type": "ConfigLoaded", "time_ms": 0, "config_json": "{}"},
        {"type": "Balance", "time_ms": 0, "venue": "binance", "coin": "BTC", "wallet_usd": "10.10"},
    ]
    assert list(fact_lines(told)) == ["1970-01-01T00:00:00.000Z fact Balance venue=binance coin=BTC wallet_usd=10.1"]


def test_a_renamed_field_and_a_renamed_word_give_the_old_lines() -> None:
    renames = {"trigger_price": "stop_at_price", "PlaceOrder": "NewOrder", "verdicts": "answers"}
    renamed = in_old_words(STEP, {old: new for new, old in renames.items()})
    assert renamed != STEP
    assert list(step_lines(in_old_words(renamed, renames))) == LINES
    with pytest.raises(ValueError, match="no 'verdicts' any more"):
        list(step_lines(renamed))
    with pytest.raises(ValueError, match="two old names"):
        in_old_words(STEP, {"a": "c", "b": "c"})


@pytest.mark.parametrize(
    ("value", "text"),
    [("1.500", "1.5"), ("1E+3", "1000"), ("0.00", "0"), ("-0.0", "0"), (0.1, "0.1"), (3, "3"), (True, "yes"),
     (None, "-"), ("isolated", "isolated")],
)  # fmt: skip
def test_equal_values_have_equal_text(value: object, text: str) -> None:
    assert text_of(value) == text


def test_the_first_difference_is_named_with_before_and_after() -> None:
    assert first_difference(["a", "b"], ["a", "b"]) is None
    assert first_difference(["a", "b", "c"], ["a", "x", "y"]) == Difference(2, "b", "x")
    assert first_difference(["a"], ["a", "b"]) == Difference(2, None, "b")
    assert str(Difference(2, "a b c", "a x c")).startswith("line 2: b became x\n")
    assert str(Difference(2, None, "b")).startswith("line 2: no became b\n")
    near = (["bias:0.30000000000000004>=0.5!"], ["bias:0.3>=0.5!"])
    assert first_difference(*near) is not None
    assert first_difference(*near, digits=9) is None
    assert first_difference(["bias:0.3>=0.5!"], ["bias:0.3>=0.5+"], digits=9) is not None
