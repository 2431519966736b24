"""`map --compare` against a source on loopback: asked as documented, decoded or refused in a line, secrets nowhere."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S
from small_tape import small_tape

from liqbot.cli import main
from liqbot.exits import Exit, ExpectedError
from liqbot.external import fetch
from liqbot.external.fetch import MapReader
from liqbot.external.params import ExternalParams
from liqbot.external.registry import known_sources, source_of
from liqbot.external.sources import coinank, coinglass, hyblock
from liqbot.instruments import Side
from liqbot.legible import TEXT_MAX
from liqbot.review.comparison import compared_with, rank_agreement
from liqbot.review.reading import reading_from
from liqbot.settings import load
from liqbot.settings.record import config_json
from liqbot.settings.show import rows

KEY, PAIR = "kept-secret-1234567", "other-secret-7654321"
MARK = 60_000.0
LEVELS = ((59_000.0, 4e6), (57_000.0, 9e6), (61_000.0, 2e6), (64_000.0, 5e6))
ANSWERS: dict[str, Any] = {
    "coinglass": {"code": "0", "msg": "success", "data": {"data": {
        f"{price:.0f}": [[price, usd, None, None]] for price, usd in LEVELS}}},
    "coinank": {"success": True, "code": "1", "data": {
        "prices": [price for price, _ in LEVELS], "lastPrice": MARK, "lastIndex": 2,
        "Binance": [usd / 2 for _, usd in LEVELS], "Okex": [usd / 2 for _, usd in LEVELS]}},
    "hyblock": {"data": [
        {"timestamp": 1, "size": usd, "price": price, "leverage": 10, "openDuration": 5,
         "side": "long" if price < MARK else "short"} for price, usd in LEVELS]},
    "mine": {"levels": [{"at": {"price": str(price)}, "usd": usd} for price, usd in LEVELS]},
    "liquidvision": {"bins": [{"p": price, "v": usd} for price, usd in LEVELS]},
    "kingfisher": {"prices": [price for price, _ in LEVELS], "sizes": [usd for _, usd in LEVELS]},
}
PATHS = {
    "mine": {"rows": "levels", "price": "at.price", "usd": "usd", "key_header": "X-Mine"},
    "liquidvision": {"rows": "bins", "price": "p", "usd": "v"},
    "kingfisher": {"price": "prices", "usd": "sizes"},
}
ASKED = {
    "coinglass": ("/api/futures/liquidation/aggregated-map", {"symbol": "BTC", "range": "1d"}, "CG-API-KEY", KEY),
    "coinank": ("/api/liqMap/getAggLiqMap", {"baseCoin": "BTC", "interval": "1d"}, "apikey", KEY),
    "hyblock": ("/v2/liquidationLevels", {"coin": "BTC", "exchange": "binance_perp_stable"}, "x-api-key", KEY),
    "mine": ("/maps/BTC", {}, "X-Mine", KEY),
    "liquidvision": ("/api/v1/liqmap/BTCUSDT", {}, "Accept", "*/*"),
    "kingfisher": ("/v1/liquidations/BTC", {"exchange": "all", "timeframe": "1D"}, "Authorization", f"Bearer {KEY}"),
}


class Source:
    """An HTTP server in a thread of its own: a verb brings its own event loop."""

    def __init__(self) -> None:
        self.answer: Callable[[web.Request], web.Response] = lambda _: web.Response(status=404)
        self.asked: list[web.Request] = []
        self._loop = asyncio.new_event_loop()

    def says(self, body: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        text = body if isinstance(body, str) else json.dumps(body)

        def answer(request: web.Request) -> web.Response:
            if request.path.endswith("/oauth2/token"):
                return web.json_response({"access_token": "token-of-the-login", "expires_in": 9})
            return web.Response(text=text, status=status, headers=headers)

        self.answer = answer

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _begin(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._any)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _any(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        return self.answer(request)


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as server:
        yield server


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_tape(tmp_path_factory.mktemp("tape") / "t.parquet", hours=72)


def params_of(name: str, url: str) -> ExternalParams:
    address = f"{url}/maps/{{coin}}" if name == "mine" else url
    return ExternalParams(
        api_key=KEY, client_id="someone", client_secret=PAIR, url=address, **PATHS.get(name, {}))  # type: ignore[arg-type]


async def read(name: str, url: str) -> Any:
    params = params_of(name, url)
    return await MapReader(source_of(name, {name: params}), params, wait_s_max=0.01).read("BTC")


@pytest.mark.parametrize("name", ANSWERS)
async def test_each_source_is_asked_as_documented_and_decoded(name: str, source: Source) -> None:
    source.says(ANSWERS[name])
    found = await read(name, source.url)
    path, query, header, value = ASKED[name]
    request = source.asked[-1]
    assert (request.path, dict(request.query), request.headers[header]) == (path, query, value)
    told: dict[float, float] = {}
    for level in found.levels:
        told[level.price] = told.get(level.price, 0.0) + level.usd
        assert level.side in (None, Side.LONG if level.price < MARK else Side.SHORT)
    assert told == dict(LEVELS)
    if name == "hyblock":
        assert request.headers["Authorization"] == "Bearer token-of-the-login"
        assert (source.asked[0].method, source.asked[0].headers["Authorization"][:6]) == ("POST", "Basic ")


BROKEN = [
    ("coinglass", {"code": "30001", "msg": "API key missing", "data": None}, "code = '30001'", "API key missing"),
    ("coinglass", {"code": "0", "data": {"data": {"9": [["dear", 1.0]]}}}, "data.data.9[0][0] = 'dear'", "float"),
    ("coinglass", {"code": "0", "data": {"data": {"48935": [[48935, -1.0]]}}}, "data.data.48935[0][1] = -1.0", ">= 0"),
    ("coinglass", {"code": "0", "data": {"data": {}}}, "levels = 0", "expected 1 to"),
    ("coinglass", "<html>", "b'<html>'", "expected JSON"),
    ("coinank", {"success": False, "code": "-3", "msg": "plan"}, "success = False", "'plan'"),
    ("coinank", {"success": True, "data": {"prices": [1.0, 2.0], "lastPrice": 1.5, "Binance": [1.0]}},
     "data.Binance = '1 entries'", "expected 2"),
    ("coinank", {"success": True, "data": {"prices": [1.0, 0.0], "lastPrice": 1.5}}, "data.prices[1] = 0.0", "> 0"),
    ("hyblock", {"data": [{"size": 1.0, "price": 2.0, "side": "up"}]}, "data[0].side = 'up'", "long or short"),
    ("hyblock", {"data": [{"size": 1.0, "side": "long"}]}, "data[0] = {", "`price`"),
    ("mine", {"levels": [{"at": {"price": "1"}, "usd": None}]}, "levels.0.usd = None", "a number"),
    ("mine", {"levels": [{"at": {}, "usd": 1}]}, "levels.0.at.price = {}", "no 'price'"),
    ("kingfisher", {"prices": [1, 2], "sizes": [1]}, "sizes = '1 entries'", "expected 2"),
]


@pytest.mark.parametrize(("name", "answer", "field", "expected"), BROKEN)
async def test_a_wrong_answer_is_one_line_with_field_and_value(
    name: str, answer: object, field: str, expected: str, source: Source
) -> None:
    source.says(answer)
    with pytest.raises(ExpectedError) as raised:
        await read(name, source.url)
    said = str(raised.value)
    assert said.startswith(f"{name}: its answer has ")
    assert field in said
    assert expected in said
    assert "\n" not in said


NAMES = ["code", "data", "prices", "lastPrice", "success", "price", "size", "side"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("decode", [coinglass.decode, coinank.decode, hyblock.decode])
@given(answer=JSON)
def test_any_answer_is_decoded_or_refused(decode: Callable[[bytes], Any], answer: object) -> None:
    try:
        levels = decode(json.dumps(answer).encode()).levels
    except ExpectedError:
        return
    assert levels
    assert all(level.price > 0 and level.usd > 0 for level in levels)


@pytest.mark.parametrize(
    ("status", "exit_code", "times"),
    [(401, Exit.CONFIG, 1), (403, Exit.CONFIG, 1), (429, Exit.UNREACHABLE, 3), (503, Exit.UNREACHABLE, 3),
     (302, Exit.FAILED, 1), (404, Exit.FAILED, 1)],
)
async def test_only_what_may_pass_is_asked_again_and_no_key_is_shown(
    status: int, exit_code: Exit, times: int, source: Source
) -> None:
    source.says(f"your key {KEY} will not do", status, {"Location": f"{source.url}/elsewhere"})
    with pytest.raises(ExpectedError) as raised:
        await read("coinglass", source.url)
    assert raised.value.exit_code == exit_code
    assert [request.path for request in source.asked] == [ASKED["coinglass"][0]] * times
    assert KEY not in str(raised.value)
    assert "your key ***" in str(raised.value)


async def test_a_server_that_comes_back_is_read(source: Source) -> None:
    source.says(ANSWERS["coinglass"])
    whole, left = source.answer, [web.Response(status=503)]
    source.answer = lambda request: left.pop() if left else whole(request)
    assert len((await read("coinglass", source.url)).levels) == len(LEVELS)
    assert len(source.asked) == 2


async def test_a_key_that_the_cut_goes_through_is_not_shown_in_part(source: Source) -> None:
    for padding in range(TEXT_MAX - len(KEY) - 2, TEXT_MAX):
        source.says({"data": [{"price": 1.0, "size": 1.0, "side": "x" * padding + KEY}]})
        with pytest.raises(ExpectedError) as raised:
            await read("hyblock", source.url)
        assert KEY[:4] not in str(raised.value)


async def test_every_request_waits_for_its_turn(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[tuple[int, float]] = []

    class Counting:
        def __init__(self, rate: int, period_s: float) -> None:
            self.rate, self.period_s = rate, period_s

        async def acquire(self) -> None:
            turns.append((self.rate, self.period_s))

    monkeypatch.setattr(fetch, "Throttler", Counting)
    source.says("busy", 503)
    with pytest.raises(ExpectedError):
        await read("coinglass", source.url)
    assert turns == [(known_sources()["coinglass"].per_minute, 60.0)] * len(source.asked)
    assert len(turns) == fetch.ATTEMPTS_MAX


def test_a_source_of_now_is_not_laid_beside_a_map_of_then(
    tape: Path, source: Source, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variables(monkeypatch, "coinglass", api_key=KEY, url=source.url)
    assert main(["map", "--tape", str(tape), "--at", "2023-11-15", "--compare", "coinglass"]) == Exit.USAGE
    assert "of now" in capsys.readouterr().err
    assert source.asked == []


async def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(ExpectedError, match="does not answer") as raised:
        await read("coinglass", "http://127.0.0.1:9")
    assert raised.value.exit_code == Exit.UNREACHABLE


def test_every_source_says_how_its_answer_is_known() -> None:
    assert set(known_sources()) == {"coinglass", "hyblock", "coinank", "kingfisher", "liquidvision"}
    for source in known_sources().values():
        assert (source.decode is None) == (source.grade == "unknown")
        assert source.evidence
        assert source.as_of


# --- the verb -----------------------------------------------------------------------------------------------------


def variables(monkeypatch: pytest.MonkeyPatch, name: str, **values: str) -> None:
    for field, value in values.items():
        monkeypatch.setenv(f"LIQBOT_EXTERNAL__{name}__{field}".upper(), value)


@pytest.mark.drawn(singly=True)
def test_beside_ours_as_text_and_as_json(
    tape: Path, source: Source, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source.says(ANSWERS["coinglass"])
    variables(monkeypatch, "coinglass", api_key=KEY, url=source.url)
    assert main(["map", "--tape", str(tape), "--compare", "coinglass"]) == Exit.OK
    text = capsys.readouterr().out
    for words in ("USD is an estimate", "beside coinglass", "rank agreement of longs", "used in no decision"):
        assert words in text
    assert main(["map", "--tape", str(tape), "--compare", "coinglass", "--json"]) == Exit.OK
    out = capsys.readouterr().out
    record = json.loads(out)
    assert {one["side"] for one in record["compare"]["bands"]} == {"long", "short"}
    within = sum(usd for price, usd in LEVELS if 0.6 < price / record["mark_price"] < 1.4)
    assert sum(one["theirs_usd"] for one in record["compare"]["bands"]) == within
    assert KEY not in text + out


@pytest.mark.drawn
def test_a_source_that_fails_leaves_ours(
    tape: Path, source: Source, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source.says({"code": "0", "data": {"data": {"1": [[1, KEY]]}}})
    variables(monkeypatch, "coinglass", api_key=KEY, url=source.url)
    assert main(["map", "--tape", str(tape), "--compare", "coinglass"]) == Exit.FAILED
    told = capsys.readouterr()
    assert "0-1 %" in told.out
    assert len(told.err.strip().splitlines()) == 1
    assert "data.data.1[0][1] = '***'" in told.err
    assert main(["map", "--tape", str(tape), "--compare", "coinglass", "--json"]) == Exit.FAILED
    told = capsys.readouterr()
    record = json.loads(told.out)
    assert record["bins"]
    assert "data.data.1" in record["compare"]["error"]
    assert KEY not in told.out + told.err


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [("coinglass", Exit.CONFIG, "LIQBOT_EXTERNAL__COINGLASS__API_KEY"),
     ("hyblock", Exit.CONFIG, "LIQBOT_EXTERNAL__HYBLOCK__CLIENT_SECRET"),
     ("liquidvision", Exit.CONFIG, "external.liquidvision.price"),
     ("nobody", Exit.USAGE, "external.nobody.url"),
     ("absent.json", Exit.USAGE, "cannot be read")],
)
def test_what_is_missing_is_one_line_before_anything_is_read(
    words: str, exit_code: Exit, said: str, tape: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["map", "--tape", str(tape), "--compare", words]) == exit_code
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    assert len(told.err.strip().splitlines()) == 1


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("name", ["coinglass", "coinank", "hyblock"])
def test_a_recorded_answer_in_a_file(
    name: str, tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(ANSWERS[name]))
    assert main(["map", "--tape", str(tape), "--compare", str(path), "--json"]) == Exit.OK
    assert json.loads(capsys.readouterr().out)["compare"]["source"] == name
    path.write_text("{}")
    assert main(["map", "--tape", str(tape), "--compare", str(path)]) == Exit.USAGE
    assert "no answer that is known" in capsys.readouterr().err


def test_keys_are_masked_and_no_part_of_what_a_run_records(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = config_json(load("paper").settings)
    variables(monkeypatch, "coinglass", api_key=KEY, range="7d")
    variables(monkeypatch, "hyblock", client_secret=PAIR)
    loaded = load("paper")
    shown = {row.name: row.value for row in rows(loaded)}
    assert shown["external.coinglass.api_key"] == "***"
    assert shown["external.hyblock.client_secret"] == "***"
    assert KEY not in repr(loaded) + repr(shown)
    assert config_json(loaded.settings) == bare


@pytest.mark.parametrize("url", ["http://example.org", "https://me:pw@example.org", "https://example.org/?api_key=1"])
def test_an_address_neither_sends_nor_shows_a_key_in_the_open(url: str) -> None:
    with pytest.raises(ValueError, match="key"):
        ExternalParams(url=url)


def test_a_key_in_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "paper.toml").write_text(f'[external.coinglass]\napi_key = "{KEY}"\n')
    with pytest.raises(ExpectedError, match="is a secret") as raised:
        load("paper", config=tmp_path)
    assert KEY not in str(raised.value)


# --- the comparison -----------------------------------------------------------------------------------------------


def test_bands_magnets_and_sides() -> None:
    bins = {"edges": [90.0, 95.0, 100.0, 105.0, 110.0], "long_usd": [3.0, 1.0, 0.0, 0.0], "short_usd": [0, 0, 4, 8]}
    record = {"version": 1, "coin": "BTC", "time_ms": 1, "mark_price": 100.0, "bins": bins}
    chart = reading_from(record).chart
    levels = [
        {"price": 98.2, "size": 7, "side": "long"}, {"price": 103, "size": 5, "side": "Short"},
        {"price": 97, "size": 9, "side": "short"},
    ]
    found = compared_with(chart, hyblock.decode(json.dumps({"data": levels}).encode()))
    theirs = {(one["side"], one["from_pct"]): one["theirs_usd"] for one in found["bands"] if one["theirs_usd"]}
    assert theirs == {("long", 1.0): 7, ("short", 2.0): 5}
    assert found["levels_left_out"] == 1
    ours = {side: sum(one["ours_usd"] for one in found["bands"] if one["side"] == side) for side in ("long", "short")}
    assert ours == {"long": 4, "short": 12}
    heaviest = {(one["whose"], one["side"]): one for one in found["magnets"]}
    assert heaviest["theirs", "long"]["price_low"] <= 98.2 <= heaviest["theirs", "long"]["price_high"]
    assert heaviest["theirs", "short"]["distance_pct"] == 3.0
    assert 90 <= heaviest["ours", "long"]["price_low"] < 95


USD = st.lists(st.integers(0, 9), min_size=3, max_size=12)


@given(USD)
def test_ranks_agree_with_themselves_and_oppose_their_mirror(values: list[int]) -> None:
    import numpy as np

    usd = np.array(values, dtype=float) + 1.0
    same = rank_agreement(usd, usd * usd)
    assert same == (None if len(set(values)) == 1 else 1.0)
    assert rank_agreement(usd, 11.0 - usd) == (None if same is None else -1.0)
