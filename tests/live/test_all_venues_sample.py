"""A few seconds of `bench/all_venues.py`: the house as a user starts it, in a process of its own, on four venues of
both kinds of sockets in a cascade. Nothing is lost, and the recording read again gives the identical map."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VENUES = "binance,gate,backpack,woo"
SECONDS_MAX = 400
"""Far beyond what a busy machine takes."""


@pytest.mark.long
def test_a_cascade_on_several_venues_at_once_arrives_whole_and_is_replayed(tmp_path: Path) -> None:
    command = [
        sys.executable, str(ROOT / "bench" / "all_venues.py"), "--minutes", "1", "--seconds", "4", "--factor", "5",
        "--venues", VENUES, "--raw", "--house-core", "-1", "--market-core", "-1", "--out", str(tmp_path),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False, cwd=ROOT)
    assert ended.returncode == 0, ended.stdout + ended.stderr + (tmp_path / "house.log").read_text("utf-8")[-3_000:]
    assert "none lost" in ended.stdout
    assert "journal replayed: identical" in ended.stdout
    assert "other rows in 0, another map in 0" in ended.stdout
    assert "not modelled: []" in ended.stdout
