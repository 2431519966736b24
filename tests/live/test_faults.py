"""The running bot among faults of its surroundings: wrong answers, a signal at a bad moment, a journal that hangs."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from liqbot import places
from liqbot.cli import main
from liqbot.commands import PlaceOrder, Purpose
from liqbot.control import protocol
from liqbot.exits import Exit, ExpectedError
from liqbot.journal.errors import JournalStuckError
from liqbot.live.bot import trade
from liqbot.review.ledger_reader import Ledger
from liqbot.settings import Settings
from tests.builders.earlier_life import QUANTITY, entry_sent, held_by_another
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import EXPECTANT, Place, Running, access_of, place, running
from tests.builders.patience import PATIENCE_S, patiently
from tests.builders.venue_keys import rights_mode_of
from tests.builders.wrong_answers import RESTING, SHAPES, STATUSES, by_hand, require_running, with_status

READING = {
    "binance": ("GET /fapi/v3/positionRisk", "html"),
    "bybit": ("GET /v5/order/realtime", "null"),
    "hyperliquid": ("POST /info clearinghouseState", "null"),
    "okx": ("GET /api/v5/account/balance", "cut"),
    "bitget": ("GET /api/v2/mix/order/orders-pending", "null"),
}
RIGHTS = {
    "binance": "GET /fapi/v3/balance", "bybit": "GET /v5/user/query-api", "okx": "GET /api/v5/account/config",
    "bitget": "GET /api/v2/spot/account/info",
    "hyperliquid": "POST /info userRole",
}  # fmt: skip
everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)


class Naked(Exception):
    """A position of ours is open at the venue, and no stop covers it."""


class HeldBack(Exception):
    """What reduces risk did not leave."""


def impatient(settings: Settings) -> Settings:
    """Reads its account all the time: oftener than a configuration may say, so that books of it are not read again."""
    network = settings.network.model_copy(update={"reconcile_s": 0.2})
    return settings.model_copy(update={"network": network})


def settings_of(here: Place, *, stuck_after_ms: int = 600_000) -> Settings:
    """With a journal that is not given up within a test."""
    return here.settings(journal={"stuck_after_ms": stuck_after_ms}, execution=EXPECTANT)


# --- answers ----------------------------------------------------------------------------------------------------------


async def suffered(here: Place, bot: Running, endpoint: str) -> None:
    """Until the answer has come and the question has been asked again."""
    await bot.until(lambda: not here.hub.faults.waiting, f"{endpoint} is asked")
    asked = here.asked(endpoint)
    await bot.until(lambda: here.asked(endpoint) > asked, f"{endpoint} is asked again")


@pytest.mark.drawn(cases=True)
@everywhere
async def test_a_wrong_shaped_answer_is_survived(venue: str, tmp_path: Path) -> None:
    endpoint, shape = READING[venue]
    async with place(venue) as here, running(impatient(here.settings()), tmp_path) as bot:
        here.hub.faults.next(endpoint, "changed", change=SHAPES[shape])
        await suffered(here, bot, endpoint)


@pytest.mark.drawn(cases=True)
@everywhere
async def test_a_wrong_shaped_answer_at_the_start_is_no_traceback(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        settings = here.settings(mode=rights_mode_of(venue))
        here.hub.faults.next(RIGHTS[venue], "changed", change=SHAPES["html"])
        task = asyncio.create_task(trade(settings, tmp_path, access_of(settings), for_s=0.1))
        await asyncio.wait((task,), timeout=PATIENCE_S)
        assert not here.hub.faults.waiting
        # Refused in one line, or asked again.
        if not isinstance(task.exception(), ExpectedError | None):
            require_running(task)


@pytest.mark.drawn(singly=True)
async def test_an_order_of_somebody_else_in_an_unknown_state_is_survived(tmp_path: Path) -> None:
    endpoint = RESTING["bybit"]
    async with place("bybit") as here, running(impatient(here.settings()), tmp_path) as bot:
        await here.hub.execute(here.account, by_hand("bybit"))
        here.hub.faults.next(endpoint, "changed", change=with_status(*STATUSES["bybit"]))
        await suffered(here, bot, endpoint)


@pytest.mark.drawn(singly=True)
async def test_our_stop_in_an_unknown_state_is_survived(tmp_path: Path) -> None:
    async with place() as here:
        settings = settings_of(here)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            here.hub.faults.next("GET /fapi/v1/algoOrder", "changed", change=with_status(*STATUSES["binance"]))
            await filled(here, entry)
            await bot.until(lambda: not here.hub.faults.waiting, "the stop is read back")
            await bot.position(protected=True)


# --- a signal at a bad moment -----------------------------------------------------------------------------------------


async def filled(here: Place, entry: PlaceOrder) -> None:
    """The request for the entry arrives, and is carried out."""
    here.catch_up()
    await here.advance()
    await here.hub.execute(here.account, entry)
    await here.advance()
    assert here.held_base == QUANTITY


def require_protected(here: Place) -> None:
    if abs(here.held_base) > here.stopped_base:
        raise Naked(f"{here.held_base} held, {here.stopped_base} under stops")


@pytest.mark.drawn(singly=True)
@pytest.mark.usefixtures("unhurried_end")
async def test_a_signal_between_fill_and_stop_leaves_no_naked_position(tmp_path: Path) -> None:
    async with place() as here:
        settings = settings_of(here)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            # The feeds, the control socket among them, end when the bot has done with waiting for answers.
            with held_by_another(tmp_path, until_gone=protocol.socket_path(tmp_path)):
                await filled(here, entry)
                await bot.position()
                os.kill(os.getpid(), signal.SIGTERM)
                await patiently(bot.task)
        assert here.hub.unknown == []
        require_protected(here)


@pytest.mark.drawn(singly=True)
async def test_a_signal_after_the_stop_was_sent_leaves_it_there(tmp_path: Path) -> None:
    async with place() as here:
        settings = settings_of(here)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            await filled(here, entry)
            await bot.position(protected=True)
            os.kill(os.getpid(), signal.SIGTERM)
            await patiently(bot.task)
        assert here.held_base == QUANTITY
        require_protected(here)


# --- a journal that does not answer -----------------------------------------------------------------------------------


async def ordered_to_close(here: Place, bot: Running) -> bool:
    """Whether the exit reaches the venue."""
    await bot.ask(verb="close", wait_s=0)
    try:
        await bot.until(lambda: bool(here.orders(Purpose.EXIT)), "an exit")
    except TimeoutError:
        return False
    return True


async def flat(here: Place) -> None:
    """The market goes on until nothing is held."""
    async with asyncio.timeout(PATIENCE_S):
        while here.held_base:
            await here.advance()
            await asyncio.sleep(0.05)


@pytest.mark.drawn(singly=True)
async def test_an_exit_leaves_while_the_journal_hangs(tmp_path: Path) -> None:
    async with place() as here:
        settings = settings_of(here)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            await filled(here, entry)
            await bot.position(protected=True)
            with held_by_another(tmp_path):
                left = await ordered_to_close(here, bot)
            await flat(here)
        if not left:
            raise HeldBack("no exit, though a reduction waits a second for a book and no longer")


@pytest.mark.drawn(singly=True)
async def test_an_exit_leaves_once_the_journal_says_that_it_is_stuck(tmp_path: Path) -> None:
    async with place() as here:
        settings = settings_of(here, stuck_after_ms=1_000)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            await filled(here, entry)
            await bot.position(protected=True)
            with held_by_another(tmp_path):
                await bot.status_when(lambda now: now["journal_trouble"], "it says so")
                assert await ordered_to_close(here, bot)
            await flat(here)


@pytest.mark.drawn(singly=True)
async def test_an_exit_leaves_while_another_program_has_the_ledger_locked(tmp_path: Path) -> None:
    async with place() as here:
        settings = settings_of(here)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            await filled(here, entry)
            with held_by_another(tmp_path, book=places.ledger_path):
                await bot.position(protected=True)
                assert await ordered_to_close(here, bot)
                await bot.status_when(lambda status: "ledger" in status["observers"]["trouble"], "it says so")
                await flat(here)
        with Ledger(str(places.ledger_path(tmp_path))) as ledger:
            (trade,) = ledger.rows("SELECT status, naked_ms FROM v_trades")
    assert trade["status"] == "closed", "nothing is missing once the lock is gone"
    assert 0 <= trade["naked_ms"] < settings.execution.unprotected_ms_max


@pytest.mark.drawn(singly=True)
async def test_a_journal_that_is_deleted_is_missed_within_seconds_and_protection_goes_on(tmp_path: Path) -> None:
    async with place() as here:
        settings = settings_of(here)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            await filled(here, entry)
            await bot.position(protected=True)
            places.journal_path(tmp_path).unlink()
            status = await bot.status_when(lambda status: status["journal_trouble"], "it is missed")
            assert "was deleted" in status["journal_trouble"]
            assert await ordered_to_close(here, bot)
            await flat(here)
            await bot.ask(verb="stop")
            with pytest.raises(JournalStuckError, match="was deleted"):
                await bot.task


@pytest.mark.drawn(singly=True)
async def test_time_without_a_stop_is_measured_and_shown(tmp_path: Path) -> None:
    async with place() as here:
        settings = settings_of(here)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            await filled(here, entry)
            await bot.position(protected=True)
            assert (await bot.status())["naked"]["now_ms"] == 0
            assert await ordered_to_close(here, bot)
            await flat(here)
            found = await bot.status_when(lambda status: status["naked"]["positions"] == 1, "it is counted")
    naked = found["naked"]
    # The exchange's own time may stand still between the fill and the stop.
    assert 0 <= naked["last_ms"] == naked["max_ms"] == naked["p99_ms"] < naked["limit_ms"]
    assert naked["limit_ms"] == settings.execution.unprotected_ms_max


# --- words that are no text -------------------------------------------------------------------------------------------


NO_TEXT = os.fsdecode(b"caf\xe9")
"""As the command line hands on a byte that is not UTF-8."""


@pytest.mark.drawn(singly=True)
async def test_a_reason_that_is_no_text_is_written_down_and_lasts_over_a_restart(tmp_path: Path) -> None:
    async with place() as here:
        async with running(here.settings(), tmp_path) as bot:
            assert await asyncio.to_thread(main, ["pause", "--data", str(tmp_path), "--why", NO_TEXT]) == Exit.OK
            halted = (await bot.status_when(lambda now: now["halted"], "paused"))["halted"]
        # An end in order: the journal's writer still writes.
        assert bot.task.result() == Exit.OK
        async with running(here.settings(), tmp_path) as bot:
            assert (await bot.status())["halted"] == halted == "paused: caf\\udce9"


async def test_a_panic_with_a_reason_that_is_no_text_refuses_the_next_start_in_one_line(tmp_path: Path) -> None:
    protocol.write_latch(tmp_path, protocol.PANIC, time_ms=1, why=NO_TEXT)
    async with place() as here:
        settings = here.settings()
        with pytest.raises(ExpectedError, match="panic: caf") as refused:
            await trade(settings, tmp_path, access_of(settings))
    assert refused.value.exit_code == Exit.HALTED
