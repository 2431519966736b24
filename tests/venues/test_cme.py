"""CME: open interest from the CFTC's weekly report, and no place in the liquidation map."""

from pathlib import Path

import pytest

from liqbot.venues.cme.cftc import CLOSE_MS, PUBLISHED_MS, reported
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


def test_it_is_published_three_days_after_its_date() -> None:
    assert PUBLISHED_MS - CLOSE_MS == 71.5 * 3_600_000


def test_it_is_shown_beside_the_map_not_in_it() -> None:
    spec = VENUES["cme"]
    assert (spec.mapped, spec.pays_funding, spec.us_regulated, has_us_basis("cme")) == (False, False, True, True)
    with pytest.raises(ValueError, match=r"feeds\.reports"):
        wire_of("cme")
