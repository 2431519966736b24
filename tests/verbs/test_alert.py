"""`liqbot alert`: what it takes, and what it says of a bot that runs and of books that lie still."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from market_views import NOW_MS

from liqbot.cli import main
from liqbot.control import protocol
from liqbot.exits import Exit

CLUSTER = {
    "side": "long", "price_low": 58_100.0, "price_high": 58_300.0, "peak_price": 58_200.0, "usd": 512e6,
    "distance_pct": 3.0, "peak_distance_pct": 3.1, "ratio": None, "real_share": None,
}


class Served:
    """Answers as a running house does."""

    def __init__(self, data: Path) -> None:
        self._data, self.clusters = data, [CLUSTER]
        self._loop = asyncio.new_event_loop()
        self._serving: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    async def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        assert request == {"verb": "clusters"}
        coin = {"coin": "BTC", "time_ms": NOW_MS, "mark_price": 60_000.0, "clusters": self.clusters}
        return {"ok": True, "coins": [coin]}

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._serving = self._loop.create_task(protocol.serve(protocol.socket_path(self._data), self._answer))
        try:
            self._loop.run_until_complete(self._serving)
        except asyncio.CancelledError:
            self._loop.close()

    def __enter__(self) -> Self:
        self._thread.start()
        until = threading.Event()
        while not protocol.socket_path(self._data).exists():
            until.wait(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path) as one:
        yield one


def alert(data: Path, *words: str, size: str = "500M", within: str = "5%") -> int:
    return main(["alert", "--min-usd", size, "--within", within, "--data", str(data), "--once", *words])


@pytest.mark.parametrize("coin", [[], ["--coin", "BTC"], ["--coin", "BTCUSDT"], ["--coin", "BTC/USDT:USDT"]])
def test_a_cluster_of_the_running_bot_is_an_alert(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], coin: list[str]
) -> None:
    del served
    assert alert(tmp_path, *coin) == Exit.OK
    head = "" if coin else "BTC "
    assert capsys.readouterr().out == f"{head}ALERT: $512M in LONG liquidations at $58,200 (3.1% away)\n"
    assert alert(tmp_path, *coin, "--json") == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["coin"], told["side"], told["usd"], told["ratio"]) == ("BTC", "long", 512e6, None)


@pytest.mark.parametrize(
    ("size", "within", "words"), [("513M", "5%", []), ("500M", "3", []), ("0.5B", "5", ["--side", "short"])]
)
def test_what_is_smaller_farther_or_of_the_other_side_is_none(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: str, within: str, words: list[str]
) -> None:
    del served
    assert alert(tmp_path, *words, size=size, within=within) == Exit.FAILED
    assert capsys.readouterr().out == ""


def test_a_coin_without_a_map_is_named(served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del served
    assert alert(tmp_path, "--coin", "ETH") == Exit.NOT_FOUND
    assert "'ETH': there is no map of it; there is BTC" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--min-usd", "lots", "--within", "5%"], "--min-usd 'lots': a positive amount of USD"),
        (["--min-usd", "5M", "--within", "near"], "--within 'near': percent of the mark"),
        (["--min-usd", "5M", "--within", "0"], "--within '0'"), (["--min-usd", "5M", "--within", "41%"], "up to 40"),
        (["--min-usd", "5M", "--within", "5%", "--side", "up"], "--side 'up'"),
        (["--min-usd", "5M", "--within", "5%", "--coin", "BTC/USDT"], "a spot market"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alert", "--once", *words]) == Exit.USAGE
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert complaint in told.err


def test_without_a_bot_and_without_books_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert alert(tmp_path / "none") == Exit.NOT_FOUND
    assert "start the bot" in capsys.readouterr().err
