"""A ledger on SQLite, and one on a PostgreSQL started for the tests where a server is installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command

from tests.builders import recorded_schema

_OUTSIDE_URL = os.environ.get("LIQBOT_TEST_POSTGRES", "")
_CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{folder}'
shared_buffers = 16MB
max_connections = 10
fsync = off
"""


@pytest.fixture
def migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """They themselves run, on new ledgers too."""
    monkeypatch.setattr(command, "upgrade", recorded_schema.MIGRATED)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of an empty server without its database name."""
    if _OUTSIDE_URL:
        yield _OUTSIDE_URL
        return
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not binaries:
        pytest.skip("no PostgreSQL server under /usr/lib/postgresql and LIQBOT_TEST_POSTGRES is not set")
    pytest.importorskip("psycopg")
    as_user = _as_another_user()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if as_user:
            shutil.chown(folder, "postgres")
        programs, data = binaries[-1].parent, folder / "data"
        subprocess.run(
            [*as_user, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"],
            check=True, capture_output=True, cwd=folder,
        )
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(_CONFIGURATION.format(folder=folder))
        control = [*as_user, programs / "pg_ctl", "-D", data, "-w"]
        subprocess.run([*control, "-l", folder / "log", "start"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_another_user() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL refuses to run as root and setpriv is missing")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """An empty schema on the server."""
    import psycopg

    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return postgres_server


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))
