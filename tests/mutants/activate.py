"""A pytest plugin that breaks the live path in one way before any test is collected: `-p tests.mutants.activate` with
the environment variable `LIVE_MUTANT` naming which."""

import os

from tests.mutants.table import LIVE_MUTANTS

LIVE_MUTANTS[os.environ["LIVE_MUTANT"]].apply()
