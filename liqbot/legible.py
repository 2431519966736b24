"""Text for people: whatever came from outside is shown letter by letter, and passwords in addresses are not shown.

Venues, coins, strategies, tapes and operators may send what a terminal obeys or what makes a line read as another one:
escapes, control characters, marks that turn the direction of writing. Books keep texts as they came; this is the door
to the eye.
"""

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import Any, Final, TextIO

from liqbot.exits import ExpectedError

TEXT_MAX: Final = 500
MASK: Final = "***"
_COLOUR: Final = re.compile(r"\x1b\[[0-7,9;]{0,16}m")
"""What this program itself uses on a terminal: colours and weights, nothing that hides or moves."""
_PASSWORD: Final = re.compile(r"(:/{1,2}[^\s/:@'\"]*):[^\s/'\"]*@")
"""Also of an address that was taken for a path: those lose one stroke."""
_LAYOUT: Final = "\n\t"


def spelled(text: str) -> str:
    """With everything that is not a printable sign written out; line breaks too."""
    if text.isprintable():
        return text
    whole = text.encode("utf-8", "backslashreplace").decode()
    return "".join(one if one.isprintable() else _name(one) for one in whole)


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 map`, `1,200 maps`; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def spelled_and_cut(text: str) -> str:
    """The same of what somebody wrote as a reason, for every book and log: what is longer than a reason needs goes."""
    return cut(spelled(text[: TEXT_MAX + 1]), TEXT_MAX)


def cut(text: str, most: int) -> str:
    """No longer than so many letters, the last of which says that there was more."""
    return text if len(text) <= most else text[: most - 1] + "…"


def without_passwords(text: str) -> str:
    """Addresses keep the name of the user."""
    return _PASSWORD.sub(rf"\1:{MASK}@", text) if ":/" in text else text


def shown(text: str, *, colours: bool = False) -> str:
    """A whole text with its lines; on a terminal with the colours that the program gives it."""
    clean = "".join(one if one.isprintable() or one in _LAYOUT else "\0" for one in text)
    if "\0" not in clean:
        return without_passwords(text)
    pieces: list[str] = []
    end = 0
    for found in _COLOUR.finditer(text) if colours else ():
        pieces += [_lines_spelled(text[end : found.start()]), found.group()]
        end = found.end()
    return without_passwords("".join((*pieces, _lines_spelled(text[end:]))))


def _lines_spelled(text: str) -> str:
    whole = text.encode("utf-8", "backslashreplace").decode()
    return "".join(one if one.isprintable() or one in _LAYOUT else _name(one) for one in whole)


def _name(sign: str) -> str:
    code = ord(sign)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65_536 else f"\\U{code:08x}"


class OutputError(ExpectedError):
    """What was to be printed could not be: a full disk behind the stream, say. A reader that left is another thing."""


@contextlib.contextmanager
def _said_when_full() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"the output cannot be written: {error.strerror or error}") from None


class LegibleStream:
    """Stands in for stdout or stderr: what is written there is `shown`. Everything else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.said = False
        """Whether anything was written."""

    def write(self, text: str) -> int:
        """TypeError for what is no text, like the stream itself."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self.said = self.said or bool(text)
        with _said_when_full():
            self._stream.write(shown(text, colours=self._stream.isatty()))
        return len(text)

    def flush(self) -> None:
        """OutputError where what was written finds no room."""
        with _said_when_full():
            self._stream.flush()

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def short_usd(usd: float) -> str:
    """$1.2B, $340M, $5.0K, -$7, $0.25."""
    if usd < 0:
        return f"-{short_usd(-usd)}"
    if 0 < usd < 0.995:
        return f"${usd:.2f}"
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if usd >= size * 0.9995:
            return f"${usd / size:.{1 if usd < 100 * size else 0}f}{letter}"
    return f"${usd:.0f}"


def beneath(stream: TextIO) -> TextIO:
    """The stream itself, for what this program draws with signs that move: nothing from outside goes there."""
    return stream._stream if isinstance(stream, LegibleStream) else stream


@contextlib.contextmanager
def legible_output() -> Iterator[None]:
    """Stdout and stderr for as long as the block runs; and beyond it when an error leaves it, because that is printed
    afterwards."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = LegibleStream(sys.stdout), LegibleStream(sys.stderr)
    yield
    sys.stdout, sys.stderr = before


def one_line(error: object) -> str:
    """What a library says of an error, without the pages that some quote after it."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
