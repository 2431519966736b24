"""Observers: chosen by name, called in an order that keeps the books together, and never the end of the house."""

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from liqbot.blocks import EventBlock, block_of
from liqbot.engine import Engine, Step
from liqbot.events import Flatten, Halt, HaltCode, Reconciled
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from liqbot.journal import Journal, JournalReader
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.ledger import LedgerThread, LedgerWriter
from liqbot.observers.alert_rules import Alert, alerts_of
from liqbot.observers.alerts import FILE_NAME
from liqbot.observers.log import LogObserver
from liqbot.observers.observer import Observer, ObserverGroup
from liqbot.observers.registry import BUILT_IN, ObserverContext, observers_for, ordered, require_known
from liqbot.observers.snapshots import FEW_RECORDS, SnapshotObserver
from liqbot.risk.decision import Refusal, Refused
from liqbot.runtime.assembly import House, Parts, assembled, snapshot_version
from liqbot.settings import Settings, load, settings_model
from liqbot.settings.params import JournalParams
from paper.sessions.assembly import exchange_of
from paper.sessions.listings import paper_instruments
from paper.sessions.sim_loop import SimLoop
from tests.builders.market_rows import START_MS, RandomMarket

ROOT = Path(__file__).parents[2]
MARKET = RandomMarket(seed=5, venues=("binance",), marks=True, span_ms=60_000)
LISTED = paper_instruments("binance", ("BTC",))


class Listening(Observer):
    def __init__(self, name: str, fails: str = "") -> None:
        self.name, self._fails = name, fails
        self.calls: list[str] = []

    def start(self, engine: Engine) -> None:
        del engine
        self._call("start")

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq, block, step, engine
        self._call("on_step")

    def flush(self, seq: int, engine: Engine) -> None:
        del seq, engine
        self._call("flush")

    def close(self) -> None:
        self._call("close")

    def _call(self, what: str) -> None:
        self.calls.append(what)
        if what == self._fails:
            raise RuntimeError(f"broken in {what}")


def settings_with(**observers: Any) -> Settings:
    more = {"journal": {"snapshot_every_min": 5}}
    return settings_model()(coins=("BTC",), venues=("binance",), trade_venue="binance", observers=observers, **more)


@pytest.mark.parametrize("fails", ["start", "on_step", "flush", "close"])
def test_one_that_raises_is_disabled_and_named_and_the_others_go_on(fails: str) -> None:
    sound, broken = Listening("sound"), Listening("broken", fails)
    group = ObserverGroup([broken, sound])
    nothing: Any = None
    group.start(nothing)
    for seq in (1, 2):
        group.on_step(seq, EventBlock(), nothing, nothing)
    group.flush(2, nothing)
    group.close()
    assert sound.calls == ["start", "on_step", "on_step", "flush", "close"]
    assert broken.calls == sound.calls[: sound.calls.index(fails) + 1]
    assert group.names == ("sound",)
    assert group.troubles == {"broken": f"disabled: RuntimeError: broken in {fails}"}


@pytest.mark.parametrize(("added", "working"), [("", True), ("mine.py", False)])
def test_one_that_is_added_and_takes_too_long_is_disabled(added: str, working: bool) -> None:
    now_ns, nothing = iter((0, 250_000_000, 0, 251_000_000)), None  # type: tuple[Iterator[int], Any]
    slow = Listening("slow")
    slow.added_as = added
    group = ObserverGroup([slow], call_ms_max=250, timer_ns=lambda: next(now_ns))
    for seq in (1, 2, 3):
        group.on_step(seq, EventBlock(), nothing, nothing)
    assert (group.names == ("slow",)) is working
    assert len(slow.calls) == (3 if working else 2)
    if not working:
        reason = "disabled: TimeoutError: a call took 251 ms, observers.call_ms_max is 250 ms"
        assert group.troubles == {"slow": reason}


def test_one_that_hung_the_last_time_is_left_out_and_named(tmp_path: Path) -> None:
    settings = settings_with(enabled=("log", "/x/mine.py"))
    exchange = exchange_of(settings, MARKET.roster, LISTED)
    parts = Parts(
        settings, MARKET.roster, LISTED, "abc123", data=tmp_path, without=("/x/mine.py",),
        loop=lambda engine, observers: SimLoop(engine, exchange, observers=observers),
    )  # fmt: skip
    group = assembled(parts, START_MS).observers
    assert group.names == ("log",)
    assert "did not return the last time" in group.troubles["/x/mine.py"]


def test_a_trouble_that_passes_is_shown_while_it_lasts() -> None:
    one = Listening("one")
    group = ObserverGroup([one])
    one.trouble = "slow"
    assert group.troubles == {"one": "slow"}
    one.trouble = ""
    assert group.troubles == {}


def test_the_ledger_is_fed_first_and_snapshots_come_last() -> None:
    assert ordered(("snapshots", "log", "ledger", "mine.py")) == ("ledger", "log", "mine.py", "snapshots")


