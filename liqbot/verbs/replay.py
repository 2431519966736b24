"""`liqbot replay`: the journal through a fresh engine, and what that proves."""

import time

from liqbot import __version__, places
from liqbot.code_version import this_code
from liqbot.review.replayed import run_and_print
from liqbot.runtime.assembly import SNAPSHOT_VERSION, recorded_engine
from liqbot.verbs.options import Data, Db, Json, Profile


def replay(db: Db = None, profile: Profile = "paper", data: Data = None, as_json: Json = False) -> int:
    """Feed a journal to a fresh engine, compare every step with the recorded one, and say which equality was proved."""
    path = db or places.journal_path(places.data_dir(data, profile))
    here = this_code(__version__, time.time_ns() // 1_000_000)
    return run_and_print(path, recorded_engine, here, snapshot_version=SNAPSHOT_VERSION, as_json=as_json)
