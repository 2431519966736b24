import json
import math
from pathlib import Path

import pytest
from market_rows import RandomMarket, blocks_of

from liqbot.cli import main
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from liqbot.legible import short_usd
from liqbot.market.market import Market
from liqbot.market.params import MarketParams
from liqbot.market.record import Record, clusters_from, map_from, map_record
from liqbot.review.pictures.map_text import draw_map
from liqbot.review.placement import PlacedPosition, ReadMap, check_position, check_text
from liqbot.review.reading import reading_from
from liqbot.review.sources import numbers_of, time_of, words_of
from liqbot.signals.strategies.avoid_liquidity import AvoidLiquidityParams, code_of
from liqbot.signals.verdict import ACCEPTED
from liqbot.venues.registry import mechanics_of


@pytest.fixture(scope="module")
def record() -> Record:
    world = RandomMarket(7, span_ms=300_000, volatility_pct=0.4)
    market = Market(MarketParams(), world.roster, "binance")
    for block in blocks_of(world.steps(300), world.roster):
        market.collect(block)
        (view,) = market.on_tick(block.tick_ms or 0)
    return json.loads(json.dumps(map_record(view, market)))


@pytest.mark.drawn
def test_the_picture_has_shorts_above_the_mark_and_longs_below(record: Record) -> None:
    lines = draw_map(reading_from(record), colour=False, rows=10, reach_pct=8.0)
    assert "USD is an estimate" in lines[0]
    mark = next(number for number, line in enumerate(lines) if "── mark" in line)
    above, below = lines[2:mark], lines[mark + 1 : mark + 11]
    assert len(above) == len(below) == 10
    assert all("+" in line.split()[1] for line in above)
    assert all("-" in line.split()[1] for line in below)
    prices = [float(line.split()[0].replace(",", "")) for line in (*above, *below)]
    assert prices == sorted(prices, reverse=True)
    # The outermost sum is what the map holds within reach.
    for line, side in ((above[0], Side.SHORT), (below[-1], Side.LONG)):
        drawn = line.split()
        total = map_from(record).within_usd(side, 8.0)
        assert any(abs(_usd(word) / total - 1) < 0.15 for word in drawn if word.startswith("$"))
    assert all("\x1b" not in line for line in lines)
    assert any("\x1b" in line for line in draw_map(reading_from(record), colour=True))
    assert any(line.startswith("venue binance: live") for line in lines)
    assert any(line.startswith("warmth: longs") for line in lines)


def _usd(word: str) -> float:
    units = {"K": 1e3, "M": 1e6, "B": 1e9}
    return float(word.strip("$KMB")) * units.get(word[-1], 1.0)


@pytest.mark.parametrize(
    ("usd", "text"),
    [(0, "$0"), (950, "$950"), (1000, "$1.0K"), (340e6, "$340M"), (1.23e9, "$1.2B"), (999.9e3, "$1.0M"), (-75, "-$75"),
     (-5e6, "-$5.0M"), (0.25, "$0.25"), (-0.04, "-$0.04"), (0.999, "$1")],
)
def test_dollars_are_short(usd: float, text: str) -> None:
    assert short_usd(usd) == text


@pytest.mark.parametrize("text", ["", " ", ",", ", ,"])
def test_a_filter_that_names_nothing_is_refused(text: str) -> None:
    for asked in (words_of, numbers_of):
        with pytest.raises(ExpectedError, match=f"{text!r}: n.* separated by commas") as refused:
            asked(text)
        assert refused.value.exit_code is Exit.USAGE
    assert (words_of("a, b,"), numbers_of("50, 100,")) == (("a", "b"), (50.0, 100.0))
    assert (words_of(None), numbers_of(None)) == (None, None)


AVOID = AvoidLiquidityParams()


def test_an_empty_map_calls_no_place_thin(record: Record) -> None:
    lines = draw_map(reading_from(emptied(record)), colour=False, rows=10, reach_pct=8.0)
    assert [line for line in lines if line.endswith(" thin")] == []
    assert any(line.endswith(" thin") for line in draw_map(reading_from(record), colour=False, rows=10, reach_pct=8.0))


def emptied(record: Record) -> Record:
    nothing = [0.0] * len(record["bins"]["long_usd"])
    return {**record, "bins": {**record["bins"], "long_usd": nothing, "short_usd": nothing}}


def test_a_check_where_no_density_is_known_says_neither_thin_nor_dense(record: Record) -> None:
    seen = around(emptied(record))
    position = PlacedPosition("binance", "BTC", Side.LONG, seen.mark_price, 10, 10_000.0)
    answer = check_position(seen, mechanics_of("binance", "BTC"), position, AVOID, 3)
    assert math.isnan(answer.here.density_percentile)
    assert answer.verdict == "unknown"
    assert answer.best is None
    assert "no placement up to 3x is acceptable: the map does not say how dense it is there" in check_text(answer, 40)


def around(record: Record) -> ReadMap:
    return ReadMap(map_from(record), clusters_from(record), record["range_pct"] or math.nan)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("leverage", [2, 5, 10, 25])
