"""Live asks for recorded days: refused flat, managed with a position, overridden in words, on record everywhere."""

import asyncio
from pathlib import Path

import pytest

from liqbot import places
from liqbot.cli import main
from liqbot.commands import Purpose
from liqbot.events import Event, HaltCode, LadderOverridden, LiveStarted
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalReader
from liqbot.live.bot import trade
from liqbot.live.doctor import Health, findings
from liqbot.live.ladder import DAY_MS, Climb, climbed, require_climbed, sentence
from liqbot.live.record import record
from liqbot.runtime.process import wall_ms
from liqbot.runtime.rungs import MINUTE_MS, Ran, Rung, RungRecorder, identity_of
from liqbot.settings import Settings
from liqbot.verbs.control import status_text
from tests.builders.earlier_life import QUANTITY, entry_sent
from tests.builders.loopback_house import access_of, place, running, settings_for

MISSING = "observe 0.0 of 3 days"
WORDS = sentence("live")
FULL = {Rung.OBSERVE: 3.0, Rung.PAPER: 7.0, Rung.TESTNET: 3.0}


@pytest.fixture(autouse=True)
def rungs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "rungs.jsonl"
    monkeypatch.setenv("LIQBOT_RUNGS", str(path))
    return path


def live(**more: object) -> Settings:
    return settings_for("binance", "", mode="live", **more)


def write(days: dict[Rung, float], settings: Settings) -> None:
    """Through the product's own recorder, one minute at a time as its thread gets them."""
    first = wall_ms() // MINUTE_MS - 30 * 1_440
    for rung, count in days.items():
        with RungRecorder(places.rungs_path(), rung, identity_of(settings), wall_ms) as recorder:
            for minute in range(first, first + int(count * 1_440)):
                recorder._queue.put(minute)


def asked(typed: str | None = None, *, held: bool = False, settings: Settings | None = None) -> Climb:
    return require_climbed(settings or live(), "live", typed, wall_ms(), held=held)


def test_each_rung_that_is_missing_is_named_with_what_climbs_it() -> None:
    missing = r"observe 0\.0 of 3 days, paper 0\.0 of 7 days.*next: liqbot observe"
    with pytest.raises(ExpectedError, match=missing) as no:
        asked()
    assert no.value.exit_code is Exit.CONFIG
    assert len(str(no.value).splitlines()) == 1
    write({**FULL, Rung.PAPER: 6.9}, live())
    with pytest.raises(ExpectedError, match=r"paper 6\.9 of 7 days; next: liqbot paper --market live"):
        asked()


def test_with_all_days_it_begins_with_a_capped_week() -> None:
    write({**FULL, Rung.LIVE: 2.0}, live())
    climb = asked()
    assert (climb.missing, climb.typed, climb.size_pct) == ("", "", 25.0)
    assert climb.capped_ms == pytest.approx(5 * DAY_MS, abs=2)
    (began,) = climb.facts(1_000)
    assert isinstance(began, LiveStarted)
    write({Rung.LIVE: 9.0}, live())
    assert asked().capped_ms == 0
    # Another configuration begins at the bottom.
    with pytest.raises(ExpectedError):
        asked(settings=live(risk={"leverage_max": 1}))


def test_the_override_is_typed_word_by_word() -> None:
    for typed in ("", "yes", WORDS.upper(), sentence("paper")):
        with pytest.raises(ExpectedError, match="type 'I trade profile live") as wrong:
            asked(typed)
        assert wrong.value.exit_code is Exit.USAGE
    climb = asked(WORDS)
    assert [type(fact) for fact in climb.facts(1)] == [LiveStarted, LadderOverridden]
    write(FULL, live())
    assert not asked(WORDS).typed  # nothing to override


def test_an_open_position_is_never_refused_its_start() -> None:
    climb = asked(held=True)
    assert climb.missing
    assert not climb.typed


def profile(folder: Path, mode: str = "live") -> list[str]:
    (folder / "live.toml").write_text(f'mode = "{mode}"\n', encoding="utf-8")
    return ["start", "--profile", "live", "--config", str(folder), "--data", str(folder / "data")]


