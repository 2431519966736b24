"""From an answer to a typed value: what is fit, and how what is not is named."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from liqbot.venues.answers import (
    Figure,
    FigureOrNothing,
    Id,
    Positive,
    TimeMs,
    Unfit,
    answer,
    as_it_is,
    order_reports,
    rows_about,
)
from liqbot.venues.errors import RETRYABLE, SAMPLE_LENGTH_MAX, AnswerMalformed
from liqbot.venues.trading import OrderReport, OrderStatus


class Row(msgspec.Struct):
    symbol: str
    size: Figure
    price: Positive = Positive(1)
    free: FigureOrNothing = FigureOrNothing(0)
    id: Id = ""
    at: TimeMs = 1


def read(**fields: Any) -> Row:
    return answer("venue", "asked", {"symbol": "BTC", "size": "1"} | fields, Row, as_it_is)


@pytest.mark.parametrize("value", ["1.50", 1.5, 1, "-3", "0", "1e3"])
def test_a_figure_is_a_number_however_it_is_written(value: Any) -> None:
    assert read(size=value).size == Decimal(str(value))


def test_nothing_is_zero_only_where_it_may_stand_for_it() -> None:
    assert read(free="").free == read(free=None).free == 0
    with pytest.raises(AnswerMalformed):
        read(size="")


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", value) for value in (None, True, "NaN", "Infinity", "abc", "1e400", "1e16", "9" * 60, [], {}, "0x1")]
    + [("price", value) for value in ("0", -1, "")]
    + [("at", value) for value in (0, -1, "1.5", 5_000_000_000_000, True)]
    + [("id", value) for value in (None, 1.5, [])]
    + [("symbol", value) for value in (None, 1, [])],
)
def test_what_is_none_is_named_with_field_and_value(field: str, value: Any) -> None:
    with pytest.raises(AnswerMalformed) as raised:
        read(**{field: value})
    assert raised.value.field == f"$.{field}"
    assert raised.value.sample == ascii(value)[:SAMPLE_LENGTH_MAX]
    assert isinstance(raised.value, RETRYABLE)


def test_a_sample_is_short_and_harmless() -> None:
    with pytest.raises(AnswerMalformed) as raised:
        answer("venue", "asked", "\x1b[2J\n<html>" * 1_000, Row, as_it_is)
    assert len(str(raised.value)) < SAMPLE_LENGTH_MAX + 200
    assert str(raised.value).isprintable()


def test_rows_of_others_are_passed_over_and_those_that_may_be_ours_are_not() -> None:
    ours, theirs = {"symbol": "BTC", "size": "1"}, {"symbol": "ETH", "size": "nonsense"}
    assert len(rows_about([theirs, ours], Row, {"symbol": ("BTC",)})) == 1
    for bad in ({"size": "1"}, {"symbol": None, "size": "1"}, {"symbol": "BTC"}, "BTC", None, []):
        with pytest.raises(Unfit):
            rows_about([ours, bad], Row, {"symbol": ("BTC",)})


class Name(msgspec.Struct):
    id: Id


def report(row: Row | Name) -> OrderReport:
    status = OrderStatus.RESTING if isinstance(row, Row) else OrderStatus.UNKNOWN
    return OrderReport(str(row.id), str(row.id), status)


def test_an_order_that_names_itself_is_known_by_its_name_alone() -> None:
    rows = [{"symbol": "BTC", "size": "1", "id": 1}, {"symbol": "BTC", "size": None, "id": 2}]
    found = order_reports(rows, Row, Name, "symbol", "BTC", report)
    assert [(one.client_id, one.status) for one in found] == [("1", OrderStatus.RESTING), ("2", OrderStatus.UNKNOWN)]
    with pytest.raises(Unfit):
        order_reports([*rows, {"symbol": "BTC"}], Row, Name, "symbol", "BTC", report)
    with pytest.raises(Unfit, match="expected BTC"):
        order_reports([{"symbol": "ETH", "size": "1"}], Row, Name, "symbol", "BTC", report)
