"""Parts for tests of "journal first, then decide, then act": an engine that decides what it is given, a journal whose
answers the test gives, and a sink that keeps what leaves."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from decimal import Decimal

from liqbot.blocks import EventBlock
from liqbot.commands import CancelOrder, Command, OrderKind, PlaceOrder, Purpose, QueryOrder, SetLeverage
from liqbot.engine import Step
from liqbot.instruments import Side
from liqbot.journal.errors import JournalStuckError

WHERE = ("binance", "BTC")


def order(purpose: Purpose, client_id: str) -> PlaceOrder:
    return PlaceOrder(
        client_id=client_id, venue=WHERE[0], coin=WHERE[1], decision_id=1, purpose=purpose, kind=OrderKind.MARKET,
        side=Side.LONG, quantity_base=Decimal(1), reduce_only=purpose is not Purpose.ENTRY,
    )


def command(kind: str, number: int) -> Command:
    """`kind` is a purpose, or one of `leverage`, `cancel`, `query`."""
    client_id = f"{kind}{number}"
    if kind == "leverage":
        return SetLeverage(*WHERE, number)
    if kind == "cancel":
        return CancelOrder(client_id, *WHERE)
    if kind == "query":
        return QueryOrder(client_id, *WHERE)
    return order(Purpose(kind), client_id)


class ScriptedEngine:
    """Answers each Tick with the next Step's commands, anything else with silence; keeps every block it saw."""

    def __init__(self, *script: Sequence[Command]) -> None:
        self.script = list(script)
        self.seen: list[EventBlock] = []
        self.unrecorded: list[EventBlock] = []
        self.folded = 0
        """Blocks that it has folded: its state, as far as these tests are concerned."""

    def on_block(self, block: EventBlock) -> Step:
        self.seen.append(block)
        self.folded += 1
        commands = self.script.pop(0) if block.tick_ms is not None and self.script else ()
        return Step(self.folded, block.tick_ms or 0, commands=tuple(commands))

    def leave_unrecorded(self, block: EventBlock, step: Step) -> None:
        del step
        self.unrecorded.append(block)

    def snapshot(self) -> bytes:
        return str(self.folded).encode()

    @property
    def facts(self) -> list[object]:
        return [fact for block in self.seen for fact in block.facts]


class GivenJournal:
    """Its durability is what the test says; it may refuse blocks or Steps."""

    def __init__(self) -> None:
        self.appended: list[EventBlock] = []
        self.recorded: list[int] = []
        self.futures: list[Future[None]] = []
        self.waits_s: list[float | None] = []
        self.states: list[tuple[int, bytes]] = []
        """(records before it, state) where blocks were refused."""
        self.full = self.steps_refused = False
        self.trouble: JournalStuckError | None = None

    def append(self, block: EventBlock, source: str, source_seq: int, wait_s: float | None = None) -> int:
        del source, source_seq
        self.waits_s.append(wait_s)
        if self.full:
            raise JournalStuckError("journal: full")
        self.appended.append(block)
        return len(self.appended)

    def record(self, seq: int, step: Step, wait_s: float | None = None) -> None:
        del step, wait_s
        if self.steps_refused:
            raise JournalStuckError("journal: full")
        self.recorded.append(seq)

    def save_gap(self, version: str, state: Callable[[], bytes], wait_s: float | None = None) -> None:
        del version, wait_s
        if self.full:
            raise JournalStuckError("journal: full")
        self.states.append((len(self.appended), state()))

    def durable(self, seq: int | None = None) -> Future[None]:
        del seq
        self.futures.append(Future())
        return self.futures[-1]

    def fail(self, index: int = -1) -> None:
        self.futures[index].set_exception(JournalStuckError("journal: cannot be written"))


class Sink:
    """Where commands go."""

    def __init__(self) -> None:
        self.sent: list[Command] = []

    async def send(self, commands: Sequence[Command], now_ms: int) -> None:
        del now_ms
        self.sent += commands
