"""The guides of CONTRIBUTING.md, carried out on a copy of the program: what each promises comes to pass."""

import gzip
import json
import re
import shutil
from pathlib import Path

import pytest
from page_scripts import ids_without_a_place
from program_copy import COPIED, ROOT, apply, copied, copied_for, diffs_of, run

from liqbot.exits import Exit

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
GUIDES = {
    part.splitlines()[0]: part.split("\n", 1)[1] for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
}
FILES_MAX = {
    "A gate": 5, "A gate with a new input": 5, "A column": 5, "An import format": 1, "A verb": 2, "A ledger table": 5,
    "An alert sink": 5, "An order type": 8, "A picture": 5, "A panel of the page": 5, "A definition of clusters": 5,
    "A compiled kernel": 5,
}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy with the diffs of all guides in it: they do not stand in each other's way."""
    changed = copied(tmp_path_factory.mktemp("program"))
    for guide in GUIDES.values():
        apply(diffs_of(guide), changed)
    return changed


def stored_ledger(program: Path, folder: Path) -> Path:
    """The ledger of an earlier session, brought up to the copy's schema."""
    ledger = folder / "ledger.sqlite"
    with gzip.open(ROOT / "tests/fixtures/first_format/session.ledger.sqlite.gz") as stored, ledger.open("wb") as file:
        shutil.copyfileobj(stored, file)
    assert run(program, "db", "upgrade", "--db", str(ledger)).returncode == 0
    return ledger


@pytest.mark.parametrize("name", FILES_MAX)
def test_a_change_touches_few_files(name: str, tmp_path: Path) -> None:
    diff = diffs_of(GUIDES[name])
    touched = apply(diff, copied_for(diff, tmp_path))
    assert 1 <= len(touched) <= FILES_MAX[name]


