"""What a choice is worth is measured on the same days; nothing changed is worth nothing."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from pydantic import ValidationError

from liqbot.market.params import MarketParams
from paper.score.tape_score import Scored

BENCH = Path(__file__).parents[3] / "bench"


@pytest.fixture
def ablation() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCH))
    import importlib

    try:
        yield importlib.import_module("ablation")
    finally:
        sys.path.remove(str(BENCH))


def test_one_setting_is_changed_and_a_wrong_one_refused(ablation: ModuleType) -> None:
    found, usual = ablation.changed("calibration.tail_ratio_max=1"), MarketParams()
    assert found.calibration.tail_ratio_max == 1
    assert found.estimate == usual.estimate
    back = {"tail_ratio_max": usual.calibration.tail_ratio_max}
    assert found.calibration.model_copy(update=back) == usual.calibration
    for wrong in ("calibration.tail_ratio_max=0.5", "calibration.fast=1"):
        with pytest.raises(ValidationError):
            ablation.changed(wrong)


@pytest.mark.long
def test_worth_is_signed_and_nothing_for_the_same(ablation: ModuleType, scored: Scored) -> None:
    plain = ablation.measured(scored.scoring)
    assert [(one.value, one.low, one.high) for one in ablation.worth(plain, plain).differences] == [(0.0, 0.0, 0.0)] * 3
    # Without what is drawn and expected nothing is left but what every model is given.
    record = scored.scoring.record
    empty = {name: values * (name != "liqbot") for name, values in record.touched_usd.items()}
    drawn = {name: values * (name != "liqbot") for name, values in record.positions_usd.items()}
    blind = msgspec.structs.replace(record, touched_usd=empty, positions_usd=drawn)
    scoring = type(scored.scoring)(blind, scored.scoring.params, scored.scoring.seed, scored.scoring.truth)
    found = ablation.worth(plain, ablation.measured(scoring))
    assert found.differences[0].value < -0.05
    assert found.differences[2].value < -0.05
