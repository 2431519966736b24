"""CME: open interest from the CFTC's weekly report, and no place in the liquidation map."""

from pathlib import Path

import pytest

from liqbot.venues.cme.cftc import CLOSE_MS, PUBLISHED_MS, reported
from liqbot.venues.cme.report import reported as reported_file
from liqbot.venues.registry import VENUES, has_us_basis, wire_of

HEAD = "report_date,market_code,market_name,open_interest"
TUESDAY_MS = 1_785_801_600_000  # 2026-08-04
REPORT = Path("../shared/data/series/bykaranteli/cot-weekly.csv")


def csv(*rows: str, head: str = HEAD) -> str:
    return "\n".join((head, *rows)) + "\n"


def test_contracts_of_every_size_add_up_to_coins() -> None:
    found = reported(csv(
        "2026-08-04,133741,BITCOIN,20143", '2026-08-04,133742,MICRO BITCOIN,"21,203"', "2026-08-04,146021,ETHER,20000",
        "2026-08-04,146022,MICRO ETHER,100000", "2026-07-28,133741,BITCOIN,99999", "2026-08-04,088691,GOLD,500000",
    ))  # fmt: skip
    assert {row.coin: (row.as_of_ms, pytest.approx(row.amount_base)) for row in found} == {
        "BTC": (TUESDAY_MS + CLOSE_MS, 20_143 * 5.0 + 21_203 * 0.1),
        "ETH": (TUESDAY_MS + CLOSE_MS, 20_000 * 50.0 + 100_000 * 0.1),
    }


def test_the_archive_and_the_query_service_call_the_same_columns_otherwise() -> None:
    own = csv('"2026-08-04","133741 ","20143"', head='"Report_Date_as_YYYY-MM-DD","CFTC_Contract_Market_Code",'
              '"Open_Interest_All"')
    service = csv("2026-08-04T00:00:00.000,133741,20143",
                  head="\ufeffreport_date_as_yyyy_mm_dd,cftc_contract_market_code,open_interest_all")
    assert reported(own) == reported(service) == reported(csv("2026-08-04,133741,BITCOIN,20143"))


@pytest.mark.parametrize(("text", "fault"), [
    ("", "columns none"), ("a,b\n1,2\n", "columns a, b: Report_Date_as_YYYY-MM-DD"),
    (csv("2026-08-04,088691,GOLD,5"), "no row has one of the codes 133741"),
    (csv("08/04/2026,133741,BITCOIN,5"), "line 2, report_date: '08/04/2026' is no date such as 2026-08-04"),
    (csv("2026-08-04,133741,BITCOIN,many"), "line 2, open_interest: 'many' is no number of contracts"),
    (csv("2026-08-04,133741,BITCOIN,-1"), "'-1' is no number of contracts"),
    (csv("2026-08-04,133741"), "line 2, open_interest: None is no number of contracts"),
    (csv("2026-08-04,133741,BITCOIN,nan"), "'nan' is no number of contracts"),
])  # fmt: skip
def test_a_file_that_is_not_right_says_where(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        reported(text)


@pytest.mark.skipif(not REPORT.exists(), reason=f"no report at {REPORT}")
def test_a_report_that_others_kept_is_read() -> None:
    found = {row.coin: round(row.amount_base) for row in reported(REPORT.read_text())}
    assert found == {"BTC": 102_835, "ETH": 1_025_163}


STATISTICS = ("ts_recv,ts_event,rtype,publisher_id,instrument_id,ts_ref,price,quantity,sequence,ts_in_delta,"
              "stat_type,channel_id,update_action,stat_flags,symbol")  # fmt: skip


def statistic(symbol: str, quantity: object, *, day: str = "2026-11-27", kind: int = 9, action: int = 1) -> str:
    return (f"2026-11-28T01:00:00.000000000Z,2026-11-28T01:00:00.000000000Z,24,1,7,{day}T00:00:00.000000000Z,,"
            f"{quantity},5,900,{kind},1,{action},0,{symbol}")


def test_daily_statistics_add_up_over_months_and_sizes_and_the_last_figure_of_a_day_stands() -> None:
    found = reported_file(csv(
        statistic("BTCZ6", 10_000), statistic("BTCZ6", 10_100), statistic("BTCF7", 2_000), statistic("MBTZ6", 30_000),
        statistic("BTCZ6-BTCF7", 77), statistic("BTCZ6", 55_000, kind=6), statistic("ESZ6", 2_000_000),
        statistic("BTCF7", 1, action=2), statistic("BTCF7", 2**31 - 1), statistic("METZ6", 1_000),
        statistic("BTCX6", 900, day="2026-11-20"), statistic("BTCZ6", 1, day="2026-11-26"), head=STATISTICS,
    ))  # fmt: skip
    day_ms = 1_795_737_600_000  # 2026-11-27
    assert {row.coin: (row.as_of_ms, pytest.approx(row.amount_base)) for row in found} == {
        "BTC": (day_ms + CLOSE_MS, (10_100 + 2_000) * 5.0 + 30_000 * 0.1), "ETH": (day_ms + CLOSE_MS, 100.0),
    }


def test_times_in_nanoseconds_are_read_and_one_that_is_not_set_gives_way() -> None:
    row = statistic("BTCZ6", 10).replace("2026-11-27T00:00:00.000000000Z", "18446744073709551615")
    (found,) = reported_file(csv(row, head=STATISTICS))
    assert found.as_of_ms == 1_795_824_000_000 + CLOSE_MS  # 2026-11-28, when it was published
    (found,) = reported_file(csv(row.replace("18446744073709551615", "1795737600000000000"), head=STATISTICS))
    assert found.as_of_ms == 1_795_737_600_000 + CLOSE_MS


@pytest.mark.parametrize(("row", "fault"), [
    (statistic("ESZ6", 5), r"no open interest \(stat_type 9\)"),
    (statistic("BTCZ6", "many"), "line 2, quantity: 'many' is no number of contracts"),
    (statistic("BTCZ6", 5, day="soon"), "line 2, ts_ref: 'soonT00:00:00.000000000Z' is no time"),
])  # fmt: skip
def test_statistics_that_are_not_right_say_where(row: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        reported_file(csv(row, head=STATISTICS))


def test_a_file_is_told_apart_by_its_columns() -> None:
    (found,) = reported_file(csv("2026-08-04,133741,BITCOIN,20143"))
    assert found.amount_base == pytest.approx(100_715.0)


def test_it_is_published_three_days_after_its_date() -> None:
    assert PUBLISHED_MS - CLOSE_MS == 71.5 * 3_600_000


def test_it_is_shown_beside_the_map_not_in_it() -> None:
    spec = VENUES["cme"]
    assert (spec.mapped, spec.pays_funding, spec.us_regulated, has_us_basis("cme")) == (False, False, True, True)
    with pytest.raises(ValueError, match=r"feeds\.reports"):
        wire_of("cme")
