"""The soaks run: a round of each, over loopback, with the real bot as a process. Alone for hours they run by their own
command; what is asked here is that they still do what they are for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WARM = ("--warm-s", "12")
SOAKS = {
    "naked": ("--venue", "hyperliquid", "--fault", "none", "--rounds", "1", "--again", *WARM),
    "kill9": ("--venue", "binance", "--instants", "1", *WARM),
    "signals": ("--venues", "bybit", "--disks-ms", "20", "--kills", "1", "--terms", "0", "--stops", "0", *WARM),
    "one_account": ("--venue", "bybit", "--rounds", "1", *WARM),
    "first_stop": ("--venue", "bitget", "--rounds", "1"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", SOAKS)
def test_a_round_of_it_finds_nothing_wrong(name: str, tmp_path: Path) -> None:
    out = ("--out", str(tmp_path)) if name == "signals" else ()
    command = [sys.executable, f"bench/{name}.py", *SOAKS[name], *out]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=400)
    assert ran.returncode == 0, json.dumps([ran.stdout[-3_000:], ran.stderr[-3_000:]], indent=1)
