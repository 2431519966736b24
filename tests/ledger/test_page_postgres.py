"""The live page on a ledger that is kept in PostgreSQL: every address answers what it answers of the same ledger in a
file."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from ledger_story import story

from liqbot import places
from liqbot.ledger import LedgerWriter
from liqbot.review.ledger_reader import URL_VARIABLE
from liqbot.review.web.answers import WatchedHouse
from liqbot.review.web.server import page_app

pytestmark = pytest.mark.long
ASKED = (
    "map", "map?stored=1&coin=BTC", "map?at=2025-06-15T15:07", "decisions", "decisions?by_code=1",
    "decisions?since=2h&code=APPROVED", "explain?id=t1", "trades", "trades?open=1", "pnl", "report", "feeds",
    "heatmap?coin=BTC&reach=7", "lines?coin=BTC",
    "lines?coin=BTC&at=2025-06-15T15:06:50", "trades?coin=doge", "explain?id=99",
)  # fmt: skip


async def answers(data: Path) -> dict[str, Any]:
    async with TestServer(page_app(WatchedHouse(data, "paper"))) as server, aiohttp.ClientSession() as client:
        found = {}
        for path in ASKED:
            async with client.get(server.make_url(f"/api/{path}")) as answer:
                found[path] = answer.status, json.loads(await answer.text())
        return found


async def test_a_page_of_a_ledger_on_a_server_says_the_same(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (postgres_url, f"sqlite:///{places.ledger_path(tmp_path)}"):
        with LedgerWriter(url, "abc123") as ledger:
            for observation in story():
                ledger.observe(observation)
    of_file = await answers(tmp_path)
    elsewhere = tmp_path / "no books"
    elsewhere.mkdir()
    monkeypatch.setenv(URL_VARIABLE, postgres_url)
    of_server = await answers(elsewhere)
    told = {path: json.dumps(answer).replace(postgres_url, "X") for path, answer in of_server.items()}
    for path, answer in of_file.items():
        assert json.loads(told[path]) == json.loads(
            json.dumps(answer).replace(str(places.ledger_path(tmp_path)), "X")
        ), path
    assert [path for path, (status, _) in of_file.items() if status != 200] == ["trades?coin=doge", "explain?id=99"]


async def test_what_is_wrong_with_a_server_is_said_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, "postgresql://me:hidden-word@127.0.0.1:1/none")
    for path, (status, answer) in (await answers(tmp_path)).items():
        assert status in {404, 503}, path
        assert "hidden-word" not in json.dumps(answer), path
