"""The link between the house and the simulated exchange, and the venue's own memory of orders. What goes wrong on it
is decided by `LinkTrouble`s; without any, commands arrive, answers come back, and fills may come in two parts."""

import random
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

import msgspec

from liqbot import events
from liqbot.blocks import EventBlock
from liqbot.commands import CancelOrder, Command, PlaceOrder, QueryOrder
from liqbot.events import Event
from paper.exchange import PaperExchange
from paper.exchange.exchange import Happened, React
from paper.exchange.quotes import Key
from paper.simulate import edge
from paper.simulate.journal import Killed

MONEY: Final = (
    events.Fill, events.FundingPaid, events.Transfer, events.Rebate, events.PositionLiquidated,
    events.PositionDeleveraged,
)
"""What a venue tells again when its histories are read; the rest is state, read afresh."""
_MICRO: Final = Decimal("0.000001")
_RETOLD_MS: Final = 3_600_000


class CommandFate(msgspec.Struct, frozen=True):
    """What becomes of one command. `refused` is the code with which the venue's door turns it away."""

    arrives: bool = True
    answered: bool = True
    late_ms: int = 0
    refused: str = ""
    expires: bool = False
    """It left in time and is late on its way: the venue carries it out only while it is valid."""


class LinkTrouble:
    """Something wrong with the link for a while. Subclasses say what; the first that answers decides."""

    def __init__(self, until_ms: int) -> None:
        self.until_ms = until_ms

    @property
    def impedes(self) -> bool:
        """Orders or news about them may be lost or late: protection may lag until this is over."""
        return True

    @property
    def disturbs(self) -> bool:
        """Something takes longer than in calm times; no excuse for a position without a stop."""
        return self.impedes

    def over(self, now_ms: int) -> bool:
        return now_ms >= self.until_ms

    def on_command(self, command: Command, now_ms: int) -> CommandFate | None:
        """None: not this trouble's business."""
        del command, now_ms
        return None

    def on_fact(self, fact: Event, now_ms: int) -> tuple[int, ...] | None:
        """Delays in milliseconds, one per delivery; none at all: withheld until histories are read."""
        del fact, now_ms
        return None

    @property
    def shuffles(self) -> bool:
        """What arrives together arrives in any order."""
        return False

    def on_split(self, fill: events.Fill) -> int | None:
        """Delay of the second part of a fill that comes in two; None: as usual."""
        del fill
        return None

    def hides(self, fact: Event) -> bool:
        """Histories do not show it yet."""
        del fact
        return False


    @property
    def nonsense(self) -> bool:
        """What is read is nothing that the edge understands."""
        return False

    def state_known(self, fact: Event) -> bool:
        """Whether the state that the venue gives of an order is one that the edge knows."""
        del fact
        return True


class LinkSwitches(msgspec.Struct):
    """Plain switches of the link."""

    up: bool = True
    """The user stream delivers."""
    skew_ms: int = 0
    """The venue's clock ahead of ours."""
    kill_after: int = -1
    """The process dies after sending this many more commands; -1: it does not."""


Sending = Callable[[Command], None]
Seeing = Callable[[Happened], None]
Ours = Callable[[str], bool]


