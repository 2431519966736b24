"""Where files live: the state directory of a profile, the directory of the configuration, and who said so.

Apart from the settings, because reading verbs need these without paying for the configuration's imports. The current
directory is the last resort, and never a silent one.
"""

import os
import sys
from pathlib import Path
from typing import Final, NamedTuple

DATA_VARIABLE: Final = "LIQBOT_DATA"
CONFIG_VARIABLE: Final = "LIQBOT_CONFIG"
SECRETS_VARIABLE: Final = "LIQBOT_SECRETS"
RUNGS_VARIABLE: Final = "LIQBOT_RUNGS"
HOME_VARIABLE: Final = "LIQBOT_HOME"
"""The checkout, with its own `config` and `var`: exported by `./run`, so that it works from any directory."""
UNCOMPILED_VARIABLE: Final = "LIQBOT_UNCOMPILED"
"""Anything in it: the fold runs as plain numpy (`runtime.compiled_kernels`)."""
PLACE_VARIABLES: Final = (
    DATA_VARIABLE, CONFIG_VARIABLE, SECRETS_VARIABLE, RUNGS_VARIABLE, HOME_VARIABLE, UNCOMPILED_VARIABLE,
)
"""Environment variables with the program's prefix that are no settings."""
CURRENT: Final = "the current directory"
_MIGRATIONS: Final = Path(__file__).parent / "ledger" / "migrations" / "versions"
_SYSTEM_CONFIG: Final = Path("/etc/liqbot")
_SYSTEM_STATE: Final = Path("/var/lib/liqbot")
_reported: set[str] = set()


class Place(NamedTuple):
    path: Path
    origin: str
    """An option, a variable, or the convention that named it."""


def data_place(given: Path | None, profile: str) -> Place:
    """`--data`, else $LIQBOT_DATA, else `var/<profile>` in $LIQBOT_HOME, else `<profile>` in the user's or the system's
    state directory of liqbot where that exists, else ./var/<profile>."""
    return _named(given, "--data", DATA_VARIABLE) or _default_data(profile)


def config_place(given: Path | None = None) -> Place:
    """`--config`, else $LIQBOT_CONFIG, else `config` in $LIQBOT_HOME, else the user's or the system's configuration
    directory of liqbot where that exists, else ./config."""
    named = _named(given, "--config", CONFIG_VARIABLE)
    if named is not None:
        return named
    home = _variable(HOME_VARIABLE)
    if home is not None:
        return Place(home / "config", f"${HOME_VARIABLE}")
    own = _user_directory("XDG_CONFIG_HOME", ".config")
    for path in (own, _SYSTEM_CONFIG):
        if path is not None and path.is_dir():
            return Place(path, str(path))
    return Place(Path("config"), CURRENT)


def backtest_dir(given: Path | None, name: str) -> Path:
    """`--data`, else `backtest/<name>` beside the state of the profiles. $LIQBOT_DATA is that of one bot, so a backtest
    never goes there."""
    place = _default_data(f"backtest/{name}") if given is None else Place(given, "--data")
    return _reporting("state", place, HOME_VARIABLE, "--data")


def data_dir(given: Path | None, profile: str) -> Path:
    """The path of `data_place`. Not created here; the current directory is reported in one line of the log."""
    return _reporting("state", data_place(given, profile), DATA_VARIABLE, "--data")


def config_dir(given: Path | None = None) -> Path:
    """The path of `config_place`; the current directory is reported, where there is a configuration to read."""
    place = config_place(given)
    return _reporting("configuration", place, CONFIG_VARIABLE, "--config") if place.path.is_dir() else place.path


def config_is_named(given: Path | None = None) -> bool:
    """Whether somebody said where the configuration lies, so that it is not the current directory's by chance."""
    return config_place(given).origin != CURRENT


def rungs_path() -> Path:
    """$LIQBOT_RUNGS, else `rungs.jsonl` beside the states of the profiles. One for every mode, because each has a state
    directory of its own. The current directory is reported: days recorded in another do not count for a start in this.
    """
    named = _variable(RUNGS_VARIABLE)
    place = _default_data("rungs.jsonl") if named is None else Place(named, f"${RUNGS_VARIABLE}")
    return _reporting("recorded days", place, RUNGS_VARIABLE)


def secrets_dir() -> Path | None:
    """$LIQBOT_SECRETS, else the credentials directory a service manager gives; None without either."""
    return _variable(SECRETS_VARIABLE) or _variable("CREDENTIALS_DIRECTORY")


def run_dirs() -> tuple[Path, ...]:
    """Where files that live as long as a process may lie, best first: `liqbot` in $XDG_RUNTIME_DIR, else in the user's
    directory under /run/user, else `liqbot-run` beside the user's state directory of liqbot (which is not made by the
    way: that it exists says where the books lie). Each is one user's own."""
    found = [_variable("XDG_RUNTIME_DIR"), Path(f"/run/user/{os.geteuid()}")]
    own = _user_directory("XDG_STATE_HOME", ".local/state")
    here = [base / "liqbot" for base in found if base is not None and base.is_dir()]
    return (*here, own.with_name("liqbot-run")) if own is not None else tuple(here)


def journal_path(data: Path) -> Path:
    return data / "journal.sqlite"


def lock_path(journal: Path) -> Path:
    """Held by the one process that writes it."""
    return journal.with_name(journal.name + ".lock")


def followed_journal(named: str) -> Path | None:
    """Of `feeds.from_journal`: a data directory, or the journal in it. None where it names nothing."""
    if not named:
        return None
    path = Path(named)
    return path if path.suffix == ".sqlite" or path.is_file() else journal_path(path)


def ledger_path(data: Path) -> Path:
    return data / "ledger.sqlite"


def ledger_schema() -> str:
    """The newest version of the ledger's tables: the names of its migrations begin with theirs, so that a reader need
    not import what they need."""
    return max(path.name[1:5] for path in _MIGRATIONS.glob("v[0-9]*.py"))


def _default_data(name: str) -> Place:
    home = _variable(HOME_VARIABLE)
    if home is not None:
        return Place(home / "var" / name, f"${HOME_VARIABLE}")
    own = _user_directory("XDG_STATE_HOME", ".local/state")
    for path in (own, _SYSTEM_STATE):
        if path is not None and path.is_dir():
            return Place(path / name, str(path))
    return Place(Path("var") / name, CURRENT)


def _named(given: Path | None, option: str, variable: str) -> Place | None:
    if given is not None:
        return Place(given, option)
    path = _variable(variable)
    return None if path is None else Place(path, f"${variable}")


def _user_directory(variable: str, below_home: str) -> Path | None:
    """None for a user without a home, as services have it."""
    base = _variable(variable)
    if base is None:
        home = _variable("HOME")
        base = None if home is None else home / below_home
    return None if base is None else base / "liqbot"


def _reporting(what: str, place: Place, variable: str, option: str = "") -> Path:
    if place.origin == CURRENT and what not in _reported:
        _reported.add(what)
        named = f"{option} or ${variable}" if option else f"${variable}"
        sys.stderr.write(f"note: {what} in {place.path.absolute()}, by {CURRENT}; {named} names it\n")
    return place.path


def _variable(name: str) -> Path | None:
    text = os.environ.get(name, "")
    return Path(text) if text else None
