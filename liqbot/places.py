"""Where files live: the state directory of a profile and the directory of the configuration.

Apart from the settings, because reading verbs need these without paying for the configuration's imports.
"""

import os
from pathlib import Path
from typing import Final

DATA_VARIABLE: Final = "LIQBOT_DATA"
CONFIG_VARIABLE: Final = "LIQBOT_CONFIG"
SECRETS_VARIABLE: Final = "LIQBOT_SECRETS"
PLACE_VARIABLES: Final = (DATA_VARIABLE, CONFIG_VARIABLE, SECRETS_VARIABLE)
"""Environment variables with the program's prefix that are no settings."""


def data_dir(given: Path | None, profile: str) -> Path:
    """`--data`, else $LIQBOT_DATA, else ./var/<profile>. Not created here."""
    return given or _from_environment(DATA_VARIABLE) or Path("var") / profile


def config_dir(given: Path | None = None) -> Path:
    """`--config`, else $LIQBOT_CONFIG, else ./config."""
    return given or _from_environment(CONFIG_VARIABLE) or Path("config")


def config_is_named(given: Path | None = None) -> bool:
    """Whether somebody said where the configuration lies, so that it is not the current directory's by chance."""
    return given is not None or _from_environment(CONFIG_VARIABLE) is not None


def secrets_dir() -> Path | None:
    """$LIQBOT_SECRETS, else the credentials directory a service manager gives; None without either."""
    return _from_environment(SECRETS_VARIABLE) or _from_environment("CREDENTIALS_DIRECTORY")


def journal_path(data: Path) -> Path:
    return data / "journal.sqlite"


def ledger_path(data: Path) -> Path:
    return data / "ledger.sqlite"


def _from_environment(name: str) -> Path | None:
    text = os.environ.get(name, "")
    return Path(text) if text else None
