"""Who may start, and what a start refuses: each with its exit code and one clear line."""

import asyncio
import time
from pathlib import Path

import pytest

from liqbot.control import protocol
from liqbot.events import HaltCode
from liqbot.exits import Exit, ExpectedError
from liqbot.live.bot import trade
from liqbot.live.credentials import public_clients, require_latches, trading_client
from liqbot.settings import Settings
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import SECRET, access_of, files_with, place, running, settings_for
from tests.builders.patience import PATIENCE_S, patiently
from tests.builders.venue_keys import practice_of, rights_mode_of, secret_of

NOBODY = "http://127.0.0.1:9"
everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)


def test_live_needs_both_latches() -> None:
    live, demo = settings_for("binance", "", mode="live"), settings_for("binance", "", mode="demo")
    assert require_latches(live, "live", live=True) == "live"
    assert require_latches(demo, "demo", live=False) == "demo"
    for settings, flag in ((live, False), (demo, True), (settings_for("binance", "", mode="paper"), False)):
        with pytest.raises(ExpectedError) as refused:
            require_latches(settings, "some", live=flag)
        assert refused.value.exit_code == Exit.CONFIG


def test_live_never_talks_to_a_simulated_exchange() -> None:
    with pytest.raises(ExpectedError, match="simulated exchange"):
        require_latches(settings_for("binance", NOBODY, mode="live"), "live", live=True)


def test_a_venue_without_that_test_access_is_refused_with_what_it_has() -> None:
    with pytest.raises(ExpectedError, match="binance offers no testnet access; it has live, demo"):
        trading_client(settings_for("binance", "", mode="testnet"), "testnet")


def test_a_venue_that_gives_data_only_is_refused() -> None:
    with pytest.raises(ExpectedError, match=r"cme takes no orders .*; possible with binance, "):
        trading_client(settings_for("cme", ""), "demo")


async def test_every_client_asks_for_its_share_of_what_the_venue_allows() -> None:
    settings = settings_for("binance", "")
    settings = settings.model_copy(update={"network": settings.network.model_copy(update={"request_share": 1e-3})})
    turns = [
        asyncio.create_task(client._limiter.acquire("normal", weight))
        for client in (trading_client(settings, "demo"), public_clients(settings)["binance"]) for weight in (10, 1_000)
    ]
    await asyncio.wait(turns, timeout=1.2)  # a whole budget would be there again after a second, or ten
    assert [turn.done() for turn in turns] == [True, False, True, False]
    for turn in turns:
        turn.cancel()


def test_a_missing_key_is_named_by_its_variable() -> None:
    settings = settings_for("okx", "").model_copy(update={"keys": {}})
    with pytest.raises(ExpectedError, match="LIQBOT_KEYS__OKX__PASSWORD") as refused:
        trading_client(settings, "demo")
    assert refused.value.exit_code == Exit.CONFIG


async def refusal(settings: Settings, data: Path) -> ExpectedError:
    with pytest.raises(ExpectedError) as refused:
        await trade(settings, data, access_of(settings), for_s=PATIENCE_S)
    assert "\n" not in str(refused.value)
    return refused.value


async def test_an_unreachable_venue_ends_the_start_in_one_line(tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):  # far beyond what any retry may take: it must end by itself
        error = await refusal(settings_for("binance", NOBODY), tmp_path)
    assert error.exit_code == Exit.UNREACHABLE
    assert "binance" in str(error)


