"""A paper session on a served live market: public feeds over the wire, fills in process."""

import asyncio
from pathlib import Path

import pytest

from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalReader
from liqbot.places import journal_path
from paper.sessions.live_data import LiveSession
from tests.builders.loopback_house import Place, place
from tests.builders.recording_life import market_steps, until_recorded
from tests.builders.venue_keys import is_read


async def advancing(here: Place) -> None:
    while True:
        await here.advance()
        await asyncio.sleep(0.1)


async def test_it_runs_on_public_feeds_alone(tmp_path: Path) -> None:
    begun = []
    async with place() as here:
        session = LiveSession(here.settings(mode="paper", keys={}), tmp_path, None, begun.append, for_s=None)
        moving = asyncio.create_task(advancing(here))
        try:
            ended = await until_recorded(
                asyncio.create_task(session.run()), tmp_path, lambda blocks: market_steps(blocks) > 3
            )
        finally:
            moving.cancel()
        engine = ended.engine
        assert begun == [engine]
        assert engine.account.equity_usd == 10_000
        with JournalReader(journal_path(tmp_path)) as reader:
            assert reader.stamp.mode == "paper"
            assert sum(len(block.bars) for block in reader.blocks()) > 3
        assert not [one for one in here.loop.server.log if not is_read(one.endpoint)]
        assert here.hub.unknown == []


async def test_without_a_network_it_says_so_in_one_line(tmp_path: Path) -> None:
    async with place() as here:
        settings = here.settings(mode="paper", keys={}, network={"loopback": "http://127.0.0.1:9"})
    with pytest.raises(ExpectedError) as refused:
        await LiveSession(settings, tmp_path, None, lambda _engine: None, for_s=5.0).run()
    assert refused.value.exit_code == Exit.UNREACHABLE
    assert "\n" not in str(refused.value)
    assert not journal_path(tmp_path).exists()
