"""`exchange serve`: what it prints is enough to use it, and what is wrong is said in one line."""

from pathlib import Path

import pytest
from loopback_house import settings_for
from loopback_market import at, flat, quiet
from venue_keys import practice_of

from liqbot import cli
from liqbot.blocks import Roster, block_of
from liqbot.connection.endpoints import Access
from liqbot.execution.edge.trading_marks import read_marks
from liqbot.exits import Exit
from liqbot.live.credentials import check_permissions, trading_client
from liqbot.runtime.process import wall_ms
from liqbot.settings import load
from liqbot.venues.registry import VENUES, trading_of
from paper.dialects.serving import DIALECTS, dialect_class, dialects_of, serving, traded
from paper.tapes.writer import write_tape
from paper.verbs import exchange


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    path = tmp_path / "quiet.parquet"
    roster = Roster(("binance",), ("BTC",))
    seconds = range(1, 30)
    write_tape(path, (block_of(flat("binance", "BTC", one), roster, tick_ms=at(one)) for one in seconds), roster)
    return path


def served(tape: Path, *words: str) -> list[str]:
    return ["exchange", "serve", *words, "--market", str(tape), "--speed", "0", "--config", str(tape.parent)]


def test_it_serves_a_tape_prints_keys_and_an_address_and_ends(tape: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(served(tape, "--venue", "binance")) == Exit.OK
    said = capsys.readouterr().out
    assert "simulated-binance-key" in said
    assert "http://127.0.0.1:" in said
    assert "/fapi.binance.com/fapi/v1/time" in said
    assert "nothing here is real" in said


@pytest.mark.parametrize("venue", traded())
async def test_a_test_market_at_a_ratio_has_accounts_and_marks_of_its_own(venue: str, tape: Path) -> None:
    settings = load("paper", config=tape.parent, environment={}).settings
    roster = Roster((venue,), ("BTC",))
    hub = exchange._hub(roster, (venue,), settings, ("BTC",))
    async with serving(hub, exchange._dialects(hub, (venue,), 1.02)) as loop:
        await hub.advance(block_of(flat(venue, "BTC", 1), roster, tick_ms=at(1)))
        key = exchange.DEMO_KEY if dialect_class(venue).demo_keys_differ else exchange.KEY
        sample = dialect_class(venue).sample_key or (key.format(venue=venue), exchange.WORD.format(venue=venue))
        first, second, *_ = VENUES[venue].credentials
        keys = {venue: {first: sample[0], second: sample[1], "password": exchange.WORD_TOO}}
        wanted, marks = settings_for(venue, loop.url, keys=keys), []
        for access in ("live", practice_of(venue)):
            client = trading_client(wanted, access)
            try:
                await client.open(("BTC",))
                marks.append((await read_marks(client, ("BTC",), wall_ms))["BTC"])
            finally:
                await client.close()
        assert marks[1] / marks[0] == pytest.approx(1.02)
        assert loop.server.unknown == []


@pytest.mark.parametrize("venue", [venue for venue in traded() if dialect_class(venue).demo_keys_differ])
async def test_it_takes_a_client_in_demo_trading_with_the_key_for_it(venue: str, tape: Path) -> None:
    settings = load("paper", config=tape.parent, environment={}).settings
    hub = exchange._hub(Roster((venue,), ("BTC",)), (venue,), settings, ("BTC",))
    await hub.advance(quiet(1, venue))
    async with serving(hub, dialects_of(hub, (venue,), demo_key=exchange.DEMO_KEY)) as loop:
        trials: dict[Access, str] = {
            "demo": exchange.DEMO_KEY.format(venue=venue), "live": exchange.KEY.format(venue=venue),
        }
        for access, key in trials.items():
            keys = {venue: {"api_key": key, "secret": exchange.WORD.format(venue=venue), "password": exchange.WORD_TOO}}
            wanted = settings_for(venue, loop.url, keys=keys)
            client = trading_client(wanted, access)
            try:
                await client.open(("BTC",))
                assert not (await check_permissions(client, trading_of(venue), with_money=False)).may_withdraw
            finally:
                await client.close()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--venue", "nyse"], Exit.USAGE, f"one or more of {', '.join(DIALECTS)}"),
        (["--venue", "okx"], Exit.CONFIG, "this market has binance"),
    ],
)
def test_a_wrong_venue_is_one_line(
    tape: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, says: str
) -> None:
    assert cli.main(served(tape, *words)) == code
    said = capsys.readouterr().err.strip()
    assert says in said
    assert len(said.splitlines()) == 1