def test_an_unknown_name_is_refused_in_one_line_that_lists_the_others() -> None:
    with pytest.raises(ExpectedError, match="'ledgr' is no observer; there are ledger, snapshots, log") as refused:
        require_known(("log", "ledgr"))
    assert refused.value.exit_code == Exit.CONFIG
    require_known(tuple(BUILT_IN))


def house_on(data: Path, settings: Settings, stack: Any) -> tuple[House[SimLoop], Journal, LedgerThread]:
    journal = stack.enter_context(Journal.open(data / "j.sqlite", mode="paper", account="x", roster=MARKET.roster))
    url, written = f"sqlite:///{data / 'l.sqlite'}", lambda: journal.written_seq
    ledger = stack.enter_context(LedgerThread(url, journal.stamp.journal_id, written=written))
    exchange = exchange_of(settings, MARKET.roster, LISTED)
    parts = Parts(
        settings, MARKET.roster, LISTED, journal.stamp.journal_id, journal=journal, ledger=ledger, data=data,
        loop=lambda engine, observers: SimLoop(engine, exchange, journal=journal, observers=observers),
        account_facts=exchange.facts_at_start(START_MS),
    )  # fmt: skip
    house = assembled(parts, START_MS)
    house.loop.open(house.opening)
    return house, journal, ledger


def snapshots(data: Path) -> list[int]:
    with JournalReader(data / "j.sqlite") as reader:
        return sorted(one.seq for one in reader.snapshots(SNAPSHOT_NAME, snapshot_version()))


def test_snapshots_are_saved_while_it_runs_and_one_at_most_is_ahead_of_the_ledger(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        house, journal, ledger = house_on(tmp_path, settings_with(), stack)
        for tick_ms, rows in MARKET.steps(12):
            house.loop.step(block_of(rows, MARKET.roster, tick_ms=tick_ms))
            journal.wait_durable()
            assert sum(seq > ledger.seq for seq in snapshots(tmp_path)) <= 1
            assert ledger.flush(20)
        assert len(snapshots(tmp_path)) == 2, "every five minutes of twelve"
        house.observers.flush(journal.last_seq, house.engine)
    assert snapshots(tmp_path)[-1] == 13


def test_one_is_saved_as_soon_as_something_is_at_stake(tmp_path: Path) -> None:
    """With the entry, before anything is held: a start over its fill has little to run again."""
    at_work, held = {63, 64, 65, 71, 130, 131}, {65, 66, 67, 68}
    quick = RandomMarket(seed=5, venues=("binance",), marks=True, span_ms=1_000)
    with Journal.open(tmp_path / "j.sqlite", mode="paper", account="x", roster=MARKET.roster) as journal:
        observer = SnapshotObserver(journal, None, JournalParams(snapshot_every_min=1_000), snapshot_version())
        for number, (tick_ms, rows) in enumerate(quick.steps(140)):
            block = block_of(rows, quick.roster, tick_ms=tick_ms)
            seq = journal.append(block, "inbox", number)
            engine: Any = SimpleNamespace(
                is_recorded=number != 63, snapshot=lambda: b"x",
                order_manager=SimpleNamespace(at_work=number in at_work),
                account=SimpleNamespace(positions=(1,) if number in held else ()),
            )
            observer.on_step(seq, block, cast("Step", SimpleNamespace(time_ms=tick_ms)), engine)
    # None can be saved with the first order, and one is right after; the next order follows too closely for another.
    assert snapshots(tmp_path) == [65, 131]
    assert 72 < 65 + FEW_RECORDS < 131


def test_history_leaves_no_snapshots(tmp_path: Path) -> None:

    with contextlib.ExitStack() as stack:
        house, _, _ = house_on(tmp_path, settings_with(), stack)
        for tick_ms, rows in MARKET.steps(12):
            block = block_of(rows, MARKET.roster, tick_ms=tick_ms)
            house.loop.step(msgspec.structs.replace(block, backfilled=True))
    assert snapshots(tmp_path) == []


def test_no_snapshot_overtakes_a_ledger_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: LedgerWriter) -> None:
        raise OperationalError("INSERT", {}, Exception("disk is full"))

    monkeypatch.setattr("liqbot.observers.ledger.FLUSH_S_MAX", 0.1)
    with contextlib.ExitStack() as stack:
        house, journal, ledger = house_on(tmp_path, settings_with(), stack)
        monkeypatch.setattr(LedgerWriter, "flush", refuse)
        for tick_ms, rows in MARKET.steps(12):
            house.loop.step(block_of(rows, MARKET.roster, tick_ms=tick_ms))
        journal.wait_durable()
        assert snapshots(tmp_path) == []
        while not ledger.trouble:  # said by its own thread, soon
            ledger.flush(0.01)
        house.observers.flush(journal.last_seq, house.engine)
        assert snapshots(tmp_path) == []
        assert "disk is full" in house.observers.troubles["snapshots"]
        assert "snapshots" in house.observers.names, "it works again once the ledger does"
        monkeypatch.undo()
        assert ledger.flush(20)
        house.observers.flush(journal.last_seq, house.engine)
    assert len(snapshots(tmp_path)) == 1
    assert house.observers.troubles == {}


