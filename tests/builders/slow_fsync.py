"""A disk that hangs below SQLite: the C library's own fsync waits, in one process alone, as long as a file is there."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

_MARKER: Final = "LIQBOT_TEST_HUNG"
_SOURCE: Final = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_for_disk(void) {
    const char *marker = getenv("LIQBOT_TEST_HUNG");
    struct timespec pause = {0, 5000000};
    while (marker && access(marker, F_OK) == 0) nanosleep(&pause, NULL);
}

int fsync(int file) {
    wait_for_disk();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int fdatasync(int file) {
    wait_for_disk();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}
"""


def slow_fsync(folder: Path) -> tuple[dict[str, str], Path]:
    """(environment of a process with such a disk, the file that makes it hang). The test is skipped where that cannot
    be made."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler, or another system's loader")
    source, library, marker = folder / "fsync.c", folder / "fsync.so", folder / "hung"
    source.write_text(_SOURCE, encoding="ascii")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, capture_output=True)
    environment = {"LD_PRELOAD": str(library), _MARKER: str(marker)}
    _require_interposed(environment, folder, marker)
    return environment, marker


def _require_interposed(environment: dict[str, str], folder: Path, marker: Path) -> None:
    """A library that is loaded and passed over would hang nothing, and prove nothing."""
    words = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('CREATE TABLE t (x)'); c.commit()"
    marker.touch()
    writes = subprocess.Popen([sys.executable, "-c", words, str(folder / "try.sqlite")], env=environment)
    try:
        writes.wait(3.0)
    except subprocess.TimeoutExpired:
        return
    else:
        pytest.skip("SQLite does not sync through the C library here")
    finally:
        marker.unlink()
        writes.wait(60)