def test_the_table_tells_how_many_files_a_change_touches() -> None:
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| \[[^]]*\]\(#([\w-]+)\) \|$", TEXT, re.MULTILINE)
    told = {name: sum(map(int, re.findall(r"\d+", words.partition(";")[0]))) for words, name in rows}
    for name in FILES_MAX:
        files = len(re.findall(r"^\+\+\+ ", diffs_of(GUIDES[name]), re.MULTILINE))
        assert told[name.lower().replace(" ", "-")] == files, name


def test_every_guide_names_files_that_exist() -> None:
    named = set(re.findall(r"`((?:liqbot|paper|tests|docs|examples)/[\w./]+)`", TEXT))
    missing = sorted(name for name in named if not (ROOT / name).exists())
    assert named
    assert not missing
    links = set(re.findall(r"\]\(([\w./]+)\)", TEXT))
    assert not sorted(link for link in links if not (ROOT / link).exists())


@pytest.mark.drawn(dear=True)
def test_a_gate_is_judged_and_its_parameter_is_shown(program: Path) -> None:
    shown = run(program, "config", "show", "--origin", "--set", "signals.cascade.funding_pct_min=0.02")
    assert re.search(r"signals\.cascade\.funding_pct_min\s.*0\.02", shown.stdout), shown.stderr
    code = """
from liqbot.signals.gates import conditions
from liqbot.signals.strategies.cascade import STRATEGY, CascadeParams
for least in (None, 0.02):
    params = CascadeParams(funding_pct_min=least)
    print(sum(gate.name == "funding" for gate in STRATEGY.gates), params.funding_pct_min)
"""
    assert run(program, code=code).stdout.splitlines() == ["1 None", "1 0.02"]


@pytest.mark.drawn(dear=True)
def test_a_gate_with_a_new_input_is_given_what_was_folded_below(program: Path) -> None:
    code = """
import sys
sys.path.append(sys.argv[1])
import market_views
from liqbot.instruments import Side
from liqbot.market.observed.bars import BarsFold
from liqbot.market.params import RollingParams
from liqbot.signals.features import FEATURE_NAMES, derived_features, features_of
from liqbot.signals.gates import shown
from liqbot.signals.strategies.funding_squeeze import STRATEGY, FundingSqueezeParams
spec = next(one for one in STRATEGY.gates if one.name == "mean_flow")
bars = BarsFold(RollingParams(trend_fast_ms=60_000))
for minute, imbalance in enumerate((float("nan"), 0.8, 0.4), 1):
    bars._rolling.imbalance = imbalance
    bars.take_mark(minute * 60_000, 100.0, 100.0, 100.0)
    saved, bars = bars.state(), BarsFold(RollingParams(trend_fast_ms=60_000))
    bars.load_state(saved)
    print(round(bars.mean_taker_imbalance, 9))
print(spec.inputs[0] in FEATURE_NAMES, "mean_flow" in derived_features(frozenset({"mean_taker_imbalance"})))
view = market_views.a_view(mean_taker_imbalance=bars.mean_taker_imbalance)
for side in (Side.LONG, Side.SHORT):
    features = features_of(view, side, 5.0)
    print(*(shown((spec,), features, FundingSqueezeParams(mean_flow_min=least), (), frozenset())[0]
            for least in (None, 0.5, 0.7)))
"""
    done = run(program, str(ROOT / "tests/builders"), code=code)
    assert done.stdout.splitlines() == [
        "nan", "0.8", "0.6", "True True", "SIGNAL SIGNAL MEAN_FLOW", "SIGNAL MEAN_FLOW MEAN_FLOW",
    ], done.stderr


@pytest.mark.drawn(singly=True)
def test_a_column_is_written_and_read_by_name(program: Path, tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from liqbot.blocks import Roster, block_of
from liqbot.events import TradeBar
from liqbot.journal import Journal, JournalReader
from paper.tapes.format import OPTIONAL_COLUMNS
path, roster = Path(sys.argv[1]) / "journal.sqlite", Roster(("binance",), ("BTC",))
bars = [TradeBar(time_ms=at, venue="binance", coin="BTC", span_ms=1, open=1.0, high=1.0, low=1.0, close=1.0,
                 volume_usd=5.0, largest_trade_usd=largest) for at, largest in ((1, 2.0), (2, None))]
with Journal.open(path, mode="paper", account="a", roster=roster) as journal:
    journal.append(block_of(bars, roster, tick_ms=2), "test", 1)
with JournalReader(path) as reader:
    (record,) = reader.records()
print(record.block.rows("bars")["largest_trade_usd"].tolist(), "largest_trade_usd" in OPTIONAL_COLUMNS)
"""
    done = run(program, str(tmp_path), code=code)
    assert done.stdout.splitlines() == ["[2.0, nan] True"], done.stderr


@pytest.mark.drawn(dear=True)
def test_an_import_format_is_recognised_and_refuses_by_its_own_names(program: Path, tmp_path: Path) -> None:
    ticks = tmp_path / "binance-BTCUSDT-ticks.csv"
    ticks.write_text("at,mark_usd\n1722816000,60000\n1722816001,60001\n")
    done = run(program, "tape", "import", str(ticks), str(tmp_path / "t.parquet"))
    assert "ticks of our recorder: 2 rows" in done.stdout, done.stderr
    ticks.write_text("at,mark_usd\n1722816000,-1\n")
    done = run(program, "tape", "import", str(ticks), str(tmp_path / "t.parquet"))
    assert "row 0 (the first is 0), column 'mark_usd': -1.0; a positive number is right" in done.stderr


@pytest.mark.drawn(dear=True)
def test_a_verb_is_listed_and_runs(program: Path, tmp_path: Path) -> None:
    ledger = stored_ledger(program, tmp_path)
    done = run(program, "fees", "--db", str(ledger), "--json")
    assert all(day["fees_usd"] > 0 for day in json.loads(done.stdout)), done.stderr
    assert re.search(r"^  fees +show what was paid in fees, by day$", run(program, "--help").stdout, re.MULTILINE)


@pytest.mark.drawn(dear=True)
def test_a_ledger_table_is_filled_and_comes_to_ledgers_that_are_there(program: Path, tmp_path: Path) -> None:
    stored_ledger(program, tmp_path)
    code = """
import sys
from sqlalchemy import create_engine, inspect
from liqbot.events import BiasSet
from liqbot.instruments import Side
from liqbot.ledger import LedgerWriter
from liqbot.ledger.observation import Observation
from liqbot.ledger.tables import TABLES, core
for name in ("ledger", "new"):
    url = f"sqlite:///{sys.argv[1]}/{name}.sqlite"
    with LedgerWriter(url, "another journal") as writer:
        for seq, side in enumerate((Side.SHORT, None), 1):
            given = BiasSet(time_ms=1_722_816_000_000 + seq, coin="BTC", side=side, until_ms=1_722_816_060_000,
                            why="news")
            writer.observe(Observation(seq, given.time_ms, "test", facts=(given,), changes=((),)))
    with create_engine(url).connect() as connection:
        print(connection.exec_driver_sql("SELECT * FROM v_given_bias").all())
        table = core(TABLES[-1])
        there = {column["name"]: column["nullable"] for column in inspect(connection).get_columns(table.name)}
        print(there == {column.name: column.nullable for column in table.columns})
"""
    done = run(program, str(tmp_path), code=code)
    row = "'2024-08-05T00:00:00.{}Z', 'BTC', '{}', '2024-08-05T00:01:00.000Z'"
    rows = f"[({row.format('001', 'short')}), ({row.format('002', '')})]"
    assert done.stdout.splitlines() == [rows, "True"] * 2, done.stderr


@pytest.mark.drawn(dear=True)
def test_an_order_type_reaches_the_venues_and_their_simulation(program: Path) -> None:
    code = """
import sys
sys.path.append(sys.argv[1])
from paper_story import Story
from liqbot.commands import Purpose
from liqbot.execution.params import ExecutionParams
from liqbot.venues.conformance.orders import account_of, contract_of
from liqbot.venues.registry import VENUES
from paper.dialects.binance.payloads import TIMES_IN_FORCE as binance
from paper.dialects.bitget.payloads import FORCES as bitget
from paper.dialects.bybit.payloads import TIMES_IN_FORCE as bybit
from paper.dialects.hyperliquid.orders import TIFS as hyperliquid
from paper.dialects.okx.payloads import LIMITS as okx
from paper.dialects.order_entry import Terms, word_for
for whole in (False, True):
    story = Story(ExecutionParams(fill_or_kill_entries=whole), venue="binance", fill_usd_max=5.0)
    story.wish(limit="101", stop="90")
    story.bar(100.0)
    entry = next(one for one in story.placed if one.purpose is Purpose.ENTRY)
    print(story.held, Purpose.ENTRY in story.resting, Terms.of(entry) in hyperliquid.values())
    print([word_for(entry, words) for words in (binance, bitget, bybit, okx)])
    traded = [(spec.trading, contract_of(spec, account_of(spec))) for spec in VENUES.values() if spec.trading]
    print({adapter.place(entry, contract).args[-1]["timeInForce"] for adapter, contract in traded})
"""
    done = run(program, str(ROOT / "tests/builders"), code=code)
    assert done.stdout.splitlines() == [
        "0.05 False True", "['IOC', 'ioc', 'IOC', 'ioc']", "{'IOC'}",
        "None False False", "['FOK', 'fok', 'FOK', 'fok']", "{'FOK'}",
    ], done.stderr


@pytest.mark.drawn(dear=True)
def test_an_alert_sink_is_called(program: Path) -> None:
    code = """
from liqbot.events import Halt
from liqbot.observers.alert_rules import alerts_of
from liqbot.observers.alerts import SINKS
from liqbot.observers.registry import ObserverContext
from liqbot.settings import load
sink = SINKS["bell"](ObserverContext(load("paper", overrides=['observers.alert_sinks=["bell"]']).settings))
for alert in alerts_of(Halt(time_ms=1, reason="somebody must look")):
    sink(alert)
"""
    done = run(program, code=code)
    assert "\aHALT: somebody must look" in done.stderr, done.stderr


@pytest.mark.drawn(dear=True)
def test_a_coin_is_a_setting(program: Path, tmp_path: Path) -> None:
    (profile,) = re.findall(r"^```toml\n(.*?)^```$", GUIDES["A coin"], re.DOTALL | re.MULTILINE)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "paper.toml").write_text(profile)
    short = [f"--set=paper.world.{name}" for name in ("burn_in_days=0.05", "backfill_days=0.05", "crowd.positions=500")]
    where = ("--config", str(tmp_path / "config"), "--data", str(tmp_path / "var"))
    told = run(program, "paper", "--for", "1s", "--speed", "0", *short, *where)
    assert told.returncode == Exit.CONFIG
    assert "--allow-thin-coin" in told.stderr
    done = run(program, "paper", "--for", "1s", "--speed", "0", "--allow-thin-coin", "--json", *short, *where)
    assert done.returncode == Exit.OK, done.stderr
    drawn = json.loads(run(program, "map", "--json", "--data", str(tmp_path / "var")).stdout)
    assert drawn["coin"] == "SOL"
    assert 100 < drawn["mark_price"] < 220


@pytest.mark.drawn(dear=True)
def test_a_picture_is_drawn_of_a_ledger(program: Path, tmp_path: Path) -> None:
    ledger = stored_ledger(program, tmp_path)
    for ending in ("svg", "png"):
        file = tmp_path / f"fees.{ending}"
        done = run(program, "picture", "fees", str(file), "--db", str(ledger))
        assert done.stdout == f"wrote {file}\n", done.stderr
    svg = (tmp_path / "fees.svg").read_text(encoding="utf-8")
    assert "Fees by day" in svg
    assert "other currencies at their worth then" in svg


@pytest.mark.drawn(dear=True)
def test_a_panel_of_the_page_has_its_answer_and_its_place(program: Path, tmp_path: Path) -> None:
    ledger = stored_ledger(program, tmp_path)
    code = """
import json, sys
from pathlib import Path
from liqbot.review.figures.kept import calibration
from liqbot.review.tables import json_text
from liqbot.review.web.answers import ENDPOINTS, WatchedHouse
from liqbot.review.web.asked import Asked
house, endpoint = WatchedHouse(Path(sys.argv[1]), "paper"), ENDPOINTS["record"]
with house.ledger() as ledger:
    kept = json.loads(json_text(calibration(ledger, "BTC")))
rows = json.loads(json_text(endpoint.answer(house, Asked({"coin": "btc"}, endpoint.words))))
print(rows == kept, bool(rows), all({"side", "density_decile", "prints", "realised_usd"} <= set(row) for row in rows))
"""
    done = run(program, str(ledger.parent), code=code)
    assert done.stdout == "True True True\n", done.stderr
    static = program / "liqbot/review/web/static"
    assert not ids_without_a_place(static)
    page = (static / "page.js").read_text(encoding="utf-8")
    assert 'lists.record(await ask("record"' in page
    assert "every(30_000, record);" in page


@pytest.mark.drawn(dear=True)
def test_clusters_are_found_by_the_definition_that_a_parameter_names(program: Path) -> None:
    code = """
import numpy as np
from liqbot.instruments import Side
from liqbot.market.estimate.price_grid import edges, position_of, price_at
from liqbot.market.map.clusters import clusters_of
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.params import ClusterParams
first = int(position_of(60_000.0))
short_usd = np.where(np.arange(1_300) < 650, 0.0, 1e6)
short_usd[1_000:1_004] += 1e7  # a pile on thin ground, and ground that is thicker
short_usd[650:800] += 9e6
drawn = LiquidationMap("BTC", 0, price_at(first + 650), edges()[first : first + 1_301], np.zeros(1_300), short_usd)
for params in (ClusterParams(), ClusterParams(found_by="contrast"), ClusterParams(found_by="usd")):
    found = clusters_of(drawn, Side.SHORT, params)[0]
    print("the pile" if found.price_low < price_at(first + 1_002) < found.price_high else "the ground")
"""
    done = run(program, code=code)
    assert done.stdout.splitlines() == ["the pile", "the pile", "the ground"], done.stderr
    shown = run(program, "config", "show", "--set", "market.clusters.found_by=usd")
    assert re.search(r"market\.clusters\.found_by\s.*usd", shown.stdout), shown.stderr


@pytest.mark.drawn(dear=True)
def test_a_kernel_is_found_compiled_and_gives_the_bits_of_its_plain_form(program: Path) -> None:
    code = """
import numba, numpy as np
from liqbot.market.estimate import map_kernels
from liqbot.market.map.liquidation_map import smoothed
from liqbot.runtime.compiled_kernels import PLAIN
name = "smoothed_line"
compiled = numba.njit(map_kernels.SIGNATURES[name], error_model="numpy", no_cfunc_wrapper=True)(PLAIN[name])
usd = np.random.default_rng(7).lognormal(3.0, 6.0, 4_096)
print(smoothed(usd).tobytes() == compiled(usd).tobytes(), abs(smoothed(usd[2:-2]).sum() / usd.sum() - 1) < 0.1)
calls = []
setattr(map_kernels, name, lambda usd: calls.append(len(usd)) or compiled(usd))
print(smoothed(usd[::2]).tobytes() == compiled(usd[::2].copy()).tobytes(), calls)
"""
    done = run(program, code=code)
    assert done.stdout.splitlines() == ["True True", "True [2048]"], done.stderr


@pytest.mark.drawn(dear=True)
def test_a_strategy_of_ours_is_one_file(program: Path) -> None:
    shutil.copy(ROOT / "examples" / "own_strategy.py", program / "liqbot" / "signals" / "strategies" / "breakout.py")
    shown = run(program, "config", "show", "--set", "signals.breakout.enabled=false")
    assert re.search(r"signals\.breakout\.enabled\s.*false", shown.stdout, re.IGNORECASE), shown.stderr


@pytest.mark.drawn(dear=True)
def test_a_venue_that_trades_is_one_folder(program: Path) -> None:
    venues = program / "liqbot" / "venues"
    shutil.copytree(venues / "bybit", venues / "twin", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (venues / "twin").iterdir():
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("liqbot.venues.bybit", "liqbot.venues.twin").replace('"bybit"', '"twin"'))
    assert len(list((venues / "twin").iterdir())) <= 10
    listed = {row["venue"]: row for row in json.loads(run(program, "venues", "--json").stdout)}
    same = {"venue": "bybit", "client": "bybit", "keys": listed["bybit"]["keys"]}
    assert listed["twin"]["keys"] == ["twin", "twin:coin"]
    assert {**listed["twin"], **same} == listed["bybit"]


def test_only_what_is_the_programs_is_copied() -> None:
    assert all((ROOT / name).is_dir() for name in COPIED)
