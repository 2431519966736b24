"""The morning report of a ledger with a story in it, and what it is made of: paths, refusals priced, coverage."""

import json
import re
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_story import story

from liqbot.cli import main
from liqbot.exits import Exit
from liqbot.ledger import LedgerWriter
from liqbot.review.coverage import coverage_of
from liqbot.review.ledger_reader import Ledger
from liqbot.review.period import Period
from liqbot.review.price_path import STOP, TAKE, TIME, UNKNOWN, Mark, extremes, spark, spark_of, would_have_ended
from liqbot.review.reports.refusals_priced import by_code, priced

pytestmark = pytest.mark.drawn
"""What they share costs the most of them."""

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("books")
    with LedgerWriter(f"sqlite:///{folder / 'ledger.sqlite'}", "abc123") as ledger:
        for observation in story():
            ledger.observe(observation)
    return folder


def told(capsys: pytest.CaptureFixture[str], books: Path, *words: str) -> str:
    assert main(["report", "--data", str(books), *words]) == Exit.OK
    return capsys.readouterr().out


def test_the_money_adds_up_and_everything_is_in_it(books: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(told(capsys, books, "--json"))
    (trade,) = found["trades"]
    assert trade["closed_because"] == "the first stop was reached"
    assert len(trade["path"]) >= 1
    assert found["money"]["net_usd"] == pytest.approx(trade["net_usd"])
    assert found["money"]["payments"] == 1
    assert found["equity"]["change_usd"] == pytest.approx(trade["net_usd"], abs=1e-4)
    assert found["equity"]["drawdown_usd"] == pytest.approx(843.679, abs=0.001)
    assert {one["code"] for one in found["refusals"]} == {"volume_ratio", "COOLDOWN", "POSITION_OPEN"}
    assert {one["code"] for one in found["refusals_priced"]} <= {"COOLDOWN", "POSITION_OPEN"}
    assert found["coverage"]["feeds"][0]["feed"] == "trades"
    assert found["coverage"]["feeds"][0]["still_down"] is True
    assert found["unprotected"]["trades"] == 1
    assert found["forecast"]["prints"] == 2
    assert found["forecast"]["score"]["skill_share"] == 0.625
    assert found["map"]["coins"][0]["now"]["mark_price"] == 65_536.0
    assert json.loads(told(capsys, books, "--day", "2025-06-14", "--json"))["trades"] == []


def test_it_fits_a_screen_and_names_the_next_command(
    books: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    lines = told(capsys, books).splitlines()
    assert len(lines) <= 24
    assert all(len(line) <= 80 for line in lines if "./run" not in line)
    assert lines[0] == "2025-06-15 15:06 to 2025-06-15 15:07 UTC, mode paper"
    assert lines[-2] == f"next      ./run report --full --data {books}"
    assert lines[-1].strip() == f"./run explain t1 --data {books}"
    text = "\n".join(lines)
    for word in ("net -843.68 USD", "1 closed, 0 won, 0 open", "estimate", "COOLDOWN", "trades of BTC on bybit: down"):
        assert word in text, word


class Links(HTMLParser):
    """Everything a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        if tag in {"script", "link", "iframe", "object", "img"}:
            self.found.append(tag)
        self.found += [f"{name}={value}" for name, value in attributes
                       if name in {"src", "href", "xlink:href"} and not str(value).startswith("#")]
        self.found += [name for name, _ in attributes if name.startswith("on")]


def test_the_page_stands_alone(books: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "morning.html"
    told(capsys, books, "--html", str(page))
    text = page.read_text(encoding="utf-8")
    links = Links()
    links.feed(text)
    assert links.found == []
    assert links.open.count("svg") >= 3, "equity and two maps"
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    for word in ("-843.68", "the first stop was reached", "estimate", "light dark"):
        assert word in text, word
    told(capsys, books, "--html", str(page))
    assert page.read_text(encoding="utf-8") == text, "the same report is the same page"


def test_the_page_shows_letter_by_letter_what_came_from_outside(
    books: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    copy = tmp_path / "ledger.sqlite"
    with sqlite3.connect(books / "ledger.sqlite") as connection:
        connection.execute("VACUUM INTO ?", [str(copy)])
    with sqlite3.connect(copy) as connection:
        hostile = "<script>alert(1)</script>\u202e"
        connection.execute("UPDATE incident SET severity = 'error', kind = 'X', detail = ?", [hostile])
    connection.close()
    page = tmp_path / "page.html"
    assert main(["report", "--db", str(copy), "--html", str(page)]) == Exit.OK
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e" in text
    assert main(["report", "--db", str(copy), "--html", str(tmp_path / "no" / "x.html")]) == Exit.FAILED
    assert "No such file" in capsys.readouterr().err


def test_an_empty_ledger_has_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LedgerWriter(f"sqlite:///{tmp_path / 'ledger.sqlite'}", "abc123"):
        pass
    assert "tells of nothing yet" in told(capsys, tmp_path)
    told(capsys, tmp_path, "--html", str(tmp_path / "x.html"))


# --- paths ----------------------------------------------------------------------------------------------------------

PRICES = st.lists(st.floats(90.0, 110.0), min_size=1, max_size=60)


def path(prices: list[float]) -> list[Mark]:
    return [Mark((n + 1) * MINUTE_MS, price, price, price) for n, price in enumerate(prices)]


@given(PRICES, st.floats(0.5, 5.0), st.floats(0.5, 5.0), st.integers(1, 70))
def test_an_entry_that_was_refused_ends_once_by_what_it_meets_first(
    prices: list[float], risk: float, gain: float, minutes: int
) -> None:
    marks, until_ms = path(prices), minutes * MINUTE_MS
    ended = would_have_ended(marks, "long", 100.0, 100.0 - risk, 100.0 + gain, until_ms)
    seen = [mark for mark in marks if mark.time_ms <= until_ms]
    hit = next((mark for mark in seen if not 100.0 - risk < mark.price < 100.0 + gain), None)
    if hit is not None:
        assert (ended.by, ended.time_ms) == (STOP if hit.price < 100.0 else TAKE, hit.time_ms)
        assert ended.r == pytest.approx(-1.0 if ended.by == STOP else gain / risk)
    else:
        assert ended.by == (TIME if len(seen) < len(marks) else UNKNOWN)
    mirrored = [Mark(m.time_ms, 200.0 - m.price, 200.0 - m.price, 200.0 - m.price) for m in marks]
    other = would_have_ended(mirrored, "short", 100.0, 100.0 + risk, 100.0 - gain, until_ms)
    assert (other.by, other.time_ms) == (ended.by, ended.time_ms)
    assert other.r == pytest.approx(ended.r)


def test_within_one_minute_the_stop_comes_first() -> None:
    both = [Mark(MINUTE_MS, 90.0, 110.0, 100.0)]
    assert would_have_ended(both, "long", 100.0, 95.0, 105.0, 10**9).by == STOP
    assert would_have_ended(both, "short", 100.0, 105.0, 95.0, 10**9).by == STOP
    assert would_have_ended([], "long", 100.0, 95.0, 105.0, 10**9).by == UNKNOWN


@given(PRICES, st.integers(1, 40))
def test_a_small_line_is_as_wide_as_it_may_and_has_the_ends_of_the_scale(prices: list[float], width: int) -> None:
    for line in (spark(path(prices), width), spark_of(prices, width)):
        assert len(line) == min(width, len(prices))
        assert set(line) <= set("▁▂▃▄▅▆▇█")
    found = extremes(path(prices), "long")
    assert found is not None
    assert (found[0].price, found[1].price) == (min(prices), max(prices))
    assert extremes(path(prices), "short") == found[::-1]
    assert spark([], 10) == spark_of([], 10) == ""


# --- what was not done, what was not seen ---------------------------------------------------------------------------


def minutes_of(connection: sqlite3.Connection, prices: list[float], first_ms: int) -> None:
    nano = 1_000_000_000
    connection.execute("DELETE FROM mark_minute")
    connection.executemany(
        "INSERT INTO mark_minute (id, seq, time_ms, coin, low_price, high_price, mark_price) VALUES (?,1,?,?,?,?,?)",
        [(n + 1, first_ms + n * MINUTE_MS, "BTC", *[int(price * nano)] * 3) for n, price in enumerate(prices)],
    )


@pytest.fixture
def copied(books: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "ledger.sqlite"
    with sqlite3.connect(books / "ledger.sqlite") as connection:
        connection.execute("VACUUM INTO ?", [str(copy)])
    return copy


def test_of_entries_that_overlap_one_is_priced(copied: Path) -> None:
    with sqlite3.connect(copied) as connection:
        ((time_ms, stop),) = connection.execute("SELECT time_ms, stop_price FROM decision WHERE code = 'COOLDOWN'")
        minutes_of(connection, [65_500.0, 65_400.0, stop / 1e9 - 1, 99_000.0], time_ms + 1_000)
    with Ledger(str(copied)) as ledger:
        found = priced(ledger, Period())
        assert [(one.code, one.ended.by, one.ended.r) for one in found] == [("COOLDOWN", STOP, -1.0)]
        (code,) = by_code(found)
        assert (code.entries, code.won, code.unknown, code.sum_r) == (1, 0, 0, -1.0)


def test_absences_and_outages_are_counted_within_the_period(copied: Path) -> None:
    with sqlite3.connect(copied) as connection:
        minutes_of(connection, [100.0] * 10, 0)
        connection.execute("UPDATE mark_minute SET time_ms = time_ms + 3600000 WHERE id > 5")
        connection.execute("DELETE FROM incident")
        connection.executemany(
            "INSERT INTO incident (id, seq, time_ms, severity, kind, venue, coin, detail) "
            "VALUES (?, 1, ?, 'warning', ?, ?, ?, ?)",
            [(1, 30_000, "FEED_DOWN", "okx", "BTC", "feed trades, reason closed"),
             (2, 90_000, "FEED_UP", "okx", "BTC", "feed trades"),
             (3, 120_000, "FEED_DOWN", "okx", "BTC", "feed mark, reason silent"),
             (4, 130_000, "FEED_DOWN", "okx", "BTC", "feed mark, reason silent")],
        )
    with Ledger(str(copied)) as ledger:
        seen = coverage_of(ledger, Period())
        assert [(end - begin) // MINUTE_MS for begin, end in seen.absences] == [61]
        assert seen.seen_pct == pytest.approx(100 * 8 / 69)
        last_ms = 9 * MINUTE_MS + 3_600_000
        assert [(one.feed, one.times, one.down_ms, one.still_down, one.reason) for one in seen.feeds] == [
            ("mark", 1, last_ms - 120_000, True, "silent"), ("trades", 1, 60_000, False, "closed"),
        ]
        later = coverage_of(ledger, Period(60_000, 10**12))
        assert [one.down_ms for one in later.feeds if one.feed == "trades"] == [30_000], "only what lies in it"