def test_alerts_name_what_a_person_must_know(tmp_path: Path) -> None:
    halt = Halt(time_ms=START_MS, reason="x", code=HaltCode.KEY_REFUSED)
    assert list(alerts_of(halt)) == [Alert(START_MS, "KEY_REFUSED", "x")]
    assert [alert.code for alert in alerts_of(Flatten(time_ms=1, reason="x"))] == ["FLATTEN"]
    assert list(alerts_of(Reconciled(time_ms=1, venue="binance", coin="BTC"))) == []
    with contextlib.ExitStack() as stack:
        settings = settings_with(enabled=("ledger", "alerts"), alert_sinks=("file",))
        house, _, _ = house_on(tmp_path, settings, stack)
        house.loop.tell((halt,))
    assert '"KEY_REFUSED"' in (tmp_path / FILE_NAME).read_text(encoding="utf-8")


def context(enabled: str, data: Path) -> ObserverContext:
    return ObserverContext(settings_with(enabled=(enabled,)), data)


def test_the_example_of_a_users_own_sink_runs_unedited(tmp_path: Path) -> None:
    directory = tmp_path / "config" / "observers"
    directory.mkdir(parents=True)
    copy = directory / "alert_sink.py"
    copy.write_bytes((ROOT / "examples" / "alert_sink.py").read_bytes())
    (tmp_path / "config" / "paper.toml").write_text('[observers]\nenabled = ["observers/alert_sink.py"]\n')
    settings = load("paper", config=tmp_path / "config", environment={}).settings
    assert settings.observers.enabled == (str(copy),), "found from any directory"
    settings = settings.model_copy(update={"venues": ("binance",)})
    with contextlib.ExitStack() as stack:
        house, _, _ = house_on(tmp_path, settings, stack)
        house.loop.tell((Halt(time_ms=START_MS, reason="lunch", code=HaltCode.OPERATOR_PAUSE),))
        house.observers.close()
    assert house.observers.names == ("messages",)
    assert (tmp_path / "messages.txt").read_text(encoding="utf-8") == "halted (OPERATOR_PAUSE): lunch\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("def observer(context): return 1\n", "made a int, expected an Observer or None"),
        ("def observer(context): raise KeyError('x')\n", "cannot be made: KeyError: 'x'"),
        ("observer = (", r"mine\.py:1: '\(' was never closed"),
        ("import no_such_module\n", r"mine\.py:1: ModuleNotFoundError"),
        ("x = 1\n", r"mine\.py: no function observer\(context\)"),
    ],
)
def test_a_broken_file_is_one_clear_line(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ExpectedError, match=complaint) as refused:
        observers_for(context(str(path), tmp_path))
    assert refused.value.exit_code == Exit.CONFIG
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("shared", ["file", "directory"])
def test_a_file_that_others_can_change_is_never_loaded(shared: str, tmp_path: Path) -> None:
    path = tmp_path / "own" / "mine.py"
    path.parent.mkdir(mode=0o755)
    path.write_text("raise SystemExit('it was run')\n")
    (path if shared == "file" else path.parent).chmod(0o777)
    place = path if shared == "file" else path.parent
    with pytest.raises(ExpectedError, match=rf"anybody may write {place}; chmod go-w"):
        observers_for(context(str(path), tmp_path))
    with pytest.raises(ExpectedError, match="no Python file at"):
        observers_for(context(str(tmp_path / "none.py"), tmp_path))


def test_a_house_without_books_has_no_book_observers(tmp_path: Path) -> None:
    assert [one.name for one in observers_for(ObserverContext(settings_with()))] == ["log"]
    console = Listening("console")
    named = [one.name for one in observers_for(ObserverContext(settings_with(), console=console))]
    assert named == ["console"], "a person who watches needs no log of the same"


def test_the_log_names_a_refused_decision_as_explain_does_and_says_what_was_refused() -> None:
    refused = Refused(3, Refusal.CORRELATED, "too much", (), "cascade", "ETH", Side.SHORT)
    engine = SimpleNamespace(marks=SimpleNamespace(test_market=False))
    with capture_logs() as logged:
        LogObserver().on_step(1, EventBlock(), Step(1, 1_000, decisions=(refused,)), cast("Engine", engine))
    (line,) = [one for one in logged if one["event"] == "refused"]
    told = {name: line[name] for name in ("decision", "strategy", "coin", "side", "code")}
    assert told == {"decision": "d3", "strategy": "cascade", "coin": "ETH", "side": "short", "code": "CORRELATED"}
