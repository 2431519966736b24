"""Of a frame of many rows, one that does not fit costs itself alone, and is noted; the good ones beside it arrive."""

import copy
import json
import random
from typing import Any

import pytest
from wire_recordings import recorded

from liqbot.events import Liquidation, MarkPrice, OpenInterest, TradeBar
from liqbot.venues.conformance.mangling import RUBBISH
from liqbot.venues.parsing import TOLD_MAX, MalformedMessage, Parsed, WireBook, WireContract
from liqbot.venues.registry import VENUES, wire_of

SEEDS = range(300)
NONSENSE: tuple[Any, ...] = (*RUBBISH, "Infinity", "-Infinity", "1e999", "0", "-5", 4_200_000_000_000_000, "\x1b[2J")


def book_of(venue: str, *ids: str) -> WireBook:
    return WireBook(venue, [WireContract(symbol_id=one, symbol=one, venue_key=venue, coin=one) for one in ids])


def read(venue: str, frame: Any, book: WireBook) -> Parsed:
    return wire_of(venue).parse(json.dumps(frame), book)


def bybit_trade(**changes: Any) -> dict[str, Any]:
    return {"T": 1_672_304_486_865, "s": "BTCUSDT", "S": "Buy", "v": "0.5", "p": "100.0", "BT": False} | changes


def bybit_forced(**changes: Any) -> dict[str, Any]:
    return {"T": 1_740_480_207_110, "s": "BTCUSDT", "S": "Sell", "v": "2", "p": "100"} | changes


def okx_trade(**changes: Any) -> dict[str, Any]:
    return {"instId": "BTC-USDT-SWAP", "px": "100", "sz": "5", "side": "buy", "ts": "1640131236050"} | changes


def okx_detail(**changes: Any) -> dict[str, Any]:
    return {"bkPx": "100", "posSide": "short", "side": "buy", "sz": "39", "ts": "1680173247614"} | changes


def okx_forced(inst_id: str, *details: Any) -> dict[str, Any]:
    return {"instId": inst_id, "details": list(details)}


def test_a_foreign_coin_without_a_price_does_not_cost_the_row_beside_it() -> None:
    book = book_of("okx", "BTC-USDT-SWAP")
    rows = [okx_forced("SHIB-USDT-SWAP", okx_detail(bkPx="", sz=None)), okx_forced("BTC-USDT-SWAP", okx_detail())]
    for order in (rows, rows[::-1], [None, *rows, {"instId": "XRP-USDT-SWAP"}]):
        parsed = read("okx", {"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": order}, book)
        assert [type(fact) for fact in parsed.facts] == [Liquidation]
    # Nothing of a foreign row was looked at; what is no row at all was noted.
    assert book.rejected == 1


def test_one_bad_detail_costs_itself() -> None:
    book = book_of("okx", "BTC-USDT-SWAP")
    row = okx_forced("BTC-USDT-SWAP", okx_detail(), okx_detail(side="hold", posSide=""), okx_detail(sz="NaN"), 7)
    parsed = read("okx", {"arg": {"channel": "liquidation-orders"}, "data": [row]}, book)
    assert len(parsed.facts) == 1
    assert book.rejected == 3


def test_a_size_of_zero_costs_its_row_alone() -> None:
    book = book_of("bybit", "BTCUSDT")
    rows = [bybit_forced(v="0"), bybit_forced(), bybit_forced(s="DOGEUSDT", p=""), bybit_forced(S="Both")]
    parsed = read("bybit", {"topic": "allLiquidation.BTCUSDT", "data": rows}, book)
    assert len(parsed.facts) == 1
    assert (book.rejected, parsed.ignored) == (2, 1)
    fields = {error.field: (error.value, error.sample) for error in book.take_rejected()}
    assert set(fields) == {"liquidation amount", "liquidation side"}
    assert "Both" in fields["liquidation side"][1]
    assert book.take_rejected() == []


