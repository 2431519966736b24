"""What another local user of the machine can do with a file: tried in a child process, where one may be become."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NOBODY = 65_534


def public_folder() -> Iterator[Path]:
    """A directory that everybody may enter, unlike those of the tests."""
    folder = Path(tempfile.mkdtemp(prefix="liqbot-public-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def as_nobody(deed: Callable[[], object]) -> str:
    """What it gave, as text, or the name of the error it raised. Skips the test where only root could try."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user to try this")
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            said = str(deed())
        except BaseException as error:  # noqa: BLE001 -- the parent asks what it was
            said = type(error).__name__
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as said_there:
        return said_there.read()
