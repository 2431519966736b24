"""A market that a venue closes or renames while it is read is told as that, not as silence for ever."""

import asyncio

import pytest
from edge_sink import until
from read_venues import ReadVenue, read_venue

from liqbot.events import FeedDown
from paper.dialects.market_data.dialect import MarketDataDialect


async def silent_hours(place: ReadVenue) -> None:
    """The clock goes on and nothing is said."""
    while True:
        place.hub.now_ms += 3_600_000
        await asyncio.sleep(0.2)


def reasons(place: ReadVenue) -> list[str]:
    return [fact.reason for fact in place.sink.said(FeedDown, "mark")]  # type: ignore[union-attr]


@pytest.mark.parametrize("gone", [True, False])
async def test_it_is_looked_up_once_silence_has_lasted(gone: bool) -> None:
    async with read_venue("gate") as place:
        (room,) = place.loop.server._all
        assert isinstance(room.dialect, MarketDataDialect)
        if gone:
            room.dialect.contracts = [one for one in room.dialect.contracts if one.id != "BTC_USDT"]
        hours = asyncio.create_task(silent_hours(place))
        try:
            if gone:
                await until(lambda: any("BTC/USDT:USDT is not listed" in reason for reason in reasons(place)))
            else:
                asked = [one for one in place.loop.server.log if one.endpoint.endswith("usdt/contracts")]
                await until(lambda: len([one for one in place.loop.server.log
                                         if one.endpoint.endswith("usdt/contracts")]) > len(asked))
        finally:
            hours.cancel()
    assert any("not listed" in reason for reason in reasons(place)) is gone
    assert any("silent" in reason for reason in reasons(place))
