"""The live page as people see it: in a real browser, light, dark and on a phone, of a running session and of books."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from browser import Tab, binary, browser_tab
from ledger_story import story

from liqbot import places
from liqbot.control import protocol
from liqbot.exits import ExpectedError
from liqbot.ledger import LedgerWriter, Observation, WriteLimits
from liqbot.risk.decision import Refused
from tests.builders.patience import until_elsewhere

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(binary() is None, reason="no chromium here: apt-get install chromium"),
]
LIQBOT = (sys.executable, "-c", "import sys; from liqbot.cli import main; sys.exit(main())")
PAST = ("--set", "paper.world.backfill_days=0.2", "--set", "paper.world.burn_in_days=0.1")
LOOKS = {"light": (1400, 900), "dark": (1400, 900), "tablet": (800, 1100), "phone": (390, 844)}
HOSTILE = "<img src=x onerror=alert(1)> \u202etxt\x07"
TOO_WIDE = """
    [...document.querySelectorAll('body *')]
        .filter((one) => !one.closest('.wide, dialog, .uplot') && one.getBoundingClientRect().right > innerWidth + 1)
        .map((one) => one.tagName + '#' + one.id + '.' + one.className)
"""
FULL = "document.querySelectorAll('#tiles div').length > 1 && document.querySelector('#decisions tr.pick') !== null"
INK = """
    [...document.querySelectorAll('.chart canvas')]
        .map((one) => new Set(one.getContext('2d').getImageData(0, 0, one.width, one.height).data).size)
"""
"""How many shades each chart has."""


@contextlib.contextmanager
def process(*words: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([*LIQBOT, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=os.environ | {"PYTHONUNBUFFERED": "1"}) as running:  # fmt: skip
        try:
            yield running
        finally:
            running.kill()


@contextlib.contextmanager
def page_of(data: Path) -> Iterator[str]:
    """Its address."""
    with process("page", "--port", "0", "--json", "--data", str(data)) as running:
        assert running.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            line = running.stdout.readline()
            assert line, running.communicate()
            text += line
        yield json.loads(text)["url"]


@contextlib.asynccontextmanager
async def opened(data: Path, folder: Path) -> AsyncIterator[tuple[Tab, str]]:
    with page_of(data) as url:
        async with browser_tab(folder) as tab:
            yield tab, url
            assert [one for one in tab.complaints if "/api/" not in one] == []
            assert [one for one in tab.requested if not one.startswith((url, "about:"))] == []


async def fits(tab: Tab) -> None:
    assert await tab.value("document.documentElement.scrollWidth <= innerWidth")
    assert await tab.value(TOO_WIDE) == []
    text = await tab.value("document.body.innerText")
    for word in ("estimate", "USD", "UTC", "No promise of profit", "%"):
        assert word in text


def has_run(data: Path, up_s: int) -> bool:
    with contextlib.suppress(ExpectedError):
        status = protocol.request(data, {"verb": "status"})
        return bool(status["coins"]) and status["coins"][0]["live_venues"] > 0 and status["up_s"] >= up_s
    return False


async def test_a_running_session_is_seen_in_every_light_and_size(tmp_path: Path) -> None:
    data = tmp_path / "state"
    with process("paper", "--for", "30m", "--speed", "20", "--data", str(data), *PAST) as session:
        await asyncio.to_thread(until_elsewhere, lambda: session.poll() is not None or has_run(data, 5), "a session")
        assert session.poll() is None, session.communicate()
        async with opened(data, tmp_path) as (tab, url):
            for look, (width, height) in LOOKS.items():
                await tab.look(width, height, dark=look == "dark", phone=look == "phone")
                await tab.open(url)
                await tab.until("document.querySelector('#leverages button') !== null")
                await tab.until("document.querySelectorAll('#tiles div').length > 3")
                assert "simulated" in await tab.value("document.getElementById('mode').textContent")
                await tab.until("document.getElementById('map-when').textContent.startsWith('BTC as of')")
                await fits(tab)
                background = await tab.value("getComputedStyle(document.body).backgroundColor")
                assert (sum(map(int, background[4:-1].split(","))) < 120) is (look == "dark")
                await tab.shot(tmp_path / f"{look}.png")
            before = await tab.value("document.getElementById('map-key').textContent")
            await tab.value("(e => { e.value = 'by_venue'; e.dispatchEvent(new Event('change')); })("
                            "document.getElementById('stack'))")
            await tab.until(f"document.getElementById('map-key').textContent !== {before!r}")
            assert "binance" in await tab.value("document.getElementById('map-key').textContent")
            await tab.value("document.querySelector('#leverages button').click()")
            await tab.until("document.getElementById('map-when').textContent.includes('a part of it')")
            session.kill()
            await tab.until("document.body.classList.contains('stale')")
            assert "no bot is running here" in await tab.value("document.getElementById('age').textContent")


def hostile_story() -> Iterator[Observation]:
    """With a reason that would be markup, an escape and a turn of the writing's direction."""
    for one in story():
        decisions = tuple(
            msgspec.structs.replace(said, reason=HOSTILE) if isinstance(said, Refused) else said
            for said in one.decisions
        )
        yield msgspec.structs.replace(one, decisions=decisions)


async def test_books_without_a_bot_are_marked_replayed_and_explained_and_their_texts_stay_text(tmp_path: Path) -> None:
    data = tmp_path / "state"
    data.mkdir()
    with LedgerWriter(f"sqlite:///{places.ledger_path(data)}", "abc123", WriteLimits(map_every_ms=1_000)) as ledger:
        for observation in hostile_story():
            ledger.observe(observation)
    async with opened(data, tmp_path) as (tab, url):
        for look, (width, height) in LOOKS.items():
            await tab.look(width, height, dark=look == "dark", phone=look == "phone")
            await tab.open(url)
            await tab.until(FULL)
            await tab.until("document.body.classList.contains('ended')")
            await tab.until("document.getElementById('age').textContent.includes('what the books say, up to')")
            await fits(tab)
            await tab.until(f"Math.min(...{INK}) > 10")
            await tab.shot(tmp_path / f"books-{look}.png")
        await tab.value("(e => { e.value = 2; e.dispatchEvent(new Event('input')); })("
                        "document.getElementById('slider'))")
        await tab.until("document.getElementById('map-when').textContent.startsWith('REPLAY')")
        await tab.value("document.getElementById('live').click()")
        await tab.until("document.getElementById('map-when').textContent.startsWith('BTC as of')")
        shown = await tab.value("document.getElementById('decisions').textContent")
        assert "<img src=x onerror=alert(1)> \\u202etxt\\u0007" in shown
        assert await tab.value("document.querySelectorAll('main img').length") == 0
        await tab.value("document.querySelector('#trades tr.pick').click()")
        await tab.until("document.getElementById('explain-text').textContent.includes('cluster above')")
        await tab.value("document.querySelector('#explain button').click()")
        assert Decimal(await tab.value("document.querySelector('#trades td.n').textContent")) == Decimal("-843.68")


async def test_a_server_that_is_gone_is_said(tmp_path: Path) -> None:
    data = tmp_path / "state"
    data.mkdir()
    with LedgerWriter(f"sqlite:///{places.ledger_path(data)}", "abc123") as ledger:
        for observation in story():
            ledger.observe(observation)
    async with browser_tab(tmp_path) as tab:
        with page_of(data) as url:
            await tab.open(url)
            await tab.until(FULL)
        await tab.until("document.getElementById('age').textContent.includes('server does not answer')")
        assert await tab.value("document.body.classList.contains('stale')")
