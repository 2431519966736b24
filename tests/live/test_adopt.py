"""`adopt`: what an earlier journal or a hand left becomes ours, explicitly, and is never without a stop on the way."""

from decimal import Decimal
from pathlib import Path

import pytest

from liqbot.commands import OrderKind, PlaceOrder, Purpose, SetLeverage
from liqbot.events import JournalAdopted, PositionAdopted
from liqbot.execution import client_order_id
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from liqbot.journal import JournalReader
from liqbot.live.adopt import adopt
from liqbot.live.bot import trade
from liqbot.places import journal_path
from tests.builders import loopback_market as market
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import Place, access_of, place, running
from tests.builders.patience import PATIENCE_S

everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)
EARLIER = "zzz999"
HELD = Decimal("0.02")
OLD_STOP = Decimal(49_000)


def earlier_id(purpose: Purpose, number: int) -> str:
    return client_order_id.client_id(EARLIER, number, purpose)


async def left_behind(here: Place, *, stop: bool = True, leverage: int = 3, by_hand: bool = False) -> None:
    """A position of a journal that is no more, and its stop."""
    here.account.isolated["BTC"] = True
    execute, venue = here.hub.execute, here.venue
    await execute(here.account, SetLeverage(venue, "BTC", leverage))
    entry_id = "byhand" if by_hand else earlier_id(Purpose.ENTRY, 1)
    await execute(here.account, PlaceOrder(
        entry_id, venue, "BTC", 1, Purpose.ENTRY, OrderKind.MARKET, Side.LONG, HELD, reduce_only=False,
    ))  # fmt: skip
    await here.advance()
    assert here.held_base == HELD
    if stop:
        await execute(here.account, PlaceOrder(
            earlier_id(Purpose.STOP, 2), venue, "BTC", 1, Purpose.STOP, OrderKind.STOP_MARKET, Side.LONG, HELD,
            reduce_only=True, trigger_price=OLD_STOP,
        ))  # fmt: skip


async def account_shown(here: Place, data: Path) -> tuple[str, list[str]]:
    lines: list[str] = []
    settings = here.settings()
    assert await adopt(settings, data, access_of(settings), "", lines.append) == Exit.OK
    return lines[0].removeprefix("account ").partition(",")[0], lines


def adopted(data: Path) -> list[object]:
    with JournalReader(journal_path(data)) as reader:
        facts = [fact for record in reader.records(1) for fact in record.block.facts]
    return [fact for fact in facts if isinstance(fact, PositionAdopted | JournalAdopted)]


@pytest.mark.drawn(singly=True, dear=True)
@everywhere
async def test_what_an_earlier_journal_left_is_taken_over_under_a_stop_of_ours(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        await left_behind(here)
        settings = here.settings()
        with pytest.raises(ExpectedError, match="liqbot adopt") as refused:
            await trade(settings, tmp_path, access_of(settings), for_s=PATIENCE_S)
        assert refused.value.exit_code == Exit.RUNNING
        account, lines = await account_shown(here, tmp_path)
        shown = "\n".join(lines)
        assert f"journal   {EARLIER}" in shown
        assert f"position  long {HELD} BTC" in shown
        assert "our stop would be 49000" in shown, "the stop that is there already is kept"
        assert f"--yes '{account}'" in lines[-1]
        assert here.stopped_base == HELD
        assert adopted(tmp_path) == []

        assert await adopt(settings, tmp_path, access_of(settings), account, lines.append) == Exit.OK, lines
        (stop,) = [one for one in here.account.open_orders("BTC") if one.command.trigger_price is not None]
        assert stop.command.client_id[1:7] != EARLIER
        assert (stop.command.trigger_price, stop.command.quantity_base) == (OLD_STOP, HELD)
        assert here.account.orders[earlier_id(Purpose.STOP, 2)].open is False
        assert [type(fact) for fact in adopted(tmp_path)] == [PositionAdopted, JournalAdopted]
        async with running(settings, tmp_path) as bot:
            status = await bot.position(protected=True)
            assert Decimal(status["positions"][0]["stop_price"]) == 49_000
            assert not status["halted"]
        assert (here.held_base, here.stopped_base) == (HELD, HELD)
        assert here.hub.unknown == []


@pytest.mark.drawn(singly=True)
async def test_the_old_stop_goes_only_after_ours_is_there(tmp_path: Path) -> None:
    async with place() as here:
        await left_behind(here)
        account, lines = await account_shown(here, tmp_path)
        settings = here.settings()
        assert await adopt(settings, tmp_path, access_of(settings), account, lines.append) == Exit.OK
        writes = here.sent("algoOrder")
        assert writes == ["POST /fapi/v1/algoOrder", "DELETE /fapi/v1/algoOrder"]


@pytest.mark.drawn(singly=True)
async def test_a_naked_position_by_hand_gets_a_stop(tmp_path: Path) -> None:
    async with place() as here:
        await left_behind(here, stop=False, by_hand=True)
        account, lines = await account_shown(here, tmp_path)
        settings = here.settings()
        assert not any(line.startswith("journal") for line in lines)
        assert await adopt(settings, tmp_path, access_of(settings), account, lines.append) == Exit.OK, lines
        (stop,) = here.account.open_orders("BTC")
        least = Decimal(str(market.PRICE)) * (100 - Decimal(str(settings.risk.stop_pct_max))) / 100
        assert stop.command.trigger_price == least
        assert here.stopped_base == HELD


async def test_leverage_beyond_the_limit_is_closed_and_said_before(tmp_path: Path) -> None:
    async with place() as here:
        await left_behind(here, leverage=20)
        _, lines = await account_shown(here, tmp_path)
        assert any(line.startswith("CLOSED    BTC") for line in lines)


async def test_a_wrong_name_changes_nothing(tmp_path: Path) -> None:
    async with place() as here:
        await left_behind(here)
        lines: list[str] = []
        settings = here.settings()
        assert await adopt(settings, tmp_path, access_of(settings), "binance other", lines.append) == Exit.USAGE
        assert here.sent("lgoOrder", "order") == []
        assert adopted(tmp_path) == []


async def test_with_nothing_there_it_says_so(tmp_path: Path) -> None:
    async with place() as here:
        _, lines = await account_shown(here, tmp_path)
        assert lines[-1] == "nothing to take over"


async def test_nothing_is_taken_from_under_a_running_bot(tmp_path: Path) -> None:
    async with place() as here, running(here.settings(), tmp_path):
        settings = here.settings()
        with pytest.raises(ExpectedError) as refused:
            await adopt(settings, tmp_path, access_of(settings), "", print)
        assert refused.value.exit_code == Exit.RUNNING
