"""One instance per account, wherever it runs: hosts that share nothing but the venue."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from liqbot.commands import CancelOrder, OrderKind, PlaceOrder, Purpose
from liqbot.control import protocol
from liqbot.events import HaltCode
from liqbot.execution import client_order_id
from liqbot.execution.client_order_id import GONE, PRESENT
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from liqbot.live.bot import trade
from liqbot.settings import Settings
from tests.builders import loopback_market as market
from tests.builders.earlier_life import entry_sent
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import Place, Running, access_of, place, running
from tests.builders.patience import PATIENCE_S

everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)


class Host:
    """A machine of its own: other directories for everything, and no lock in common."""

    def __init__(self, name: str, tmp_path: Path) -> None:
        self.root = tmp_path / name
        self.data = self.root / "data"
        self.data.mkdir(parents=True)

    @contextlib.contextmanager
    def surroundings(self):  # type: ignore[no-untyped-def]
        with pytest.MonkeyPatch.context() as patch:
            for variable, where in (("XDG_RUNTIME_DIR", "run"), ("HOME", "home"), ("TMPDIR", "tmp")):
                (self.root / where).mkdir(exist_ok=True)
                patch.setenv(variable, str(self.root / where))
            yield


def settings_of(here: Place) -> Settings:
    settings = here.settings()
    return settings.model_copy(update={"network": settings.network.model_copy(update={"account_mark": True})})


@contextlib.asynccontextmanager
async def running_on(host: Host, here: Place) -> AsyncIterator[Running]:
    with host.surroundings():
        async with running(settings_of(here), host.data) as bot:
            yield bot


async def refusal(host: Host, here: Place) -> ExpectedError:
    settings = settings_of(here)
    with host.surroundings(), pytest.raises(ExpectedError) as refused:
        await trade(settings, host.data, access_of(settings), for_s=PATIENCE_S)
    assert "\n" not in str(refused.value)
    return refused.value


def marks(here: Place, letter: str) -> list[str]:
    return [client_id for client_id in here.account.orders if client_id.startswith(letter)]


@pytest.mark.drawn(singly=True)
@everywhere
async def test_a_second_host_is_refused_and_the_first_goes_on(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here, running_on(Host("one", tmp_path), here) as bot:
        error = await refusal(Host("two", tmp_path), here)
        assert error.exit_code == Exit.RUNNING
        assert "liqbot adopt" in str(error)
        assert not (await bot.status())["halted"]
        await here.advance()
        assert here.held_base == 0
        assert here.account.open_orders() == [], "a mark never rests"
        assert here.hub.unknown == []


@contextlib.asynccontextmanager
async def passing(here: Place) -> AsyncIterator[None]:
    """The venue's clock goes on, so that orders have times of their own."""

    async def go_on() -> None:
        while True:
            await here.advance()
            await asyncio.sleep(0.01)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.drawn(singly=True)
