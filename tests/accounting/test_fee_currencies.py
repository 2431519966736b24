"""A round trip that gains 10 with fees worth 5 and 5, in every currency: risk, ledger, views and verbs say the same."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kept_account import KeptAccount
from ledger_story import VENUE, a_fill, balance, opening
from market_views import a_view

from liqbot.accounting.currencies import DOLLARS, fee_cost
from liqbot.cli import main
from liqbot.events import Fill
from liqbot.instruments import Side
from liqbot.ledger import LedgerWriter, Observation, unexplained_usd
from liqbot.review.ledger_reader import Ledger
from liqbot.risk.limits import RiskLimits

D = Decimal
ENTRY, EXIT = D(100), D(110)
BNB_USD = 500.0
FEES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("USD", "USDT", "USDC", "FDUSD", "USDE"), ("5", "5")),
    "BTC": ("0.05", "0.0454545"), "BNB": ("0.01", "0.01"), "OKB": ("0.1", "0.2"), "ZZZ": ("7", "0.5"),
}
COSTS = {"BTC": D(5) + D("0.0454545") * EXIT, "BNB": D(10), "OKB": D(0), "ZZZ": D(0)}
NOT_VALUED = {"OKB": "0.3 OKB", "ZZZ": "7.5 ZZZ"}


class Traded:
    """The round trip as an engine would observe it, and a ledger of it."""

    def __init__(self, currency: str, folder: Path) -> None:
        self.kept, self.path = KeptAccount(), folder / "ledger.sqlite"
        self.url = f"sqlite:///{self.path}"
        entry_fee, exit_fee = map(D, FEES[currency])
        cost_usd = COSTS.get(currency, D(10))
        paid_usd = D(0) if currency == "BNB" else cost_usd
        fills = (
            a_fill(2, "e", Side.LONG, str(ENTRY), "1", fee=entry_fee, fee_currency=currency),
            a_fill(3, "x", Side.LONG, str(EXIT), "1", reduces=True, fee=exit_fee, fee_currency=currency),
        )
        self.end_usd = D(1_000) + 10 - paid_usd
        facts: list[tuple[Any, ...]] = [
            (*opening(1), balance(1, "1000")), (fills[0],), (fills[1], balance(3, str(self.end_usd))), fills,
        ]
        views = (a_view(coin="BTC", mark_price=100.0), a_view(coin="BNB", mark_price=BNB_USD))
        with LedgerWriter(self.url, "abc123") as ledger:
            for seq, some in enumerate(facts, 1):
                observed = Observation(seq=seq, time_ms=seq, source="x", facts=some, views=views if seq == 1 else ())
                self.last = self.kept.complete(observed, equity=True)
                ledger.observe(self.last)

    def rows(self, query: str) -> list[dict[str, Any]]:
        with Ledger(str(self.path)) as ledger:
            return ledger.rows(query)


@pytest.fixture(params=list(FEES))
def currency(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_reading_says_the_same(currency: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    traded = Traded(currency, tmp_path)
    cost_usd, other = COSTS.get(currency, D(10)), NOT_VALUED.get(currency, "")
    cash = traded.kept.account.books.cash
    assert (cash.gross_usd, cash.fees_usd) == (10, cost_usd)
    assert traded.last.cash.fees_other == other
    (trade,) = traded.rows("SELECT gross_usd, fees_usd, fees_other, funding_usd FROM trade")
    assert trade == {
        "gross_usd": 10_000_000, "fees_usd": int(cost_usd.scaleb(6).to_integral_value()), "fees_other": other,
        "funding_usd": 0,
    }
    (sums,) = traded.rows("SELECT SUM(realised_usd) AS gross, SUM(fee_usd) AS fees FROM fill")
    assert (sums["gross"], sums["fees"]) == (trade["gross_usd"], trade["fees_usd"])
    (shown,), (day,) = traded.rows("SELECT * FROM v_trades"), traded.rows("SELECT * FROM v_daily_pnl")
    net_usd = float(10 - cost_usd)
    assert shown["net_usd"] == pytest.approx(net_usd, abs=1e-6)
    assert day["net_usd"] == pytest.approx(net_usd, abs=1e-6)
    assert day["fees_not_valued"] == (2 if other else 0)
    assert shown["fees_other"] == other
    assert main(["pnl", "--json", "--db", str(traded.path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["total"]["net_usd"] == pytest.approx(net_usd, abs=1e-6)
    assert told["unexplained_usd"] == 0
    assert unexplained_usd(traded.url) == 0
    assert main(["pnl", "--db", str(traded.path)]) == 0
    assert ("fills not valued" in capsys.readouterr().out) == bool(other)


@pytest.mark.drawn(cases=True)
def test_the_wallet_of_risk_is_the_venues_and_a_duplicate_changes_nothing(currency: str, tmp_path: Path):
    traded = Traded(currency, tmp_path)
    account = traded.kept.account
    assert account.wallet_usd(VENUE) == traded.end_usd == account.equity_usd
    assert traded.last.cash.unexplained_usd == 0
    assert len(traded.rows("SELECT id FROM fill")) == 2


@pytest.mark.drawn(cases=True)
def test_a_fee_that_cannot_be_valued_counts_as_a_loss_for_the_cooldown(currency: str, tmp_path: Path):
    account = Traded(currency, tmp_path).kept.account
    limits, lost = RiskLimits(), currency == "BTC" or currency in NOT_VALUED
    wait_ms = limits.cooldown_after_loss_ms if lost and currency != "BTC" else limits.cooldown_after_trade_ms
    assert account.cooldown_until_ms(VENUE, "BTC", "cascade") == 3 + wait_ms


def test_the_ledger_shows_what_a_fee_in_another_coin_cost(tmp_path: Path):
    (row,) = Traded("BNB", tmp_path).rows("SELECT * FROM v_fees_other")
    assert (row["currency"], row["amount"], row["valued_usd"], row["not_valued"]) == ("BNB", 0.02, 10.0, 0.0)
    (text,) = Traded("OKB", tmp_path / "other").rows("SELECT currency, not_valued FROM v_fees_other")
    assert text == {"currency": "OKB", "not_valued": pytest.approx(0.3)}


def test_a_rebate_in_another_coin_counts_the_other_way():
    cost = fee_cost(D("-0.01"), "bnb", "BTC", ENTRY, {"BNB": BNB_USD})
    assert (cost.cost_usd, cost.wallet_usd, cost.unvalued_fee) == (-5, 0, 0)


def test_what_counts_as_dollars_is_written_in_capitals_and_in_one_place():
    assert all(name == name.upper() for name in DOLLARS)
    assert {"USD", "USDT", "USDC", "FDUSD", "USDE"} <= DOLLARS
    assert DOLLARS.isdisjoint({"USDD", "BNB", "BTC"})


@pytest.mark.drawn(singly=True)
def test_a_mark_that_comes_later_values_only_later_fees(tmp_path: Path):
    kept = Traded("OKB", tmp_path).kept
    kept.account.on_tick(10, (a_view(coin="OKB", mark_price=50.0),))
    late: Fill = a_fill(11, "e2", Side.LONG, "100", "1", fee=D("0.1"), fee_currency="OKB")
    kept.account.on_fact(late)
    kept.account.on_fact(msgspec.structs.replace(late))
    cash = kept.account.books.cash
    assert cash.fees_usd == 5
    assert cash.fees_unvalued == {"OKB": D("0.3")}
