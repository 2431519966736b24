"""What every test runs under: no network beyond loopback, named hypothesis profiles, no configuration from outside,
and nothing that takes long unless it is asked for with `--all`.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from _pytest.capture import CaptureResult
from hypothesis import settings

from liqbot.log import LINES, configure

# `quick` draws the same examples every time; `explore` draws new ones and prints how to repeat a failure.
settings.register_profile("quick", max_examples=50, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("explore", max_examples=1_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# As `./run` has it: configuration and state of the checkout, whatever the current directory.
HOME = str(Path(__file__).parents[1])
os.environ["LIQBOT_HOME"] = HOME

# Hundreds of bots are started, and the compiled fold takes half a second to load. `tests/market/estimate/` proves that
# it gives the same bits; `bench/golden.py` runs it.
os.environ.setdefault("LIQBOT_UNCOMPILED", "1")

LOOPBACK = ("127.", "::1", "localhost")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the tests marked `long` too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--all"):
        return
    left_out = [item for item in items if item.get_closest_marker("long") is not None]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item.get_closest_marker("long") is None]


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: more than there are cores, because tests of the live house mostly wait."""
    return (os.cpu_count() or 1) + 4


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


class NetworkUsed(Exception):
    """A test tried to leave the machine."""


@pytest.fixture
def capsys(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    """With the lines that the log's own thread has yet to write."""
    read = capsys.readouterr

    def readouterr() -> CaptureResult[str]:
        assert LINES.flush(20)
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
