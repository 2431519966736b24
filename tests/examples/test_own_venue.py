"""The example of a venue of one's own, used as its README says, without an edit in the program."""

import asyncio
import contextlib
import json
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from liqbot import __version__, cli, extensions
from liqbot.blocks import EventBlock
from liqbot.code_version import this_code
from liqbot.events import ConfigLoaded
from liqbot.exits import Exit
from liqbot.journal import JournalReader
from liqbot.live.record import record
from liqbot.places import journal_path
from liqbot.replay import Equality, replay
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.settings import Settings, load
from liqbot.venues.conformance import faults
from liqbot.venues.registry import VENUES
from tests.builders.recording_life import until_recorded

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_venue"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy in a directory that nobody else may write, whatever the mode of the clone."""
    copied = tmp_path / "own_venue"
    shutil.copytree(EXAMPLE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    copied.chmod(0o700)
    (copied / "harbour.py").chmod(0o600)
    return copied


@pytest.fixture(autouse=True)
def clean_registry() -> Iterator[None]:
    yield
    with contextlib.suppress(ValueError):
        VENUES.remove("harbour")


def run(*words: str, config: Path) -> int:
    return cli.main([*words, "--config", str(config), "--profile", "harbour"])


def test_the_file_passes_the_suite_of_the_built_in_venues(folder: Path) -> None:
    loaded = extensions.load_file(folder / "harbour.py")
    assert faults(loaded.module.VENUE) == []


def test_it_is_listed_and_accepted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("venues", config=folder) == Exit.OK
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("harbour"))
    assert re.split(r"\s{2,}", line) == [
        "harbour", "usdt", "own rule and tiers", "yes", "yes", "6 documented", "complete", "position", "rule", "no",
        "none", "unknown",
    ]
    assert run("config", "check", config=folder) == Exit.OK
    assert run("venues", "--json", config=folder) == Exit.OK
    capsys.readouterr()


def test_trading_on_it_is_refused_by_check_and_start_in_the_words_of_its_spec(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "harbour.toml").write_text((folder / "harbour.toml").read_text().replace('"observe"', '"demo"'))
    said = []
    for verb in (("config", "check"), ("start",)):
        assert run(*verb, config=folder) == Exit.CONFIG
        said.append(capsys.readouterr().err.strip())
    assert said[0] == said[1]
    assert "harbour takes no orders (simulated, its orders are not implemented yet); possible with binance" in said[0]


@contextlib.asynccontextmanager
async def harbour(folder: Path) -> AsyncIterator[str]:
    """The example's exchange, on a free port."""
    module = extensions.load_file(folder / "harbour_exchange.py").module
    runner = web.AppRunner(module.Harbour().application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def everything(blocks: Sequence[EventBlock]) -> bool:
    """Every kind of market fact has arrived."""
    return all(any(len(block.rows(kind)) for block in blocks) for kind in ("bars", "marks", "open_interest",
                                                                         "liquidations"))


async def recording(folder: Path, data: Path) -> Settings:
    async with harbour(folder) as url:
        settings = load("harbour", config=folder, overrides=(f"network.loopback={url}",), environment={}).settings
        task = asyncio.create_task(record(settings, data, for_s=None))
        try:
            assert await until_recorded(task, data, everything) == Exit.OK
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    return settings


async def test_its_market_arrives_in_the_map_and_replays_only_with_the_same_text(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    await recording(folder, data)
    capsys.readouterr()  # the log of the recording
    assert cli.main(["map", "--data", str(data), "--json"]) == Exit.OK
    chart = json.loads(capsys.readouterr().out)
    assert sum(venue["long_usd"] for venue in chart["venues"] if venue["venue"] == "harbour") > 0

    path = journal_path(data)
    VENUES.remove("harbour")
    proof = replay(path, recorded_engine, this_code(__version__, 1), snapshot_version=snapshot_version())
    assert proof.equality is Equality.IDENTICAL
    assert proof.steps_compared > 3
    source = folder / "harbour.py"
    before = pinned(path)
    source.write_text(source.read_text().replace("(1_000_000, 50, 1.0)", "(1_000_000, 50, 1.5)"))
    VENUES.remove("harbour")  # as in a process that has not loaded it
    assert cli.main(["replay", "--db", str(path)]) == Exit.CONFIG
    assert re.search(f"its sha256 is [0-9a-f]{{64}}, recorded or pinned is {before}", capsys.readouterr().err)


def pinned(path: Path) -> Any:
    """The sha256 that the journal carries."""
    with JournalReader(path) as reader:
        config = reader.first(ConfigLoaded)
    assert config is not None
    entry: str = msgspec.json.decode(config.config_json)["venue_files"][0]
    return entry.partition("@sha256:")[2]