def test_block_trades_are_no_price_of_the_market() -> None:
    book = book_of("bybit", "BTCUSDT")
    rows = [bybit_trade(), bybit_trade(p="55", v="900", BT=True), bybit_trade(RPI=True, BT=False)]
    parsed = read("bybit", {"topic": "publicTrade.BTCUSDT", "data": rows}, book)
    assert [trade[2] for trade in parsed.trades] == [100.0, 100.0]
    assert (book.off_book, book.rejected) == (1, 0)


def test_an_unreadable_figure_does_not_cost_the_others() -> None:
    book = book_of("bybit", "BTCUSDT")
    figures = {"symbol": "BTCUSDT", "markPrice": "100", "indexPrice": "", "fundingRate": True, "openInterest": "7"}
    for funding in (True, "abc", "NaN", []):
        parsed = read("bybit", {"topic": "tickers.BTCUSDT", "ts": 1_673_272_861_686 + 10_000 * (book.rejected + 1),
                                "data": figures | {"fundingRate": funding}}, book)
        assert [type(fact) for fact in parsed.facts] == [MarkPrice, OpenInterest]
    assert book.rejected == 4
    book = book_of("binance", "BTCUSDT")
    mark = {"e": "markPriceUpdate", "E": 1_562_305_380_000, "s": "BTCUSDT", "p": "100", "i": "x", "r": {}, "T": 0}
    with pytest.raises(MalformedMessage, match="markPriceUpdate r"):
        read("binance", mark, book)
    assert [type(fact) for fact in read("binance", mark | {"r": ""}, book).facts] == [MarkPrice]
    assert read("binance", mark | {"s": "DOGEUSDT"}, book).ignored == 1


@pytest.mark.drawn(singly=True)
def test_what_is_noted_is_bounded_and_harmless() -> None:
    book = book_of("bybit", "BTCUSDT")
    rows = [bybit_forced(S="\x1b[2J" * 10_000) for _ in range(500)]
    read("bybit", {"topic": "allLiquidation.BTCUSDT", "data": rows}, book)
    assert book.rejected == 500
    noted = book.take_rejected()
    assert 0 < len(noted) <= 100
    assert all("\x1b" not in f"{one}{one.sample}" and len(f"{one}{one.sample}") < 2_000 for one in noted)


FRAMES = {
    "bybit trades": ("bybit", lambda rows: {"topic": "publicTrade.BTCUSDT", "data": rows}, bybit_trade),
    "bybit forced": ("bybit", lambda rows: {"topic": "allLiquidation.BTCUSDT", "data": rows}, bybit_forced),
    "okx trades": ("okx", lambda rows: {"arg": {"channel": "trades", "instId": "B"}, "data": rows}, okx_trade),
    "okx forced": ("okx", lambda rows: {"arg": {"channel": "liquidation-orders"}, "data": rows},
                   lambda: okx_forced("BTC-USDT-SWAP", okx_detail())),
}


@pytest.mark.parametrize("case", FRAMES)
def test_good_rows_survive_any_neighbour(case: str) -> None:
    venue, framed, good = FRAMES[case]
    for seed in SEEDS:
        chance = random.Random(seed)
        rows = [good() for _ in range(chance.randint(1, 4))]
        bad = [mangled(good(), chance) for _ in range(chance.randint(1, 3))]
        mixed = rows + bad
        chance.shuffle(mixed)
        book = book_of(venue, "BTCUSDT", "BTC-USDT-SWAP")
        parsed = read(venue, framed(mixed), book)
        found = len(parsed.trades) + len(parsed.facts)
        # A mangled row may still be a row: of another coin, of another price. Each is one or the other.
        assert len(rows) <= found <= len(mixed), f"seed {seed}: {mixed}"
        assert found + book.rejected + parsed.ignored + book.off_book >= len(mixed) - _silent(bad), f"seed {seed}"


def _silent(bad: list[Any]) -> int:
    """Rows of forced orders without details say nothing and are none."""
    return sum(isinstance(row, dict) and row.get("details") == [] for row in bad)


