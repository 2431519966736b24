"""The `liqbot` command: finds the verb, imports it, runs it, and turns how it ended into an exit code.

Help of the whole program comes from the table of verbs alone, so that it costs no imports.
"""

import contextlib
import difflib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Final

from liqbot import __version__
from liqbot.exits import Exit, ExpectedError
from liqbot.legible import LegibleStream, OutputError, legible_output
from liqbot.loading import no_collections
from liqbot.verbs.table import Verb, all_verbs, command_of, named

_INTERRUPTED: Final = 130
"""128 + SIGINT, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. stdout carries its result, stderr the log; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _print_anything()
    with legible_output(), terminated_like_interrupted():
        return _exit_code(words)


@contextlib.contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """SIGTERM, and a terminal that is gone, raise KeyboardInterrupt in every verb, as SIGINT does: what a verb was
    writing is cleared away, and it ends with a line. A loop that handles signals itself takes them over. Who is to
    outlive its terminal (`nohup`) does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no other may handle signals
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    hung_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, *hung_up)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _exit_code(words: list[str]) -> int:
    try:
        exit_code = _dispatch(words)
        sys.stdout.flush()
    except ExpectedError as error:
        if isinstance(error, OutputError):
            _let_go_of_stdout()
        _complain(str(error))
        exit_code = error.exit_code
        if "--json" in words and not _answered() and not isinstance(error, OutputError):
            _complain_in_json(str(error), exit_code)
    except KeyboardInterrupt:
        _complain("interrupted")
        exit_code = _INTERRUPTED
        if "--json" in words and not _answered():
            _complain_in_json("interrupted", exit_code)
    except BrokenPipeError:
        # The reader (a pager, `head`) has seen enough.
        _let_go_of_stdout()
        exit_code = Exit.OK
    _say_the_last()
    return exit_code


def _answered() -> bool:
    return isinstance(sys.stdout, LegibleStream) and sys.stdout.said


def _let_go_of_stdout() -> None:
    """So that the interpreter does not flush into it again, and fail, when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_anything() -> None:
    """A terminal whose encoding lacks a sign shows a question mark for it, instead of ending the verb. Where a caller
    has closed a stream, nobody reads it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _complain(message: str) -> None:
    log = sys.modules.get("liqbot.log")  # where there is one its lines come first, and a full stderr holds nobody up
    for line in message.splitlines() or [""]:
        if log is not None:
            log.LINES.put(f"liqbot: {line}")
        else:
            print(f"liqbot: {line}", file=sys.stderr)


def _complain_in_json(message: str, exit_code: int) -> None:
    """On stdout, where whoever asked for JSON reads; a verb that has answered there says in its answer what failed."""
    import json  # here: who asks for text needs none of it

    try:
        print(json.dumps({"ok": False, "error": message, "exit_code": int(exit_code)}), flush=True)
    except (OSError, ExpectedError):
        _let_go_of_stdout()


def _say_the_last() -> None:
    log = sys.modules.get("liqbot.log")
    if log is not None:
        log.LINES.flush()


def _dispatch(words: list[str]) -> int:
    verbs = all_verbs()
    if not words or words[0] in ("--help", "-h", "help"):
        print(_help(verbs))
        return Exit.OK
    if words[0] in ("--version", "-V"):
        print(f"liqbot {__version__}")
        return Exit.OK
    name = words[0]
    if name not in verbs:
        near = difflib.get_close_matches(name, verbs, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "see liqbot --help"
        raise ExpectedError(f"no such verb: {name!r}; {hint}", Exit.USAGE)
    return _run(name, verbs[name], words[1:])


def _help(verbs: Mapping[str, Verb]) -> str:
    width = max(len(name) for name in verbs)
    rows = [f"  {name:<{width}}  {verb.summary}" for name, verb in verbs.items()]
    return "\n".join(
        ["Usage: liqbot VERB [OPTIONS]", "", "A trading bot on a live map of estimated liquidations.", "", "Verbs:",
         *rows, "", "liqbot VERB --help explains one of them. Results go to stdout, the log to stderr."]
    )


def _run(name: str, verb: Verb, words: list[str]) -> int:
    if verb.first:
        named(verb.first)(words)
    with no_collections():
        import typer  # here: the program's own help needs none of it

        command = command_of(name, verb)
    try:
        result = command.main(words, prog_name=f"liqbot {name}", standalone_mode=False)
    except typer.TyperException as error:
        where = getattr(getattr(error, "ctx", None), "command_path", f"liqbot {name}")
        raise ExpectedError(f"{error.format_message()} (see {where} --help)", Exit.USAGE) from None
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # of which the library makes an exit code of its own
            raise error.__context__ from None
        raise
    except typer.Abort:
        raise ExpectedError("aborted") from None
    if result == _INTERRUPTED:  # the library has made it of Ctrl-C, and says nothing
        raise KeyboardInterrupt
    return int(result) if isinstance(result, int) else Exit.OK
