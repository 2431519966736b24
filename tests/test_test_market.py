"""The engine where orders rest in a test market: what is under way when the ratio moves, and what its money is."""

from decimal import Decimal

import msgspec
import pytest

from liqbot.blocks import EventBlock
from liqbot.commands import CancelOrder, OrderKind, PlaceOrder, Purpose, SetLeverage
from liqbot.events import (
    Flatten,
    OrderAccepted,
    PositionAdopted,
    Reconciled,
)
from liqbot.instruments import Side
from liqbot.ledger.fold import Fold, WriteLimits
from liqbot.ledger.observation import observation_of
from liqbot.ledger.state import LedgerState
from liqbot.risk.decision import Approved, Refusal
from tests.builders.fed_house import VENUE, House


def test_orders_bear_the_test_markets_prices_and_decisions_the_maps() -> None:
    house = House()
    house.go(4, ratio=1.02)
    entry = house.enters("1.02", "50000")
    assert (entry.kind, entry.limit_price, entry.stop_price) == (OrderKind.LIMIT, Decimal(51_000), Decimal(49_980))
    take = next(one for one in house.fills(entry, "51000") if one.purpose is Purpose.TAKE)
    assert take.limit_price == Decimal(53_040)
    ordered = house.engine.order_manager.target(VENUE, "BTC")
    assert ordered is not None
    assert (ordered.stop_price, ordered.liquidation_price) == (Decimal(49_980), Decimal(35_700))


def test_a_resting_entry_is_withdrawn_when_its_translation_holds_no_more() -> None:
    for ratios in ([1.025] * 6, [1.05] * 6, [1.02, 1.5]):
        house = House()
        house.go(4, ratio=1.02)
        entry = house.enters("1.02", "50000")
        assert not house.go(2, ratio=1.02), "it rests"
        sent = [one for ratio in ratios for one in house.go(ratio=ratio)]
        assert CancelOrder(entry.client_id, VENUE, "BTC") in sent, ratios


def test_a_resting_entry_is_withdrawn_when_the_mark_is_not_published_any_more() -> None:
    house = House()
    house.go(4, ratio=1.02)
    entry = house.enters("1.02", "50000")
    assert CancelOrder(entry.client_id, VENUE, "BTC") in house.go(40)
    assert house.engine.mark_refusal("BTC") is Refusal.MARK_STALE


def test_with_money_nothing_of_this_happens() -> None:
    house = House("live")
    house.go(4)
    entry = house.enters("1", "50000")
    house.go(3, ratio=1.5)
    assert entry.limit_price == Decimal(50_000)
    assert not [one for one in house.commands if isinstance(one, CancelOrder)]
    assert house.engine.mark_refusal("BTC") is None


def test_money_is_counted_in_the_test_market() -> None:
    house = House()
    house.go(4, ratio=1.02)
    entry = house.enters("1.02")
    house.fills(entry, "51000")
    house.go(ratio=1.02)
    assert house.engine.account.equity_usd == pytest.approx(Decimal(10_000), abs=1), "at its own mark it gained nothing"
    house.go(8, ratio=1.02, price=50_500.0)
    gained = Decimal("0.1") * (Decimal(50_500) - Decimal(50_000)) * Decimal("1.02")
    assert house.engine.account.books.unrealised_usd == pytest.approx(gained, abs=Decimal("0.01"))


def test_a_position_taken_over_before_any_mark_keeps_the_stop_that_a_person_named() -> None:
    house = House()
    house.say(house.holds(Decimal("0.1"), Decimal(51_000)), Reconciled(**house.here))
    sent = house.say(
        PositionAdopted(
            **house.here, side=Side.LONG, quantity_base=Decimal("0.1"), entry_price=Decimal(51_000),
            stop_price=Decimal("49980.3"), exit_by_ms=house.now_ms + 3_600_000, strategy="cascade", reason="test",
        )
    )
    (stop,) = sent
    assert stop.trigger_price == Decimal("49980.3")
    house.say(OrderAccepted(**house.here, client_id=stop.client_id, venue_order_id="2"))
    assert not house.go(6, ratio=1.02), "a ratio that becomes known moves nothing"
    ordered = house.engine.order_manager.target(VENUE, "BTC")
    assert ordered is not None
    assert ordered.stop_price == Decimal("49980.3")


def test_the_ledger_has_the_ratio_and_the_test_markets_prices_where_its_orders_are() -> None:
    house = House()
    house.go(4, ratio=1.02)
    fold = house.rows
    approved = Approved(house.wanted("1.02"))
    step = msgspec.structs.replace(house.engine.on_block(EventBlock(facts=())), decisions=(approved,))
    house.engine.order_manager.adopt(approved)
    fold.observe(observation_of(step.seq, EventBlock(), step, house.engine))
    (entry,) = [one for one in house.go(ratio=1.02) if not isinstance(one, SetLeverage)]
    house.fills(entry, "51010")
    new = fold.pending.new
    (decision,) = [row for row in new["decision"].values() if row["code"] == "APPROVED"]
    order, trade = new["order"][1], new["trade"][1]
    assert (decision["stop_price"], decision["mark_ratio"]) == (Decimal(49_000), 1.02)
    assert order["expected_price"] == pytest.approx(Decimal(51_000))
    assert (trade["initial_stop_price"], trade["mark_ratio"]) == (Decimal(49_980), 1.02)
    assert trade["liquidation_price"] == Decimal(35_700)


def test_an_exit_before_the_first_tick_of_a_start_expects_the_last_price_that_the_ledger_kept() -> None:
    house = House()
    house.go(4, ratio=1.02)
    house.fills(house.enters("1.02"), "51000")
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(house.rows.state), type=LedgerState)
    house.rows = Fold(kept, WriteLimits())
    sent = house.say(Flatten(time_ms=house.now_ms, reason="test"))
    (leaving,) = [one for one in sent if isinstance(one, PlaceOrder) and one.purpose is Purpose.EXIT]
    (row,) = [row for row in house.rows.pending.new["order"].values() if row["client_id"] == leaving.client_id]
    assert row["expected_price"] == pytest.approx(Decimal(51_000))
