"""What the ledger's fold remembers lies in rows of its own: only changes are written, and older ledgers go on."""

import gzip
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from ledger_story import story
from sqlalchemy import text

from liqbot.ledger import LedgerWriter, migrate
from liqbot.ledger import state as states
from liqbot.ledger.connect import engine_for
from liqbot.ledger.migrate import upgrade
from liqbot.ledger.state import LedgerState

OLD = Path(__file__).parents[1] / "fixtures" / "first_format" / "session.ledger.sqlite.gz"
BEFORE: dict[str, Any] = {
    "last_ids": {"trade": 7}, "run_id": 1, "venues": ["binance"], "coins": ["BTC"],
    "purse": {"total_usd": "1000", "transfers_usd": "1000", "wallets_usd": {}, "flows_usd": {}},
    "trades": {
        "binance|BTC": {"id": 7, "venue": "binance", "coin": "BTC", "side": -1, "strategy": "cascade",
                        "open_base": "1", "stop_price": "61000"},
        "bybit|BTC": {"id": 6, "venue": "bybit", "coin": "BTC", "side": 1, "strategy": "adopted", "stop_price": None},
    },
    "orders": {"e1": {"row": 3, "decision_id": 2, "purpose": "entry", "quantity_base": "1", "filled_base": "0.5",
                      "filled_usd": "30000", "done": False}},
    "plans": {"2": {"row": 9, "strategy": "cascade", "leverage": 3.0, "stop_price": "61000",
                    "liquidation_price": "70000"}},
    "fills_seen": ["binance|BTC|1"], "told": {"keys": {"x": True}},
    "verdict_rows": {"cascade|BTC|SHORT|A": {"row": 1, "count": 2, "last_seen_ms": 5}},
    "codes": {"cascade|BTC|SHORT": "A"}, "signal_gates": {"cascade|BTC|SHORT": [{"name": "bias"}]},
    "last_decision_id": 2, "equity_ms": 10, "equity_usd": "1001", "wallet_usd": "1000",
    "maps_written": {"BTC": [4, 8]},
}


def entries(url: str) -> dict[str, bytes]:
    engine = engine_for(url)
    try:
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT name, value FROM fold_state"))
            return {name: bytes(value) for name, value in rows}
    finally:
        engine.dispose()


def run(url: str, statement: str) -> list[Any]:
    engine = engine_for(url)
    try:
        with engine.begin() as connection:
            found = connection.exec_driver_sql(statement)
            return [tuple(row) for row in found] if found.returns_rows else []
    finally:
        engine.dispose()


def at_second_schema(url: str) -> None:
    """A ledger as the second schema left it, its state in one piece."""
    engine, config = engine_for(url), Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(
            text('INSERT INTO "offset" (journal_id, seq, state) VALUES (:id, 41, :state)'),
            {"id": "abc123", "state": msgspec.msgpack.encode(BEFORE)},
        )
        connection.execute(text(
            "INSERT INTO fill (id, seq, time_ms, fill_id, kind, venue, coin, side, reduces, price, quantity_base, "
            "realised_usd, fee_usd, fee_other, fee_currency, maker) VALUES (1, 1, 1, 'f', 'fill', 'binance', 'BTC', "
            "'long', false, 1, 1, 0, 0, 5000000, 'BNB', false)"
        ))
    engine.dispose()


def test_a_ledger_of_the_second_schema_goes_on_where_it_was(any_url: str):
    at_second_schema(any_url)
    with LedgerWriter(any_url, "abc123") as ledger:
        state = ledger._fold.state
        assert ledger.seq == 41
    assert {key: (one.row, one.stop_price) for key, one in state.trades.items()} == {
        "|binance|BTC|short": (7, Decimal(61_000)), "|bybit|BTC|long|foreign": (6, None),
    }
    assert (state.orders["e1"].filled_base, state.plans["2"].row) == (Decimal("0.5"), 9)
    assert (state.codes, state.maps_written) == ({"cascade|BTC|SHORT": "A"}, {"BTC": (4, 8)})
    assert (state.run_id, state.venues, state.last_decision_id, state.wallet_usd) == (1, ("binance",), 2, 1_000)
    engine = engine_for(any_url)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT account, fee_apart_usd, fee_unvalued FROM fill")).all()
    engine.dispose()
    assert [tuple(row) for row in kept] == [("", 0, 5_000_000)], "a fee that nothing valued says so"


@pytest.mark.skipif(not OLD.exists(), reason="the books of the first format are not in this checkout")
def test_a_ledger_written_by_the_first_version_opens_and_goes_on(tmp_path: Path):
    path = tmp_path / "ledger.sqlite"
    with gzip.open(OLD) as packed, path.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    url, engine = f"sqlite:///{path}", engine_for(f"sqlite:///{path}")
    with engine.connect() as connection:
        ((journal_id, seq, stored),) = connection.execute(text('SELECT journal_id, seq, state FROM "offset"')).all()
        highest = connection.execute(text('SELECT MAX(id) FROM "order"')).scalar_one()
    before = msgspec.msgpack.decode(stored)
    assert upgrade(engine) is True
    engine.dispose()
    with LedgerWriter(url, journal_id) as ledger:
        state = ledger._fold.state
        assert ledger.seq == seq
    assert state.last_ids["order"] == highest
    assert set(state.orders) == set(before["orders"])
    assert len(state.trades) == len(before["trades"])
    assert (state.run_id, list(state.coins)) == (before["run_id"], before["coins"])


def test_only_what_changed_is_written(sqlite_url: str):
    told = list(story())
    with LedgerWriter(sqlite_url, "abc123") as ledger:
        for observation in told[:8]:
            ledger.observe(observation)
        ledger.flush()
        before = entries(sqlite_url)
        run(sqlite_url, "CREATE TABLE written (name TEXT, bytes INTEGER)")
        run(sqlite_url, "CREATE TRIGGER seen AFTER INSERT ON fold_state BEGIN "
                        "INSERT INTO written VALUES (new.name, length(new.value)); END")
        ledger.observe(told[8])
        ledger.flush()
        after = entries(sqlite_url)
        changed, gone = states.changes(before, after)
        written = run(sqlite_url, "SELECT name, bytes FROM written")
        assert sorted(written) == sorted((name, len(value)) for name, value in changed.items())
        assert gone == []
        assert 0 < len(changed) < len(after) / 2
        assert after == states.entries_of(ledger._fold.state)


def test_what_is_forgotten_goes_from_the_database_too(sqlite_url: str):
    told = list(story())
    with LedgerWriter(sqlite_url, "abc123") as ledger:
        for number, observation in enumerate(told):
            ledger.observe(observation)
            ledger.flush()
            assert entries(sqlite_url) == states.entries_of(ledger._fold.state), number
        assert not any(name.startswith("trades ") for name in entries(sqlite_url)), "its one trade is closed"


def test_an_empty_state_and_a_full_one_survive_their_entries():
    assert states.state_of(states.entries_of(LedgerState()).items()) == LedgerState()
    with_unknown = [*states.entries_of(LedgerState()).items(), ("fields_of_the_past x", msgspec.msgpack.encode(1))]
    assert states.state_of(with_unknown) == LedgerState()