@everywhere
async def test_of_two_that_start_together_at_most_one_goes_on(venue: str, tmp_path: Path) -> None:
    seed = 11
    print(f"seed {seed}")
    chance = random.Random(seed)

    async def start(host: Host, wait_s: float) -> Exit:
        await asyncio.sleep(wait_s)
        settings = settings_of(here)
        try:
            return await trade(settings, host.data, access_of(settings))
        except ExpectedError as error:
            return error.exit_code

    async def stopped(host: Host, task: asyncio.Task[Exit]) -> Exit:
        while not task.done():
            with contextlib.suppress(ExpectedError):
                await asyncio.to_thread(protocol.request, host.data, {"verb": "stop"})
            await asyncio.sleep(0.02)
        return task.result()

    async with place(venue) as here, passing(here):
        with pytest.MonkeyPatch.context() as patch:
            # Within one process the lock would tell them apart.
            patch.setattr("liqbot.live.bot.only_one", lambda *_: contextlib.nullcontext())
            hosts = [Host(name, tmp_path) for name in ("one", "two")]
            starts = [asyncio.create_task(start(host, chance.random() / 2)) for host in hosts]
            done, _ = await asyncio.wait(starts, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
            outcomes = await asyncio.gather(*map(stopped, hosts, starts))
        assert done, "both went on"
        # The one that goes on may have met the other's orders before those were gone: then it goes on halted.
        assert Exit.RUNNING in outcomes, outcomes
        assert set(outcomes) <= {Exit.OK, Exit.HALTED, Exit.RUNNING}, outcomes
        assert here.hub.unknown == []


@pytest.mark.drawn(singly=True)
async def test_after_an_orderly_end_the_next_host_may_start(tmp_path: Path) -> None:
    async with place() as here:
        async with running_on(Host("one", tmp_path), here):
            pass
        assert len(marks(here, PRESENT)) == len(marks(here, GONE)) == 1
        async with running_on(Host("two", tmp_path), here) as bot:
            assert not (await bot.status())["halted"]
        async with running_on(Host("one", tmp_path / "again"), here):
            pass


@pytest.mark.drawn(singly=True)
async def test_after_a_crash_only_the_same_books_may_go_on(tmp_path: Path) -> None:
    async with place() as here:
        one = Host("one", tmp_path)
        with one.surroundings():
            async with running(settings_of(here), one.data) as bot:
                bot.task.cancel()
                await asyncio.gather(bot.task, return_exceptions=True)
        assert not marks(here, GONE)
        assert (await refusal(Host("two", tmp_path), here)).exit_code == Exit.RUNNING
        async with running_on(one, here) as bot:
            assert not (await bot.status())["halted"]


def by_another(purpose: Purpose, number: int) -> PlaceOrder:
    """An order of a liqbot with other books."""
    return PlaceOrder(
        client_order_id.client_id("zzz999", number, purpose), "binance", "BTC", 1, purpose, OrderKind.LIMIT, Side.LONG,
        Decimal("0.01"), reduce_only=False, limit_price=Decimal(str(market.PRICE * 0.9)),
    )  # fmt: skip


@pytest.mark.drawn(singly=True)
async def test_orders_of_another_journal_that_are_over_halt_a_running_bot(tmp_path: Path) -> None:
    async with place() as here, running_on(Host("one", tmp_path), here) as bot:
        order = by_another(Purpose.ENTRY, 1)
        await here.hub.execute(here.account, order)
        await here.hub.execute(here.account, CancelOrder(order.client_id, "binance", "BTC"))
        status = await bot.status_when(lambda now: bool(now["halted"]), "it is seen")
        assert status["halt_code"] == HaltCode.FOREIGN_ORDERS
        assert "zzz999" in status["halted"]


@pytest.mark.drawn(singly=True)
async def test_orders_of_panic_and_of_the_canary_are_nobodys(tmp_path: Path) -> None:
    async with place() as here:
        for name in ("canary", "panicx"):
            order_id = client_order_id.client_id(name, 7, Purpose.EXIT)
            assert client_order_id.journal_of(order_id) == ""
        async with running_on(Host("one", tmp_path), here):
            pass


async def test_a_mark_that_is_refused_is_no_start(tmp_path: Path) -> None:
    async with place() as here:
        await here.hub.transfer(here.account, Decimal(-9_990))
        error = await refusal(Host("one", tmp_path), here)
        assert "refused the order by which we take the account" in str(error)
        assert "network.account_mark = false" in str(error)
        await here.advance()
        assert (here.held_base, here.account.open_orders()) == (0, [])


@pytest.mark.drawn(singly=True)
async def test_a_position_is_managed_though_there_is_no_money_left_for_a_mark(tmp_path: Path) -> None:
    async with place() as here:
        settings = settings_of(here)
        entry = await entry_sent(here, settings, tmp_path)
        await here.hub.execute(here.account, entry)
        await here.advance()
        await here.hub.transfer(here.account, -here.account.available_usd + 1)
        async with running(settings, tmp_path) as bot:
            assert (await bot.position(protected=True))["positions"][0]["protected"]
        assert here.stopped_base == here.held_base > 0
