"""A backtest whose exchange takes its fees in another currency: report, account, ledger, views and audit agree."""

import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from walk_tape import random_walk, trading_settings

from liqbot.blocks import EventBlock, Roster
from liqbot.engine import Engine, Step
from liqbot.ledger import LedgerWriter, sqlite_url, unexplained_usd
from liqbot.review.ledger_reader import Ledger
from paper.backtest.recorder import BacktestRecorder
from paper.backtest.report import BacktestReport
from paper.backtest.report_text import text_of
from paper.backtest.run import house_of, run
from paper.sessions.tape_settings import fitted
from paper.tapes.info import info_of
from paper.tapes.reader import Tape, read_tape
from paper.tapes.writer import write_tape

pytestmark = pytest.mark.drawn(dear=True)
"""What they share costs the most of them."""

HOURS, SEED = 260, 3
NOT_VALUED = ("BNB", "OKB", "ZZZ")
OTHERS = [pytest.param(one, marks=pytest.mark.long) for one in ("USDT", "USDC", "FDUSD", "USDE", *NOT_VALUED[:-1])]
"""The books agree on all of them in tests/accounting; here the whole house runs for each."""


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    path = tmp_path_factory.mktemp("walk") / "walk.parquet"
    write_tape(path, [EventBlock(**random_walk(HOURS, SEED))], Roster(("binance",), ("BTC",)))
    return read_tape(path)


def ran(tape: Tape, currency: str, folder: Path) -> tuple[BacktestReport, Engine, str]:
    settings = fitted(trading_settings(), tape)
    url = sqlite_url(folder / "ledger.sqlite")
    with LedgerWriter(url, "abc123") as ledger:
        watch, observe = BacktestRecorder(settings, settings.coins), ledger.observer("tape")
        seqs = itertools.count(1)

        def observed(_seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
            observe(next(seqs), block, step, engine)

        house = house_of(settings, tape, observers=(watch, observed))
        entries = house.exchange.accounts.entries
        entries.fee_coin, entries.fee_coin_price = "" if currency == "USD" else currency, Decimal(50)
        run(house, tape.blocks())
    return watch.report(info_of(tape), "test", house.engine), house.engine, url


@pytest.mark.parametrize("currency", ["USD", "BTC", NOT_VALUED[-1], *OTHERS])
def test_every_reading_of_a_backtest_agrees(tape: Tape, currency: str, tmp_path: Path) -> None:
    report, engine, url = ran(tape, currency, tmp_path)
    money, cash = report.money, engine.account.books.cash
    assert report.trades.closed >= 2
    assert money.house_differs_usd == 0
    assert (money.gross_usd, money.fees_usd) == (cash.gross_usd, cash.fees_usd)
    assert unexplained_usd(url) == 0
    with Ledger(str(tmp_path / "ledger.sqlite")) as ledger:
        (late,) = ledger.rows("SELECT COALESCE(SUM(amount_usd), 0) AS usd FROM funding_payment WHERE trade_id IS NULL")
        (sums,) = ledger.rows("SELECT SUM(realised_usd) AS gross, SUM(fee_usd) AS fees FROM fill")
        rows: list[dict[str, Any]] = ledger.rows(
            "SELECT gross_usd, fees_usd, funding_usd, fees_other FROM trade ORDER BY id"
        )
    of_trips_usd = sum(trip.net_usd for trip in report.trips)
    assert money.net_usd == of_trips_usd + money.unrealised_usd + Decimal(late["usd"]).scaleb(-6), (
        "funding that came when its position was closed already belongs to no trip"
    )
    assert (sums["gross"], sums["fees"]) == (int(money.gross_usd.scaleb(6)), int(money.fees_usd.scaleb(6)))
    assert [
        tuple(int(amount.scaleb(6)) for amount in (trip.gross_usd, trip.fees_usd, trip.funding_usd))
        for trip in report.trips
    ] == [(row["gross_usd"], row["fees_usd"], row["funding_usd"]) for row in rows]
    assert [trip.fees_other for trip in report.trips] == [row["fees_other"] for row in rows]
    if currency in NOT_VALUED:
        assert money.fees_usd == 0
        assert money.fees_other.endswith(f" {currency}")
        assert f"fees of {money.fees_other}" in text_of(report)
    else:
        assert money.fees_usd > 0
        assert money.fees_other == ""
