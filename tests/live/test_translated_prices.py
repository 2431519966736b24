"""A test network whose prices are not production's: the map is production's, and orders rest where it means them."""

import asyncio
import time
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from liqbot import __version__, places
from liqbot.code_version import this_code
from liqbot.commands import Purpose
from liqbot.instruments import Side
from liqbot.live.doctor import Health, findings
from liqbot.replay import Equality, replay
from liqbot.review.explain import explained
from liqbot.review.explain_text import as_text
from liqbot.review.ledger_reader import Ledger
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.venues.registry import mechanics_of
from liqbot.verbs import control
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import Running, access_of, running
from tests.builders.loopback_market import PRICE
from tests.builders.practice_place import EAGER, STOP_PCT, TAKE_PCT, PracticePlace, practice_place

everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)
slowly_everywhere = pytest.mark.parametrize(
    "venue",
    [pytest.param(one, marks=() if one in ("binance", "hyperliquid") else pytest.mark.long) for one in VENUES_SERVED],
)
"""What waits long: on two venues whenever anything is tested, on all of them with everything."""
LEAST_TICKS = Decimal("1.5")


async def lean(bot: Running, side: Side | None) -> None:
    until_ms = time.time_ns() // 1_000_000 + 3_600_000
    word = None if side is None else side.word
    await bot.ask(verb="bias", coin="BTC", side=word, until_ms=until_ms, why="test")


def mark_in(status: dict[str, Any]) -> dict[str, Any]:
    found = status["coins"][0]["mark"] if status["coins"] else None
    return found or {"ratio": None, "refusal": None}


async def translating(bot: Running, ratio: float) -> dict[str, Any]:
    """Once the ratio is known to be so."""
    return await bot.status_when(
        lambda status: mark_in(status)["ratio"] is not None and abs(mark_in(status)["ratio"] - ratio) < 1e-4,
        f"a ratio of {ratio}",
    )


async def protected(here: PracticePlace, bot: Running) -> dict[str, Any]:
    """Once a position is under its stop and its take rests."""
    await bot.position(protected=True)
    await bot.until(lambda: bool(here.prices("limit_price")), "its take rests")
    return await bot.status_when(
        lambda status: bool(status["positions"]) and status["positions"][0]["liquidation_price"] is not None,
        "the venue has named its liquidation price",
    )


def near(price: Decimal, wanted: float, tick: Decimal) -> bool:
    return abs(price - Decimal(str(wanted))) <= LEAST_TICKS * tick


def tick_of(here: PracticePlace) -> Decimal:
    return next(one.price_tick for one in here.hub.instruments if one.coin == "BTC")


def decisions(data: Path, columns: str, where: str = "") -> list[dict[str, Any]]:
    with Ledger(str(next(data.rglob("ledger.sqlite")))) as ledger:
        return ledger.rows(f"SELECT {columns} FROM decision {where} ORDER BY id")


def explanation(data: Path) -> str:
    """Of the newest entry, as `explain` prints it."""
    with Ledger(str(next(data.rglob("ledger.sqlite")))) as ledger:
        (row,) = ledger.rows("SELECT MAX(id) AS id FROM decision WHERE code = 'APPROVED'")
        return as_text(explained(ledger, row["id"]))


