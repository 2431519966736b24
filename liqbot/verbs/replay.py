"""`liqbot replay`: the journal through a fresh engine, and what that proves."""

import time
from functools import partial

from liqbot import __version__, places
from liqbot.code_version import this_code
from liqbot.review.replayed import run_and_print
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.settings.load import own_strategies
from liqbot.verbs.options import ConfigDir, Data, Db, Json, Profile


def replay(
    db: Db = None, profile: Profile = "paper", config: ConfigDir = None, data: Data = None, as_json: Json = False
) -> int:
    """Feed a journal to a fresh engine, compare every step with the recorded one, and say which equality was proved.

    A journal written with strategies of your own needs the profile that names them, and the very same files.
    """
    use_compiled()  # half a second, and each tick a third of the time
    path = db or places.journal_path(places.data_dir(data, profile))
    own = own_strategies(profile, config)
    here = this_code(__version__, time.time_ns() // 1_000_000, tuple((one.name, one.sha256) for one in own))
    factory = partial(recorded_engine, own=own)
    return run_and_print(path, factory, here, snapshot_version=snapshot_version(), as_json=as_json)
