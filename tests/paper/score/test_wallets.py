"""Wallets rebuilt from their own trades: a written case, a law, and the recorded accounts where they are at hand."""

from pathlib import Path

import pytest

from paper.score.wallets import FILES, MAINTENANCE_SHARE, present, rebuild

RECORDED = Path(__file__).parents[3] / "../shared/data/positions/hyperliquid_2023"


def written(directory: Path, trades: list[str], transfers: list[str], liquidations: list[str]) -> Path:
    heads = (
        "time,user,coin,side,px,sz,crossed", "time,user,delta_usd",
        "time,user,liquidated_ntl_pos,liquidated_account_value,leverage_type",
    )
    for name, head, rows in zip(FILES, heads, (trades, transfers, liquidations), strict=True):
        (directory / name).write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return directory


def test_a_written_account(tmp_path: Path) -> None:
    """100 USD, 10 coins bought at 100: 10x. Value equals 1 % of notional at (1000 - 100) / (10 - 0.1)."""
    directory = written(
        tmp_path,
        ["2023-03-01T00:01:00Z,a,ETH,Bid,100,4,true", "2023-03-01T00:02:00Z,a,ETH,Bid,100,6,true",
         "2023-03-01T01:00:00Z,b,ETH,Ask,90.5,1,true", "2023-03-01T02:00:00Z,a,ETH,Ask,90,10,false"],
        ["2023-03-01T00:00:00Z,a,120", "2023-03-01T00:00:30Z,a,-20", "2023-03-01T00:00:00Z,b,1000"],
        ["2023-03-01T02:00:00Z,a,909,9.0,Cross", "2023-03-01T03:00:00Z,b,9,1,Isolated"],
    )
    found = rebuild(directory)
    assert (found.recorded_count, found.isolated_count) == (1, 1)
    one = found.rebuilt[0]
    assert one.predicted_price == pytest.approx(900 / 9.9)
    assert one.mark_price == pytest.approx(90.9)
    assert abs(one.error_pct) < 0.02
    assert one.leverage == pytest.approx(9.09)
    assert one.margin_pct == pytest.approx(9 / 909 * 100)
    # At 90.5, an hour before, the account was below maintenance already.
    assert (found.predicted_count, found.matched_count, found.matched_predictions_count) == (1, 1, 1)


def test_what_was_told_before_is_compared_with_what_came(tmp_path: Path) -> None:
    """Told at one o'clock, reached half an hour later, liquidated then; opened too late for a day-old map."""
    directory = written(
        tmp_path,
        ["2023-03-01T00:01:00Z,a,ETH,Bid,100,10,true", "2023-03-01T00:59:00Z,b,ETH,Bid,99,1,true",
         "2023-03-01T01:30:00Z,b,ETH,Ask,90,1,true", "2023-03-01T01:31:00Z,a,ETH,Ask,90,10,false"],
        ["2023-03-01T00:00:00Z,a,100", "2023-03-01T00:00:00Z,b,1000"],
        ["2023-03-01T01:31:00Z,a,909,9.0,Cross"],
    )
    told = rebuild(directory).told
    by_age = {one.age_min: one for one in told.placed}
    assert (by_age[60].open_count, by_age[60].within_count, by_age[60].within_usd_share) == (
        1, (1, 1, 1, 1), (1.0, 1.0, 1.0, 1.0)
    )
    assert (by_age[1440].open_count, by_age[1440].within_count) == (0, (0, 0, 0, 0))
    assert (told.hours_count, told.reached_hours_count, told.reached_hits_count) == (1, 1, 1)
    assert told.reached_usd_share == 1.0
    assert (told.reached_positions_count, told.then_closed_count, told.then_closed_usd_share) == (1, 1, 1.0)


@pytest.mark.parametrize(("side", "sign"), [("Bid", 1.0), ("Ask", -1.0)])
def test_at_the_predicted_price_value_equals_maintenance(tmp_path: Path, side: str, sign: float) -> None:
    trades = [
        f"2023-03-01T00:01:00Z,a,ETH,{side},100,3,true", f"2023-03-01T00:02:00Z,a,ETH,{side},120,2,true",
        f"2023-03-01T00:03:00Z,a,ETH,{'Ask' if side == 'Bid' else 'Bid'},110,1,true",
        "2023-03-01T00:04:00Z,a,SOL,Bid,20,1,true",
    ]
    directory = written(
        tmp_path, trades, ["2023-03-01T00:00:00Z,a,60"], ["2023-03-01T02:00:00Z,a,400,1,Cross"]
    )
    one = rebuild(directory).rebuilt[0]
    entry = 108.0
    value = 60 + sign * (110 - entry) + sign * 4 * (one.predicted_price - entry)
    assert value == pytest.approx(MAINTENANCE_SHARE * (4 * one.predicted_price + 20))


@pytest.mark.drawn
def test_recorded_accounts_are_liquidated_about_where_the_rule_says() -> None:
    if not present(RECORDED):
        pytest.skip(f"no recorded wallets at {RECORDED.name}")
    found = rebuild(RECORDED)
    assert found.recorded_count + found.isolated_count == 42
    assert len(found.rebuilt) == 34
    notional = [one.notional_usd / one.recorded_notional_usd for one in found.rebuilt]
    assert sum(0.9 <= one <= 1.1 for one in notional) >= 30
    assert sum(abs(one.error_pct) <= 0.5 for one in found.rebuilt) >= 15
    told = found.told
    an_hour_old = next(one for one in told.placed if one.age_min == 60)
    assert an_hour_old.within_count[1] >= 15
    assert told.reached_hits_count > 3 * told.deepest_hits_count