class Link:
    """What `House` takes for its exchange."""

    def __init__(
        self, exchange: PaperExchange, chance: random.Random, sending: Sending, seeing: Seeing, ours: Ours
    ) -> None:
        """`sending` is told of every command before anything becomes of it, `seeing` of all that happened there;
        `ours` tells our client ids: the fills of others show in the position alone."""
        self._ours, self._fine = ours, True
        self.exchange, self._chance = exchange, chance
        self._sending, self._seeing = sending, seeing
        self.now_ms = 0
        self.truth: EventBlock | None = None
        """The market as it is in the next step, whatever the house is told of it."""
        self.heard_last: tuple[Event, ...] = ()
        """What the house hears at the end of the next step, right before its Tick."""
        self.switches = LinkSwitches()
        self.troubles: list[LinkTrouble] = []
        self._outbox: list[tuple[int, Command, bool]] = []
        """When it arrives, and whether it has left us for good."""
        self._mail: list[tuple[int, int, Event]] = []
        self._posted = 0
        self._unanswered: list[Command] = []
        self._sent: dict[str, tuple[int, int]] = {}
        """When, and how long it is valid from then on."""
        self._said: dict[str, list[Event]] = {}
        self._unheard: set[str] = set()
        """Ids of our fills that were told to nobody yet."""
        self._told: list[Event] = []
        """Money facts, oldest first: what the venue's histories hold."""
        self.histories_from_ms = 0
        """What came before is not asked for: it was before the present journal began."""

    # --- the house's side ------------------------------------------------------------------------------------------

    @property
    def quiet(self) -> bool:
        """Nothing is on its way in either direction."""
        return not self._outbox and not self._mail and not self.exchange.on_the_way

    @property
    def impeded(self) -> bool:
        return not self.switches.up or any(trouble.impedes for trouble in self.troubles)

    @property
    def disturbed(self) -> bool:
        return not self.switches.up or any(trouble.disturbs for trouble in self.troubles)

    @property
    def nonsense(self) -> bool:
        return any(trouble.nonsense for trouble in self.troubles)

    @property
    def unknowable(self) -> bool:
        """The stream has lost a fill of ours, and nothing that is read makes sense: nobody here can know of it."""
        return self.nonsense and bool(self._unheard)

    def submit(self, command: Command, time_ms: int) -> None:
        """The house may believe in another time than the venue's: the venue's counts."""
        del time_ms
        if self.switches.kill_after == 0:
            self.switches.kill_after = -1
            raise Killed("send")
        self.switches.kill_after = max(self.switches.kill_after - 1, -1)
        self._sending(command)
        fate = self._fate(command)
        if isinstance(command, PlaceOrder):
            # What waits in a queue of our own has not left: the edge knows that.
            left_ms = self.now_ms + (0 if fate.expires else fate.late_ms)
            self._sent[command.client_id] = left_ms, edge.valid_ms(command)
        if fate.refused:
            self._turn_away(command, fate.refused)
        elif fate.arrives and not (fate.expires and fate.late_ms >= _valid_ms(command)):
            if not fate.answered:
                self._unanswered.append(command)
            if fate.late_ms:
                self._outbox.append((self.now_ms + fate.late_ms, command, fate.expires))
            else:
                self.exchange.submit(command, self.now_ms)

    def _fate(self, command: Command) -> CommandFate:
        for trouble in tuple(self.troubles):
            fate = trouble.on_command(command, self.now_ms)
            if fate is not None:
                return fate
        return CommandFate()

    def _turn_away(self, command: Command, code: str) -> None:
        """A definite no before the venue looked at it; questions and settings just stay without an answer."""
        where: dict[str, Any] = {"time_ms": self.now_ms, "venue": command.venue, "coin": command.coin}
        if isinstance(command, PlaceOrder):
            self._post(events.OrderRejected(**where, client_id=command.client_id, code=code, reason=code), 30)
        elif isinstance(command, CancelOrder):
            self._post(events.CancelRejected(**where, client_id=command.client_id, reason=code), 30)

    # --- time ------------------------------------------------------------------------------------------------------

    def advance(self, block: EventBlock, react: React) -> None:
        """Through the true market, whatever `block` says. `truth` is used up; without one no time passes."""
        del block
        truth, self.truth = self.truth, None
        if truth is not None:
            self._fine = (truth.tick_ms or 0) - self.now_ms <= 1_000
            for happened in self.exchange.walk(truth):
                self._happened(happened)
                self._deliver(react)
            self.now_ms = max(self.now_ms, truth.tick_ms or 0)
        self._flush()
        for fact in self.heard_last:
            self._posted += 1
            self._mail.append((self.now_ms, self._posted, fact))
        self.heard_last = ()
        self._deliver(react)

    def live_on(self, *, listening: bool) -> None:
        """The market and the venue go on while the process does not; a dead one misses what is said meanwhile."""
        truth, self.truth = self.truth, None
        if truth is None:
            return
        for happened in self.exchange.walk(truth):
            self._happened(happened)
        self.now_ms = max(self.now_ms, truth.tick_ms or 0)
        self._flush(gone=True)
        if not listening:
            self._mail = []

    def _flush(self, *, gone: bool = False) -> None:
        """`gone`: of what has left us alone."""
        due = [waiting for waiting in self._outbox if waiting[0] <= self.now_ms and (waiting[2] or not gone)]
        for waiting in due:
            self._outbox.remove(waiting)
            self.exchange.submit(waiting[1], self.now_ms)

    def _deliver(self, react: React) -> None:
        while True:
            due = sorted(one for one in self._mail if one[0] <= self.now_ms)  # numbers differ: facts never compared
            if not due:
                return
            self._mail = [one for one in self._mail if one[0] > self.now_ms]
            facts = [fact for _, _, fact in due]
            if any(trouble.shuffles for trouble in self.troubles):
                self._chance.shuffle(facts)
            cut = self._chance.randint(0, len(facts))
            for part in (facts[:cut], facts[cut:]):
                if part:
                    self._unheard -= {fact.fill_id for fact in part if isinstance(fact, events.Fill)}
                    for command in react(tuple(part), self.now_ms):
                        self.submit(command, self.now_ms)

    # --- the venue's side ------------------------------------------------------------------------------------------

    def post(self, facts: Iterable[Event]) -> None:
        """Something happened at the venue that no block brought about."""
        self._happened(Happened(self.now_ms, tuple(facts), None))

    def _happened(self, happened: Happened) -> None:
        self.now_ms = max(self.now_ms, happened.time_ms)
        self._seeing(happened)
        command = happened.obeyed
        answer = command is not None
        facts = happened.facts
        if isinstance(command, QueryOrder):
            facts = self._retell(command, facts)
        deaf = next((index for index, one in enumerate(self._unanswered) if one is command), None)
        if deaf is not None:
            del self._unanswered[deaf]
        for fact in facts:
            for part, extra_ms in self._parts(fact, again=isinstance(command, QueryOrder)):
                if deaf is None:
                    for understood in self._understood(part, queried=isinstance(command, QueryOrder)):
                        self._post(understood, extra_ms, answer=answer)

    def _understood(self, fact: Event, *, queried: bool) -> tuple[Event, ...]:
        """What the edge makes of it."""
        if queried and self.nonsense:
            return ()
        if isinstance(fact, events.OrderMissing):
            sent_ms, valid_ms = self._sent.get(fact.client_id, (0, 0))
            return (fact,) if edge.is_missing(sent_ms, self.now_ms, valid_ms) else ()
        known = all(trouble.state_known(fact) for trouble in self.troubles)
        return edge.received(fact, state_known=known)

    def _parts(self, fact: Event, *, again: bool) -> list[tuple[Event, int]]:
        """A fact as it leaves the venue: on its clock, a fill perhaps in two; remembered there."""
        if again:
            return [(fact, 0)]
        fact = msgspec.structs.replace(fact, time_ms=fact.time_ms + self.switches.skew_ms)
        parts = [(fact, 0)]
        if isinstance(fact, events.Fill):
            parts = self._split(fact)
        for part, _ in parts:
            client_id = getattr(part, "client_id", None)
            if client_id is not None and not isinstance(part, events.CancelRejected):
                self._said.setdefault(client_id, []).append(part)
            if isinstance(part, MONEY):
                self._told.append(part)
        return parts

    def _split(self, fill: events.Fill) -> list[tuple[Event, int]]:
        # Within a long step nothing wakes the house up: a trouble that parts a fill waits for a short one.
        troubles = self.troubles if self._fine else []
        late_ms = next((one for trouble in troubles if (one := trouble.on_split(fill)) is not None), None)
        step = self.exchange.accounts.instruments[fill.venue, fill.coin].quantity_step_base
        steps = int(fill.quantity_base / step)
        if steps < 2 or (late_ms is None and self._chance.random() < 0.7):
            return [(fill, 0)]
        share = self._chance.randint(1, steps - 1) * step
        fee = (fill.fee * share / fill.quantity_base).quantize(_MICRO, ROUND_HALF_EVEN)
        change, rest_base = msgspec.structs.replace, fill.quantity_base - share
        first = change(fill, fill_id=f"{fill.fill_id}a", quantity_base=share, fee=fee)
        rest = change(fill, fill_id=f"{fill.fill_id}b", quantity_base=rest_base, fee=fill.fee - fee)
        brief_ms = self._chance.choice((0, 0, 40, 300)) * self._fine
        return [(first, 0), (rest, brief_ms if late_ms is None else late_ms)]

    def _retell(self, query: QueryOrder, facts: tuple[Event, ...]) -> tuple[Event, ...]:
        """All fills, and the last word unless that was a fill."""
        said = self._said.get(query.client_id, [])
        fills = tuple(fact for fact in said if isinstance(fact, events.Fill))
        return (*fills, *(fact for fact in facts if not isinstance(fact, events.Fill)))

    def _post(self, fact: Event, extra_ms: int = 0, *, answer: bool = False) -> None:
        if isinstance(fact, events.Fill):
            if not self._ours(fact.client_id):
                return
            self._unheard.add(fact.fill_id)
        if not answer and not self.switches.up:
            return
        delays: tuple[int, ...] | None = None
        for trouble in self.troubles:
            delays = trouble.on_fact(fact, self.now_ms)
            if delays is not None:
                break
        for delay_ms in (0,) if delays is None else delays:
            self._posted += 1
            self._mail.append((self.now_ms + extra_ms + delay_ms, self._posted, fact))

    def reading(self, key: Key) -> tuple[Event, ...]:
        """What a reconciliation reads at this instant: the histories of the last hour, then the state in full."""
        if not self.nonsense:
            self._unheard.clear()
        since_ms = max(self.now_ms - _RETOLD_MS, self.histories_from_ms)
        again = tuple(
            fact
            for fact in self._told
            if fact.time_ms >= since_ms and not any(trouble.hides(fact) for trouble in self.troubles)
            if not isinstance(fact, events.Fill) or self._ours(fact.client_id)
        )
        state = self.exchange.accounts.snapshot(key, self.now_ms)
        skewed = tuple(msgspec.structs.replace(fact, time_ms=fact.time_ms + self.switches.skew_ms) for fact in state)
        return (*again, *skewed)

    def forget_mail(self, *, dead: bool = False) -> None:
        """What was about to be heard is not. A `dead` process gets rid of nothing any more either; what has left it
        arrives."""
        self._mail = []
        if dead:
            self._outbox = [waiting for waiting in self._outbox if waiting[2]]

    def hear(self) -> None:
        """What is withheld no longer is: everything on the way arrives now."""
        self._mail = [(min(due_ms, self.now_ms), number, fact) for due_ms, number, fact in self._mail]


def _valid_ms(command: Command) -> int:
    return edge.valid_ms(command) if isinstance(command, PlaceOrder) else edge.VALID_MS
