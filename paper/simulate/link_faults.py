"""Trouble on the link: what the venue's door and the way to it do to commands, and the user stream to facts."""

import random
from collections.abc import Callable
from typing import Final

from liqbot import events
from liqbot.commands import CancelOrder, Command, PlaceOrder, Purpose, QueryOrder
from liqbot.events import Event
from paper.simulate.link import CommandFate, LinkTrouble

CODES: Final = (
    "RATE_LIMITED", "UNAVAILABLE", "INSUFFICIENT_MARGIN", "REDUCE_ONLY", "PRECISION", "MIN_NOTIONAL", "BUSY", "UNKNOWN",
)
"""Words of refusal; none of them may keep the house from leaving a position."""
LOST: Final = CommandFate(arrives=False)
DEAF: Final = CommandFate(answered=False)
IsStop = Callable[[str], bool]
"""Tells whether a client id is that of a stop."""


class Armed(LinkTrouble):
    """Waits for its moment, hindering nobody until then; `struck` is called when it comes."""

    def __init__(self, struck: Callable[[], None]) -> None:
        super().__init__(0)
        self._struck, self.begun = struck, False

    @property
    def impedes(self) -> bool:
        return self.begun

    def over(self, now_ms: int) -> bool:
        return self.begun and now_ms >= self.until_ms

    def begin(self, until_ms: int) -> None:
        if not self.begun:
            self.begun = True
            self._struck()
        self.until_ms = max(self.until_ms, until_ms)


class OnOrder(Armed):
    """Decides the fates of the next orders of these purposes."""

    def __init__(
        self, struck: Callable[[], None], fates: tuple[CommandFate, ...], purposes: tuple[Purpose, ...] = tuple(Purpose)
    ) -> None:
        super().__init__(struck)
        self._fates, self._purposes = list(fates), purposes

    def over(self, now_ms: int) -> bool:
        return not self._fates and super().over(now_ms)

    def on_command(self, command: Command, now_ms: int) -> CommandFate | None:
        if not self._fates or not isinstance(command, PlaceOrder) or command.purpose not in self._purposes:
            return None
        self.begin(now_ms + 5_000)
        return self._fates.pop(0)


class Storm(LinkTrouble):
    """Everything is refused with one code; with `chance`, everything is silence and half of it is done all the same."""

    def __init__(self, until_ms: int, code: str = "", chance: random.Random | None = None) -> None:
        super().__init__(until_ms)
        self._code, self._chance = code, chance

    def on_command(self, command: Command, now_ms: int) -> CommandFate | None:
        del command, now_ms
        return CommandFate(refused=self._code) if self._chance is None else self._chance.choice((LOST, DEAF))


class NobodySends(LinkTrouble):
    """What should have carried commands to the venue has died with them."""

    def on_command(self, command: Command, now_ms: int) -> CommandFate | None:
        del command, now_ms
        return LOST


class FullQueue(LinkTrouble):
    """Commands wait in one line before they leave: the next one only so long after the one before."""

    def __init__(self, until_ms: int, gap_ms: int) -> None:
        super().__init__(until_ms)
        self._gap_ms, self._free_ms = gap_ms, 0

    def over(self, now_ms: int) -> bool:
        return now_ms >= max(self.until_ms, self._free_ms)

    def on_command(self, command: Command, now_ms: int) -> CommandFate | None:
        del command
        self._free_ms = max(self._free_ms, now_ms) + self._gap_ms
        return CommandFate(late_ms=self._free_ms - now_ms)


class Late(LinkTrouble):
    """Facts come late, or also a second time; `shuffled`, what comes together comes in any order."""

    def __init__(
        self, until_ms: int, chance: random.Random, *, late_ms: int = 0, twice: bool = False, shuffled: bool = False
    ) -> None:
        super().__init__(until_ms)
        self._chance, self._late_ms, self._twice, self._shuffled = chance, late_ms, twice, shuffled

    @property
    def shuffles(self) -> bool:
        return self._shuffled

    def on_fact(self, fact: Event, now_ms: int) -> tuple[int, ...] | None:
        del fact, now_ms
        first_ms = self._chance.randint(0, self._late_ms)
        return (first_ms, self._chance.randint(0, 20_000)) if self._twice else (first_ms,)


