"""The generator is an instrument: its bytes are pinned, on every interpreter, numpy and CPU."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.recfunctions import repack_fields

from liqbot.blocks import KINDS
from paper.world import GENERATOR, World, WorldParams
from paper.world.params import BTC, ETH, CrowdParams, ShockParams

# Made by generator -> the bytes. Other bytes from the same parameters need a new generator number.
PINNED = {3: "4e17c7225830fef6bd0d24dd0a0a25282c566deac2f29ed5caceff551eceedad"}

RATES = ["time_ms", "venue", "coin", "rate_pct", "interval_h"]
"""What is pinned of funding: that a rate says its stage makes no other market."""


def digest() -> str:
    params = WorldParams(
        step_ms=30_000, days=0.15, burn_in_days=0.2, backfill_days=0.1, coins=(BTC, ETH),
        crowd=CrowdParams(positions=900), shocks=ShockParams(first_wick_minute=30, build_up_h=1, rate_day=20),
    )  # fmt: skip
    world, found = World(params, 11), hashlib.sha256()
    for stream in (world.backfill(), world.blocks()):
        for block in stream:
            for kind in KINDS:
                rows = block.rows(kind)
                found.update((repack_fields(rows[RATES]) if kind == "funding" else rows).tobytes())
    found.update(world.positions().tobytes())
    return found.hexdigest()


@pytest.mark.drawn
def test_the_generator_makes_the_bytes_its_number_stands_for():
    assert digest() == PINNED[GENERATOR]


@pytest.mark.drawn
def test_another_cpu_makes_the_same_bytes():
    dispatched = [
        name for name, present in np._core._multiarray_umath.__cpu_features__.items()
        if present and name in np._core._multiarray_umath.__cpu_dispatch__
    ]  # fmt: skip
    if not dispatched:
        pytest.skip("numpy has no faster path than its baseline on this CPU")
    root = Path(__file__).parents[3]
    paths = [str(root), str(Path(__file__).parent)]
    code = f"import sys; sys.path[:0] = {paths!r}; import test_same_bytes as t; print(t.digest())"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(dispatched), "PYTHONHASHSEED": "5"},
    )  # fmt: skip
    assert answer.stdout.strip() == PINNED[GENERATOR]


def test_parameters_and_seed_have_a_fingerprint():
    first, again = World(WorldParams(), 1), World(WorldParams(), 1)
    assert first.fingerprint == again.fingerprint
    assert len({first.fingerprint, World(WorldParams(), 2).fingerprint, World(WorldParams(days=9), 1).fingerprint}) == 3