@pytest.mark.parametrize("leverage_max", [1, 3, 5])
def test_a_check_names_the_venues_own_liquidation_price_and_never_advises_above_the_limit(
    record: Record, side: Side, leverage: float, leverage_max: int
) -> None:
    seen, mechanics = around(record), mechanics_of("binance", "BTC")
    position = PlacedPosition("binance", "BTC", side, seen.mark_price, leverage, 10_000.0)
    answer = check_position(seen, mechanics, position, AVOID, leverage_max)
    ratio = mechanics.ratios([leverage], notional_usd=10_000.0)[0 if side is Side.LONG else 1][0]
    here = answer.here
    assert here.own_liquidation_price == pytest.approx(seen.mark_price * ratio, rel=1e-9)
    assert answer.distance_pct == pytest.approx(answer.mark_distance_pct)
    beyond = not seen.map.edges[0] <= here.own_liquidation_price <= seen.map.edges[-1]
    thin = here.density_percentile <= AVOID.density_percentile_max
    assert answer.verdict == ("beyond the map" if beyond else "thin" if thin else "dense")
    assert (answer.code == "LEVERAGE") == (leverage > leverage_max)
    best = answer.best
    tried = {one.place.leverage for one in answer.tried if one.place.entry_price == position.entry_price}
    assert tried == set(range(1, leverage_max + 1))
    assert (best is None) == all(one.code != ACCEPTED for one in answer.tried)
    if best is not None:
        assert [one.code for one in answer.tried if one.place == best] == [ACCEPTED]
        assert best.leverage <= leverage_max
        assert code_of(best, AVOID) == ACCEPTED
        assert int(side) * (position.entry_price - best.entry_price) >= 0, "a worse entry is no advice"
        if answer.code == ACCEPTED:
            assert best.sweep_chance_pct <= here.sweep_chance_pct
    text = "\n".join(check_text(answer, AVOID.density_percentile_max))
    assert "notional            $10.0K" in text
    assert max(map(len, text.splitlines())) <= 100
    assert f"{leverage:g}x is above the limit of {leverage_max}x" in text or leverage <= leverage_max


def test_a_leverage_the_venue_does_not_offer_and_a_stop_on_the_wrong_side_are_refused(record: Record) -> None:
    position = PlacedPosition("hyperliquid", "BTC", Side.LONG, 100.0, 100.0, 10_000.0)
    with pytest.raises(ValueError, match="hyperliquid offers at most 40"):
        check_position(around(record), mechanics_of("hyperliquid", "BTC"), position, AVOID, 5)
    above = PlacedPosition("binance", "BTC", Side.LONG, 100.0, 3.0, 10_000.0, stop_price=101.0)
    with pytest.raises(ValueError, match="wrong side"):
        check_position(around(record), mechanics_of("binance", "BTC"), above, AVOID, 5)


def test_without_a_range_the_chance_is_unknown_and_thin_places_are_still_advised(record: Record) -> None:
    blind = around(record | {"range_pct": None})
    position = PlacedPosition("binance", "BTC", Side.LONG, blind.mark_price, 3.0, 10_000.0)
    answer = check_position(blind, mechanics_of("binance", "BTC"), position, AVOID, 3)
    assert math.isnan(answer.here.sweep_chance_pct)
    assert answer.best is not None
    assert any("unknown" in line for line in check_text(answer, 40.0))


@pytest.mark.parametrize(
    ("size", "usd"), [("50k", 50_000.0), ("1.5M", 1.5e6), ("$2,500", 2_500.0), ("10000", 10_000.0), (".5m", 5e5)]
)
def test_sizes_are_read_as_people_write_them(
    size: str, usd: float, record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "map.json"
    path.write_text(json.dumps(record))
    held = ["--side", "long", "--entry", str(record["mark_price"]), "--leverage", "3", "--venue", "binance"]
    assert main(["check", *held, "--json-map", str(path), "--size", size, "--json"]) == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert found["position"]["notional_usd"] == usd
    assert found["margin_usd"] == pytest.approx(usd / 3)
    assert found["leverage_max"] == 3, "the profile's, not the ceiling"


@pytest.mark.parametrize("size", ["-5", "0", "many", "5kk", "1,00", ""])
def test_what_is_no_size_is_refused_with_the_right_form(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["check", "--side", "long", "--entry", "1", "--leverage", "2", "--venue", "okx", f"--size={size}"]
    assert main(words) == Exit.USAGE
    assert "50k" in capsys.readouterr().err


def test_check_on_a_map_in_a_file(record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "map.json"
    path.write_text(json.dumps(record))
    entry = str(record["mark_price"])
    held = ["--side", "long", "--entry", entry, "--leverage", "5", "--venue", "binance"]
    words = ["check", *held, "--json-map", str(path)]
    assert main(words) == Exit.OK
    text = capsys.readouterr().out
    assert "verdict" in text
    assert "USD is an estimate" in text
    assert main([*words, "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["position"]["leverage"] == 5.0
    path.write_text("{}")
    assert main(words) == Exit.USAGE
    assert "no bins" in capsys.readouterr().err


def test_what_cannot_be_shown_says_so_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "--data", str(tmp_path)]) == Exit.NOT_FOUND
    assert "start the bot" in capsys.readouterr().err
    assert main(["map", "--at", "yesterday"]) == Exit.USAGE
    assert main(["map", "--leverage", "many"]) == Exit.USAGE
    assert main(["check", "--side", "up", "--entry", "1", "--leverage", "5", "--venue", "okx"]) == Exit.USAGE
    assert capsys.readouterr().out == ""


def test_times_are_utc_unless_they_say_otherwise() -> None:
    assert time_of("2024-08-05T00:00") == time_of("2024-08-05T02:00+02:00") == time_of("1722816000000") == 1722816000000
    assert time_of(None) is None
