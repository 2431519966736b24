"""Bounds hold for every number of the configuration; parameters that mirror other limits stay the same as those."""

from pathlib import Path
from typing import get_args

import pytest

from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalLimits
from liqbot.runtime.storage import journal_limits
from liqbot.settings import load
from liqbot.settings.model import settings_model
from liqbot.settings.names import leaves

NUMBERS = {
    ".".join(path): annotation
    for path, field in leaves(settings_model())
    if (annotation := field.annotation) in (int, float) or {int, float} & set(get_args(annotation))
}


def test_the_journal_can_be_opened_with_what_the_configuration_says() -> None:
    assert journal_limits(settings_model()()) == JournalLimits()


@pytest.mark.parametrize("name", NUMBERS)
def test_no_number_may_be_without_end(name: str, tmp_path: Path) -> None:
    of_floats = NUMBERS[name] is float or float in get_args(NUMBERS[name])
    is_list = "tuple" in str(NUMBERS[name])
    for text in ("inf", "-inf", "nan", "99999999999999999999") if of_floats else ("99999999999999999999",):
        if is_list and text != "99999999999999999999":
            continue  # a list is written as JSON, which knows no such numbers
        with pytest.raises(ExpectedError) as caught:
            load("paper", config=tmp_path, environment={}, overrides=(f"{name}={f'[{text}]' if is_list else text}",))
        assert caught.value.exit_code is Exit.CONFIG
        assert name.split(".", 1)[0] in str(caught.value)


def test_more_than_a_venue_allows_is_asked_of_a_simulated_one_only(tmp_path: Path) -> None:
    def share(*overrides: str) -> float:
        return load("paper", config=tmp_path, environment={}, overrides=overrides).settings.network.request_share

    assert share("network.request_share=0.5") == 0.5
    assert share("network.request_share=50", "network.loopback=http://127.0.0.1:8900") == 50
    with pytest.raises(ExpectedError, match=r"network\.request_share.*50: a venue allows 1 at most"):
        share("network.request_share=50")
