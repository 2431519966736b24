"""The command itself: help without imports, exit codes, one clear line for every expected failure."""

import importlib
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from liqbot import __version__
from liqbot.cli import main
from liqbot.exits import Exit, ExpectedError
from liqbot.verbs.table import VERBS, Verb, all_verbs

ROOT = Path(__file__).parents[1]
HEAVY = {
    "apprise", "ccxt", "prometheus_client", "sqlmodel", "sqlalchemy", "alembic", "matplotlib", "pyarrow",
    "pydantic_settings", "optuna", "distributed",
}
# Verbs that only read the books must start as fast as help does.
READING = ("trades", "decisions", "explain", "pnl", "report")
PROBE = """
import sys, liqbot.cli
code = liqbot.cli.main(sys.argv[1:])
print("imported:" + ",".join(sorted(set(sys.modules) & set({heavy!r}))), file=sys.stderr)
raise SystemExit(code)
"""


def run(
    *words: str, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("LIQBOT_")}
    return subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=sorted(HEAVY)), *words],
        env=inherited | {"PYTHONPATH": str(ROOT)} | (environment or {}),
        cwd=cwd, capture_output=True, text=True, check=False,
    )


def imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    found = re.search(r"^imported:(.*)$", done.stderr, re.MULTILINE)
    assert found, done.stderr
    return set(filter(None, found.group(1).split(",")))


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    done = run("--help")
    assert done.returncode == Exit.OK
    for name, verb in all_verbs().items():
        assert re.search(rf"^  {name} +{re.escape(verb.summary)}$", done.stdout, re.MULTILINE)
    assert imported(done) == set()


