"""The verb itself, from its words to the venue: whatever becomes of its latch, it flattens."""

import asyncio
import os
from pathlib import Path

import pytest

from liqbot.cli import main
from liqbot.commands import OrderKind, PlaceOrder, Purpose, SetLeverage
from liqbot.control import protocol
from liqbot.control.panic_latch import LatchReport, panic_reason
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from liqbot.live.bot import trade
from liqbot.venues.registry import VENUES as SPECS
from tests.builders.earlier_life import QUANTITY, entry_sent
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import SECRET, Place, access_of, place, running
from tests.builders.venue_keys import key_settings, practice_of, secret_of
from tests.builders.wrong_answers import SHAPES

CONTRACTS = {
    "binance": "GET /fapi/v1/exchangeInfo", "bybit": "GET /v5/market/instruments-info",
    "okx": "GET /api/v5/public/instruments", "bitget": "GET /api/v2/mix/market/contracts",
    "hyperliquid": "POST /info metaAndAssetCtxs",
}  # fmt: skip
everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)
PROFILE = """
mode = "{mode}"
coins = {coins}
venues = ["{venue}"]
trade_venue = "{venue}"
[network]
loopback = "{url}"
request_share = 1000.0
"""


async def holding(here: Place) -> None:
    """A long position that somebody entered."""
    entry = PlaceOrder(
        client_id="byhand1", venue=here.venue, coin="BTC", decision_id=0, purpose=Purpose.ENTRY, kind=OrderKind.MARKET,
        side=Side.LONG, quantity_base=QUANTITY, reduce_only=False,
    )
    here.account.isolated["BTC"] = True
    await here.hub.execute(here.account, SetLeverage(here.venue, "BTC", 3))
    await here.hub.execute(here.account, entry)
    await here.advance()
    assert here.held_base == QUANTITY


async def panicked(here: Place, folder: Path, data: Path, coins: str = '["BTC"]') -> int:
    """`liqbot panic` while the market goes on: its exit code."""
    profile = PROFILE.format(url=here.loop.url, venue=here.venue, mode=practice_of(here.venue), coins=coins)
    (folder / "trial.toml").write_text(profile, encoding="utf-8")
    words = ["panic", "--profile", "trial", "--config", str(folder), "--data", str(data), "--for", "90s"]
    work = asyncio.create_task(asyncio.to_thread(main, words))
    while not work.done():
        await here.advance()
        await asyncio.sleep(0.1)
    return work.result()


@pytest.fixture(autouse=True)
def _as_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # Loggers keep the stream they first wrote to, and this process outlives the one of this test.
    monkeypatch.setattr("liqbot.verbs.panic.configure", lambda *_: None)
    for venue in VENUES_SERVED:
        for name, value in key_settings(venue, secret_of(venue, SECRET)).items():
            monkeypatch.setenv(f"LIQBOT_KEYS__{venue.upper()}__{name.upper()}", value)


async def test_it_sets_its_latch_and_flattens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with place() as here:
        await holding(here)
        assert await panicked(here, tmp_path, tmp_path / "data") == Exit.OK
        assert here.held_base == 0
    assert protocol.read_latch(tmp_path / "data", protocol.PANIC) == "by hand"
    assert "latch set" in capsys.readouterr().out


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("venue", [venue for venue in VENUES_SERVED if SPECS[venue].contracts[0].market_id])
async def test_without_a_list_of_contracts_it_closes_what_is_documented(
    venue: str, shape: str, tmp_path: Path
) -> None:
    async with place(venue) as here:
        await holding(here)
        here.hub.faults.next(CONTRACTS[venue], "changed", times=100, change=SHAPES[shape])
        assert await panicked(here, tmp_path, tmp_path / "data") == Exit.OK
        assert here.hub.faults.suffered
        assert here.held_base == 0


@pytest.mark.drawn(cases=True)
@everywhere
async def test_a_coin_that_is_not_listed_keeps_no_position_in_another_open(
    venue: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with place(venue) as here:
        await holding(here)
        assert await panicked(here, tmp_path, tmp_path / "data", '["DOGE", "BTC"]') == Exit.FAILED
        assert here.held_base == 0
    assert f"LEFT      DOGE: not known: {venue}: " in capsys.readouterr().out


@pytest.mark.drawn(singly=True)
async def test_a_running_bot_without_a_latch_is_told_closes_too_and_does_not_start_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    async with place() as here:
        settings = here.settings()
        entry = await entry_sent(here, settings, data)
        async with running(settings, data) as bot:
            await here.hub.execute(here.account, entry)
            await here.advance()
            await bot.position(protected=True)
            monkeypatch.setattr("liqbot.verbs.panic.set_panic", no_latch)
            assert await panicked(here, tmp_path, data) == Exit.FAILED
            assert here.held_base == 0
            assert (await bot.status())["halted"] == "panic: by hand"
        said = capsys.readouterr().out
        assert "the running bot closes too" in said
        assert "a bot that is started there may enter again" in said
        with pytest.raises(ExpectedError, match="panic: by hand") as refused:
            await trade(settings, data, access_of(settings))
        assert refused.value.exit_code == Exit.HALTED
    assert len(here.orders(Purpose.ENTRY)) == 1


def no_latch(data: Path, *, time_ms: int, why: str) -> LatchReport:
    """As on a disk that takes nothing anywhere."""
    del time_ms, why
    return LatchReport((), (f"{data}: No space left on device",))


def no_file(latch: Path) -> None:
    """Something else is there."""
    latch.mkdir(parents=True)


def full_disk(latch: Path) -> None:
    """It can be opened, and takes nothing."""
    latch.parent.mkdir()
    latch.symlink_to("/dev/full")


def hanging_disk(latch: Path) -> None:
    """It cannot even be opened, and does not say so."""
    latch.parent.mkdir()
    os.mkfifo(latch)


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("second_place", [True, False])
@pytest.mark.parametrize("trouble", [no_file, full_disk, hanging_disk])
async def test_without_a_latch_it_flattens_all_the_same_and_says_so(
    trouble, second_place: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble(tmp_path / "data" / protocol.PANIC)
    run = tmp_path / "run"
    run.mkdir()
    if not second_place:
        (run / "liqbot").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(run))
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    monkeypatch.setattr("os.geteuid", lambda: 4_294_967_294)  # nobody's: no directory of a user is there
    async with place() as here:
        await holding(here)
        assert await panicked(here, tmp_path, tmp_path / "data") == (Exit.OK if second_place else Exit.FAILED)
        assert here.held_base == 0
    if trouble is hanging_disk:
        os.close(os.open(tmp_path / "data" / protocol.PANIC, os.O_RDONLY | os.O_NONBLOCK))  # nobody waits for it now
    said = capsys.readouterr().out
    assert "LATCH NOT SET" in said
    assert ("NO LATCH" in said) is not second_place
    assert "flat: no position" in said
    if trouble is not hanging_disk:
        assert panic_reason(tmp_path / "data")
