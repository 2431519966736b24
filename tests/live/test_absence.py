"""Three weeks without a process: what happened on the account meanwhile comes into the ledger, to the micro-dollar."""

import asyncio
import sqlite3
from collections import Counter
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import msgspec
import pytest

from liqbot import places
from liqbot.commands import OrderKind, Purpose
from liqbot.execution.edge.order_status import ChannelCaller
from liqbot.venues.registry import trading_of
from liqbot.venues.trading import TradedContract, TradingAdapter, VenueCaller
from tests.builders import loopback_market as market
from tests.builders.earlier_life import DAY_MS, QUANTITY, entry_sent, stops_taken_away
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import Place, place, running
from tests.builders.patience import until
from tests.builders.wrong_answers import by_hand

ABSENT_MS = 21 * DAY_MS
HOUR_S = 3_600
WALLET_USD = Decimal(200_000)
PIECES = {"binance": 1_100, "bybit": 300, "okx": 300, "bitget": 300, "hyperliquid": 2_100}
"""Of the entry: more than the venue gives on one page, as are the hundreds of fundings on OKX and Bybit."""
TRANSFER_EVERY_H = 24
MICRO = Decimal("0.000001")
everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)


async def nobody_waits() -> None:
    await asyncio.sleep(0)


async def weeks(here: Place) -> None:
    """An hour at a time: the entry fills piece by piece, funding is due every hour, money comes and goes."""
    here.hub.quiesce = nobody_waits
    outlet = here.hub.outlet
    if here.venue != "bybit":  # which remembers executions as it tells them
        here.hub.outlet = None
    for hour in range(ABSENT_MS // 3_600_000):
        here.second += HOUR_S
        price = 50_000.0 + hour % 7
        rows = (
            msgspec.structs.replace(
                market.bar(here.venue, "BTC", here.second, (price, price, price, price), 1e9), span_ms=HOUR_S * 1_000
            ),
            market.mark(here.venue, "BTC", here.second, price),
            market.rate(here.venue, here.second, 0.001 * (hour % 5 - 2) + 0.0005, interval_h=1.0),
        )
        await here.hub.advance(market.block(here.second, *rows))
        if hour % TRANSFER_EVERY_H == 0:
            await here.hub.transfer(here.account, Decimal(100 + hour) * (1 if hour % 2 else -1))
    here.hub.quiesce, here.hub.outlet = here.hub.settle, outlet


def told(here: Place, kind: str) -> Counter[int]:
    """Amounts in micro-dollars, and how often each."""
    paid = (one.amount_usd for one in here.account.payments if one.kind == kind)
    return Counter(int(amount.quantize(MICRO, ROUND_HALF_EVEN) / MICRO) for amount in paid)


def written(data: Path, query: str) -> Counter[int]:
    with sqlite3.connect(f"file:{places.ledger_path(data)}?mode=ro", uri=True) as ledger:
        return Counter(int(amount) for (amount,) in ledger.execute(query))


@pytest.mark.drawn(singly=True, dear=True)
@everywhere
async def test_three_weeks_of_rows_are_in_the_ledger_to_the_micro_dollar(venue: str, tmp_path: Path) -> None:
    async with place(venue, wallet_usd=WALLET_USD, fill_usd_max=50.01, fill_pause_ms=60_000) as here:
        settings = here.settings(journal={"stuck_after_ms": 600_000})
        entry = await entry_sent(
            here, settings, tmp_path, ago_ms=ABSENT_MS, quantity_base=Decimal("0.001") * PIECES[venue]
        )
        await here.hub.execute(here.account, entry)
        await weeks(here)
        assert len(here.account.fills) >= PIECES[venue]
        assert told(here, "funding").total() > 400
        async with running(settings, tmp_path) as bot:
            await bot.until(lambda: True, "read")
        assert here.hub.unknown == []
        assert written(tmp_path, "select amount_usd from funding_payment") == told(here, "funding")
        assert written(tmp_path, "select -fee_usd from fill") == told(here, "fee")
        assert written(
            tmp_path, "select amount_usd from transfer where kind in ('deposit', 'withdrawal')"
        ) == told(here, "transfer")
        assert set(written(tmp_path, "select unexplained_usd from equity order by id desc limit 1")) == {0}


OTHERS = 30
"""Orders each way by hand, of which the venue tells the fills without our name for them."""
ANSWER_MS = 1_000
"""Until there is a stop each of these answers takes so long: a venue's budget lets no more of them through."""
OWNER_ASKED = {"binance": "GET /fapi/v1/order", "bitget": "GET /api/v2/mix/order/detail"}


async def traded_by_hand(here: Place) -> None:
    """For two days, in and out again."""
    here.hub.quiesce, outlet = nobody_waits, here.hub.outlet
    here.hub.outlet = None
    order = msgspec.structs.replace(by_hand(here.venue), kind=OrderKind.MARKET, limit_price=None)
    for number in range(OTHERS):
        await here.advance()
        for way, purpose in (("in", Purpose.ENTRY), ("out", Purpose.EXIT)):
            await here.hub.execute(here.account, msgspec.structs.replace(
                order, client_id=f"hand-{way}-{number}", purpose=purpose, reduce_only=purpose is Purpose.EXIT
            ))  # fmt: skip
    here.hub.quiesce, here.hub.outlet = here.hub.settle, outlet
    here.catch_up()
    await here.advance()


async def answered_at_once_when_covered(here: Place) -> None:
    await until(lambda: here.stopped_base >= QUANTITY)
    here.hub.faults.clear()


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("venue", OWNER_ASKED)
async def test_what_others_have_traded_meanwhile_holds_up_no_stop(
    venue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers, adapter = list[VenueCaller](), type(trading_of(venue))
    owner = adapter.owner

    async def noted(
        self: TradingAdapter, client: VenueCaller, traded: TradedContract, venue_order_id: str
    ) -> str:
        callers.append(client)
        return await owner(self, client, traded, venue_order_id)

    async with place(venue) as here:
        settings = here.settings()
        entry = await entry_sent(here, settings, tmp_path, ago_ms=2 * DAY_MS)
        await traded_by_hand(here)
        await here.hub.execute(here.account, entry)
        await here.advance()
        await stops_taken_away(here)
        assert len(here.account.fills) > OTHERS
        here.hub.faults.next(OWNER_ASKED[venue], "delay_ms", ANSWER_MS, times=10_000)
        here.loop.server.log.clear()
        monkeypatch.setattr(adapter, "owner", noted)
        hurrying = asyncio.create_task(answered_at_once_when_covered(here))
        async with running(settings, tmp_path) as bot:
            await hurrying
            await bot.position(protected=True)
        asked = [one.endpoint for one in here.loop.server.log]
        stop = next(number for number, one in enumerate(asked) if one.startswith("POST") and "order" in one.lower())
        assert asked[:stop].count(OWNER_ASKED[venue]) < OTHERS / 2
        assert asked.count(OWNER_ASKED[venue]) > OTHERS, "whose all the others are is asked in the end"
        assert len(callers) >= OTHERS
        assert not any(isinstance(one, ChannelCaller) for one in callers), "they use nothing up that a stop may need"