def test_help_is_quick() -> None:
    """By the work it is, whatever else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5  # .4 s where nobody else works


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("verb", [name for name in READING if name in all_verbs()])
def test_reading_verbs_import_nothing_heavy(verb: str, tmp_path: Path) -> None:
    which = ["1"] if verb == "explain" else []
    for words in ([verb, "--help"], [verb, *which, "--db", str(tmp_path / "none.sqlite")]):
        done = run(*words, cwd=tmp_path)
        assert imported(done) == set(), words
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("name", "verb"), all_verbs().items(), ids=list(all_verbs()))
def test_every_verb_can_be_imported_and_explains_itself(
    name: str, verb: Verb, capsys: pytest.CaptureFixture[str]
) -> None:
    module, _, attribute = verb.target.partition(":")
    assert getattr(importlib.import_module(module), attribute)
    assert main([name, "--help"]) == Exit.OK
    assert f"liqbot {name}" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == Exit.OK
    assert capsys.readouterr().out == f"liqbot {__version__}\n"


@pytest.mark.parametrize(
    ("words", "exit_code", "complaint"),
    [
        (["cofnig"], Exit.USAGE, "no such verb: 'cofnig'; did you mean 'config'?"),
        (["zzz"], Exit.USAGE, "see liqbot --help"),
        (["config", "show", "--nope"], Exit.USAGE, "--nope"),
        (["config", "shwo"], Exit.USAGE, "shwo"),
        (["config"], Exit.USAGE, "see liqbot config --help"),
        (["config", "show", "--set", "risk.leverge_max=2"], Exit.CONFIG, "risk.leverage_max"),
        (["config", "check", "--set", "risk.leverage_max=50"], Exit.CONFIG, "5"),
        (["config", "check", "--profile", "none"], Exit.CONFIG, "does not exist"),
        *[([verb, "--profile", name], Exit.USAGE, f"--profile {name!r}: a plain name")
          for verb in ("trades", "replay", "paper") for name in ("../x", "/x", "", ".hidden", "a/b")],
        (["paper", "--for", ""], Exit.USAGE, "--for '': a positive number"),
        (["start", "--profile", "demo", "--for", ""], Exit.USAGE, "--for '': a positive number"),
        (["record", "--for", ""], Exit.USAGE, "--for '': a positive number"),
        (["start", "--profile", "../demo"], Exit.USAGE, "--profile '../demo': a plain name"),
        (["panic", "--profile", "../demo"], Exit.USAGE, "--profile '../demo': a plain name"),
        (["exchange", "serve", "--for", ""], Exit.USAGE, "--for '': a positive number"),
        (["check", "--side", "long", "--entry", "1", "--leverage", "2", "--venue", "binanse"], Exit.USAGE,
         "--venue 'binanse': no such venue; did you mean 'binance'?"),
        (["check", "--side", "long", "--entry", "1", "--leverage", "2", "--venue", "zzz"], Exit.USAGE,
         "liqbot venues lists them"),
        (["check", "--side", "long", "--entry", "1", "--leverage", "2", "--venue", "okx:com"], Exit.USAGE,
         "--venue 'okx:com': no such contract; okx has okx"),
    ],
)
def test_a_mistake_gets_one_line_and_its_code(
    words: list[str], exit_code: Exit, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == exit_code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("liqbot: ")
    assert printed.err.count("\n") == 1
    assert complaint in printed.err


@pytest.mark.drawn
def test_a_misspelt_variable_stops_the_program() -> None:
    done = run("config", "check", environment={"LIQBOT_RIKS__LEVERAGE_MAX": "2"})
    assert done.returncode == Exit.CONFIG
    assert "LIQBOT_RIKS__LEVERAGE_MAX" in done.stderr
    assert "did you mean LIQBOT_RISK__LEVERAGE_MAX?" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_terminal_that_lacks_a_sign_shows_another() -> None:
    done = run("\N{FULL BLOCK}", environment={"PYTHONIOENCODING": "latin-1:strict"})
    assert done.returncode == Exit.USAGE
    script = "import sys, liqbot.cli; liqbot.cli.main(['--version']); print('\\u2588 shown')"
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "latin-1"},
    )
    assert (shown.returncode, shown.stdout.splitlines()[-1]) == (0, "? shown"), shown.stderr


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("words", [["--help"], ["venues"]])
def test_a_reader_that_has_seen_enough_is_no_failure(words: list[str]) -> None:
    """Whether it is noticed at the end or within the verb, which prints line by line."""
    whole = "import sys; sys.stdout.reconfigure(line_buffering=True); "
    code = f"{whole}import liqbot.cli; raise SystemExit(liqbot.cli.main({words!r}))"
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=closed, stderr=subprocess.PIPE, text=True, check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
    assert (done.returncode, done.stderr) == (Exit.OK, "")


@pytest.mark.drawn(singly=True, dear=True)
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_the_caller_has_closed_is_read_by_nobody(closed: str, tmp_path: Path) -> None:
    program = "import sys, liqbot.cli; code = liqbot.cli.main(sys.argv[1:]); sys.stdout.flush(); raise SystemExit(code)"
    for words, code in ((("venues",), Exit.OK), (("report", "--data", str(tmp_path)), Exit.NOT_FOUND)):
        done = subprocess.run(
            ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", program, *words],
            capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False)


def stuck(json: bool = False) -> None:
    signal.raise_signal(HOW["signal"])


HOW = {"signal": signal.SIGINT}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("words", "said"), [([], ""), (["--json"], '{"ok": false, "error": "interrupted", "exit_code": 130}\n')]
)
def test_ctrl_c_and_a_service_manager_are_one_line_and_its_code(
    words: list[str], said: str, number: signal.Signals, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of any verb, also of one that knows nothing of signals."""
    monkeypatch.setitem(HOW, "signal", number)
    monkeypatch.setitem(VERBS, "stuck", Verb(f"{__name__}:stuck", "for ever"))  # type: ignore[arg-type]
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # without one of its own it would end this test run
    hung_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    interrupted = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
    try:
        assert main(["stuck", *words]) == 130
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGHUP, hung_up)
        signal.signal(signal.SIGINT, interrupted)
    found = capsys.readouterr()
    assert (found.out, found.err) == (said, "liqbot: interrupted\n")


def outlives() -> None:
    signal.raise_signal(signal.SIGHUP)
    print("still here")


def test_who_is_to_outlive_its_terminal_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(VERBS, "outlives", Verb(f"{__name__}:outlives", "goes on"))  # type: ignore[arg-type]
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        assert main(["outlives"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)
    assert capsys.readouterr().out == "still here\n"


def test_an_expected_error_carries_its_exit_code() -> None:
    assert ExpectedError("no").exit_code is Exit.FAILED
    assert sorted(Exit) == list(range(10)), "exit codes are a public interface"


@pytest.mark.drawn(singly=True)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("words", [["--help"], ["venues"], ["config", "show"]])
def test_output_that_finds_no_room_is_one_line(words: list[str]) -> None:
    code = f"import sys, liqbot.cli; sys.exit(liqbot.cli.main({words!r}))"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
    assert done.returncode == Exit.FAILED
    assert done.stderr == "liqbot: the output cannot be written: No space left on device\n"


@pytest.mark.drawn
def test_bytes_that_are_no_text_in_a_path_are_one_line(tmp_path: Path) -> None:
    for words in (["trades", "--data"], ["pnl", "--db"], ["report", "--db"]):
        done = run(*words, os.fsdecode(b"\xff\xfe/x"), cwd=tmp_path)
        assert done.returncode == Exit.NOT_FOUND
        assert "Traceback" not in done.stderr