def test_the_verb_refuses_before_it_reaches_for_the_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = profile(tmp_path)
    assert main([*words, "--live"]) == Exit.CONFIG
    assert "recorded days" in capsys.readouterr().err
    # Past the ladder the next thing that is missing is a key.
    for more in (["--override-ladder", WORDS], ["--dry-run"]):
        assert main([*words, "--live", *more]) == Exit.CONFIG
        assert "no key for binance" in capsys.readouterr().err
    assert main([*profile(tmp_path, "demo"), "--override-ladder", WORDS]) == Exit.USAGE


def test_config_check_tells_how_far_one_has_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile(tmp_path)
    assert main(["config", "check", "--profile", "live", "--config", str(tmp_path)]) == Exit.OK
    assert "observe 0.0 of 3 days" in capsys.readouterr().out


async def test_the_doctor_tells_it(tmp_path: Path) -> None:
    found = {}
    async for finding in findings(live(venues=("binance",)), tmp_path, None, canary=False):
        found[finding.what] = finding
        if finding.what == "ladder":
            break
    assert found["ladder"].verdict is Health.FAIL
    assert "paper 0.0 of 7 days" in found["ladder"].text


def told(data: Path) -> list[Event]:
    with JournalReader(places.journal_path(data)) as reader:
        return [
            fact for one in reader.records(1, facts_only=True) for fact in one.block.facts
            if isinstance(fact, LiveStarted | LadderOverridden)
        ]


@pytest.mark.drawn(singly=True)
async def test_an_override_is_in_the_journal_and_in_the_status(tmp_path: Path, rungs: Path) -> None:
    climb = Climb(MISSING, WORDS, 25.0, DAY_MS, asks=True)
    async with place() as here, running(here.settings(), tmp_path / "data", climb=climb) as bot:
        status = await bot.status()
    assert not status["halted"]
    assert (status["ladder"]["override"], status["ladder"]["missing"]) == (WORDS, MISSING)
    assert status["ladder"]["size_pct"] == 25.0
    shown = status_text(status)
    assert WORDS in shown
    assert "entries at 25 % of their size" in shown
    assert [type(fact) for fact in told(tmp_path / "data")] == [LiveStarted, LadderOverridden]
    assert not rungs.exists()  # noqa: ASYNC240 -- loopback never counts


async def test_a_house_that_turns_out_flat_is_refused(tmp_path: Path) -> None:
    async with place() as here:
        settings = here.settings()
        with pytest.raises(ExpectedError, match=r"recorded days are missing.*no resume lifts that") as no:
            await trade(settings, tmp_path, access_of(settings), for_s=60, climb=Climb(MISSING, asks=True))
    assert no.value.exit_code is Exit.HALTED


@pytest.mark.drawn(singly=True)
async def test_with_a_position_it_protects_and_enters_nothing(tmp_path: Path) -> None:
    async with place("okx") as here:
        settings = here.settings()
        entry = await entry_sent(here, settings, tmp_path)
        await here.hub.execute(here.account, entry)
        await here.advance()
        async with running(settings, tmp_path, climb=Climb(MISSING, asks=True)) as bot:
            status = await bot.position(protected=True)
            assert status["halt_code"] == HaltCode.LADDER
            assert here.stopped_base >= QUANTITY
            said = (await bot.ask(verb="resume"))["said"]
            assert "nothing is entered" in said
            assert (await bot.status())["halt_code"] == HaltCode.LADDER
        assert len(here.orders(Purpose.ENTRY)) == 1


async def test_recording_over_loopback_climbs_nothing(tmp_path: Path, rungs: Path) -> None:
    async with place() as here:
        recording = asyncio.create_task(record(here.settings(mode="observe"), tmp_path / "data", for_s=2.0))
        while not recording.done():
            await here.advance()
            await asyncio.sleep(0.1)
        assert await recording is Exit.OK
    assert not rungs.exists()  # noqa: ASYNC240
    (observe, *_), live_days = climbed(live(), wall_ms())
    assert (observe.days, live_days) == (0.0, 0.0)


def test_a_line_is_what_the_documentation_says(rungs: Path) -> None:
    write({Rung.PAPER: 0.01}, live())
    assert set(Ran.__struct_fields__) == {"rung", "from_minute", "minutes", "identity", "day"}
    assert rungs.read_text(encoding="utf-8").startswith('{"rung":"paper","from_minute":')
