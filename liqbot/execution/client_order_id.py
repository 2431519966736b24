"""Client order ids: the same order always bears the same id, and no two orders of any journal share one.

`<purpose letter><journal id, 6><sequence, 8 in base 36>`: 15 characters `[a-z0-9]` that start with a letter, which
every venue takes (the shortest limit among them is 18). A stop that rides on an entry shares its entry's sequence,
under a letter of its own.
"""

from typing import Final

from liqbot.commands import Purpose
from liqbot.venues.entry_stops import ATTACHED_LETTER

JOURNAL_ID_LENGTH: Final = 6
SEQUENCE_DIGITS: Final = 8
ID_LENGTH: Final = 1 + JOURNAL_ID_LENGTH + SEQUENCE_DIGITS
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LETTERS: Final = {Purpose.ENTRY: "e", Purpose.STOP: "s", Purpose.TAKE: "t", Purpose.EXIT: "x"}
_PURPOSES: Final = {letter: purpose for purpose, letter in _LETTERS.items()} | {ATTACHED_LETTER: Purpose.STOP}
PRESENT: Final = "c"
"""First letter of the orders by which an instance says that it trades an account; they expire as they come."""
GONE: Final = "g"
"""... and that it does so no more."""
TOOL_NAMES: Final = ("canary", "panic")
"""In the place of the journal id: orders of verbs, which are no instance that trades."""


def checked_journal_id(journal_id: str) -> str:
    """ValueError unless six characters `[a-z0-9]`."""
    if len(journal_id) != JOURNAL_ID_LENGTH or any(character not in _DIGITS for character in journal_id):
        raise ValueError(f"journal_id: {journal_id!r} must be {JOURNAL_ID_LENGTH} characters of [a-z0-9]")
    return journal_id


def client_id(journal_id: str, sequence: int, purpose: Purpose) -> str:
    """`sequence` counts all orders of a journal from 1; it must fit into eight base-36 digits (2.8e12)."""
    return _id(_LETTERS[purpose], journal_id, sequence)


def mark_id(journal_id: str, time_ms: int, letter: str) -> str:
    """Of an order that is only a mark: PRESENT or GONE. No purpose, no sequence: nobody takes it for a trade's."""
    return _id(letter, journal_id, time_ms)


def is_mark(order_id: str) -> bool:
    """Whether it is of an order that is nothing but a mark, whoever left it."""
    return order_id[:1] in (PRESENT, GONE) and bool(journal_of(order_id))


def journal_of(order_id: str) -> str:
    """The journal that an id names, of a trade's order or a mark; empty for anybody else's, and for those of verbs."""
    known = len(order_id) == ID_LENGTH and (order_id[0] in _PURPOSES or order_id[0] in (PRESENT, GONE))
    if not known or any(character not in _DIGITS for character in order_id):
        return ""
    name = order_id[1 : 1 + JOURNAL_ID_LENGTH]
    return "" if name.startswith(TOOL_NAMES) else name


def _id(letter: str, journal_id: str, sequence: int) -> str:
    if not 0 < sequence < len(_DIGITS) ** SEQUENCE_DIGITS:
        raise ValueError(f"order sequence: {sequence} must be positive and below 36^{SEQUENCE_DIGITS}")
    digits = []
    for _ in range(SEQUENCE_DIGITS):
        sequence, digit = divmod(sequence, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return letter + checked_journal_id(journal_id) + "".join(reversed(digits))


def sequence_of(order_id: str, journal_id: str) -> int | None:
    """The sequence of one of this journal's ids; None for anybody else's."""
    mine = len(order_id) == ID_LENGTH and order_id[0] in _PURPOSES and order_id[1 : 1 + JOURNAL_ID_LENGTH] == journal_id
    digits = order_id[1 + JOURNAL_ID_LENGTH :]
    if not mine or any(character not in _DIGITS for character in digits):
        return None
    return int(digits, 36)


def purpose_of(order_id: str) -> Purpose | None:
    """What an id of any journal of ours says the order is for."""
    return _PURPOSES.get(order_id[:1]) if len(order_id) == ID_LENGTH else None
