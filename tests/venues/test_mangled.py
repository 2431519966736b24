import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liqbot.venues.parsing import MalformedMessage, Parsed, WireBook, WireContract
from liqbot.venues.registry import VENUES

GOOD: dict[str, tuple[str, ...]] = {
    "binance": (
        '{"e":"aggTrade","E":1,"s":"BTCUSDT","a":1,"p":"10223.74","q":"0.236","f":1,"l":1,"T":1568693103463,"m":false}',
        ('{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15","i":"11784.6","P":"1","r":"0.0003",'
        '"T":1562306400000}'),
        ('{"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014",'
        '"p":"9910","ap":"9911","X":"FILLED","l":"0.014","z":"0.014","T":1568014460893}}'),
        '{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1,"s":"BTCUSDT","p":"1","q":"1","T":2,"m":true}}',
        '{"result":null,"id":1}',
    ),
    "bybit": (
        ('{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT",'
        '"S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"a","BT":false}]}'),
        ('{"topic":"tickers.BTCUSDT","type":"delta","ts":1673272861686,"cs":1,"data":{"symbol":"BTCUSDT","markPrice":"17217.33",'
        '"indexPrice":"17227.36","openInterest":"68744.761","fundingRate":"-0.000212","fundingIntervalHour":"8"}}'),
        ('{"topic":"allLiquidation.BTCUSDT","type":"snapshot","ts":1740480207578,"data":[{"T":1740480207110,'
        '"s":"BTCUSDT","S":"Sell","v":"2846","p":"0.02456"}]}'),
        ('{"topic":"liquidation.BTCUSDT","ts":1,"data":{"symbol":"BTCUSDT","side":"Sell","price":"45212.50","qty":"0.009",'
        '"time":1632123952732}}'),
        '{"success":true,"ret_msg":"","conn_id":"a","op":"subscribe"}',
    ),
    "okx": (
        ('{"arg":{"channel":"trades","instId":"BTCUSDT"},"data":[{"instId":"BTCUSDT","tradeId":"1","px":"48938.5",'
        '"sz":"5","side":"buy","ts":"1640131236050"}]}'),
        ('{"arg":{"channel":"mark-price","instId":"BTCUSDT"},"data":[{"instId":"BTCUSDT","markPx":"2.1729",'
        '"ts":"1640131259180"}]}'),
        ('{"arg":{"channel":"funding-rate","instId":"BTCUSDT"},"data":[{"instId":"BTCUSDT","fundingRate":"0.0001",'
        '"fundingTime":"1744590349506","nextFundingTime":"1744619149506","ts":"1744590349506"}]}'),
        ('{"arg":{"channel":"open-interest","instId":"BTCUSDT"},"data":[{"instId":"BTCUSDT","oi":"644195",'
        '"oiUsd":"64419.5","ts":"1640131258756"}]}'),
        ('{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkLoss":"0","bkPx":"0.55205",'
        '"ccy":"","posSide":"short","side":"buy","sz":"39","ts":"1680173247614"}],"instId":"BTCUSDT"}]}'),
        '{"event":"subscribe","arg":{"channel":"trades","instId":"BTCUSDT"}}',
        "pong",
    ),
}
WIRES = {spec.venue: spec.wire for spec in VENUES.values() if spec.wire is not None}
MESSAGES = [(venue, raw) for venue, messages in GOOD.items() for raw in messages]
RUBBISH: list[Any] = [
    None, True, -1, 0, 1e308, 10**30, "", "NaN", "Infinity", "-1", "abc", "1e400", [], {}, [None], "\ud800", "0x", 1.5,
]


def read(venue: str, raw: str | bytes) -> Parsed | None:
    book = WireBook(venue, [WireContract(symbol_id="BTCUSDT", symbol="BTC/USDT:USDT", venue_key=venue, coin="BTC")])
    try:
        parsed = WIRES[venue].parse(raw, book)
    except MalformedMessage as error:
        told = error.venue, str(error)
    else:
        told = None
    if told is not None:
        assert told[0] == venue
        assert "\n" not in told[1]
        return None
    for _, time_ms, price, size_usd, _ in parsed.trades:
        assert time_ms > 0
        assert 0 < price < 1e13
        assert 0 < size_usd < float("inf")
    return parsed


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something could be taken away or put in place of something else."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, part in inner for path in [(*here, key), *paths(part, (*here, key))]]


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return value


@pytest.mark.parametrize(("venue", "raw"), MESSAGES)
def test_the_unharmed_messages_are_read(venue: str, raw: str) -> None:
    parsed = read(venue, raw)
    assert parsed is not None
    assert parsed.trades or parsed.facts or not parsed.ours
    again = read(venue, raw.encode())
    assert again == parsed


@pytest.mark.parametrize(("venue", "raw"), [case for case in MESSAGES if case[1].startswith("{")])
def test_every_field_missing_or_replaced_by_rubbish(venue: str, raw: str) -> None:
    for path in paths(json.loads(raw)):
        read(venue, json.dumps(changed(json.loads(raw), path, lambda parent, key: parent.pop(key))))
        for rubbish in RUBBISH:
            read(venue, json.dumps(changed(json.loads(raw), path, lambda p, key, r=rubbish: p.__setitem__(key, r))))


@pytest.mark.parametrize(("venue", "raw"), MESSAGES)
def test_every_truncation(venue: str, raw: str) -> None:
    for end in range(1, len(raw)):
        parsed = read(venue, raw[:end])
        assert parsed is None or not parsed.ours
        read(venue, raw[:end].encode())


@pytest.mark.drawn
@given(raw=st.one_of(st.text(), st.binary(), st.sampled_from(["[" * 200_000, '{"topic":' * 50_000, '{"e":"aggTrade"'])),
       venue=st.sampled_from(sorted(WIRES)))
@example(raw='{"topic":"publicTrade.\ud800"', venue="bybit")
@example(raw='{"arg":{"channel":"trades","instId":"\ud800', venue="okx")
def test_anything_at_all(raw: str | bytes, venue: str) -> None:
    read(venue, raw)


@given(st.data())
def test_bytes_turned_over(data: st.DataObject) -> None:
    venue, raw = data.draw(st.sampled_from(MESSAGES))
    changed_bytes = bytearray(raw.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        changed_bytes[data.draw(st.integers(0, len(changed_bytes) - 1))] = data.draw(st.integers(0, 255))
    read(venue, bytes(changed_bytes))
    read(venue, bytes(changed_bytes).decode("utf-8", "replace"))


@pytest.mark.drawn(singly=True)
@given(payload=st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
                            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20),
       venue=st.sampled_from(sorted(WIRES)))
def test_answers_of_any_shape(payload: Any, venue: str) -> None:
    book = WireBook(venue, [WireContract(symbol_id="BTCUSDT", symbol="BTC/USDT:USDT", venue_key=venue, coin="BTC")])
    wire = WIRES[venue]
    readers = [(poll.parse, 1) for poll in wire.polls] + [(history.parse, 0) for history in wire.histories]
    readers += [(wire.tiers.parse, 0)] if wire.tiers is not None else []  # type: ignore[list-item]
    for shaped in (payload, [payload], {"data": payload}, {"data": [payload]}, {"result": {"list": [payload]}}):
        for parse, argument in readers:
            try:
                parse(shaped, book, argument)
            except MalformedMessage:
                continue
