"""`exchange serve` as a program, and an unmodified client with its defaults and the printed keys against it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ccxt.pro
import pytest
from patience import PATIENCE_S, patiently

from liqbot.connection.endpoints import at_loopback

BTC = "BTC/USDT:USDT"
SMALL = ("paper.world.backfill_days=0.1", "paper.world.burn_in_days=0.05", "paper.world.crowd.positions=500")
ROOT = Path(__file__).parents[3]


class Served:
    """The running program: what it printed so far, its address, and how it ends."""

    def __init__(self, folder: Path, *words: str) -> None:
        sets = [word for one in SMALL for word in ("--set", one)]
        # Where the tests themselves run in the background they ignore Ctrl-C, and what they start would too.
        hears = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        program = [sys.executable, "-c", f"import sys; {hears} from liqbot.cli import main; sys.exit(main())"]
        command = [*program, "exchange", "serve", "--config", str(folder), *sets, *words]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            found = re.search(r"on (http://127\.0\.0\.1:\d+)", line)
            if found:
                self.url = found[1]
            if "curl" in line:
                return
        self.ended()
        raise AssertionError(f"it did not start: {said}")

    def ended(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def interrupted(self) -> str:
        """What it says after Ctrl-C."""
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGINT)
        said = self.process.stdout.read()
        assert self.process.wait(PATIENCE_S) == 0
        return said


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    one = Served(tmp_path, "--coins", "BTC,SOL")
    yield one
    one.ended()


def client_of(venue: str, url: str, **config: Any) -> Any:
    keys = {"apiKey": f"simulated-{venue}-key", "secret": f"simulated-{venue}-secret", "password": "simulated"}
    exchange = getattr(ccxt.pro, venue)({**keys, "enableRateLimit": False, **config})
    exchange.urls["api"] = at_loopback(exchange.urls["api"], url, exchange.hostname or "")
    return exchange


async def looked_around(venue: str, url: str) -> None:
    exchange = client_of(venue, url)
    try:
        markets = await exchange.load_markets()
        assert {BTC, "SOL/USDT:USDT"} <= set(markets), venue
        now_ms = time.time_ns() // 1_000_000
        assert abs(await exchange.fetch_time() - now_ms) < 5_000, venue
        assert (await exchange.fetch_balance({"type": "swap"}))["USDT"]["total"] == 10_000, venue
        assert [one for one in await exchange.fetch_positions([BTC]) if one["contracts"]] == [], venue
        # The last hour is there when it is asked for.
        candles = await exchange.fetch_ohlcv(BTC, "1m", now_ms - 3_600_000)
        assert len(candles) >= 55, venue
        assert abs(candles[-1][0] - now_ms) < 180_000, venue
        trade = (await patiently(exchange.watch_trades(BTC)))[-1]
        assert abs(trade["timestamp"] - time.time_ns() // 1_000_000) < 10_000, venue
        assert await exchange.fetch_trades(BTC), venue
        assert (await exchange.fetch_order_book(BTC))["bids"], venue
    finally:
        await exchange.close()


@pytest.mark.drawn
async def test_a_client_with_its_defaults_and_keys_lives_in_the_present(served: Served) -> None:
    for venue in ("binance", "bybit", "okx"):
        await looked_around(venue, served.url)
    stranger = client_of("bybit", served.url, secret="not it")
    with pytest.raises(ccxt.AuthenticationError):
        await stranger.fetch_positions([BTC])
    with pytest.raises(ccxt.ExchangeError):
        await stranger.publicGetV5MarketPremiumIndexPriceKline({"category": "linear", "symbol": "BTCUSDT"})
    await stranger.close()
    said = served.interrupted()
    assert "asked for, but not modelled: 1 x bybit: GET /v5/market/premium-index-price-kline" in said
    assert "GET /v5/" in said.split("refused:", 1)[1]
    assert "10004" in said or "10003" in said


@pytest.mark.drawn
async def test_the_books_and_trades_of_binance_are_told_where_they_belong(served: Served) -> None:
    exchange = client_of("binance", served.url)
    try:
        book = await patiently(exchange.watch_order_book(BTC))
        for _ in range(3):
            book = await patiently(exchange.watch_order_book(BTC))
        # Levels that are gone are gone.
        assert (len(book["bids"]), len(book["asks"])) == (1, 1)
        assert 0 < book["asks"][0][0] - book["bids"][0][0] < 1
        best = (await patiently(exchange.watch_bids_asks([BTC])))[BTC]
        assert best["bid"] < best["ask"]
        exchange.options["watchTrades"] = {"name": "trade"}
        trade = (await patiently(exchange.watch_trades("SOL/USDT:USDT")))[-1]
        assert trade["price"] > 0
    finally:
        await exchange.close()


@pytest.mark.drawn
def test_trouble_by_a_seed_is_told_at_the_end(tmp_path: Path) -> None:
    one = Served(tmp_path, "--venue", "okx", "--faults", "3", "--fault-share", "1")
    try:
        exchange = ccxt.okx({"timeout": 400})
        exchange.urls["api"] = at_loopback(exchange.urls["api"], one.url, exchange.hostname or "")
        for _ in range(6):
            try:
                exchange.publicGetPublicTime()
            except ccxt.BaseError:
                continue
        assert "trouble by --faults:" in one.interrupted()
    finally:
        one.ended()
