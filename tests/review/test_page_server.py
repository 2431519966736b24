"""The page's server: what it answers is what the verbs print, and who is not answered. Over real HTTP on loopback."""

import contextlib
import hashlib
import json
import re
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from hatchling.builders.wheel import WheelBuilder
from ledger_story import story
from page_scripts import ids_without_a_place
from short_life import written

from liqbot import places
from liqbot.cli import main
from liqbot.exits import Exit
from liqbot.ledger import LedgerWriter
from liqbot.review.web.answers import ENDPOINTS, WatchedHouse
from liqbot.review.web.server import HEADERS, STATIC, page_app

ROOT = Path(__file__).parents[2]
VENDORED = {
    "uplot/uPlot.esm.js": "5dd9b3281aa64b461b42d9945f6adb2649d346502b12281a9ae0d46599a80eba",
    "uplot/uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uplot/LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
"""SHA-256 of the files of uPlot 1.6.32 as its registry gives them."""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with a story in it, and the journal of another short life."""
    folder = tmp_path_factory.mktemp("page")
    with LedgerWriter(f"sqlite:///{places.ledger_path(folder)}", "abc123") as ledger:
        for observation in story():
            ledger.observe(observation)
    written(places.journal_path(folder), snapshot_at=85, and_at=110)
    return folder


@contextlib.asynccontextmanager
async def served(data: Path) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    async with TestServer(page_app(WatchedHouse(data, "paper"))) as server, aiohttp.ClientSession() as client:
        yield str(server.make_url("/")).rstrip("/"), client


def no_json(constant: str) -> None:
    raise AssertionError(f"{constant}: a browser does not read that")


async def asked(data: Path, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    async with served(data) as (url, client), client.get(url + path, headers=headers) as answer:
        return answer.status, json.loads(await answer.text(), parse_constant=no_json)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main([*words, "--json"]) == Exit.OK
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("decisions", ("decisions",)),
        ("decisions?code=APPROVED&limit=1", ("decisions", "--code", "APPROVED", "--limit", "1")),
        ("decisions?by_code=1", ("decisions", "--by-code")),
        ("decisions?coin=btc&since=2h", ("decisions", "--coin", "btc", "--since", "2h")),
        ("explain?id=t1", ("explain", "t1")),
        ("trades", ("trades",)),
        ("trades?open=1", ("trades", "--open")),
        ("pnl", ("pnl",)),
        ("report", ("report",)),
        ("map", ("map",)),
        ("map?split=1", ("map", "--split")),
        ("map?venue=binance&leverage=50,100", ("map", "--venue", "binance", "--leverage", "50,100")),
    ],
)
async def test_it_answers_what_the_verb_prints(
    books: Path, capsys: pytest.CaptureFixture[str], path: str, words: tuple[str, ...]
) -> None:
    expected = printed(capsys, *words, "--data", str(books))
    assert await asked(books, f"/api/{path}") == (200, expected)


async def test_maps_of_the_past_are_those_of_the_verb(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = printed(capsys, "map", "--data", str(books))
    at = str(now["time_ms"] - 20_000)
    then = printed(capsys, "map", "--data", str(books), "--at", at)
    assert then["time_ms"] < now["time_ms"]
    assert await asked(books, f"/api/map?at={at}") == (200, then)
    kept = printed(capsys, "map", "--db", str(places.ledger_path(books)))
    assert await asked(books, "/api/map?stored=1") == (200, kept)


async def test_heatmap_lines_and_coverage_come_from_what_pictures_and_the_report_read(books: Path) -> None:
    status, heat = await asked(books, "/api/heatmap?coin=BTC")
    assert status == 200
    rows, columns = len(heat["edges"]) - 1, len(heat["starts_ms"]) - 1
    assert [len(row) for row in heat["cells_usd"]] == [rows] * columns
    assert (len(heat["forced_orders"]), len(heat["fills"])) == (3, 3)
    assert heat["maps"] == sorted(heat["maps"])
    opened_ms, closed_ms = heat["fills"][0]["time_ms"], heat["fills"][-1]["time_ms"]
    lines = (await asked(books, f"/api/lines?coin=BTC&at={opened_ms}"))[1]["in_map"]
    assert lines["first stop"] == 64_000
    assert lines["our liquidation"] == 46_500
    assert (await asked(books, f"/api/lines?coin=BTC&at={closed_ms + 1}"))[1]["in_map"] == {}
    report, feeds = (await asked(books, "/api/report"))[1], (await asked(books, "/api/feeds"))[1]
    assert feeds == report["coverage"]
    assert feeds["feeds"][0]["feed"] == "trades"


async def test_every_address_is_listed_and_read_only(books: Path) -> None:
    status, told = await asked(books, "/api")
    assert status == 200
    assert set(told["addresses"]) == {f"/api/{name}" for name in ENDPOINTS}
    async with served(books) as (url, client):
        for path in ("/", "/page.js", "/api/trades", "/nothing"):
            for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
                async with client.request(method, url + path) as answer:
                    assert (answer.status, answer.headers["Allow"]) == (405, "GET"), (method, path)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/status", 404, "no bot is running"),
        ("/api/decisions?cion=BTC", 400, "'cion': did you mean 'coin'?"),
        ("/api/decisions?coin=ETH", 400, "there are BTC"),
        ("/api/decisions?since=whenever", 400, "since 'whenever'"),
        ("/api/decisions?limit=0", 400, "limit: '0', expected a number from 1"),
        ("/api/decisions?by_code=maybe", 400, "by_code: 'maybe', expected 1 or 0"),
        ("/api/heatmap?reach=nan", 400, "reach: 'nan', expected a number from 0.5 to 40"),
        ("/api/explain?id=99", 404, "no such decision"),
        ("/api/explain", 404, "no such decision"),
        ("/api/map?leverage=ten", 400, "leverage 'ten': numbers separated by commas"),
        ("/api/map?venue=nowhere", 400, "nowhere"),
        ("/api/map?coin=DOGE", 404, "no map of DOGE"),
        ("/api/map?at=soon", 400, "at 'soon': neither an ISO time"),
        ("/api/map?stored=1&venue=binance", 400, "the ledger stores whole maps"),
        ("/api/status?x=" + "y" * 300, 400, "'x'"),
        ("/nothing", 404, "nothing is here"),
        ("/../server.py", 404, "nothing is here"),
        ("/%2e%2e/server.py", 404, "nothing is here"),
    ],
)
async def test_a_mistake_gets_one_line(books: Path, path: str, status: int, said: str) -> None:
    found, told = await asked(books, path)
    assert (found, told["ok"]) == (status, False)
    assert said in told["error"]
    assert "\n" not in told["error"]


async def test_a_wrong_question_does_not_spoil_the_next_answer(books: Path) -> None:
    async with served(books) as (url, client):
        for path, status in (("map?coin=BTC", 200), ("map?coin=DOGE", 404), ("map?venue=x", 400), ("map?split=1", 200)):
            async with client.get(f"{url}/api/{path}") as answer:
                assert answer.status == status, path


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"map?at={'9' * 20}", 400), (f"lines?at={'9' * 20}", 400), (f"decisions?since={'9' * 20}", 400),
        ("trades?day=9999-12-31", 400), ("report?since=99999999999d", 400), (f"explain?id={'9' * 23}", 404),
    ],
)  # fmt: skip
async def test_what_lies_beyond_every_number_of_a_ledger_is_no_error_of_ours(
    books: Path, path: str, status: int
) -> None:
    assert (await asked(books, f"/api/{path}"))[0] == status


async def test_only_this_machine_is_answered(books: Path) -> None:
    for host in ("localhost", "127.0.0.1:9", "LOCALHOST:1", "[::1]:8080", "127.8.8.8"):
        assert (await asked(books, "/api/trades", {"Host": host}))[0] == 200, host
    for host in ("evil.example", "localhost.evil.example", "10.0.0.1:8080", "127.0.0.1.evil.example", "[fe80::1]"):
        assert (await asked(books, "/api/trades", {"Host": host}))[0] == 403, host
        assert (await asked(books, "/", {"Host": host}))[0] == 403, host
    assert (await asked(books, "/api/trades", {"Sec-Fetch-Site": "cross-site"}))[0] == 403
    assert (await asked(books, "/api/trades", {"Sec-Fetch-Site": "same-origin"}))[0] == 200


async def test_every_answer_has_the_headers_of_caution(books: Path) -> None:
    async with served(books) as (url, client):
        for path in ("/", "/page.css", "/uplot/uPlot.esm.js", "/api/pnl", "/api/explain", "/nothing"):
            async with client.get(url + path, headers={"Origin": "https://evil.example"}) as answer:
                assert HEADERS.items() <= dict(answer.headers).items(), path
                assert not [name for name in answer.headers if name.lower().startswith("access-control")]
                if path == "/":
                    assert answer.content_type == "text/html"


def test_vendored_files_are_those_that_were_published() -> None:
    for name, digest in VENDORED.items():
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest, name
    there = {str(path.relative_to(STATIC)) for path in (STATIC / "uplot").iterdir()}
    assert there == set(VENDORED)


def test_what_the_scripts_show_has_its_place_in_the_page(tmp_path: Path) -> None:
    assert not ids_without_a_place(STATIC)
    shutil.copytree(STATIC, tmp_path / "static")
    page = tmp_path / "static" / "index.html"
    page.write_text(page.read_text(encoding="utf-8").replace('id="drift"', 'id="drifted"'), encoding="utf-8")
    assert ids_without_a_place(tmp_path / "static") == {"drift"}


def test_the_page_loads_nothing_from_elsewhere_and_writes_no_markup() -> None:
    ours = [path for path in STATIC.iterdir() if path.is_file()]
    assert len(ours) > 8
    for path in ours:
        text = path.read_text(encoding="utf-8")
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", text)) - {"http://www.w3.org/2000/svg"}
        assert not addresses, (path.name, addresses)
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "style=", 'onclick="'):
            assert word not in text, (path.name, word)
        assert len(text.splitlines()) <= 400, path.name


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "203.0.113.9", "example.org", ""])
def test_other_addresses_are_refused_in_one_line(books: Path, capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert main(["page", "--host", host, "--data", str(books)]) == Exit.USAGE
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert "127.0.0.1" in complaint


def test_a_port_that_is_taken_and_a_place_without_books_are_one_line(
    books: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["page", "--port", port, "--data", str(books)]) == Exit.FAILED
    complaint = capsys.readouterr().err
    assert (complaint.count("\n"), f"--port {port}: cannot be listened on" in complaint) == (1, True)
    assert main(["page", "--data", str(tmp_path / "none")]) == Exit.NOT_FOUND
    complaint = capsys.readouterr().err
    assert (complaint.count("\n"), "no journal or ledger in" in complaint) == (1, True)


def test_the_wheel_holds_the_page() -> None:
    held = {one.distribution_path for one in WheelBuilder(str(ROOT)).recurse_included_files()}
    wanted = {f"liqbot/review/web/static/{path.relative_to(STATIC)}" for path in STATIC.rglob("*") if path.is_file()}
    assert wanted <= held
