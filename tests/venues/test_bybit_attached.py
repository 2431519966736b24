"""Bybit's stop that rides on an entry bears no id of ours: how it is told from other orders."""

from typing import Any

import pytest

from liqbot.venues.bybit import VENUE
from liqbot.venues.bybit.attached_stop import our_name
from liqbot.venues.conformance.orders import Recorded, account_of, contract_of, finished
from liqbot.venues.examples import ResponseExample
from liqbot.venues.trading import OrderReport

ENTRY, STOP = "eabc12300000001", "aabc12300000001"


def row(**changes: Any) -> dict[str, Any]:
    """A stop of the position, as the venue lists it."""
    return {
        "symbol": "BTCUSDT", "orderId": "9", "orderLinkId": "", "orderStatus": "Untriggered", "qty": "0.5",
        "cumExecQty": "0", "reduceOnly": True, "triggerPrice": "48000.5", "triggerBy": "MarkPrice",
        "stopOrderType": "StopLoss", "tpslMode": "Full", "parentOrderLinkId": ENTRY,
    } | changes  # fmt: skip


def entry_row(stop_loss: str) -> dict[str, Any]:
    return row(orderId="8", orderLinkId=ENTRY, orderStatus="Filled", stopOrderType="", tpslMode="Full",
               parentOrderLinkId="", stopLoss=stop_loss, triggerPrice="", triggerBy="", reduceOnly=False)


def read(resting: list[dict[str, Any]], entry: dict[str, Any] | None = None) -> OrderReport | None:
    named = {"category": "linear", "symbol": "BTCUSDT"}
    stops = named | {"orderFilter": "StopOrder", "limit": 50}

    def answer(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {"retCode": 0, "result": {"list": rows, "nextPageCursor": ""}}

    client = Recorded((
        ResponseExample("privateGetV5OrderRealtime", answer(resting), (stops,)),
        ResponseExample("privateGetV5OrderHistory", answer([]), (stops,)),
        ResponseExample("privateGetV5OrderRealtime", answer([] if entry is None else [entry]),
                        (named | {"orderLinkId": ENTRY},)),
    ))
    assert VENUE.trading is not None
    return finished(VENUE.trading.order(client, contract_of(VENUE, account_of(VENUE)), STOP, stop=True))


def test_by_its_parent() -> None:
    report = read([row(parentOrderLinkId="eabc12300000009", orderId="7"), row()])
    assert report is not None
    assert (report.client_id, report.venue_order_id, report.whole_position) == (STOP, "9", True)


def test_without_a_parent_by_kind_and_the_price_that_its_entry_asked_for() -> None:
    for nameless in (row(parentOrderLinkId=""), {k: v for k, v in row().items() if k != "parentOrderLinkId"}):
        report = read([nameless], entry_row("48000.5"))
        assert report is not None
        assert report.client_id == STOP
        assert read([nameless], entry_row("48000")) is None
        assert read([nameless]) is None


@pytest.mark.parametrize(
    "other",
    [
        row(parentOrderLinkId="somebody-elses"), row(parentOrderLinkId="", tpslMode="Partial"),
        row(parentOrderLinkId="", stopOrderType="TakeProfit"), row(orderLinkId="sabc12300000002"),
    ],
)
def test_what_is_none_of_that_is_not_ours(other: dict[str, Any]) -> None:
    assert read([other], entry_row("48000.5")) is None


def test_its_own_name_wins_and_only_a_stop_is_named_after_its_parent() -> None:
    assert our_name("sabc12300000002", ENTRY, "StopLoss") == "sabc12300000002"
    assert our_name("", ENTRY, "TakeProfit") == ""
    assert our_name("", ENTRY, "StopLoss") == STOP
