"""A start that enters nothing and manages what is open: repeated crashes, a far stop gone."""

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liqbot import hung_calls
from liqbot.commands import Purpose
from liqbot.events import HaltCode
from liqbot.exits import Exit, ExpectedError
from liqbot.live.bot import trade
from liqbot.runtime import crash_count
from liqbot.runtime.crash_count import CRASHES_MAX, WINDOW_MS
from liqbot.runtime.process import wall_ms
from liqbot.settings import Settings
from liqbot.signals.registry import signal_model
from liqbot.verbs.start import _settings as settings_of_a_start
from tests.builders.earlier_life import QUANTITY, entry_sent
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import Place, access_of, place, running
from tests.builders.own_strategies import own_strategy
from tests.builders.patience import PATIENCE_S
from tests.builders.real_bot import PROFILE, profile_of, real_bot

everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)
T0 = 1_800_000_000_000


# --- repeated crashes -------------------------------------------------------------------------------------------------


def test_starts_that_never_ended_are_counted_until_one_ends(tmp_path: Path) -> None:
    assert [crash_count.begun(tmp_path, T0 + number) for number in range(4)] == [0, 1, 2, 3]
    crash_count.ended(tmp_path)
    assert crash_count.begun(tmp_path, T0 + 10) == 0


def test_old_starts_and_those_of_a_clock_that_was_ahead_do_not_count(tmp_path: Path) -> None:
    times_ms = (T0, T0 + WINDOW_MS, T0 + WINDOW_MS + 1, T0 + WINDOW_MS * 9, T0 + WINDOW_MS + 2)
    assert [crash_count.begun(tmp_path, time_ms) for time_ms in times_ms] == [0, 0, 1, 0, 0]


@pytest.mark.parametrize("written", [b"", b"nonsense", b"{}", b'["a", null, 3.5]', b"\xff"])
def test_what_cannot_be_read_counts_as_nothing(written: bytes, tmp_path: Path) -> None:
    (tmp_path / crash_count.NAME).write_bytes(written)
    assert crash_count.begun(tmp_path, T0) == 0
    assert crash_count.begun(tmp_path, T0 + 1) == 1


def crashed(data: Path, times: int) -> None:
    data.mkdir(parents=True, exist_ok=True)
    for _ in range(times):
        crash_count.begun(data, wall_ms())


def starts(data: Path) -> int:
    """How many are noted."""
    return len(json.loads((data / crash_count.NAME).read_bytes()))


@pytest.mark.drawn(singly=True)
async def test_after_repeated_crashes_a_flat_house_runs_and_waits_for_a_person(tmp_path: Path) -> None:
    crashed(tmp_path, CRASHES_MAX)
    async with place() as here:
        async with running(here.settings(), tmp_path) as bot:
            status = await bot.status()
            assert status["halt_code"] == HaltCode.REPEATED_CRASHES
            assert str(CRASHES_MAX) in status["halted"]
            await bot.ask(verb="resume")
            await bot.status_when(lambda now: not now["halted"], "resumed")
        # It ended in order: nothing is counted against the next one.
        async with running(here.settings(), tmp_path) as bot:
            assert not (await bot.status())["halted"]


@pytest.mark.drawn(singly=True)
async def test_fewer_crashes_halt_nothing(tmp_path: Path) -> None:
    crashed(tmp_path, CRASHES_MAX - 1)
    async with place() as here, running(here.settings(), tmp_path) as bot:
        assert not (await bot.status())["halted"]


@pytest.mark.drawn(singly=True)
async def test_a_refused_start_is_no_crash(tmp_path: Path) -> None:
    async with place() as here:
        for _ in range(CRASHES_MAX):
            with pytest.raises(ExpectedError):
                await trade(here.settings(secret="wrong"), tmp_path, access_of(here.settings()), for_s=PATIENCE_S)
        async with running(here.settings(), tmp_path) as bot:
            assert not (await bot.status())["halted"]


@pytest.mark.drawn(singly=True)
async def test_after_repeated_crashes_strategies_of_ones_own_are_left_out_until_it_is_resumed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = own_strategy()
    crashed(tmp_path, CRASHES_MAX)
    async with place() as here:
        settings = here.settings().model_copy(update={"signals": signal_model((mine,))()})
        async with running(settings, tmp_path) as bot:
            assert [(one.name, one.sha256) for one in hung_calls.read(tmp_path)] == [(mine.name, mine.sha256)]
            await bot.ask(verb="resume")
            assert not hung_calls.read(tmp_path)
    said = capsys.readouterr()
    assert "StrategyDisabled" in said.out + said.err


@pytest.mark.drawn(singly=True, dear=True)
async def test_a_process_killed_over_and_over_protects_its_position_and_enters_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with place("okx") as here:
        settings = here.settings()
        entry = await entry_sent(here, settings, data)
        await here.hub.execute(here.account, entry)
        await here.advance()
        crashed(data, CRASHES_MAX - 1)
        async with real_bot(here, tmp_path, data) as bot:
            bot.start()
            await bot.until(lambda: starts(data) == CRASHES_MAX, "its start is noted")
            await bot.until(lambda: here.stopped_base >= QUANTITY, "a stop")
            bot.signal(signal.SIGKILL)
            await asyncio.to_thread(bot.process.wait)  # type: ignore[union-attr]
        async with running(settings, data) as bot_again:
            status = await bot_again.position(protected=True)
            assert status["halt_code"] == HaltCode.REPEATED_CRASHES
            assert here.stopped_base >= QUANTITY
            assert len(here.orders(Purpose.ENTRY)) == 1


# --- the stop canary --------------------------------------------------------------------------------------------------


def with_canary(settings: Settings) -> Settings:
    return settings.model_copy(update={"network": settings.network.model_copy(update={"stop_canary": True})})


