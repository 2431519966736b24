"""A start while a position may be open begins with protection, whatever else of the outside is slow or gone."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from liqbot import places
from liqbot.commands import Purpose
from liqbot.connection.rate_limit import RateLimiter
from liqbot.live.bot import trade
from liqbot.runtime.last_known import CONTRACTS_NAME
from liqbot.settings import Settings
from liqbot.venues.trading import Channel
from tests.builders.earlier_life import QUANTITY, entry_sent, stops_taken_away
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import Place, access_of, place, running
from tests.builders.patience import PATIENCE_S

everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)
LISTINGS = {
    "binance": "GET /fapi/v1/exchangeInfo", "bybit": "GET /v5/market/instruments-info",
    "okx": "GET /api/v5/public/instruments", "bitget": "GET /api/v2/mix/market/contracts",
    "hyperliquid": "POST /info metaAndAssetCtxs",
}  # fmt: skip
"""Where venues list their contracts."""
LOOKS = {
    "binance": "GET /fapi/v1/openAlgoOrders", "bybit": "GET /v5/order/realtime",
    "okx": "GET /api/v5/trade/orders-algo-pending", "bitget": "GET /api/v2/mix/order/orders-plan-pending",
    "hyperliquid": "POST /info orderStatus",
}  # fmt: skip
"""Where a stop is looked for."""
WAIT_S_MAX = 1.0
"""For units of the budget: what a position without a stop has of five seconds is for other things."""
HELD_MS = 2_000
"""Longer than the stop takes; a client that waits for it asks again, and is held again."""
NEVER_S = 600.0
"""Longer than any test."""


async def filled_while_nobody_ran(here: Place, settings: Settings, data: Path) -> None:
    """The process died as its entry left; the venue has carried it out since, and the stop that rode on it, where one
    did, has gone."""
    entry = await entry_sent(here, settings, data)
    await here.hub.execute(here.account, entry)
    await here.advance()
    await stops_taken_away(here)
    assert here.held_base == QUANTITY
    here.loop.server.log.clear()


def rarely(settings: Settings) -> Settings:
    """Hardly ever reads its whole account, but looks for its stops all the time."""
    network = settings.network.model_copy(update={"reconcile_s": NEVER_S, "protect_check_s": 1.0})
    return settings.model_copy(update={"network": network})


async def covered(here: Place, task: asyncio.Task[object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while here.stopped_base < QUANTITY:
            assert not task.done(), task
            await asyncio.sleep(0.02)


def asked(here: Place) -> set[str]:
    return {one.endpoint for one in here.loop.server.log}


@contextlib.contextmanager
def listings_held(here: Place) -> Iterator[None]:
    """Whoever waits for the venue's contracts waits as long as this lasts."""
    here.hub.faults.next(LISTINGS[here.venue], "hang_request", HELD_MS, times=10_000)
    try:
        yield
    finally:
        here.hub.faults.clear()


@pytest.mark.drawn(singly=True)
@everywhere
async def test_the_stop_waits_for_nothing_else_that_is_asked(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        settings = here.settings()
        await filled_while_nobody_ran(here, settings, tmp_path)
        with listings_held(here):
            async with running(settings, tmp_path) as bot:
                await bot.position(protected=True)
                here.hub.faults.clear()
                here.loop.server.log.clear()
                await bot.until(lambda: LISTINGS[venue] in asked(here), "all is asked")
        assert here.stopped_base >= QUANTITY
        assert here.hub.unknown == []


@pytest.mark.drawn(singly=True)
@everywhere
async def test_nothing_that_a_stop_depends_on_waits_for_the_venues_own_budget(
    venue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited, acquire = list[tuple[Channel, int, float]](), RateLimiter.acquire

    async def noted(limiter: RateLimiter, channel: Channel, weight: int) -> None:
        if channel != "normal":
            waited.append((channel, weight, limiter.wait_s(channel, weight)))
        await acquire(limiter, channel, weight)

    monkeypatch.setattr(RateLimiter, "acquire", noted)
    async with place(venue) as here:
        settings = here.settings()
        await filled_while_nobody_ran(here, settings, tmp_path)
        looks = settings.network.model_copy(update={"request_share": 1.0, "protect_check_s": 1.0})
        async with running(settings.model_copy(update={"network": looks}), tmp_path) as bot:
            await bot.position(protected=True)
            here.loop.server.log.clear()
            await bot.until(lambda: here.asked(LOOKS[venue]) >= 4, "the stop is looked for")
    assert [one for one in waited if one[0] == "priority"], "the stop leaves that way"
    assert not [one for one in waited if one[2] > WAIT_S_MAX]


@pytest.mark.drawn(singly=True)
async def test_public_venues_that_are_gone_hold_up_no_stop(tmp_path: Path) -> None:
    async with place() as here:
        settings = here.settings()
        await filled_while_nobody_ran(here, settings, tmp_path)
        here.hub.faults.next("GET /fapi/v1/exchangeInfo", "http_5xx", times=10_000)
        async with running(settings, tmp_path) as bot:
            await bot.position(protected=True)
            here.hub.faults.clear()
            # Then the market is dialled all the same, and an order to close is carried out.
            await bot.status_when(lambda now: now["feeds"]["binance"]["messages"] > 0, "the market is read")


@pytest.mark.drawn(singly=True)
async def test_a_trading_venue_that_is_away_is_asked_until_it_is_back(tmp_path: Path) -> None:
    async with place("bybit") as here:
        settings = here.settings()
        await filled_while_nobody_ran(here, settings, tmp_path)
        here.hub.faults.next("*", "http_5xx", times=10_000)
        task = asyncio.create_task(trade(settings, tmp_path, access_of(settings)))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while len(here.hub.faults.suffered) < 20:
                    assert not task.done(), task
                    await asyncio.sleep(0.02)
            assert not here.stopped_base
            here.hub.faults.clear()
            await covered(here, task)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.mark.drawn(singly=True)
async def test_books_without_contracts_ask_the_venue_until_it_answers(tmp_path: Path) -> None:
    """As an earlier version left them."""
    async with place() as here:
        settings = here.settings()
        await filled_while_nobody_ran(here, settings, tmp_path)
        forget_contracts(tmp_path)
        here.hub.faults.next("GET /fapi/v1/exchangeInfo", "http_5xx", times=8)
        async with running(settings, tmp_path) as bot:
            await bot.position(protected=True)


def forget_contracts(data: Path) -> None:
    with contextlib.closing(sqlite3.connect(places.journal_path(data))) as books, books:
        assert books.execute("DELETE FROM snapshot WHERE name = ?", (CONTRACTS_NAME,)).rowcount == 1


@pytest.mark.drawn(singly=True)
@everywhere
async def test_a_stop_that_vanishes_behind_a_silent_stream_is_placed_anew(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        settings = rarely(here.settings())
        await filled_while_nobody_ran(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            await bot.position(protected=True)
            here.hub.faults.silent = True
            before = len(here.orders(Purpose.STOP))
            await stops_taken_away(here)
            await bot.until(lambda: here.stopped_base >= QUANTITY, "another stop")
            assert len(here.orders(Purpose.STOP)) > before


@pytest.mark.drawn(singly=True)
@everywhere
async def test_a_stop_that_vanished_while_nobody_ran_is_placed_anew_at_once(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        settings = rarely(here.settings())
        await filled_while_nobody_ran(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            await bot.position(protected=True)
        await stops_taken_away(here)
        with listings_held(here):
            async with running(settings, tmp_path) as bot:
                await bot.until(lambda: here.stopped_base >= QUANTITY, "another stop")
                await bot.position(protected=True)
                here.hub.faults.clear()
