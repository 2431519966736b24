"""Deleveraging that is near and a key that ends are told before they happen."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from liqbot.execution.edge.account_alerts import DAY_MS, AccountAlerts
from liqbot.venues.trading import PositionReport, TradedContract
from paper.sessions.listings import paper_instruments
from tests.builders.loopback_broker import VENUES_SERVED, rig
from tests.execution.edge.test_broker import long_of

TRADED = TradedContract(paper_instruments("bybit", ("BTC",))[0], "BTCUSDT")
NOW_MS = 1_800_000_000_000


def alerts() -> AccountAlerts:
    return AccountAlerts(lambda: NOW_MS)


@given(ranks=st.lists(st.one_of(st.none(), st.integers(0, 5)), max_size=20))
def test_each_rise_is_said_once(ranks: list[int | None]) -> None:
    found = alerts()
    with capture_logs() as lines:
        for rank in ranks:
            found.position(TRADED, PositionReport(signed_base=Decimal(-1), adl_rank=rank))
    near = [(rank or 0) >= 4 for rank in ranks]
    rises = sum(now and not before for before, now in zip([False, *near], near, strict=False))
    assert len(lines) == rises
    last = ranks[-1] if ranks else None
    assert found.notices["adl_ranks"] == ({} if last is None else {TRADED.instrument.coin: last})


def test_nothing_held_is_nothing_to_deleverage() -> None:
    found = alerts()
    with capture_logs() as lines:
        found.position(TRADED, PositionReport(adl_rank=5))
    assert not lines
    assert found.notices["adl_ranks"] == {}


@pytest.mark.parametrize(("days", "said"), [(13.9, True), (14.1, False), (-1.0, True), (None, False)])
async def test_a_key_near_its_end(days: float | None, said: bool) -> None:
    found = alerts()
    found.key(None if days is None else int(NOW_MS + days * DAY_MS))
    with capture_logs() as lines:
        task = asyncio.create_task(found.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
    assert bool(lines) is said
    assert found.notices["key_days_left"] == (None if days is None else pytest.approx(days, abs=0.1))


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("venue", VENUES_SERVED)
async def test_every_venue_tells_the_rank_of_what_is_held(venue: str) -> None:
    async with rig(venue) as one:
        assert one.edge.notices["adl_ranks"] == {}
        await long_of(one)
        assert await one.edge.reconciler.once()
        # Hyperliquid tells none.
        assert one.edge.notices["adl_ranks"].keys() == ({"BTC"} if venue != "hyperliquid" else set())
