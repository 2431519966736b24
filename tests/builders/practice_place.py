"""A venue whose test access is a market of its own beside production's, and a house that enters there as soon as it
may: over the unmodified client, production's map and the test account's orders."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

from liqbot.blocks import EventBlock
from liqbot.settings import Settings, settings_model
from liqbot.signals.gates import GateSpec, same
from liqbot.signals.strategy import Exits, Strategy, StrategyParams
from paper.dialects.hub import Hub
from paper.dialects.practice import PracticeMarket, both_markets
from paper.dialects.serving import serving
from tests.builders import loopback_market as market
from tests.builders.loopback_broker import spoken
from tests.builders.loopback_house import SECRET, Place, settings_for
from tests.builders.venue_keys import opened

STOP_PCT, TAKE_PCT = 2.0, 4.0
PAST_H = 2.0
RANGE_SHARE = 1e-4
"""Price goes so far in every minute of the past: a market that was never seen to move has no chance of reaching us."""


class EagerParams(StrategyParams):
    """Whenever anything is traded."""


EAGER = Strategy(
    "eager", EagerParams, (GateSpec("biased", ("bias",), same("bias"), ">=", 0.5),),
    lambda _f, _p: Exits(STOP_PCT, TAKE_PCT), lambda _f, _e: "always", origin="eager.py", sha256="ab",
)


class PracticePlace(Place):
    """`account` is the test access's, `hub` production's, which the test market follows."""

    def __init__(self, hub: Hub, practice: PracticeMarket, loop: Any, account: Any, venue: str) -> None:
        super().__init__(hub, loop, account, venue)
        self.practice = practice

    async def advance(self, price: float = market.PRICE) -> None:
        """With open interest, so that the map has something to be warm of."""
        self.second += 1
        rows = market.flat(self.venue, "BTC", self.second, price)
        await self.hub.advance(market.block(self.second, *rows, market.interest(self.venue, self.second, 1e9)))

    @property
    def unknown(self) -> list[str]:
        return self.loop.server.unknown

    def eager(self, **risk: Any) -> Settings:
        """A profile that enters once everything allows it; `risk` tightens or widens limits."""
        plain = settings_for(self.venue, self.loop.url)
        network = plain.network.model_copy(update={"trading_mark_s": 0.2, "backfill_h": PAST_H})
        off = {one: {"enabled": False} for one in ("cascade", "funding_squeeze", "grab_reverse")}
        limits = {"warmth_pct_min": 0.0, "reward_min": 0.0, "price_band_pct": 3.0, "age_ms_max": 20_000,
                  "cooldown_after_trade_ms": 3_600_000}
        return settings_model((EAGER,))(
            **{name: getattr(plain, name) for name in ("mode", "coins", "venues", "trade_venue", "keys", "execution")},
            network=network, risk=limits | risk,
            signals=off | {"avoid_liquidity": {"density_percentile_max": 80.0}},
        )

    def prices(self, kind: str) -> list[Decimal]:
        """Of our orders that rest at the test market: `trigger_price` or `limit_price`."""
        found = (getattr(order.command, kind) for order in self.account.open_orders("BTC"))
        return [price for price in found if price is not None]

    @contextlib.asynccontextmanager
    async def moving(self, price: float = market.PRICE) -> AsyncIterator["PracticePlace"]:
        """Market time goes with the wall's meanwhile, at a price that stays (`self.price`)."""
        self.price = price

        async def go() -> None:
            while True:
                self.catch_up()
                await self.advance(self.price)
                await asyncio.sleep(1.0)

        task = asyncio.create_task(go())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def past(venue: str) -> Iterator[EventBlock]:
    """A minute's block for each minute of it, up to now."""
    low, high = market.PRICE * (1 - RANGE_SHARE), market.PRICE * (1 + RANGE_SHARE)
    now = int(time.time()) - market.START_MS // 1_000
    for second in range(now - int(PAST_H * 3_600) - 120, now - 5, 60):
        bar = market.bar(venue, "BTC", second, (market.PRICE, high, low, market.PRICE))
        yield market.block(second, bar, market.mark(venue, "BTC", second, market.PRICE))


@contextlib.asynccontextmanager
async def practice_place(venue: str, ratio: float, **paper: Any) -> AsyncIterator[PracticePlace]:
    """`ratio`: the test market's prices over production's."""
    hub = market.hub_of(venue, **paper)
    practice = PracticeMarket(hub, ratio)
    hub.warm(past(venue))
    account = opened(practice.hub, venue, SECRET)
    dialects = both_markets(hub, practice.hub, lambda one: [spoken(one, venue)])
    for dialect in dialects:
        if dialect.demo_keys_differ:
            dialect.demo_keys.add("key")
    async with serving(hub, dialects) as loop:
        yield PracticePlace(hub, practice, loop, account, venue)
