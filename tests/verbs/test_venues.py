"""`liqbot venues`: a row for every venue, unknown shown as unknown, JSON that carries the tiers."""

import json
import subprocess
import sys

import pytest

from liqbot import cli
from liqbot.venues.registry import VENUES


def test_lists_every_venue_with_unknown_as_unknown(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["venues"]) == 0
    table, counts = capsys.readouterr().out.split("\n\n")
    head, *lines = table.splitlines()
    assert "venues read live; their feeds:" in counts
    assert head.startswith("VENUE")
    assert [line.split()[0] for line in lines] == list(VENUES)
    by_venue = {line.split()[0]: line for line in lines}
    assert "sampled" in by_venue["binance"]
    assert "unknown" in by_venue["bitfinex"]
    assert "stand-in" in by_venue["htx"]
    assert "own rule and tiers" in by_venue["bitget"]


def test_caps_explain_rule_and_source(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["venues", "--caps"]) == 0
    printed = capsys.readouterr().out
    assert "maintenance on the value at entry" in printed
    assert "no mark price liquidates here" in printed
    assert "0x and 32 hexadecimal digits" in printed
    assert "None" not in printed
    assert "no orders: simulated, its orders are not implemented yet" in printed
    assert "a key consists of api_key, secret, password" in printed


def test_json_has_contracts_and_tiers(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["venues", "--caps", "--json"]) == 0
    found = {row["venue"]: row for row in json.loads(capsys.readouterr().out)}
    assert len(found) == len(VENUES)
    btc = found["binance"]["contracts"][0]["coins"][0]
    assert (btc["symbol"], btc["tiers"][0]) == ("BTC/USDT:USDT", [300_000.0, 150.0, 0.4, 0.0])
    assert found["bybit"]["forced_orders"]["side"] == "position"
    assert found["okx"]["forced_orders"]["completeness"] == "sampled"
    assert found["binance"]["keys"] == ["binance", "binance:usdc", "binance:coin"]


def test_a_venue_is_shown_in_full_in_any_spelling(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["venues", "gate.io", "Bybit"]) == 0
    shown, other = capsys.readouterr().out.split("\n\n")
    assert shown.startswith("gate:")
    assert other.startswith("bybit:")
    assert "sha256 3861a4fe00c9" in shown
    assert "reserves          unknown" in shown
    assert cli.main(["venues", "bybit", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert {feed["feed"] for feed in row["feeds"]} >= {"trades", "mark", "liquidation"}
    assert row["feeds"][0]["sha256"]


def test_a_name_that_no_venue_has_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["venues", "binnance"]) == 2
    assert "no such venue: 'binnance'; did you mean 'binance'?" in capsys.readouterr().err


@pytest.mark.drawn
def test_it_loads_no_client():
    code = "import sys; from liqbot import cli; cli.main(['venues']); assert 'ccxt' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
