"""The first instant of a position in the whole live house: the stop that rides on the entry, and where none can, the
stop that leaves with the first word of the fill."""

from decimal import Decimal
from pathlib import Path

import pytest

from liqbot.commands import PlaceOrder, Purpose
from liqbot.venues.entry_stops import entry_of
from tests.builders.earlier_life import QUANTITY, entry_sent
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import EXPECTANT, Place, place, running

POSITION = {
    "binance": "GET /fapi/v3/positionRisk", "bybit": "GET /v5/position/list", "okx": "GET /api/v5/account/positions",
    "bitget": "GET /api/v2/mix/position/single-position",
    "hyperliquid": "POST /info clearinghouseState",
}  # fmt: skip


async def filled(here: Place, entry: PlaceOrder) -> None:
    await here.hub.execute(here.account, entry)
    await here.advance()
    assert here.held_base == QUANTITY


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("venue", ["bybit", "okx"])
async def test_a_process_that_dies_at_the_fill_leaves_nothing_naked_where_the_stop_rides(
    venue: str, tmp_path: Path
) -> None:
    async with place(venue) as here:
        settings = here.settings()
        entry = await entry_sent(here, settings, tmp_path)
        await filled(here, entry)
        assert here.stopped_base == QUANTITY, "nobody was there, and it is covered"
        async with running(settings, tmp_path) as bot:
            await bot.position(protected=True)
            # On OKX a stop of its own takes over; two for a moment are no harm.
            await bot.until(lambda: here.stopped_base == QUANTITY, "one stop covers it")
            (stop,) = [one for one in here.account.open_orders("BTC") if one.command.trigger_price is not None]
            assert (entry_of(stop.command.client_id) == entry.client_id) is (venue == "bybit")
        assert here.hub.unknown == []


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("venue", VENUES_SERVED)
async def test_the_stop_is_there_with_the_first_word_of_the_fill_and_waits_for_no_reading(
    venue: str, tmp_path: Path
) -> None:
    async with place(venue) as here:
        settings = here.settings(execution=EXPECTANT)
        settings = settings.model_copy(
            update={"network": settings.network.model_copy(update={"reconcile_s": 600.0})}
        )
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            read = here.asked(POSITION[venue])
            await filled(here, entry)
            await bot.until(lambda: here.stopped_base >= QUANTITY, "it is covered")
            assert here.asked(POSITION[venue]) <= read + 1, "at most what was under way"
            await bot.position(protected=True)
            await bot.until(lambda: here.stopped_base == QUANTITY, "what rode in has gone where another took over")
        separate = [client_id for client_id in here.orders(Purpose.STOP) if entry_of(client_id) is None]
        assert len(separate) == {"bybit": 0}.get(venue, 1)
        assert here.stopped_base == Decimal(QUANTITY)
