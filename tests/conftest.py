"""What every test runs under: no network beyond loopback, named hypothesis profiles, no configuration from outside,
and nothing that takes long unless it is asked for with `--all`.
"""

import contextlib
import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from _pytest.capture import CaptureResult
from _pytest.pathlib import import_path
from alembic import command
from hypothesis import settings

from liqbot.log import LINES, configure
from liqbot.review import progress
from liqbot.runtime import compiled_kernels, process
from tests.builders import drawn, recorded_schema
from tests.builders.patience import PATIENCE_S

# `quick` draws the same examples every time; `explore` draws new ones and prints how to repeat a failure.
settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("explore", max_examples=1_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# As `./run` has it: configuration and state of the checkout, whatever the current directory.
HOME = str(Path(__file__).parents[1])
os.environ["LIQBOT_HOME"] = HOME

# Hundreds of bots are started, and the compiled fold takes half a second to load: processes of tests run the plain one.
# In the workers themselves it is loaded once, unless somebody wants it plain there too; `tests/market/estimate/` proves
# that both give the same bits.
PLAIN_WANTED = bool(os.environ.get("LIQBOT_UNCOMPILED"))
os.environ["LIQBOT_UNCOMPILED"] = "1"

LOOPBACK = ("127.", "::1", "localhost")

DRAWN_BY = pytest.StashKey[str]()
"""See `drawn`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the tests marked `long` too, and every one marked `drawn`")
    parser.addoption(
        "--draw", metavar="TEXT", help="draws among the tests marked `drawn` instead of the commit; `all` takes all"
    )


def pytest_configure(config: pytest.Config) -> None:
    asked = config.getoption("--draw")
    everything = config.getoption("--all") or drawn.are_named(config.args)
    config.stash[DRAWN_BY] = drawn.ALL if everything else drawn.commit() if asked is None else asked


def pytest_report_header(config: pytest.Config) -> str:
    text = config.stash[DRAWN_BY]
    if text == drawn.ALL:
        return "drawn: every test"
    shares = f"one in {drawn.ONE_IN} of the costly tests, one in {drawn.DEAR_ONE_IN} of those that cost seconds"
    return f"drawn: {shares}; --draw {text!r} repeats it, --draw all takes all"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    cases = _drawn_cases(items, config.stash[DRAWN_BY])
    left_out = [item for item in items if _is_left_out(item, config, cases)]
    config.hook.pytest_deselected(items=left_out)
    gone = set(left_out)
    costly: dict[Path, list[pytest.Item]] = {}
    others: list[pytest.Item] = []
    for item in items:
        if item not in gone:
            marked = item.get_closest_marker("drawn") is not None
            (costly.setdefault(item.path, []) if marked else others).append(item)
    worker = getattr(config, "workerinput", {"workercount": 1})
    items[:] = drawn.dealt(list(costly.values()), others, worker["workercount"])


def _drawn_cases(items: list[pytest.Item], text: str) -> set[str]:
    tests: dict[str, list[str]] = {}
    for item in items:
        marker = item.get_closest_marker("drawn")
        if marker is not None and marker.kwargs.get("cases") and item.get_closest_marker("long") is None:
            tests.setdefault(item.nodeid.partition("[")[0], []).append(item.nodeid)
    return {case for cases in tests.values() for case in drawn.drawn_cases(cases, text)}


def _is_left_out(item: pytest.Item, config: pytest.Config, cases: set[str]) -> bool:
    if item.get_closest_marker("long") is not None and not config.getoption("--all"):
        return True
    marker = item.get_closest_marker("drawn")
    if marker is None:
        return False
    if marker.kwargs.get("cases"):
        return config.stash[DRAWN_BY] != drawn.ALL and item.nodeid not in cases
    file = item.path.relative_to(config.rootpath).as_posix()
    name = item.nodeid if marker.kwargs.get("singly") else file
    return not drawn.is_drawn(name, config.stash[DRAWN_BY], dear=marker.kwargs.get("dear", False))


def pytest_collection(session: pytest.Session) -> None:
    """Thousands of tests are made, and none of them is garbage: whole collections would look through them in vain."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Without them there is so little that is old that everything young would be looked through at every turn."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: more than there are cores, because tests of the live house mostly wait."""
    return (os.cpu_count() or 1) + 3


def pytest_sessionstart(session: pytest.Session) -> None:
    """Each worker imports another part of the test files first: in a fresh clone, where what pytest makes of them is
    not kept yet, every one would make all of it at the same time."""
    worker = getattr(session.config, "workerinput", None)
    if worker is None:
        return
    files = sorted(file for argument in session.config.args for file in Path(argument).rglob("test_*.py"))
    for file in files[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]:
        with contextlib.suppress(Exception, pytest.skip.Exception):  # said when it is collected
            import_path(file, mode="importlib", root=session.config.rootpath, consider_namespace_packages=False)


@pytest.fixture(autouse=True, scope="session")
def _folded_as_in_production() -> None:
    if not PLAIN_WANTED:
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("LIQBOT_UNCOMPILED")
            compiled_kernels.use_compiled()


@pytest.fixture
def plain_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this process has loaded: the kernels as they are written, calling each other by name."""
    for module in compiled_kernels.KERNELS:
        for name, function in compiled_kernels.PLAIN.items():
            monkeypatch.setattr(module, name, function, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _loggers_follow_their_configuration() -> Iterator[None]:
    """A logger that is cached at its first use would keep the level and the stream of whatever test came first."""
    patch = pytest.MonkeyPatch()
    original = structlog.configure
    patch.setattr(structlog, "configure", lambda **given: original(**{**given, "cache_logger_on_first_use": False}))
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _log_as_in_a_running_bot() -> Iterator[None]:
    """Lines go through the log's own thread. Unconfigured they would be printed from wherever they are said, and the
    interpreter's `print` keeps no reference to `sys.stdout`: a verb that runs in another thread of the test and puts
    its own stream there for a while ends the process with a segmentation fault."""
    configure(form="json")
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _done_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How far work is depends on how busy the machine is: it is told where a test is about that."""
    if request.node.get_closest_marker("progress") is None:
        monkeypatch.setattr(progress, "PATIENCE_S", float("inf"))


@pytest.fixture(autouse=True, scope="session")
def _collected_tests_stay_frozen() -> Iterator[None]:
    """A bot in this process would thaw what `pytest_collection_finish` froze, and every whole collection from then on
    would look through all tests; `tests/runtime/test_live_market.py` has the real thing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "gc", SimpleNamespace(freeze=lambda: None, unfreeze=lambda: None))
        yield


@pytest.fixture(autouse=True, scope="session")
def _new_ledgers_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "upgrade", recorded_schema.upgrade)
        yield


