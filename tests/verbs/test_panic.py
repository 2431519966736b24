"""The verb itself, from its words to the venue: whatever becomes of its latch, it flattens."""

import asyncio
import os
from pathlib import Path

import pytest

from liqbot.cli import main
from liqbot.commands import OrderKind, PlaceOrder, Purpose, SetLeverage
from liqbot.control import protocol
from liqbot.exits import Exit
from liqbot.instruments import Side
from tests.builders.earlier_life import QUANTITY
from tests.builders.loopback_house import SECRET, Place, place
from tests.builders.wrong_answers import SHAPES

PROFILE = """
mode = "demo"
coins = ["BTC"]
venues = ["binance"]
trade_venue = "binance"
[network]
loopback = "{url}"
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


async def panicked(here: Place, folder: Path, data: Path) -> int:
    """`liqbot panic` while the market goes on: its exit code."""
    (folder / "trial.toml").write_text(PROFILE.format(url=here.loop.url), encoding="utf-8")
    words = ["panic", "--profile", "trial", "--config", str(folder), "--data", str(data), "--for", "5m"]
    work = asyncio.create_task(asyncio.to_thread(main, words))
    while not work.done():
        await here.advance()
        await asyncio.sleep(0.1)
    return work.result()


@pytest.fixture(autouse=True)
def _as_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # Loggers keep the stream they first wrote to, and this process outlives the one of this test.
    monkeypatch.setattr("liqbot.verbs.panic.configure", lambda *_: None)
    monkeypatch.setenv("LIQBOT_KEYS__BINANCE__API_KEY", "key")
    monkeypatch.setenv("LIQBOT_KEYS__BINANCE__SECRET", SECRET)


async def test_it_sets_its_latch_and_flattens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with place() as here:
        await holding(here)
        assert await panicked(here, tmp_path, tmp_path / "data") == Exit.OK
        assert here.held_base == 0
    assert protocol.read_latch(tmp_path / "data", protocol.PANIC) == "by hand"
    assert "latch set" in capsys.readouterr().out


async def test_a_wrong_shaped_list_of_contracts_is_asked_for_again(tmp_path: Path) -> None:
    async with place() as here:
        await holding(here)
        here.hub.faults.next("GET /fapi/v1/exchangeInfo", "changed", change=SHAPES["html"])
        assert await panicked(here, tmp_path, tmp_path / "data") == Exit.OK
        assert not here.hub.faults.waiting
        assert here.held_base == 0


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


@pytest.mark.parametrize("trouble", [no_file, full_disk, hanging_disk])
async def test_without_a_latch_it_flattens_all_the_same_and_says_so(
    trouble, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trouble(tmp_path / "data" / protocol.PANIC)
    async with place() as here:
        await holding(here)
        assert await panicked(here, tmp_path, tmp_path / "data") == Exit.FAILED
        assert here.held_base == 0
    if trouble is hanging_disk:
        os.close(os.open(tmp_path / "data" / protocol.PANIC, os.O_RDONLY | os.O_NONBLOCK))  # nobody waits for it now
    said = capsys.readouterr().out
    assert "LATCH NOT SET" in said
    assert "flat: no position" in said
