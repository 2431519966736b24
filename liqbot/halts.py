"""Why entries are forbidden, or allowed again, as programs know it."""

import enum
from typing import Final


class HaltCode(enum.StrEnum):
    """Why entries are forbidden, or allowed again: programs act on the code, people read the reason beside it.

    Journals written before there were codes have the empty one: `halt_code_of` reads it from their reasons.
    """

    NONE = ""
    OPERATOR_PAUSE = "OPERATOR_PAUSE"
    OPERATOR_CLOSE = "OPERATOR_CLOSE"
    OPERATOR_STOP = "OPERATOR_STOP"
    """An orderly end with every position closed: the next start lifts it."""
    OPERATOR_RESUME = "OPERATOR_RESUME"
    STARTED_AGAIN = "STARTED_AGAIN"
    """The next start after an orderly end."""
    PANIC = "PANIC"
    DRAWDOWN = "DRAWDOWN"
    """The latch of the account: no fact, but reported like one."""
    OWN_LIQUIDATION = "OWN_LIQUIDATION"
    """A position of ours was liquidated: its stop should have come first."""
    KEY_REFUSED = "KEY_REFUSED"
    STOP_MISPLACED = "STOP_MISPLACED"
    """The venue did not place a stop as it was ordered."""
    ACCOUNT_MODE = "ACCOUNT_MODE"
    """Hedge mode, where one-way is needed."""
    CONTRACT_CHANGED = "CONTRACT_CHANGED"
    """The venue lists a traded contract otherwise than before, and a position is open under the old terms."""
    REPEATED_CRASHES = "REPEATED_CRASHES"
    """The process ended several times within minutes without an orderly end."""
    RECORDED_CONFIGURATION = "RECORDED_CONFIGURATION"
    """The profile could not be read while a position was open: the journal's configuration is in force."""
    STOP_CANARY = "STOP_CANARY"
    """At the start a far stop was not placed, or not as it was ordered."""
    FOREIGN_ORDERS = "FOREIGN_ORDERS"
    """Orders of another liqbot rest on the account."""
    ENDING = "ENDING"
    """This process ends; the next one begins without it."""
    LADDER = "LADDER"
    """Recorded days on the lower rungs are missing: nothing is entered with money. The next start looks again."""


OPERATOR_HALTS: Final = frozenset({HaltCode.OPERATOR_PAUSE, HaltCode.OPERATOR_CLOSE})
"""Meant to last over restarts: a house halted by one of these starts, and enters nothing."""
MANAGE_ONLY_HALTS: Final = OPERATOR_HALTS | {
    HaltCode.REPEATED_CRASHES, HaltCode.STOP_CANARY, HaltCode.CONTRACT_CHANGED, HaltCode.RECORDED_CONFIGURATION
}
"""With these too: it runs, manages what is open, and waits for a person."""
PASSING_HALTS: Final = frozenset({HaltCode.ENDING, HaltCode.LADDER})
"""Of one process: no `Resume` lifts them, and the next process does not inherit them."""