class NetworkUsed(Exception):
    """A test tried to leave the machine."""


@pytest.fixture
def capsys(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    """With the lines that the log's own thread has yet to write."""
    read = capsys.readouterr

    def readouterr() -> CaptureResult[str]:
        assert LINES.flush(PATIENCE_S)
        return read()

    capsys.readouterr = readouterr  # type: ignore[method-assign]
    return capsys


def _guarded(connect: Any) -> Any:
    def only_loopback(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(LOOPBACK):
            raise NetworkUsed(f"a test tried to reach {address}")
        return connect(self, address)

    return only_loopback


def _guarded_names(look_up: Any) -> Any:
    def only_local(host: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and not name.startswith(LOOPBACK) and not name.startswith("0.0.0.0"):
            raise NetworkUsed(f"a test tried to look up {name}")
        return look_up(host, *rest, **named)

    return only_local


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", _guarded(socket.socket.connect))
    patch.setattr(socket.socket, "connect_ex", _guarded(socket.socket.connect_ex))
    patch.setattr(socket, "getaddrinfo", _guarded_names(socket.getaddrinfo))
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_outside_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = os.environ.get("LIQBOT_UNCOMPILED", "")
    for name in [name for name in os.environ if name.startswith("LIQBOT_") or name == "CREDENTIALS_DIRECTORY"]:
        monkeypatch.delenv(name)
    for name in ("COLUMNS", "LINES"):  # nobody's screen
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LIQBOT_UNCOMPILED", kept)
    monkeypatch.setenv("LIQBOT_HOME", HOME)


@pytest.fixture(autouse=True, scope="session")
def _run_directory(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Locks of bots that tests run lie where the test's own files do."""
    os.environ["XDG_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("run"))