def mangled(row: Any, chance: random.Random) -> Any:
    """One field taken away or replaced, at any depth; now and then the whole row."""
    if chance.random() < 0.1:
        return chance.choice(NONSENSE)
    row, parent = copy.deepcopy(row), None
    here: Any = row
    while isinstance(here, dict | list) and here:
        parent, key = here, chance.choice(list(here) if isinstance(here, dict) else range(len(here)))
        here = here[key]
        if chance.random() < 0.3:
            break
    assert parent is not None
    if chance.random() < 0.3:
        del parent[key]
    else:
        parent[key] = chance.choice(NONSENSE)
    return row


@pytest.mark.parametrize(("name", "venue"), [("bybit", "bybit"), ("okex-swap", "okx"), ("binance-futures", "binance")])
def test_recorded_frames_with_a_mangled_row_among_theirs(name: str, venue: str) -> None:
    """What was recorded and read before is read still when a mangled copy of one of its rows stands beside it."""
    frames = [json.loads(raw) for raw, _ in recorded(name)]
    ids = sorted({str(one) for frame in frames for one in _ids(frame)})
    read_beside = 0
    for number, frame in enumerate(frames):
        try:
            alone = read(venue, frame, book_of(venue, *ids))
        except MalformedMessage:
            continue
        rows = frame.get("data") if isinstance(frame, dict) else None
        if not isinstance(rows, list) or not alone.trades + alone.facts:  # type: ignore[operator]
            continue
        for seed in range(5):
            chance = random.Random(f"{seed} {number}")
            mixed = [mangled(chance.choice(rows), chance), *rows]
            book = book_of(venue, *ids)
            parsed = read(venue, frame | {"data": mixed}, book)
            assert len(parsed.trades) >= len(alone.trades), f"frame {number}, seed {seed}: {mixed[0]}"
            kinds = [type(fact) for fact in parsed.facts]
            missing = [kind for kind in {type(fact) for fact in alone.facts}
                       if kinds.count(kind) < [type(fact) for fact in alone.facts].count(kind)]
            assert [kind for kind in missing if kind is Liquidation] == [], f"frame {number}, seed {seed}: {mixed[0]}"
            read_beside += 1
    assert read_beside or venue == "binance"


def _ids(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value[key] for key in ("s", "symbol", "instId") if isinstance(value.get(key), str)]
        return own + [one for part in value.values() for one in _ids(part)]
    return [one for part in value for one in _ids(part)] if isinstance(value, list) else []


@pytest.mark.parametrize("venue", ["binance", "bybit", "okx"])
def test_one_bad_row_of_an_answer_costs_itself(venue: str) -> None:
    examples = VENUES[venue].examples
    assert examples is not None
    given = examples()
    checked = 0
    for history in wire_of(venue).histories:
        for payload in (one.payload for one in given.responses if one.method == history.method):
            book = WireBook(venue, given.contracts)
            whole = history.parse(copy.deepcopy(payload), book, 0)
            spoilt = copy.deepcopy(payload)
            rows = _rows_of(spoilt)
            rows.insert(0, None)
            beside = history.parse(spoilt, book, 0)
            if any(isinstance(fact, TradeBar) for fact in whole):
                assert beside == whole
            assert len(beside) == len(whole)
            assert book.rejected == 1
            checked += 1
            rows[:] = [None, {}]
            with pytest.raises(MalformedMessage, match=venue):
                history.parse(spoilt, book, 0)
    assert checked >= 3


def _rows_of(payload: Any) -> list[Any]:
    if isinstance(payload, list):
        return payload
    inner = payload.get("data", payload.get("result"))
    found: list[Any] = inner["list"] if isinstance(inner, dict) else inner
    return found


def test_what_is_asked_about_again_and_again_is_not_forgotten_for_what_comes_once() -> None:
    """Crypto.com's first message of trades is known by such a name: forgotten, one message in thousands was dropped."""
    book = WireBook("here", [])
    assert book.first_time("the first message")
    for number in range(3 * TOLD_MAX):
        assert book.first_time(number)
        assert not book.first_time("the first message")
    assert book.first_time(0)
