"""What somebody else's code raised: whether it was the keyboard after all, and what it says, whatever it is made of."""

import opcode
from typing import Final

_SAID_MAX: Final = 10_000
_RAISE: Final = opcode.opmap["RAISE_VARARGS"]
_HANDLERS: Final = frozenset({"asyncio", "liqbot", "paper"})
"""Packages whose signal handlers raise it in so many words."""


def from_keyboard(error: BaseException) -> bool:
    """Whether somebody has interrupted us. Python raises that between two instructions of whatever runs, and a handler
    of a signal raises it by itself; a KeyboardInterrupt that other code raises is a fault of that code like any."""
    at = error.__traceback__
    if not isinstance(error, KeyboardInterrupt) or at is None:
        return isinstance(error, KeyboardInterrupt)
    while at.tb_next is not None:
        at = at.tb_next
    frame = at.tb_frame
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return frame.f_code.co_code[at.tb_lasti] != _RAISE or package in _HANDLERS


def said_by(error: BaseException) -> str:
    """In one line. Its words are code of its own, which may fail."""
    try:
        return " ".join(str(error)[:_SAID_MAX].split())
    except BaseException as again:
        if from_keyboard(again):
            raise
        return "it cannot say what"
