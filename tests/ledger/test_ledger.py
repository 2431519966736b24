"""The ledger from end to end: a story in, tables and views out, the same in both dialects and exactly once."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from kept_account import KeptAccount
from ledger_story import story
from sqlalchemy import select

from liqbot.events import Balance
from liqbot.exits import ExpectedError
from liqbot.ledger import LedgerWriter, migrate, unexplained_usd
from liqbot.ledger.connect import engine_for
from liqbot.ledger.migrate import HEAD, backup, revision_of, upgrade
from liqbot.ledger.tables import TABLES, Table, core
from liqbot.ledger.views import views


def written(url: str) -> str:
    with LedgerWriter(url, "abc123") as ledger:
        for observation in story():
            ledger.observe(observation)
    return url


def rows_of(url: str, what: str) -> list[dict[str, Any]]:
    engine = engine_for(url)
    try:
        with engine.connect() as connection:
            return [dict(row._mapping) for row in connection.exec_driver_sql(f"SELECT * FROM {what}")]
    finally:
        engine.dispose()


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    engine = engine_for(url)
    try:
        with engine.connect() as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(select(table).order_by(table.c.id))]
                for table in map(core, TABLES)
            }
    finally:
        engine.dispose()


@pytest.mark.usefixtures("migrations")
def test_migrations_lead_to_exactly_the_tables_in_the_code(any_url: str):
    engine = engine_for(any_url)
    assert upgrade(engine) is True
    assert upgrade(engine) is False
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []
    engine.dispose()


def test_the_trade_of_the_story(any_url: str):
    (trade,) = rows_of(written(any_url), "v_trades")
    assert (trade["status"], trade["exit_reason"], trade["strategy"]) == ("closed", "stop", "cascade")
    assert trade["entry_price"] == pytest.approx(65_606)
    assert trade["exit_price"] == pytest.approx(63_990)
    assert trade["quantity_base"] == pytest.approx(0.5)
    assert trade["gross_usd"] == pytest.approx(-808, abs=1e-9)
    assert trade["fees_usd"] == pytest.approx(6.56 + 9.8415 + 15.9975, abs=2e-6)
    assert trade["funding_usd"] == pytest.approx(-3.28)
    assert trade["risk_usd"] == pytest.approx(0.5 * 1_606)
    assert trade["r_multiple"] == pytest.approx(trade["net_usd"] / 803)
    assert trade["mae_usd"] == pytest.approx(-808)
    assert trade["mfe_usd"] == pytest.approx(0.5 * (66_000 - 65_606))
    assert trade["held_min"] == pytest.approx(64 / 60)
    assert trade["opened"] == "2025-06-15T15:06:47.000Z"
    assert trade["liquidation_price"] == pytest.approx(46_500)


def test_the_ledger_of_the_story_explains_every_micro_dollar(any_url: str):
    assert unexplained_usd(written(any_url)) == 0
    assert {row["unexplained_usd"] for row in rows_of(any_url, "v_equity")} == {0}
    (day,) = rows_of(any_url, "v_daily_pnl")
    assert day["net_usd"] == pytest.approx(9656.3209999 - 10_000 - 500, abs=1e-6)
    assert (day["trades_closed"], day["trades_won"]) == (1, 0)


def test_decisions_are_rows_when_they_change_with_their_repeats_counted(any_url: str):
    decisions = rows_of(written(any_url), "v_decisions")
    told = [(row["code"], row["count"], row["kind"]) for row in decisions]
    assert told == [("volume_ratio", 6, "entry"), ("COOLDOWN", 2, "entry"), ("APPROVED", 1, "entry"),
                    ("POSITION_OPEN", 4, "entry")]
    assert decisions[0]["reason"] == "oi_change: absent is not >= 0"
    approved = decisions[2]
    assert approved["leverage"] == 3
    assert approved["liquidation_density_pct"] == pytest.approx(52.475, abs=0.001)
    assert approved["map_id"] is not None
    assert [row["code"] for row in rows_of(any_url, "v_refusals")] != []


def test_maps_are_kept_with_their_own_score(any_url: str):
    (row,) = rows_of(written(any_url), "v_map_score")
    assert (row["coin"], row["skill_share"], row["printed_ratio"]) == ("BTC", 0.625, 1.5)
    assert {(one["skill_share"], one["printed_ratio"]) for one in rows_of(any_url, "map_snapshot")} == {
        (0.625, 1.5), (None, None)
    }, "a map without a score yet says so"


def test_a_ledger_of_the_first_schema_goes_on(any_url: str):
    engine = engine_for(any_url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO map_snapshot (id, seq, time_ms, coin, why, mark_price, long_usd, short_usd) "
            "VALUES (1, 1, 1, 'BTC', 'periodic', 1, 2, 3)"
        )
    assert upgrade(engine) is True
    with engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT coin, skill_share, printed_ratio FROM map_snapshot").all()
        assert [tuple(row) for row in kept] == [("BTC", None, None)]
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []
    engine.dispose()


def test_gates_and_features_are_readable_json_without_nan(any_url: str):
    written(any_url)
    approved = everything(any_url)["decision"][2]
    names = core(TABLES[2]).c.keys()
    row = dict(zip(names, approved, strict=True))
    assert [gate["name"] for gate in row["gates"]] == ["volume_ratio", "oi_change"]
    assert row["gates"][1]["value"] is None
    assert row["features"]["mark_price"] == 65_536.0
    assert row["checks"] == [{"name": "leverage", "value": 3.0, "limit": 5.0, "passed": True}]


def test_orders_their_events_and_slippage(any_url: str):
    orders = {row["client_id"]: row for row in rows_of(written(any_url), "v_orders")}
    assert (orders["e1"]["status"], orders["s1"]["status"]) == ("filled", "filled")
    assert orders["e1"]["average_price"] == pytest.approx(65_606)
    slippage = {row["client_id"]: row["slippage_bps"] for row in rows_of(any_url, "v_slippage")}
    assert slippage["e1"] == pytest.approx(70 / 65_536 * 1e4)
    assert slippage["s1"] == pytest.approx(10 / 64_000 * 1e4)
    told = [(row["client_id"], row["event"], row["source"]) for row in rows_of(any_url, "order_event")]
    assert told == [
        ("e1", "sent", "local"), ("e1", "accepted", "paper"), ("e1", "fill", "paper"), ("s1", "sent", "local"),
        ("e1", "fill", "paper"), ("s1", "fill", "paper"), ("t1", "cancel_sent", "local"), ("t1", "cancelled", "paper"),
    ]


def test_forced_orders_meet_the_map_before_them(any_url: str):
    prints = rows_of(written(any_url), "liquidation ORDER BY id")
    assert [row["density_decile"] for row in prints] == [5, 5, None]
    calibration = rows_of(any_url, "v_map_calibration ORDER BY side")
    assert [(row["side"], row["realised_usd"], row["predicted_usd"]) for row in calibration] == [
        ("long", 50_000, 1e6), ("short", 20_000, 1e6)]


def test_every_view_answers(any_url: str):
    written(any_url)
    counts = {name: len(rows_of(any_url, name)) for name in views("sqlite")}
    assert (counts.pop("v_open"), counts.pop("v_fees_other")) == (0, 0), "flat, and every fee was in dollars"
    assert min(counts.values()) > 0
    drawdown = rows_of(any_url, "v_drawdown")
    assert drawdown[-1]["drawdown_usd"] == pytest.approx(843.679, abs=0.01)
    assert [row["kind"] for row in rows_of(any_url, "v_incidents")] == ["FEED_DOWN"]
    times = [row["time"] for row in rows_of(any_url, "v_timeline")]
    assert times == sorted(times)


@pytest.mark.drawn
def test_both_dialects_hold_the_same_rows(sqlite_url: str, postgres_url: str):
    assert everything(written(sqlite_url)) == everything(written(postgres_url))
    for view in views("sqlite"):
        one, other = rows_of(sqlite_url, view), rows_of(postgres_url, view)
        order = sorted(one[0]) if one else []
        key = lambda row, order=order: [str(row[name]) for name in order]  # noqa: E731
        if view != "v_timeline":  # it writes numbers as text, each dialect in its own way
            assert sorted(one, key=key) == sorted(other, key=key), view


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("stops_after", [1, 4, 6, 7, 10, 12])
def test_stopping_anywhere_and_feeding_again_adds_nothing_twice(tmp_path: Path, stops_after: int):
    whole = everything(written(f"sqlite:///{tmp_path / 'whole.sqlite'}"))
    url = f"sqlite:///{tmp_path / 'broken.sqlite'}"
    told = list(story())
    first = LedgerWriter(url, "abc123")
    for observation in told[:stops_after]:
        first.observe(observation)
    first.flush()
    for observation in told[stops_after : stops_after + 2]:
        first._fold.observe(observation)  # seen, but the process dies before it is written
    first._engine.dispose()
    with LedgerWriter(url, "abc123") as second:
        assert second.seq == stops_after
        for observation in told:
            second.observe(observation)
    again = everything(url)
    assert again == whole


def test_an_interrupted_flush_leaves_nothing_and_loses_nothing(sqlite_url: str):
    told = list(story())
    with LedgerWriter(sqlite_url, "abc123") as ledger:
        for observation in told[:6]:
            ledger.observe(observation)
        ledger.flush()
        before = everything(sqlite_url)
        for observation in told[6:8]:
            ledger._fold.observe(observation)
            ledger._seen_seq = observation.seq
        broken = ledger._fold.pending.add("incident", seq=None)  # NOT NULL: the transaction fails at its end
        with pytest.raises(Exception, match="NOT NULL"):
            ledger.flush()
        assert everything(sqlite_url) == before
        del ledger._fold.pending.new["incident"][broken]
        for observation in told[8:]:
            ledger.observe(observation)
    assert unexplained_usd(sqlite_url) == 0


def test_a_second_journal_goes_on_with_the_ids(sqlite_url: str):
    written(sqlite_url)
    with LedgerWriter(sqlite_url, "zzz999") as ledger:
        assert ledger.seq == 0
        # A new journal has client ids of its own, because they begin with its id.
        ledger.observe(next(iter(story())))
    assert [row["id"] for row in rows_of(sqlite_url, "run")] == [1, 2]


def test_a_newer_ledger_is_refused(sqlite_url: str):
    engine = engine_for(sqlite_url)
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(ExpectedError, match="9999") as refused:
        LedgerWriter(sqlite_url, "abc123")
    assert refused.value.exit_code == 7
    assert HEAD != "9999"


@pytest.mark.parametrize("url", ["mysql://h/x", "nonsense"])
def test_other_databases_are_refused(url: str):
    with pytest.raises(ExpectedError) as refused:
        engine_for(url)
    assert refused.value.exit_code == 3


def test_a_new_ledger_of_the_tests_is_the_one_that_migrations_make(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    def made(name: str) -> list[str]:
        engine = engine_for(f"sqlite:///{tmp_path / name}")
        assert upgrade(engine) is True
        with engine.connect() as connection:
            lines = list(connection.connection.iterdump())  # type: ignore[attr-defined]
        engine.dispose()
        return lines

    recorded = made("recorded.sqlite")
    request.getfixturevalue("migrations")
    assert recorded == made("migrated.sqlite")
    assert any("alembic_version" in line and HEAD in line for line in recorded)


@pytest.mark.usefixtures("migrations")
def test_ledgers_of_one_process_are_made_at_the_same_time(tmp_path: Path):
    engines = [engine_for(f"sqlite:///{tmp_path / str(number)}.sqlite") for number in range(4)]
    with ThreadPoolExecutor(len(engines)) as pool:
        assert all(pool.map(upgrade, engines))
    for engine in engines:
        with engine.connect() as connection:
            assert revision_of(connection) == HEAD
        engine.dispose()


def test_an_unwritable_place_is_refused(tmp_path: Path):
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(ExpectedError) as refused:
        LedgerWriter(f"sqlite:///{tmp_path / 'ledger.sqlite'}", "abc123")
    assert refused.value.exit_code == 7


def test_a_backup_is_a_ledger(tmp_path: Path, sqlite_url: str):
    written(sqlite_url)
    backup(tmp_path / "ledger.sqlite", tmp_path / "copy.sqlite")
    assert everything(f"sqlite:///{tmp_path / 'copy.sqlite'}") == everything(sqlite_url)
    with pytest.raises(ExpectedError, match="exists"):
        backup(tmp_path / "ledger.sqlite", tmp_path / "copy.sqlite")


def test_money_that_does_not_fit_is_an_error(sqlite_url: str):
    with LedgerWriter(sqlite_url, "abc123") as ledger:
        for observation in story():
            too_much = tuple(
                msgspec.structs.replace(fact, wallet_usd=Decimal(10) ** 14) if isinstance(fact, Balance) else fact
                for fact in observation.facts
            )
            ledger._fold.observe(KeptAccount().complete(msgspec.structs.replace(observation, facts=too_much)))
            break
        ledger._seen_seq = 1
        with pytest.raises(Exception, match="64 bits"):
            ledger.flush()
        ledger._fold.pending.clear()
        ledger._seen_seq = 0
