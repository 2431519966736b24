"""Facts about our money: told again they count once, and equal ones with ids of their own count each."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from liqbot.accounting.dedupe import REMEMBERED_MAX, RecentIds, identity_of
from liqbot.events import Balance, FundingPaid, MoneyFact, PositionDeleveraged, PositionLiquidated, Rebate, Transfer
from liqbot.instruments import Side
from liqbot.risk.account import Account
from liqbot.risk.limits import RiskLimits

HERE: dict[str, Any] = {"time_ms": 5, "venue": "binance", "coin": "BTC"}
CLOSED: dict[str, Any] = {**HERE, "side": Side.LONG, "price": Decimal(100), "quantity_base": Decimal(1)}
FACTS = (
    FundingPaid(**HERE, amount_usd=Decimal(2), rate_pct=0.01),
    Transfer(**HERE, amount_usd=Decimal(2)),
    Rebate(**HERE, amount_usd=Decimal(2)),
    PositionLiquidated(**CLOSED, fee=Decimal(0)),
    PositionDeleveraged(**CLOSED),
)


def _change_usd(*facts: MoneyFact) -> Decimal:
    account = Account(RiskLimits())
    account.on_fact(Balance(**HERE, wallet_usd=Decimal(1_000)))
    for fact in facts:
        account.on_fact(fact)
    return account.wallet_usd("binance") - 1_000


@pytest.mark.parametrize("fact", FACTS[:3], ids=lambda fact: type(fact).__name__)
def test_twins_with_ids_count_each_and_echoes_once(fact: MoneyFact):
    twins = [msgspec.structs.replace(fact, event_id=name) for name in ("1", "2")]
    assert _change_usd(*twins, *twins) == 4
    assert _change_usd(fact, fact) == 2


def test_kinds_are_told_apart_with_and_without_ids():
    named = [msgspec.structs.replace(fact, event_id="7") for fact in FACTS]
    elsewhere = [msgspec.structs.replace(fact, coin="ETH") for fact in (*FACTS, *named)]
    assert len({identity_of(fact) for fact in (*FACTS, *named, *elsewhere)}) == 4 * len(FACTS)


def test_a_rate_that_is_published_later_makes_no_second_payment():
    early, late = (FundingPaid(**HERE, amount_usd=Decimal(2), rate_pct=rate_pct) for rate_pct in (0.0, 0.01))
    assert _change_usd(early, late) == 2


def test_the_oldest_are_forgotten_first():
    seen = RecentIds()
    for number in range(REMEMBERED_MAX + 1):
        assert not seen.is_repeat(str(number))
    assert seen.is_repeat("1")
    assert not seen.is_repeat("0")
