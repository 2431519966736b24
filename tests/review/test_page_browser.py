"""The live page as people see it: in a real browser, light, dark and on a phone, of a running session and of books."""

import asyncio
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestServer
from browser import Tab, binary, browser_tab
from ledger_story import story
from market_views import MARK, NOW_MS, a_map

from liqbot import places
from liqbot.control import protocol
from liqbot.exits import ExpectedError
from liqbot.ledger import LedgerWriter, Observation, WriteLimits
from liqbot.market.record import RECORD_VERSION, bins_of
from liqbot.review.sources import MapQuery
from liqbot.review.web.answers import WatchedHouse
from liqbot.review.web.server import page_app
from liqbot.risk.decision import Refused
from liqbot.venues.registry import VENUES
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
SAID_OF_MAP = "document.getElementById('map-when').textContent"
LEVERAGES = ("3", "5", "10", "20", "25", "50", "75", "100", "125")
CHIPS = """
    [...document.querySelectorAll('#leverages button, #venues button, fieldset legend')].map((one) => {
        const box = one.getBoundingClientRect();
        return [one.textContent, box.left, box.top, box.right, box.bottom];
    })
"""


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
            await replays_a_part(tab)
            session.kill()
            await tab.until("document.body.classList.contains('stale')")
            await tab.until("document.getElementById('age').textContent.includes('no bot is running here')")


async def replays_a_part(tab: Tab) -> None:
    """The books keep whole maps; what is chosen of them is folded from the journal."""
    await tab.until("Number(document.getElementById('slider').max) > 0")
    await tab.value("(e => { e.value = Number(e.max) - 1; e.dispatchEvent(new Event('input')); })("
                    "document.getElementById('slider'))")
    await tab.until(f"{SAID_OF_MAP}.startsWith('REPLAY') && {SAID_OF_MAP}.includes('a part of it')")
    await tab.value("document.querySelector('#leverages button[aria-pressed=true]').click()")
    await tab.until(f"{SAID_OF_MAP}.startsWith('REPLAY') && !{SAID_OF_MAP}.includes('a part of it')")
    await tab.value("document.getElementById('live').click()")
    await tab.until(f"{SAID_OF_MAP}.startsWith('BTC as of')")


async def shows_two_coins(tab: Tab, folder: Path) -> None:
    """One below the other, with a map and a heatmap each; the last one that is chosen stays."""
    press = "[...document.querySelectorAll('#coins button')].find((one) => one.textContent === '{}').click()"
    await tab.value(press.format("ETH"))
    await tab.until("document.querySelector('#also-maps .when')?.textContent.startsWith('ETH as of') ?? false")
    await tab.until(f"{INK}.length === 4 && Math.min(...{INK}) > 10")
    await fits(tab)
    await tab.shot(folder / "two-coins.png")
    await tab.value(press.format("BTC"))
    await tab.until(f"{SAID_OF_MAP}.startsWith('ETH as of') && document.querySelector('#also-maps .also') === null")
    await tab.value(press.format("ETH"))
    assert await tab.value("document.querySelectorAll('#coins button[aria-pressed=true]').length") == 1


class ManyVenues(WatchedHouse):
    """Its map is split by as many venues as are read."""

    def newest_map(self, query: MapQuery) -> dict[str, Any]:
        drawn = a_map(3e6, 2e6)
        bins = bins_of(drawn)
        return {
            "version": RECORD_VERSION, "coin": query.coin or "BTC", "time_ms": NOW_MS, "mark_price": MARK, "bins": bins,
            "clusters": [], "thin_zones": [], "drift": [], "skill": None, "printed_over_promised": None,
            "by_venue": dict.fromkeys(VENUES, bins), "by_leverage": dict.fromkeys(LEVERAGES, bins),
            **({"filter": {"venues": query.venues}} if query.filtered else {}),
        }  # fmt: skip


async def test_as_many_venues_as_are_read_are_chips_that_no_thumb_mistakes(tmp_path: Path) -> None:
    keep_maps_of_two_coins(tmp_path)
    places.journal_path(tmp_path).touch()
    assert len(VENUES) >= 24
    async with TestServer(page_app(ManyVenues(tmp_path, "paper"))) as server, browser_tab(tmp_path) as tab:
        for look in ("phone", "tablet", "light"):
            await tab.look(*LOOKS[look], phone=look == "phone")
            await tab.open(str(server.make_url("/")))
            await tab.until(f"document.querySelectorAll('#venues button').length === {len(VENUES)}")
            await fits(tab)
            boxes = await tab.value(CHIPS)
            for place, (name, left, top, right, bottom) in enumerate(boxes):
                assert (left >= 0, right <= LOOKS[look][0] + 1) == (True, True), (look, name)
                for other, left2, top2, right2, bottom2 in boxes[place + 1 :]:
                    apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
                    assert apart, f"{look}: {name} covers {other}"
            await tab.shot(tmp_path / f"venues-{look}.png")
        await tab.value("document.querySelectorAll('#venues button')[5].click()")
        await tab.until(f"{SAID_OF_MAP}.includes('a part of it')")
        assert [one for one in tab.complaints if "/api/" not in one] == []
        await shows_two_coins(tab, tmp_path)


def keep_maps_of_two_coins(data: Path) -> None:
    """Those of one coin are the other's too."""
    limits = WriteLimits(map_every_ms=1_000)
    with LedgerWriter(f"sqlite:///{places.ledger_path(data)}", "abc123", limits) as ledger:
        for observation in story():
            ledger.observe(observation)
    with contextlib.closing(sqlite3.connect(places.ledger_path(data))) as books, books:
        names = [row[1] for row in books.execute("PRAGMA table_info(map_snapshot)")]
        others = [{"id": "id + 1000", "coin": "'ETH'"}.get(name, name) for name in names]
        books.execute(f"INSERT INTO map_snapshot SELECT {', '.join(others)} FROM map_snapshot")


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
