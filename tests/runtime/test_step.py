"""The rule "journal first, then decide, then act" as a pure step: whatever the disk does, and whenever."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from law_four import ScriptedEngine, command

from liqbot.blocks import EventBlock
from liqbot.commands import Command, PlaceOrder, adds_risk
from liqbot.events import JournalGap, OrderRejected
from liqbot.runtime.step import (
    NOT_JOURNALED,
    AppendBlock,
    ObserveStep,
    RecordStep,
    ReportFacts,
    RequestDurable,
    SaveState,
    SendCommands,
    WriteAhead,
)

WAIT_MS = 1_000
KINDS = ("entry", "stop", "take", "exit", "leverage", "cancel", "query")


class Harness:
    """A driver that does what it is asked and writes down what happened, in order."""

    def __init__(self, *script: Iterable[Command]) -> None:
        self.engine = ScriptedEngine(*[tuple(one) for one in script])
        self.rule = WriteAhead(self.engine, wait_ms=WAIT_MS)
        self.now_ms, self.seq = 0, 0
        self.sent: list[tuple[Command, int]] = []
        self.facts: list[OrderRejected] = []
        self.observed: list[tuple[int, int]] = []
        """(seq, blocks the engine had folded when it was observed)"""
        self.recorded: list[int] = []
        self.rooms_ms: list[int] = []
        self.blocks: list[EventBlock] = []
        self.states: list[int] = []
        """The records before the states that were kept."""
        self.durable_up_to = 0
        self.decided_ms: dict[Command, int] = {}
        self.log: list[str] = []

    def take(self, *, append: bool = True, record: bool = True) -> None:
        before = self.engine.folded
        requests, answer = self.rule.take(EventBlock(tick_ms=self.now_ms), self.now_ms), None
        try:
            while True:
                request = requests.send(answer)
                if self.engine.folded > before and "fold" not in self.log[-2:]:
                    self.log.append("fold")
                answer = self._answer(request, append=append, record=record)
        except StopIteration as taken:
            self.decided_ms |= dict.fromkeys(taken.value.commands, self.now_ms)

    def _answer(self, request: Any, *, append: bool, record: bool) -> Any:
        self.log.append(type(request).__name__)
        if isinstance(request, AppendBlock):
            self.rooms_ms.append(request.room_wait_ms)
            self.seq += append
            self.blocks += [request.block] if append else []
            return self.seq if append else None
        if isinstance(request, SaveState):
            self.states += [self.seq] if append else []
            return append
        if isinstance(request, RecordStep):
            self.recorded += [request.seq] if record else []
            return record
        self.perform([request])
        return None

    def perform(self, requests: Iterable[Any]) -> None:
        for request in requests:
            if isinstance(request, SendCommands):
                self.sent += [(one, self.now_ms) for one in request.commands]
            elif isinstance(request, ReportFacts):
                self.facts += request.facts
            elif isinstance(request, ObserveStep):
                self.observed.append((request.seq, self.engine.folded))
            else:
                assert isinstance(request, RequestDurable)

    def durable(self, seq: int) -> None:
        self.durable_up_to = max(self.durable_up_to, seq)
        self.perform(self.rule.durable(seq))

    def pass_time(self, ms: int) -> None:
        """As a driver does: never beyond a deadline without saying so."""
        until_ms = self.now_ms + ms
        while (deadline_ms := self.rule.deadline_ms) is not None and deadline_ms <= until_ms:
            self.now_ms = deadline_ms
            self.perform(self.rule.expire(self.now_ms))
        self.now_ms = until_ms

    @property
    def left(self) -> list[Command]:
        return [one for one, _ in self.sent]


ENTRY, STOP, EXIT, LEVERAGE = (command(kind, 1) for kind in ("entry", "stop", "exit", "leverage"))


def test_a_block_is_journaled_before_it_is_folded_and_its_answer_before_anything_leaves() -> None:
    one = Harness([ENTRY])
    one.take()
    one.durable(1)
    assert one.log == ["AppendBlock", "fold", "RecordStep", "RequestDurable"]
    assert one.left == [ENTRY]


def test_nothing_leaves_before_its_intent_is_durable() -> None:
    one = Harness([ENTRY, STOP])
    one.take()
    one.pass_time(WAIT_MS - 1)
    assert one.left == []
    one.durable(1)
    assert one.left == [ENTRY, STOP]
    assert one.facts == []


def test_a_reduction_leaves_after_the_wait_and_an_entry_never() -> None:
    one = Harness([LEVERAGE, ENTRY, STOP])
    one.take()
    one.pass_time(WAIT_MS)
    assert one.left == [STOP]
    assert [(fact.client_id, fact.code) for fact in one.facts] == [("entry1", NOT_JOURNALED)]
    one.durable(1)
    assert one.left == [STOP], "durable too late"


def test_a_step_durable_too_late_lets_the_next_one_leave_in_time() -> None:
    one = Harness([ENTRY], [command("entry", 2)])
    one.take()
    one.pass_time(WAIT_MS - 1)
    one.take()
    one.pass_time(1)
    one.durable(2)
    assert one.left == [command("entry", 2)]


def test_a_journal_that_cannot_be_written_holds_no_reduction_back() -> None:
    one = Harness([ENTRY, STOP])
    one.take()
    one.perform(one.rule.not_durable(1))
    assert one.left == [STOP]
    assert [fact.client_id for fact in one.facts] == ["entry1"]


def test_a_refused_block_is_decided_on_all_the_same_and_not_observed() -> None:
    one = Harness([ENTRY, STOP], [EXIT])
    one.take()
    one.take(append=False)
    assert one.left == [STOP, EXIT], "what waited before goes first"
    assert one.observed == [(1, 1)]
    one.take(append=False)
    one.take()
    assert one.rooms_ms == [WAIT_MS, WAIT_MS, 0, 0], "room that did not come is not waited for again"
    assert one.log.count("SaveState") == 2, "requested with every block until it is there"
    one.take()
    assert one.rooms_ms[-1] == WAIT_MS


def test_after_a_refusal_the_state_and_a_record_of_the_gap_come_before_anything_else() -> None:
    one = Harness()
    for append in (True, False, False, True, True):
        one.pass_time(1_000)
        one.take(append=append)
    assert [block.facts or block.tick_ms for block in one.blocks] == [
        1_000, (JournalGap(time_ms=3_000, blocks=2, since_ms=2_000),), 4_000, 5_000
    ]
    assert one.states == [1]
    assert [block.tick_ms for block in one.engine.unrecorded] == [2_000, 3_000]
    assert one.observed == [(1, 1), (2, 4), (3, 5), (4, 6)]


def test_a_step_that_could_not_be_recorded_counts_as_not_journaled() -> None:
    one = Harness([ENTRY, STOP])
    one.take(record=False)
    assert (one.left, one.observed) == ([STOP], [])


def test_a_step_is_observed_before_the_next_block_is_folded() -> None:
    one = Harness([ENTRY], [])
    one.take()
    assert one.observed == []
    one.take()
    assert one.observed == [(1, 1), (2, 2)]
    one.durable(2)
    assert one.observed == [(1, 1), (2, 2)]


ACTIONS = st.one_of(
    st.tuples(st.just("take"), st.lists(st.sampled_from(KINDS), max_size=4), st.sampled_from(("", "append", "record"))),
    st.tuples(st.sampled_from(("durable", "failed")), st.integers(0, 3)),
    st.tuples(st.just("time"), st.integers(0, WAIT_MS * 2)),
)


@given(st.lists(ACTIONS, max_size=30))
def test_whatever_the_disk_does_no_risk_leaves_early_no_reduction_late_and_nothing_twice(actions: list[Any]) -> None:
    one = Harness()
    decided: list[Command] = []
    risk_seq: dict[Command, int | None] = {}
    for action in actions:
        if action[0] == "take":
            commands = [command(kind, len(decided) + index + 1) for index, kind in enumerate(action[1])]
            decided += commands
            one.engine.script.append(commands)
            one.take(append=action[2] != "append", record=action[2] != "record")
            risk_seq |= dict.fromkeys(commands, one.seq if not action[2] else None)
        elif action[0] == "time":
            one.pass_time(action[1])
        else:
            seq = max(0, one.seq - action[1])
            if action[0] == "durable":
                one.durable(seq)
            else:
                one.perform(one.rule.not_durable(seq))
        for sent in one.left:
            if adds_risk(sent):
                assert (risk_seq[sent] or 10**9) <= one.durable_up_to
    one.pass_time(WAIT_MS)

    left = one.left
    assert left == [sent for sent in decided if sent in left], "in the order they were decided, none twice"
    for wanted in decided:
        if not adds_risk(wanted):
            assert wanted in left, "no reduction is lost"
    for sent, sent_ms in one.sent:
        assert sent_ms <= one.decided_ms[sent] + WAIT_MS
    orders = [wanted for wanted in decided if isinstance(wanted, PlaceOrder) and adds_risk(wanted)]
    reported = [fact.client_id for fact in one.facts]
    assert sorted(reported) == sorted(entry.client_id for entry in orders if entry not in left)
    recorded_folds = [folded for _, folded in one.observed]
    assert [seq for seq, _ in one.observed] == one.recorded
    gaps = [number for number, block in enumerate(one.blocks) if block.facts]
    assert set(gaps) <= set(one.states), "no gap without the state after it"
    missed = sum(fact.blocks for block in one.blocks for fact in block.facts if isinstance(fact, JournalGap))
    assert missed <= len(one.engine.unrecorded) == one.engine.folded - len(one.blocks), "reported once"
    assert recorded_folds == sorted(recorded_folds)
    assert len(set(recorded_folds)) == len(recorded_folds), "each with the engine as that Step left it"
