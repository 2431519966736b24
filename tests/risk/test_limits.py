"""Ceilings hold against every configuration, with a message that names field, value and ceiling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.risk.limits import LEVERAGE_CEILING, RiskLimits
from liqbot.strict_params import ceiling_of

CEILED = [name for name in RiskLimits.model_fields if ceiling_of(RiskLimits, name) is not None]


def test_leverage_ceiling_is_five_and_cannot_be_configured_upward():
    assert LEVERAGE_CEILING == ceiling_of(RiskLimits, "leverage_max") == 5
    with pytest.raises(ValueError, match="leverage_max: 50 is above the ceiling of 5, which is fixed in the code"):
        RiskLimits(leverage_max=50)


@given(name=st.sampled_from(CEILED), above=st.integers(1, 1_000_000))
def test_nothing_above_its_ceiling_is_taken(name: str, above: int):
    with pytest.raises(ValueError, match=f"{name}: .* is above the ceiling"):
        RiskLimits(**{name: ceiling_of(RiskLimits, name) + above})


def test_defaults_respect_ceilings_and_every_field_is_described():
    limits = RiskLimits()
    for name, field in RiskLimits.model_fields.items():
        assert field.description, name
        ceiling = ceiling_of(RiskLimits, name)
        assert ceiling is None or getattr(limits, name) <= ceiling


def test_contradictions_and_unknown_keys_are_refused():
    with pytest.raises(ValueError, match=r"stop_pct_min: 3.0 must not be above stop_pct_max \(2.0\)"):
        RiskLimits(stop_pct_min=3.0, stop_pct_max=2.0)
    with pytest.raises(ValueError, match="leverge_max"):
        RiskLimits(leverge_max=2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0])
def test_senseless_numbers_are_refused(value: float):
    with pytest.raises(ValueError, match="risk_per_trade_pct"):
        RiskLimits(risk_per_trade_pct=value)