class PartThenCut(Armed):
    """The next fill comes in two parts, and with the first the user stream breaks off."""

    def __init__(self, struck: Callable[[], None], lasts_ms: int) -> None:
        super().__init__(struck)
        self._lasts_ms = lasts_ms

    def on_split(self, fill: events.Fill) -> int | None:
        del fill
        return None if self.begun else 10_000

    def on_fact(self, fact: Event, now_ms: int) -> tuple[int, ...] | None:
        if self.begun:
            return None if isinstance(fact, events.OrderAccepted | events.OrderRejected) else ()
        if isinstance(fact, events.Fill) and fact.fill_id.endswith("a"):
            self.begin(now_ms + self._lasts_ms)
            return (0,)
        return None


class FillInParts(Armed):
    """The next fill comes in two parts with a while between them; with `is_stop`, the next one of a stop."""

    def __init__(self, struck: Callable[[], None], is_stop: IsStop | None = None) -> None:
        super().__init__(struck)
        self._is_stop = is_stop

    def on_split(self, fill: events.Fill) -> int | None:
        return None if self.begun or not self._meant(fill) else 12_000

    def on_fact(self, fact: Event, now_ms: int) -> tuple[int, ...] | None:
        if isinstance(fact, events.Fill) and self._meant(fact) and fact.fill_id.endswith("b"):
            self.begin(now_ms + 12_000)
        return None

    def _meant(self, fill: events.Fill) -> bool:
        return self._is_stop is None or self._is_stop(fill.client_id)


class Mute(Armed):
    """The next take is lost on its way, and nobody answers questions about it: its fate stays unknown for long."""

    def __init__(self, struck: Callable[[], None], lasts_ms: int) -> None:
        super().__init__(struck)
        self._lasts_ms, self._client_id = lasts_ms, ""

    @property
    def impedes(self) -> bool:
        """Nothing else suffers."""
        return False

    def on_command(self, command: Command, now_ms: int) -> CommandFate | None:
        if not self.begun and isinstance(command, PlaceOrder) and command.purpose is Purpose.TAKE:
            self._client_id = command.client_id
            self.begin(now_ms + self._lasts_ms)
            return LOST
        about_it = isinstance(command, QueryOrder) and command.client_id == self._client_id
        return LOST if about_it else None


class SlowAnswers(LinkTrouble):
    """Orders are confirmed late, though they are there."""

    def on_fact(self, fact: Event, now_ms: int) -> tuple[int, ...] | None:
        del now_ms
        return (1_900,) if isinstance(fact, events.OrderAccepted) else None


class SlowCancels(Armed):
    """Orders that we cancel are gone, and from the first of them on we hear of it late."""

    def __init__(self, struck: Callable[[], None], lasts_ms: int) -> None:
        super().__init__(struck)
        self._lasts_ms, self._cancelled = lasts_ms, set[str]()

    @property
    def impedes(self) -> bool:
        """Nothing else suffers: what the venue removes by itself is told at once."""
        return False

    def on_command(self, command: Command, now_ms: int) -> CommandFate | None:
        if isinstance(command, CancelOrder):
            self._cancelled.add(command.client_id)
            self.begin(now_ms + self._lasts_ms)
        return None

    def on_fact(self, fact: Event, now_ms: int) -> tuple[int, ...] | None:
        late = isinstance(fact, events.OrderCancelled) and fact.client_id in self._cancelled
        return (max(self.until_ms - now_ms, 0),) if late else None


class LateStopFill(Armed):
    """The next fill of a stop is not heard of for a while, and histories do not show it."""

    def __init__(self, struck: Callable[[], None], is_stop: IsStop, lasts_ms: int) -> None:
        super().__init__(struck)
        self._is_stop, self._lasts_ms = is_stop, lasts_ms

    def hides(self, fact: Event) -> bool:
        return self.begun and isinstance(fact, events.Fill) and self._is_stop(fact.client_id)

    def on_fact(self, fact: Event, now_ms: int) -> tuple[int, ...] | None:
        if not isinstance(fact, events.Fill) or not self._is_stop(fact.client_id):
            return None
        if not self.begun:
            self.begin(now_ms + self._lasts_ms)
        return (max(self.until_ms - now_ms, 0),)