@pytest.mark.parametrize("venue", ["bitget", "bybit", "okx"])
async def test_a_key_that_may_withdraw_is_refused(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        here.account.may_withdraw = True
        error = await refusal(here.settings(mode=rights_mode_of(venue)), tmp_path)
        assert error.exit_code == Exit.CONFIG
        assert "withdraw" in str(error)


@everywhere
async def test_a_wrong_secret_is_a_matter_of_configuration(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        error = await refusal(here.settings(secret="wrong"), tmp_path)
        assert error.exit_code == Exit.CONFIG
        assert venue in str(error)


@everywhere
async def test_a_skewed_clock_is_named(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        here.hub.skew_ms = 90_000
        error = await refusal(here.settings(), tmp_path)
        assert "clock" in str(error)
        assert error.exit_code == Exit.CONFIG


@pytest.mark.drawn(singly=True)
async def test_a_second_instance_is_refused_on_the_same_books_and_on_the_same_account(tmp_path: Path) -> None:
    async with place() as here, running(here.settings(), tmp_path / "one"):
        assert (await refusal(here.settings(), tmp_path / "one")).exit_code == Exit.RUNNING
        error = await refusal(here.settings(), tmp_path / "two")
        assert error.exit_code == Exit.RUNNING
        assert "account" in str(error)


@pytest.mark.drawn(singly=True)
async def test_books_of_another_mode_are_refused(tmp_path: Path) -> None:
    async with place("bybit") as here:
        async with running(here.settings(), tmp_path):
            pass
        error = await refusal(here.settings(mode="testnet"), tmp_path)
        assert error.exit_code == Exit.CONFIG


@pytest.mark.drawn(singly=True)
@everywhere
async def test_status_pause_resume_and_an_orderly_end(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        async with running(here.settings(), tmp_path) as bot:
            status = await bot.status()
            assert (status["mode"], status["trade_venue"], status["positions"]) == (practice_of(venue), venue, [])
            await bot.ask(verb="pause", why="lunch")
            paused = await bot.status_when(lambda now: bool(now["halted"]), "paused")
            assert (paused["halted"], paused["halt_code"]) == ("paused: lunch", HaltCode.OPERATOR_PAUSE)
            await bot.ask(verb="resume")
            await bot.status_when(lambda now: not now["halted"] and not now["halt_code"], "resumed")
            until_ms = int(time.time() * 1000) + 3_600_000
            await bot.ask(verb="bias", coin="BTC", side="long", until_ms=until_ms, why="x")
            async with asyncio.timeout(PATIENCE_S):
                while not (biases := (await bot.ask(verb="biases"))["biases"]):  # noqa: ASYNC110 -- another task
                    await asyncio.sleep(0.02)
            assert [one["side"] for one in biases] == ["long"]
            with pytest.raises(ExpectedError, match="coin"):
                await bot.ask(verb="bias", coin="DOGE", side="long", until_ms=10**14, why="x")
            assert (await bot.ask(verb="stop", flatten=True))["stopping"]
            assert await patiently(bot.task) == Exit.OK
        assert here.hub.unknown == []


@pytest.mark.drawn(singly=True)
async def test_a_pause_lasts_over_a_restart_and_a_stop_flat_does_not_halt(tmp_path: Path) -> None:
    async with place() as here:
        async with running(here.settings(), tmp_path) as bot:
            await bot.ask(verb="pause", why="night")
            await bot.status_when(lambda now: bool(now["halted"]), "paused")
        async with running(here.settings(), tmp_path) as bot:
            assert (await bot.status())["halted"] == "paused: night"
            await bot.ask(verb="resume")
            await bot.ask(verb="stop", flatten=True)
            await patiently(bot.task)
        async with running(here.settings(), tmp_path) as bot:
            assert (await bot.status())["halted"] == ""


@pytest.mark.drawn(singly=True)
async def test_a_panic_latch_refuses_the_next_start_until_it_is_lifted(tmp_path: Path) -> None:
    async with place() as here:
        protocol.write_latch(tmp_path, protocol.PANIC, time_ms=1, why="fire")
        error = await refusal(here.settings(), tmp_path)
        assert error.exit_code == Exit.HALTED
        assert "fire" in str(error)
        protocol.drop_latch(tmp_path, protocol.PANIC)
        protocol.write_latch(tmp_path, protocol.RESUME, time_ms=2, why="out")
        async with running(here.settings(), tmp_path) as bot:
            assert (await bot.status())["halted"] == ""


async def test_a_panic_latch_set_while_it_runs_is_honoured(tmp_path: Path) -> None:
    async with place() as here, running(here.settings(), tmp_path) as bot:
        protocol.write_latch(tmp_path, protocol.PANIC, time_ms=1, why="fire")
        status = await bot.status_when(lambda now: now["flattening"], "the latch is honoured")
        assert "fire" in status["halted"]
        assert status["halt_code"] == HaltCode.PANIC
        await bot.ask(verb="resume")
        assert not protocol.read_latch(tmp_path, protocol.PANIC)


async def test_a_dry_run_writes_nothing_at_the_venue_and_keeps_its_own_books(tmp_path: Path) -> None:
    async with place() as here:
        async with asyncio.timeout(PATIENCE_S):
            await trade(here.settings(), tmp_path, "demo", dry_run=True, for_s=2)
        assert here.sent("order", "Order", "leverage", "marginType", "positionSide") == []
        assert (tmp_path / "dry" / "journal.sqlite").exists()
        assert not (tmp_path / "journal.sqlite").exists()


@pytest.mark.drawn(singly=True)
@everywhere
async def test_secrets_are_nowhere_but_in_memory(
    venue: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with place(venue) as here:
        async with running(here.settings(), tmp_path):
            here.hub.faults.next("*", "http_429", times=3)
            await asyncio.sleep(0.5)
        secret = secret_of(venue, SECRET)
        await refusal(here.settings(secret=secret + "x"), tmp_path / "other")
        written = capfd.readouterr()
        assert secret not in written.out + written.err
        assert secret.removeprefix("0x") not in written.out + written.err
        assert not files_with(secret.removeprefix("0x"), tmp_path)
        assert files_with(practice_of(venue), tmp_path), "the search finds what is there"
