"""`close COIN` and `move-stop`: one position, only ever less risk, journaled and replayed like any other command."""

from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from liqbot import __version__, places
from liqbot.cli import main
from liqbot.code_version import this_code
from liqbot.commands import CancelOrder, PlaceOrder, Purpose
from liqbot.control.one_position import _price
from liqbot.events import CloseOrdered, OrderAccepted, OrderCancelled, PositionAdopted, Reconciled, StopOrdered
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from liqbot.replay import Equality, replay
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from tests.builders.fed_house import VENUE, House
from tests.builders.loopback_house import running
from tests.builders.practice_place import EAGER, practice_place
from tests.live.test_translated_prices import lean, protected, translating

BUILT, OLD = Decimal(49500), Decimal(49000)


def holding() -> House:
    """Long 0.1 at 50000 under a confirmed stop at 49000, marked at 50000."""
    house = House("live")
    house.go(4)
    house.say(house.holds(Decimal("0.1"), Decimal(50_000)), Reconciled(**house.here))
    (stop,) = house.say(
        PositionAdopted(
            **house.here, side=Side.LONG, quantity_base=Decimal("0.1"), entry_price=Decimal(50_000), stop_price=OLD,
            exit_by_ms=house.now_ms + 3_600_000, strategy="cascade", reason="test",
        )
    )
    house.say(OrderAccepted(**house.here, client_id=stop.client_id, venue_order_id="2"))
    house.go(2)
    return house


def stop_of(house: House) -> Decimal:
    target = house.engine.order_manager.target(VENUE, "BTC")
    assert target is not None
    return target.stop_price


def test_a_stop_moves_nearer_and_the_order_follows() -> None:
    house = holding()
    assert stop_of(house) == OLD
    sent = house.say(StopOrdered(**house.here, stop_price=BUILT, reason="nervous"))
    assert stop_of(house) == BUILT
    assert BUILT in [one.trigger_price for one in sent if isinstance(one, PlaceOrder)]
    held = house.engine.account.position(VENUE, "BTC")
    assert held is not None
    assert held.quantity_base == Decimal("0.1"), "it stays open"


@pytest.mark.parametrize(
    ("price", "why"),
    [("48999", "looser"), ("49000", "the same"), ("30000", "beyond our own liquidation"), ("50000", "at the mark"),
     ("50100", "on the wrong side of the mark")],
)  # fmt: skip
def test_a_stop_never_goes_where_it_would_be_more_risk_or_none(price: str, why: str) -> None:
    house = holding()
    assert not house.say(StopOrdered(**house.here, stop_price=Decimal(price), reason=why)), why
    assert stop_of(house) == OLD


@pytest.mark.parametrize("text", ["1E+999999", "1E-999999", "NaN", "Infinity", "-5", "58k", "", None])
def test_what_is_no_price_is_refused_by_its_name(text: object) -> None:
    with pytest.raises(ValueError, match="no price"):
        _price(text)


def test_closing_one_coin_leaves_entries_allowed() -> None:
    house = holding()
    exits = [
        one for one in house.say(CloseOrdered(**house.here, reason="enough"))
        if isinstance(one, PlaceOrder) and one.purpose is Purpose.EXIT
    ]
    assert [(one.side, one.reduce_only, one.quantity_base) for one in exits] == [(Side.LONG, True, Decimal("0.1"))]
    assert not house.engine.account.halted
    assert not house.say(CloseOrdered(**house.here, reason="again")), "it is leaving already"


def test_closing_takes_back_an_entry_under_way() -> None:
    house = House("live")
    house.go(4)
    entry = house.enters("1", "49900")
    sent = house.say(CloseOrdered(**house.here, reason="not that one"))
    assert [one.client_id for one in sent if isinstance(one, CancelOrder)] == [entry.client_id]
    house.say(OrderCancelled(**house.here, client_id=entry.client_id, reason="asked"))
    assert not house.engine.order_manager.entry_in_flight(VENUE, "BTC")


def test_what_another_account_is_told_moves_nothing() -> None:
    house = holding()
    assert not house.say(CloseOrdered(**house.here, account="other", reason="not ours"))


@pytest.mark.drawn(singly=True, dear=True)
async def test_both_over_the_wire_and_replayed(tmp_path: Path) -> None:
    async with practice_place("binance", 1.02) as here, here.moving(), running(here.eager(), tmp_path) as bot:
        await translating(bot, 1.02)
        with pytest.raises(ExpectedError, match="no position is open"):
            await bot.ask(verb="move-stop", coin="BTC", stop_price="50000")
        await lean(bot, Side.LONG)
        held = (await protected(here, bot))["positions"][0]
        await lean(bot, None)
        old, entry_price = Decimal(held["stop_price"]), Decimal(held["entry_price"])
        for wrong, why in ((old - 10, "not nearer"), (entry_price * 2, "wrong side of the mark"), ("x", "no price")):
            with pytest.raises(ExpectedError, match=why):
                await bot.ask(verb="move-stop", coin="BTC", stop_price=str(wrong))
        with pytest.raises(ExpectedError, match="coin: 'DOGE' is not one of BTC"):
            await bot.ask(verb="move-stop", coin="DOGE", stop_price="1")
        wanted = (old + (entry_price - old) / 4).quantize(Decimal("0.1"))
        reply = await bot.ask(verb="move-stop", coin="btc", stop_price=f"{wanted:,}", why="nervous", wait_s=40)
        assert (reply["moved"], Decimal(reply["stop_price"])) == (True, wanted)
        assert Decimal((await bot.position(protected=True))["positions"][0]["stop_price"]) >= wanted
        reply = await bot.ask(verb="close", coin="BTC", why="enough", wait_s=40)
        assert reply["flat"], reply
        assert here.held_base == 0
        status = await bot.status()
        assert (status["halted"], status["flattening"]) == ("", False)
        reply = await bot.ask(verb="close", coin="BTC")
        assert "no position is open" in reply["said"]
    proof = replay(
        places.journal_path(tmp_path), partial(recorded_engine, own=(EAGER,)),
        this_code(__version__, 1, ((EAGER.name, EAGER.sha256),)), snapshot_version=snapshot_version(),
    )
    assert proof.equality is Equality.IDENTICAL


def test_without_a_running_bot_both_say_so(tmp_path: Path) -> None:
    for words in (("close", "BTC"), ("move-stop", "BTC", "50000")):
        assert main([*words, "--data", str(tmp_path)]) == Exit.NOT_FOUND