@pytest.mark.drawn(singly=True, dear=True)
@everywhere
@pytest.mark.parametrize("side", [Side.LONG, Side.SHORT])
async def test_entry_stop_take_and_liquidation_are_where_the_map_means_them(
    venue: str, side: Side, tmp_path: Path
) -> None:
    ratio = 1.02 if side is Side.LONG else 0.985
    async with practice_place(venue, ratio) as here:
        async with here.moving(), running(here.eager(), tmp_path) as bot:
            await translating(bot, ratio)
            await lean(bot, side)
            status = await protected(here, bot)
            (held,) = status["positions"]
            tick, sign = tick_of(here), side.value
            (stop,), (take,) = set(here.prices("trigger_price")), set(here.prices("limit_price"))
            assert near(stop, PRICE * (1 - sign * STOP_PCT / 100) * ratio, tick)
            assert near(take, PRICE * (1 + sign * TAKE_PCT / 100) * ratio, tick)
            assert abs(float(held["entry_price"]) / (PRICE * ratio) - 1) < 0.002
            assert abs(float(held["in_map"]["entry_price"]) / PRICE - 1) < 0.002
            position = here.account.holding("BTC")
            assert position is not None
            own = mechanics_of(venue, "BTC").isolated_liquidation_price(
                side, float(position.entry_price), float(position.quantity_base), int(held["leverage"])
            )
            assert abs(float(held["liquidation_price"]) / own - 1) < 0.005
            assert abs(float(held["in_map"]["liquidation_price"]) * ratio / own - 1) < 0.005
            shown = control.status_text(status)
            assert f"prices of the map times {ratio:g}" in shown
            assert "on the map at" in shown
        *_, entry = decisions(tmp_path, "stop_price, take_price, liquidation_price, mark_ratio",
                                "WHERE code = 'APPROVED'")
        assert abs(entry["stop_price"] / 1e9 - PRICE * (1 - sign * STOP_PCT / 100)) <= float(tick)
        assert abs(entry["liquidation_price"] / 1e9 * ratio / own - 1) < 0.005
        assert abs(entry["mark_ratio"] - ratio) < 1e-4
        assert "in the test market times" in explanation(tmp_path)
        assert here.unknown == []


@pytest.mark.drawn(singly=True, dear=True)
@slowly_everywhere
async def test_beyond_the_limit_nothing_is_entered_and_what_is_open_is_managed_over_a_restart(
    venue: str, tmp_path: Path
) -> None:
    async with practice_place(venue, 1.05) as here, here.moving():
        settings = here.eager()
        async with running(settings, tmp_path) as bot:
            await translating(bot, 1.05)
            await lean(bot, Side.LONG)
            await bot.status_when(lambda status: mark_in(status)["refusal"] == "MARK_DEVIATION", "it says so")
            await asyncio.sleep(2.5)
            assert not here.orders(Purpose.ENTRY)
            here.practice.ratio = 1.02
            before = await protected(here, bot)
            (stop,) = set(here.prices("trigger_price"))
            here.practice.ratio = 1.04  # within a second, while the position is open
            await bot.status_when(lambda status: mark_in(status)["refusal"] is not None, "entries are refused again")
            assert (await bot.status())["positions"], "the position stays"
        here.practice.ratio = 1.01  # while nobody runs
        async with running(settings, tmp_path) as bot:
            await translating(bot, 1.01)
            status = await bot.position(protected=True)
            assert set(here.prices("trigger_price")) == {stop}, "what rests at the venue stays where it is"
            (held,) = status["positions"]
            assert held["entry_price"] == before["positions"][0]["entry_price"]
            assert abs(float(held["in_map"]["entry_price"]) * 1.01 / float(held["entry_price"]) - 1) < 1e-3
            await bot.ask(verb="close", why="test", wait_s=40)
            assert here.held_base == 0, "exits go on"
        assert {row["code"] for row in decisions(tmp_path, "code")} >= {"MARK_DEVIATION", "APPROVED"}
        assert here.unknown == []
    proof = replay(
        places.journal_path(tmp_path), partial(recorded_engine, own=(EAGER,)),
        this_code(__version__, 1, ((EAGER.name, EAGER.sha256),)), snapshot_version=snapshot_version(),
    )
    assert proof.equality is Equality.IDENTICAL


@pytest.mark.drawn(cases=True)
@everywhere
async def test_the_doctor_compares_the_marks_and_says_when_nothing_would_be_entered(venue: str, tmp_path: Path) -> None:
    for ratio, verdict in ((1.02, Health.OK), (0.95, Health.WARN)):
        async with practice_place(venue, ratio) as here:
            settings = here.settings()
            found = {one.what: one async for one in findings(settings, tmp_path, access_of(settings), canary=False)}
            mark = found["BTC mark"]
            assert mark.verdict is verdict, mark.text
            assert f"{(ratio - 1) * 100:+.2f} %, limit 3 %" in mark.text
            assert ("nothing is entered" in mark.text) is (verdict is Health.WARN)
            assert here.unknown == []
