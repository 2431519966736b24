"""A signed direction through the whole house: given, shown with its source, journaled, replayed, run out."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
from bias_sender import SECRET, message, params, sent, signed

from liqbot import __version__
from liqbot.code_version import this_code
from liqbot.events import BiasSet
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from liqbot.journal import JournalReader
from liqbot.live.bot import trade
from liqbot.places import journal_path
from liqbot.replay import Equality, replay
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.verbs.control import status_text
from tests.builders.loopback_house import Place, access_of, files_with, place, running
from tests.builders.patience import patiently


async def advancing(here: Place) -> None:
    while True:
        await here.advance()
        await asyncio.sleep(0.1)


@pytest.mark.drawn(singly=True)
async def test_a_direction_is_given_shown_journaled_and_replayed(tmp_path: Path) -> None:
    wanted = params()
    async with place("okx") as here, running(here.settings(webhook=wanted), tmp_path) as bot:
        market = asyncio.create_task(advancing(here))
        assert (await sent(wanted.port, source="voice", why="flows"))[0] == 200
        status = await bot.status_when(lambda now: now["biases"] != [], "it holds")
        (given,) = status["biases"]
        assert (given["coin"], given["side"], given["why"]) == ("BTC", "long", "webhook voice: flows")
        assert "bias      BTC long until" in status_text(status)
        assert status["webhook"]["taken"] == 1
        status, reply = await sent(wanted.port, coin="DOGE")
        assert (status, reply["field"]) == (400, "coin")
        assert "not one of BTC" in reply["error"]
        assert (await sent(wanted.port, source="voice", why="a moment", valid_for_s=1))[0] == 200
        await bot.status_when(lambda now: now["biases"] == [], "another in its place, which has run out")
        assert here.orders  # the account is there, and:
        assert not here.account.orders, "a direction is no order"
        market.cancel()
    with JournalReader(journal_path(tmp_path)) as reader:
        found = [fact for block in reader.blocks() for fact in block.facts if isinstance(fact, BiasSet)]
    assert [(one.side, one.why) for one in found] == [
        (Side.LONG, "webhook voice: flows"), (Side.LONG, "webhook voice: a moment")
    ]
    code = this_code(__version__, 1)
    proof = replay(journal_path(tmp_path), recorded_engine, code, snapshot_version=snapshot_version())
    assert proof.equality is Equality.IDENTICAL
    assert not files_with(SECRET, tmp_path)


async def test_a_stop_in_the_middle_of_messages_ends_in_order(tmp_path: Path) -> None:
    wanted = params(requests_min=6_000)
    async with place("okx") as here:
        found: list[int] = []

        async def sending() -> None:
            while True:
                body = json.dumps(message()).encode()
                found.append((await sent(wanted.port, body, signed(body)))[0])

        async with running(here.settings(webhook=wanted), tmp_path) as bot:
            senders = [asyncio.create_task(sending()) for _ in range(3)]
            await bot.status_when(lambda now: now["webhook"]["taken"] > 5, "messages come")
            await bot.ask(verb="stop")
            assert await patiently(bot.task) == Exit.OK
        for one in senders:
            one.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
    assert 200 in found


async def test_a_start_says_in_one_line_what_the_webhook_lacks(tmp_path: Path) -> None:
    async with place("okx") as here:
        settings = here.settings(webhook=params(secret=None))
        with pytest.raises(ExpectedError, match=r"webhook\.secret: missing") as refused:
            await trade(settings, tmp_path, access_of(settings))
        assert refused.value.exit_code == Exit.CONFIG
        with socket.create_server(("127.0.0.1", 0)) as other:
            settings = here.settings(webhook=params(port=other.getsockname()[1]))
            with pytest.raises(ExpectedError, match=r"webhook\.port: .* cannot be listened on"):
                await trade(settings, tmp_path, access_of(settings))
