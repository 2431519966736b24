"""`Verdict`: what a strategy says at a tick, every gate shown."""

import msgspec

from liqbot.instruments import Side

MEASURED, DERIVED, MISSING = "measured", "derived", "absent"
SIGNAL = "SIGNAL"
MISSING_INPUT = "MISSING_INPUT"
ACCEPTED = "ACCEPTED"
"""Of an entry that another strategy proposed."""
NO_ENTRY = "NO_ENTRY"
"""Nothing is proposed any more."""
STRATEGY_FAILED = "STRATEGY_FAILED"
"""The strategy raised an exception or took too long: it enters nothing until somebody looks after it."""


class Input(msgspec.Struct, frozen=True):
    name: str
    value: float | None
    source: str
    """`measured`, `derived` or `absent`."""


class Gate(msgspec.Struct, frozen=True):
    """`value op threshold`. A waived gate passes without its input and is counted in every report."""

    name: str
    inputs: tuple[Input, ...]
    value: float | None
    op: str
    threshold: float | None
    passed: bool
    waived: bool = False


class Signal(msgspec.Struct, frozen=True):
    """A reason to open a position. Prices are wishes in float; risk rounds them to the instrument."""

    strategy: str
    coin: str
    side: Side
    entry_price: float
    """The mark at the tick. A limit entry when `limit`, else a market order that should fill near it."""
    limit: bool
    stop_price: float
    take_price: float | None
    expires_ms: int
    """An unfilled entry is withdrawn then."""
    max_hold_ms: int
    why: str
    partial_take_price: float | None = None
    """Where a part of the position is taken off; None: nowhere."""
    partial_take_share: float = 0.0
    cooldown_ms: int = 0
    """The strategy enters no sooner after its last trade in the coin ended."""


class Verdict(msgspec.Struct, frozen=True):
    """`code` is SIGNAL, MISSING_INPUT, or the name of the first gate that failed. A condition on entries says ACCEPTED
    or NO_ENTRY instead of SIGNAL. A strategy that is disabled by a fault of its own says STRATEGY_FAILED, no gates."""

    strategy: str
    coin: str
    side: Side
    code: str
    gates: tuple[Gate, ...]
    signal: Signal | None = None
    reason: str = ""
    """In words, where no gate and no signal gives one."""

    @property
    def absent(self) -> tuple[str, ...]:
        """Inputs this verdict had to do without, waived or not."""
        return tuple(i.name for gate in self.gates for i in gate.inputs if i.source == MISSING)