class LateCancel(Armed):
    """The next cancel of a stop is on its way for so long that the stop can fill before."""

    def __init__(self, struck: Callable[[], None], is_stop: IsStop, lasts_ms: int) -> None:
        super().__init__(struck)
        self._is_stop, self._lasts_ms = is_stop, lasts_ms

    def on_command(self, command: Command, now_ms: int) -> CommandFate | None:
        if self.begun or not isinstance(command, CancelOrder) or not self._is_stop(command.client_id):
            return None
        self.begin(now_ms + self._lasts_ms)
        return CommandFate(late_ms=self._lasts_ms)


class Unnoticed(LinkTrouble):
    """Something happened that nobody was told of; until it is read, protection may lag."""


class Nonsense(LinkTrouble):
    """Whatever is read comes in a shape that nobody understands; orders and the user stream go through."""

    @property
    def impedes(self) -> bool:
        """Commands and the user stream do not suffer."""
        return False

    @property
    def disturbs(self) -> bool:
        return True

    @property
    def nonsense(self) -> bool:
        return True


class UnknownStates(Armed):
    """The state of the next order that is told of is one that nobody knows, for a while."""

    def __init__(self, struck: Callable[[], None], lasts_ms: int) -> None:
        super().__init__(struck)
        self._lasts_ms, self._client_id = lasts_ms, ""

    @property
    def impedes(self) -> bool:
        """Nothing else suffers."""
        return False

    @property
    def disturbs(self) -> bool:
        return self.begun

    def state_known(self, fact: Event) -> bool:
        if not isinstance(fact, events.OrderAccepted):
            return True  # a refusal is an answer to its request; what has ended no longer rests, whatever it is called
        if not self.begun:
            self._client_id = fact.client_id
            self.begin(fact.time_ms + self._lasts_ms)
        return fact.client_id != self._client_id


class Hangs(Armed):
    """The request of the next order hangs: it arrives late or too late, and nobody answers it."""

    def __init__(self, struck: Callable[[], None], late_ms: int, purposes: tuple[Purpose, ...]) -> None:
        super().__init__(struck)
        self._late_ms, self._purposes = late_ms, purposes

    @property
    def impedes(self) -> bool:
        """Everything else goes through."""
        return False

    @property
    def disturbs(self) -> bool:
        return self.begun

    def on_command(self, command: Command, now_ms: int) -> CommandFate | None:
        if self.begun or not isinstance(command, PlaceOrder) or command.purpose not in self._purposes:
            return None
        self.begin(now_ms + self._late_ms)
        return CommandFate(late_ms=self._late_ms, answered=False, expires=True)


class LeavesUnrecorded(LinkTrouble):
    """Once something is held `sticks` is called, and with the first stop or exit after that `dies`. Hinders nobody."""

    def __init__(self, sticks: Callable[[], None], dies: Callable[[], None], until_ms: int) -> None:
        super().__init__(until_ms)
        self._sticks, self._dies = sticks, dies
        self._held = self._stuck = False

    @property
    def impedes(self) -> bool:
        return False

    def over(self, now_ms: int) -> bool:
        """Asked when a step is over: what happens from here on is seen in small ones."""
        if self._held and not self._stuck:
            self.stick()
        return super().over(now_ms)

    def stick(self) -> None:
        self._stuck = True
        self._sticks()

    def on_fact(self, fact: Event, now_ms: int) -> tuple[int, ...] | None:
        del now_ms
        self._held = self._held or (isinstance(fact, events.Fill) and not fact.reduces)
        return None

    def on_command(self, command: Command, now_ms: int) -> CommandFate | None:
        leaves = isinstance(command, PlaceOrder) and command.purpose in (Purpose.STOP, Purpose.EXIT)
        if self._stuck and leaves and now_ms < self.until_ms:
            self.until_ms = now_ms
            self._dies()
        return None


class Stall(LinkTrouble):
    """Nothing gets through in either direction; then everything arrives at once, what has expired excepted."""

    def on_command(self, command: Command, now_ms: int) -> CommandFate | None:
        del command
        return CommandFate(late_ms=max(self.until_ms - now_ms, 0), expires=True)

    def on_fact(self, fact: Event, now_ms: int) -> tuple[int, ...] | None:
        del fact
        return (max(self.until_ms - now_ms, 0),)