STOPS = {
    "binance": "POST /fapi/v1/algoOrder", "bybit": "POST /v5/order/create", "okx": "POST /api/v5/trade/order-algo",
    "bitget": "POST /api/v2/mix/order/place-tpsl-order",
    "hyperliquid": "POST /exchange order",
}  # fmt: skip


@pytest.mark.drawn(singly=True)
@everywhere
async def test_a_far_stop_is_tried_before_the_market_begins(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        here.account.isolated["BTC"] = True
        async with running(with_canary(here.settings()), tmp_path) as bot:
            await bot.until(lambda: here.asked(STOPS[venue]) == 1, "a far stop")
            status = await bot.status_when(lambda now: now["feeds"][venue]["messages"] > 0, "the market is read")
            assert not status["halted"]
            assert not here.account.open_orders("BTC")
            assert here.hub.unknown == []


async def tried_with(here: Place, data: Path, order: Callable[[], Any]) -> dict[str, Any]:
    order()
    async with running(with_canary(here.settings()), data) as bot:
        return await bot.status_when(lambda now: now["halt_code"] == HaltCode.STOP_CANARY, "halted by the canary")


@pytest.mark.drawn(singly=True)
async def test_a_far_stop_that_the_venue_does_not_take_forbids_entries(tmp_path: Path) -> None:
    async with place() as here:
        here.account.isolated["BTC"] = True
        status = await tried_with(
            here, tmp_path, lambda: here.hub.faults.next(STOPS["binance"], "http_5xx", 503, times=100)
        )
        assert "BTC" in status["halted"]
        here.hub.faults.clear()
        # A person looks, and the next start tries again; the halt lasts until somebody has lifted it.
        async with running(here.settings(), tmp_path) as bot:
            assert (await bot.status())["halt_code"] == HaltCode.STOP_CANARY


# --- a profile that cannot be read ------------------------------------------------------------------------------------


UNREADABLE = {
    "no TOML": "mode = [",
    "an unknown name": "[risk]\nleverage_maximum = 3\n",
    "a value out of range": "[risk]\nleverage_max = 50\n",
    "not UTF-8": "\udcff",
}


def written(folder: Path, text: str) -> None:
    (folder / f"{PROFILE}.toml").write_bytes(text.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
async def test_flat_an_unreadable_profile_refuses_the_start(text: str, tmp_path: Path) -> None:
    written(tmp_path, text)
    async with place() as here, running(here.settings(), tmp_path / "data"):
        pass
    with pytest.raises(ExpectedError) as refused:
        settings_of_a_start(PROFILE, tmp_path, (), tmp_path / "data")
    assert refused.value.exit_code == Exit.CONFIG


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
async def test_with_a_position_an_unreadable_profile_gives_way_to_the_journals(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIQBOT_KEYS__BINANCE__API_KEY", "of the environment")
    monkeypatch.setenv("LIQBOT_NO_SUCH_SETTING", "1")
    written(tmp_path, text)
    async with place() as here:
        settings = here.settings(risk={"leverage_max": 2})
        await entry_sent(here, settings, tmp_path / "data")
    found, halts = settings_of_a_start(PROFILE, tmp_path, (), tmp_path / "data")
    assert (found.risk.leverage_max, found.network, found.trade_venue) == (2, settings.network, "binance")
    key = found.keys["binance"].api_key
    assert key is not None
    assert key.get_secret_value() == "of the environment"
    assert list(halts) == [HaltCode.RECORDED_CONFIGURATION]


OTHERS = {"coins": "BTC, ETH", "venues": "binance, okx"}


def of_others(here: Place, name: str) -> str:
    """A profile that names these."""
    before = f'{name} = ["{OTHERS[name].partition(",")[0]}"]'
    profile = profile_of(here, {})
    assert before in profile
    return profile.replace(before, f"{name} = {OTHERS[name].split(', ')}")


@pytest.mark.parametrize("name", OTHERS)
async def test_with_a_position_a_profile_of_other_coins_or_venues_gives_way_to_the_journals(
    name: str, tmp_path: Path
) -> None:
    async with place() as here:
        await entry_sent(here, here.settings(), tmp_path / "data")
        written(tmp_path, of_others(here, name))
    found, halts = settings_of_a_start(PROFILE, tmp_path, (), tmp_path / "data")
    assert (found.coins, found.venues) == (("BTC",), ("binance",))
    said = halts[HaltCode.RECORDED_CONFIGURATION]
    assert said.startswith(f"the profile names {name} {OTHERS[name]}, the journal is of {found.model_dump()[name][0]},")


@pytest.mark.parametrize("name", OTHERS)
async def test_flat_a_profile_of_other_coins_or_venues_is_taken_as_it_is(name: str, tmp_path: Path) -> None:
    async with place() as here, running(here.settings(), tmp_path / "data"):
        written(tmp_path, of_others(here, name))
    found, halts = settings_of_a_start(PROFILE, tmp_path, (), tmp_path / "data")
    assert ", ".join(getattr(found, name)) == OTHERS[name]
    assert not halts


@pytest.mark.drawn(singly=True, dear=True)
async def test_with_a_position_and_an_unreadable_profile_the_bot_protects_and_enters_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with place("bybit") as here:
        entry = await entry_sent(here, here.settings(), data)
        await here.hub.execute(here.account, entry)
        await here.advance()
        async with real_bot(here, tmp_path, data) as bot:
            written(tmp_path, UNREADABLE["an unknown name"])
            bot.start()
            await bot.until(lambda: here.stopped_base >= QUANTITY, "a stop")
            status = await bot.status()
            assert status["halt_code"] == HaltCode.RECORDED_CONFIGURATION
            assert "leverage_maximum" in status["halted"]
            assert "leverage_maximum" in bot.log
