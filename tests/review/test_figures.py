"""Pictures as files: no text covers another, units are said, dollars are kept, and wrong wishes are told."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_story import story
from market_views import MARK, NOW_MS, a_cluster, a_map, a_view
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from liqbot.cli import main
from liqbot.exits import Exit
from liqbot.instruments import Side
from liqbot.ledger import LedgerWriter
from liqbot.market.map.zones import ThinZone
from liqbot.market.record import bins_of
from liqbot.review.figures.canvas import Canvas
from liqbot.review.figures.coverage_figure import LiveTimes, _between, _joined, coverage_figure
from liqbot.review.figures.heat_cells import cells_of
from liqbot.review.figures.heat_figure import heat_figure
from liqbot.review.figures.kept import KeptMap
from liqbot.review.figures.map_figure import PriceLine, map_figure
from liqbot.review.figures.money_figure import equity_figure
from liqbot.review.figures.pain_figure import pain_figure
from liqbot.review.figures.placement_figure import placement_figure
from liqbot.review.figures.record_figure import calibration_figure
from liqbot.review.figures.trade_figure import _MARKS, Moment, _stretches, trade_figure
from liqbot.review.max_pain import max_pain
from liqbot.review.placement import PlacedPosition, PlacementReport, ReadMap, check_position
from liqbot.review.price_path import Ended, Mark
from liqbot.review.reading import MapReading
from liqbot.signals.strategies.avoid_liquidity import AvoidLiquidityParams
from liqbot.signals.verdict import ACCEPTED
from liqbot.venues.registry import mechanics_of


def a_reading() -> MapReading:
    """Clusters of both sides, near and far, and the map split into three tiers and two venues."""
    chart = a_map(3e6, 2e6)
    clusters = tuple(a_cluster(side, away) for side in (Side.LONG, Side.SHORT) for away in (300.0, 900.0, 5_000.0))
    bins = bins_of(chart)
    parts = {name: {**bins, "long_usd": [usd / 3 for usd in bins["long_usd"]]} for name in ("10", "25", "100")}
    venues = dict.fromkeys(("binance", "bybit"), parts["10"])
    record = {"coin": "BTC", "mark_price": MARK, "bins": bins, "by_leverage": parts, "by_venue": venues}
    return MapReading(chart, clusters, (ThinZone(MARK * 1.05, MARK * 1.06, 1e5),), record)


def heat(dark: bool = False) -> Canvas:
    drawn = a_map()
    maps = [KeptMap(NOW_MS + n * 900_000, MARK * (1 + n / 500), drawn.edges, drawn.long_usd + drawn.short_usd)
            for n in range(30)]
    forced = [{"time_ms": NOW_MS + n * 600_000, "side": side, "price": MARK * 1.01, "usd": 10.0 ** n}
              for n in range(2, 8) for side in ("long", "short")]
    fills = [{"time_ms": NOW_MS + 1_800_000, "side": "long", "reduces": reduces, "price": MARK}
             for reduces in (False, True)]
    return heat_figure(maps, forced, fills, coin="BTC", reach_pct=5.0, dark=dark)


def money(dark: bool = False) -> Canvas:
    curve = [{"time_ms": NOW_MS + n * 60_000, "equity_usd": 10_000 + 50 * np.sin(n / 9), "transfers_usd": 10_000.0}
             for n in range(200)]
    trades = [{"closed_ms": NOW_MS + 600_000, "net_usd": 5.0}, {"closed_ms": NOW_MS + 6_000_000, "net_usd": -5.0}]
    return equity_figure(curve, trades, dark=dark)


def record(dark: bool = False) -> Canvas:
    rows = [{"side": side, "density_decile": n, "prints": n, "realised_usd": 1e6 * n, "predicted_usd": 1e6}
            for side in ("long", "short") for n in range(10)]
    return calibration_figure(rows, coin="BTC", dark=dark)


def live(dark: bool = False) -> Canvas:
    hour = 3_600_000
    down = {"binance": [], "bybit": [(NOW_MS + hour, NOW_MS + 3 * hour)], "okx": [(NOW_MS, NOW_MS + hour)]}
    return coverage_figure(LiveTimes(NOW_MS, NOW_MS + 9 * hour, 88.9, [(NOW_MS + 5 * hour, NOW_MS + 6 * hour)], down),
                           dark=dark)


def a_story(side: str = "long", minutes: int = 90, *, refused: bool = False) -> dict[str, Any]:
    """Of a decision as `explained` tells it: entered at the mark, its stop moved once, closed after `minutes`."""
    sign = 1 if side == "long" else -1
    bins = bins_of(a_map(3e6, 2e6))
    said = {
        "decision": 7, "strategy": "cascade", "coin": "BTC", "side": side, "time_ms": NOW_MS, "entry_price": MARK,
        "code": "COOLDOWN" if refused else "APPROVED", "stop_price": MARK * (1 - 0.01 * sign),
        "take_price": MARK * (1 + 0.02 * sign), "liquidation_price": None if refused else MARK * (1 - 0.3 * sign),
    }
    during = [Mark(NOW_MS + n * 60_000, MARK * 0.999, MARK * 1.001, MARK) for n in range(1, minutes + 1)]
    moved = {"first_seen": datetime.fromtimestamp((NOW_MS + 1_200_000) / 1e3, UTC).isoformat(), "code": "STOP_MOVED",
             "reason": "TRAIL: price went on", "stop_price": MARK * (1 - 0.002 * sign)}
    fills = [{"time_ms": NOW_MS + n * minutes * 60_000, "reduces": bool(n), "price": MARK} for n in (0, 1)]
    return {
        "decision": said, "map": {"time_ms": NOW_MS, "mark_price": MARK, "bins": bins}, "parameters": {"mode": "paper"},
        "trades": [] if refused else [{"mark_ratio": None}], "fills": [] if refused else fills,
        "paths": [] if refused else [{"during": during}], "reductions": [] if refused else [moved],
        "refused_outcome": Ended("stop", NOW_MS + minutes * 60_000, -1.0) if refused else None,
        "outcome": "closed by stop: +10.00 USD net, +0.20 R",
    }


def a_moment(minutes: int = 210) -> Moment:
    path = [Mark(NOW_MS + (n - 60) * 60_000, MARK * (1 - 0.001 * (n % 7)), MARK * (1 + 0.002 * (n % 5)), MARK)
            for n in range(minutes)]
    earlier = a_map(1e6, 7e6)
    return Moment(path, KeptMap(NOW_MS - 3_600_000, MARK * 1.004, earlier.edges, earlier.long_usd + earlier.short_usd))


def a_report(stop_price: float | None = MARK * 0.99) -> PlacementReport:
    reading = a_reading()
    position = PlacedPosition("binance", "BTC", Side.LONG, MARK, 5.0, 10_000.0, stop_price=stop_price)
    around = ReadMap(reading.chart, reading.clusters, 0.5)
    return check_position(around, mechanics_of("binance", "BTC"), position, AvoidLiquidityParams(), 5)


LINES = (PriceLine("our liquidation", MARK * 0.93, "#D55E00"), PriceLine("entry", MARK * 0.999, "#009E73"))
PICTURES = {
    "map": lambda dark: map_figure(a_reading(), lines=LINES, dark=dark),
    "map by leverage": lambda dark: map_figure(a_reading(), by="leverage", dark=dark),
    "map by venue, narrow": lambda dark: map_figure(a_reading(), by="venue", reach_pct=1.0, dark=dark),
    "max pain": lambda dark: pain_figure(max_pain(bins_of(a_map(3e6, 2e6)), MARK, 10.0), "BTC", NOW_MS, dark=dark),
    "trade": lambda dark: trade_figure(a_story(), a_moment(), dark=dark, source="; simulated market"),
    "trade, short and refused": lambda dark: trade_figure(a_story("short", refused=True), a_moment(), dark=dark),
    "placement": lambda dark: placement_figure(a_reading(), a_report(), dark=dark),
    "placement that was taken": lambda dark: placement_figure(a_reading(), a_report(None), taken=3.0, dark=dark),
    "heatmap": heat, "equity": money, "calibration": record, "coverage": live,
}


def drawn_texts(canvas: Canvas, monkeypatch: pytest.MonkeyPatch) -> list[Text]:
    """Every text as it is drawn, but for the inside of legends, which the library lays out."""
    drawn: list[Text] = []
    draw = Text.draw

    def noted(text: Text, renderer: Any) -> None:
        drawn.append(text)
        draw(text, renderer)

    monkeypatch.setattr(Text, "draw", noted)
    agg = FigureCanvasAgg(canvas.figure)
    agg.draw()
    drawn.clear()  # the first time over is for the layout
    agg.draw()
    legends = [text for panel in canvas.figure.axes if panel.get_legend() for text in panel.get_legend().get_texts()]
    return [text for text in drawn if text.get_visible() and text.get_text().strip() and text not in legends]


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize("name", PICTURES)
def test_no_text_covers_another_or_leaves_the_picture(name: str, monkeypatch: pytest.MonkeyPatch):
    canvas = PICTURES[name](name == "heatmap")  # one of them on dark paper: the layout is the same
    whole = canvas.figure.bbox.padded(1.0)
    boxes = [(text.get_text(), text.get_window_extent().padded(-0.5)) for text in drawn_texts(canvas, monkeypatch)]
    assert len(boxes) > 8
    for place, (said, box) in enumerate(boxes):
        assert whole.contains(box.x0, box.y0), f"{said!r} leaves the picture"
        assert whole.contains(box.x1, box.y1), f"{said!r} leaves the picture"
        for other, there in boxes[place + 1:]:
            assert not box.overlaps(there), f"{said!r} covers {other!r}"


@pytest.mark.drawn(singly=True)
def test_a_map_says_what_its_usd_is_and_names_marks_and_lines(tmp_path: Path):
    file = tmp_path / "map.svg"
    map_figure(a_reading(), lines=LINES).write(file)
    svg = file.read_text(encoding="utf-8")
    for said in ("USD is an estimate", "BTC liquidation map", "mark 65,536", "our liquidation 60,948.5", "USD per bin"):
        assert said in svg, said
    assert re.search(r">\$200M [+-]\d", svg), "no cluster is named"
    again = tmp_path / "again.svg"
    map_figure(a_reading(), lines=LINES).write(again)
    assert again.read_bytes() == file.read_bytes()


def test_the_picture_widens_for_a_line_that_is_near_and_not_for_one_that_is_far():
    reach = {pct: map_figure(a_reading(), lines=(PriceLine("x", MARK * (1 - pct / 100), "k"),)).panels[0].get_xlim()[0]
             for pct in (5, 12, 60)}
    assert reach[5] == reach[60] == pytest.approx(MARK * 0.9)
    assert reach[12] < MARK * 0.88


@pytest.mark.drawn(dear=True)
def test_a_decision_in_its_time_says_what_was_wanted_what_is_beyond_it_and_that_fills_are_simulated(tmp_path: Path):
    file = tmp_path / "trade.svg"
    trade_figure(a_story(), a_moment()).write(file)
    svg = file.read_text(encoding="utf-8")
    for said in ("USD is an estimate", "fills are simulated", "cascade: long BTC, decision 7 APPROVED", "price, USD",
                 "+0.20 R", "entry 65,536", "take 66,846.7", "stop 64,880.6, moved to 65,404.9", "we open a long",
                 "our liquidation 45,875.2 (-30 %, beyond the picture)"):
        assert said in svg, said
    live = a_story() | {"parameters": {"mode": "live"}}
    trade_figure(live, a_moment()).write(file)
    assert "simulated" not in file.read_text(encoding="utf-8")


@given(
    st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 0.5), st.floats(0, 0.5)), min_size=1, max_size=2_000)
)
def test_a_long_path_is_drawn_in_stretches_that_lose_no_extreme_and_no_end(path: list[tuple[float, float, float]]):
    marks = [Mark(n, price * (1 - low), price * (1 + high), price) for n, (price, low, high) in enumerate(path)]
    drawn = _stretches(marks)
    assert len(drawn) <= _MARKS
    assert (drawn[-1].time_ms, drawn[-1].price) == (marks[-1].time_ms, marks[-1].price)
    assert min(one.low_price for one in drawn) == min(one.low_price for one in marks)
    assert max(one.high_price for one in drawn) == max(one.high_price for one in marks)
    if len(marks) <= _MARKS:
        assert drawn == marks


@pytest.mark.parametrize("side", ["long", "short"])
@pytest.mark.parametrize("pct", [0.5, 3.0, 20.0])
def test_a_decisions_picture_holds_what_was_wanted_and_writes_levels_apart(side: str, pct: float):
    story = a_story(side)
    story["decision"] |= {"take_price": MARK * (1 + pct / 100), "stop_price": MARK * (1 - pct / 100)}
    price, drawn = trade_figure(story, a_moment()).panels
    low, high = price.get_ylim()
    assert low < MARK * (1 - pct / 100)
    assert high > MARK * (1 + pct / 100)
    assert drawn.get_ylim() == (low, high), "one axis of price for both"
    heights = sorted(text.xy[1] for text in drawn.texts)
    assert all(low < height < high for height in heights)
    assert all(b - a >= (high - low) * 0.06 for a, b in pairwise(heights))


def test_a_path_without_a_minute_is_refused():
    with pytest.raises(ValueError, match="holds no minute"):
        trade_figure(a_story(), Moment([], None))


def test_each_leverage_is_drawn_where_it_would_be_liquidated_with_the_answer():
    report = a_report()
    panel = placement_figure(a_reading(), report).panels[0]
    said = [text.get_text() for text in panel.texts]
    for one in report.tried:
        price = one.place.own_liquidation_price
        word = "least likely swept" if one.place == report.best else "acceptable" if one.code == ACCEPTED else one.code
        found = [text for text in said if text.startswith(f"{one.place.leverage:g}x at {price:,.6g}")]
        assert len(found) == (1 if price > 0 else 0), one
        assert all(text.endswith(word) for text in found), found


@given(
    st.lists(st.floats(0, 1e9), min_size=3, max_size=40), st.lists(st.integers(1, 10_000_000), min_size=2, max_size=9)
)
def test_the_heatmap_keeps_every_dollar_in_sight_and_draws_no_gap(usd: list[float], pauses: list[int]):
    edges = np.linspace(90.0, 110.0, len(usd) + 1)
    times = np.cumsum(pauses).tolist()
    maps = [KeptMap(time_ms, 100.0, edges, np.array(usd)) for time_ms in times]
    starts, cells = cells_of(maps, np.geomspace(80.0, 130.0, 77))
    assert len(starts) == len(cells) + 1
    assert all(a < b for a, b in pairwise(starts))
    kept = cells[~np.isnan(cells).any(axis=1)]
    assert len(kept) == len(maps)
    assert kept.sum(axis=1) == pytest.approx(np.full(len(maps), sum(usd)), abs=1e-3)
    longest = max(3 * float(np.median(np.diff(times))), 35 * 60_000)
    gaps = sum(pause > longest for pause in np.diff(times))
    assert len(cells) - len(kept) == gaps


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)), min_size=1, max_size=30), st.floats(1.0, 30.0))
def test_max_pain_counts_what_the_way_to_a_price_closes(usd: list[tuple[float, float]], reach_pct: float):
    edges = np.linspace(80.0, 120.0, len(usd) + 1)
    bins = {"edges": edges, "long_usd": [one for one, _ in usd], "short_usd": [one for _, one in usd]}
    found = max_pain(bins, 100.0, reach_pct)
    assert found.prices[[0, -1]] == pytest.approx([100 - reach_pct, 100 + reach_pct])
    for price, longs, shorts in zip(found.prices, found.long_usd, found.short_usd, strict=True):
        above = np.clip((edges[1:] - max(price, 80.0)) / np.diff(edges), 0.0, 1.0)
        assert longs == pytest.approx(float((bins["long_usd"] * above).sum()), abs=1.0)
        assert shorts == pytest.approx(float((bins["short_usd"] * (1 - above)).sum()), abs=1.0)
        assert found.least.usd <= longs + shorts <= found.greatest.usd
    for level, side in ((found.long_level, bins["long_usd"]), (found.short_level, bins["short_usd"])):
        assert level is None or 0 < level.usd <= sum(side) * (1 + 1e-9)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 30)).map(lambda one: (one[0], sum(one))), max_size=9))
def test_spans_that_are_joined_and_what_is_left_of_them_make_the_whole(spans: list[tuple[int, int]]):
    joined = _joined(spans)
    assert all(earlier[1] < later[0] for earlier, later in pairwise(joined))
    inside = {at for begin, end in spans for at in range(begin, end)}
    assert {at for begin, end in joined for at in range(begin, end)} == inside
    left = {at for begin, end in _between((0, 200), joined) for at in range(begin, end)}
    assert left == set(range(200)) - inside


@pytest.fixture
def books(tmp_path: Path) -> Path:
    with LedgerWriter(f"sqlite:///{tmp_path / 'ledger.sqlite'}", "abc123") as ledger:
        for observation in story():
            ledger.observe(observation)
    return tmp_path


@pytest.mark.long
def test_every_picture_of_a_ledger_is_a_file(books: Path, capsys: pytest.CaptureFixture[str]):
    for words, said in (
        (["map"], "BTC liquidation map"), (["maxpain"], "BTC max pain"),
        (["decision", "t1"], "Decision"), (["trade", "t1"], "cascade: long BTC"),
        (["heatmap"], "BTC liquidation heatmap"),
        (["equity"], "Profit and drawdown"), (["calibration"], "where forced orders met the map"),
        (["coverage"], "Which venue was live when"),
    ):
        for ending in ("svg", "png"):
            file = books / f"{words[0]}.{ending}"
            assert main(["picture", *words, str(file), "--data", str(books)]) == Exit.OK, capsys.readouterr().err
            content = file.read_bytes()
            assert content[:8] == b"\x89PNG\r\n\x1a\n" if ending == "png" else said.encode() in content
    decision = (books / "decision.svg").read_text(encoding="utf-8")
    for said in ("stop 64,000", "target 67,000", "cascade long BTC, APPROVED"):
        assert said in decision, said


@pytest.mark.parametrize(("words", "said"), [
    (["map", "x.jpg"], r"x\.jpg: its ending is \.jpg; pictures are \.png or \.svg"),
    (["map", "x"], "its ending is none"),
    (["map", "x.png", "--by", "coin"], "--by 'coin': leverage or venue"),
    (["equity", "nowhere/x.png"], r"nowhere/x\.png: cannot be written"),
    (["heatmap", "x.png", "--coin", "doge"], "0 maps of DOGE in that time, a heatmap needs two"),
    (["decision", "99", "x.png"], "no such decision"),
    (["heatmap", "x.png", "--since", "soon"], "--since .soon."),
])
def test_a_wrong_wish_is_one_clear_line(
    words: list[str], said: str, books: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(books)
    assert main(["picture", *words, "--data", str(books)]) != Exit.OK
    told = capsys.readouterr().err
    assert re.search(said, told), told
    assert len(told.strip().splitlines()) == 1
    assert not list(books.glob("x*"))


@pytest.mark.drawn(singly=True)
def test_a_view_without_clusters_is_drawn_too(tmp_path: Path):
    chart = a_view().map
    reading = MapReading(chart, (), (), {"bins": bins_of(chart)})
    map_figure(reading).write(tmp_path / "bare.png")
    assert (tmp_path / "bare.png").stat().st_size > 5_000
