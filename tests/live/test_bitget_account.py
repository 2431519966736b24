"""Bitget has two kinds of accounts that exclude each other: the one that is not traded on is named, before anything is
sent. And what the venue does there that others do not."""

import re
from pathlib import Path

import pytest

from liqbot import events
from liqbot.commands import Purpose
from liqbot.exits import Exit, ExpectedError
from liqbot.live.bot import trade
from liqbot.live.credentials import check_permissions
from liqbot.venues.bitget.orders import UNIFIED_NOTE
from liqbot.venues.registry import trading_of
from paper.dialects.bitget.dialect import BitgetDialect
from paper.dialects.faults import Kind
from tests.builders.loopback_broker import rig, spoken
from tests.builders.loopback_house import access_of, place
from tests.builders.patience import until
from tests.execution.edge.test_broker import PLACE, PLACE_STOP, long_of


async def test_a_unified_account_is_no_start_and_says_what_would_be(tmp_path: Path) -> None:
    async with place("bitget") as here:
        dialect = spoken(here.hub, "bitget")
        assert isinstance(dialect, BitgetDialect)
        dialect.unified_keys.add("key")
        settings = here.settings()
        with pytest.raises(ExpectedError, match=r"unified account: .* use a classic account") as refused:
            await trade(settings, tmp_path, access_of(settings), for_s=1)
        assert refused.value.exit_code == Exit.CONFIG
        assert here.sent() == []


async def test_an_account_that_became_unified_is_named_too() -> None:
    """Its key may still be looked at, what is about futures not."""
    async with rig("bitget", running=False) as one:
        one.hub.faults.next("GET /api/v2/mix/account/accounts", Kind.REFUSED, 40085)
        with pytest.raises(ExpectedError, match=re.escape(UNIFIED_NOTE)):
            await check_permissions(one.client, trading_of("bitget"), with_money=False)


async def test_a_key_that_may_transfer_is_refused() -> None:
    async with rig("bitget", running=False) as one:
        assert (await check_permissions(one.client, trading_of("bitget"), with_money=True)).may_transfer is False
        one.account.may_transfer = True
        with pytest.raises(ExpectedError, match="may transfer to other accounts"):
            await check_permissions(one.client, trading_of("bitget"), with_money=True)


@pytest.mark.parametrize("code", [40010, 40725, 45001])
async def test_a_time_out_of_the_venues_own_is_neither_a_refusal_nor_a_fault_of_the_key(code: int) -> None:
    """The client takes 40010 for one of the key. The order is asked for until it is certain, then told as lost."""
    async with rig("bitget") as one:
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        one.hub.faults.next(PLACE["bitget"], Kind.REFUSED, code)
        entry = one.engine.order(Purpose.ENTRY)
        await one.send(entry)
        assert not one.engine.of(events.OrderRejected)
        assert not one.engine.of(events.Halt)
        await until(lambda: one.endpoints("GET /api/v2/mix/order/detail"), 30)


async def test_an_exit_before_which_others_had_to_give_way_is_answered_without_its_id_and_found_by_ours() -> None:
    """In one-way mode older reduce-only orders are cancelled for a newer one, and then its id is not in the answer."""
    def without_id(answer: bytes) -> bytes:
        del answer
        return b'{"code":"00000","msg":"success","requestTime":1767225600000,"data":null}'

    async with rig("bitget") as one:
        await long_of(one)
        one.hub.faults.next(PLACE["bitget"], Kind.CHANGED, change=without_id)
        leave = one.engine.order(Purpose.EXIT)
        await one.send(leave)
        await one.until(events.OrderAccepted, leave.client_id)
        await one.advance()
        assert (await one.until(events.Fill, leave.client_id))[0].reduces
        assert not one.engine.of(events.OrderRejected)


async def test_a_stop_that_comes_before_the_position_shows_is_sent_again() -> None:
    async with rig("bitget") as one:
        await long_of(one)
        one.hub.faults.next(PLACE_STOP["bitget"], Kind.REFUSED, 43023)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        await one.send(stop)
        await one.until(events.OrderAccepted, stop.client_id)
        assert not one.engine.of(events.OrderRejected)
