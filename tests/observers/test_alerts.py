"""Alerts: which rule speaks when, how often, and what reaches a receiver on loopback: once each, never twice."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_views import NOW_MS, a_view

from liqbot.blocks import EventBlock
from liqbot.events import FeedDown, FeedUp, Halt, HaltCode
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from liqbot.market.map.whales import Whale, WhaleChange, WhaleNews
from liqbot.market.map.zones import ABSENT, Cluster, Sweep
from liqbot.message_signature import SIGNATURE, TIMESTAMP, signature
from liqbot.observers.alert_delivery import Delivery, notify_sender, webhook_sender
from liqbot.observers.alert_gate import AlertGate, told
from liqbot.observers.alert_rules import (
    Alert,
    ClusterRule,
    FeedRule,
    SweptRule,
    UnprotectedRule,
    WhaleRule,
    cluster_text,
    rules_of,
)
from liqbot.observers.alerts import AlertObserver, alert_observer
from liqbot.observers.registry import ObserverContext
from liqbot.settings import settings_model
from liqbot.settings.alerts import AlertParams, ClusterAlertParams

SECRET = "0123456789abcdef0123456789abcdef"
LARGE = ClusterAlertParams(usd_min=5e8, within_pct=5.0)


def cluster(usd: float = 512e6, distance_pct: float = 3.1, side: Side = Side.LONG, peak: float = 58_200.0) -> Cluster:
    return Cluster(side, peak * 0.999, peak * 1.001, peak, usd, distance_pct - 0.1, distance_pct, 2.0)


def views(*clusters: Cluster, **fields: Any) -> Any:
    view = a_view(**fields)
    sides = {
        side: msgspec.structs.replace(one, clusters=tuple(c for c in clusters if c.side is one.side))
        for side, one in (("above", view.above), ("below", view.below))
    }
    return msgspec.structs.replace(view, **sides)


def engine_with(*seen: Any, positions: tuple[Any, ...] = (), confirmed: str = "0") -> Any:
    """What rules read of an engine."""
    book = SimpleNamespace(confirmed_base=lambda _side: Decimal(confirmed))
    return SimpleNamespace(
        views=seen, guard=SimpleNamespace(disabled={}), order_manager=SimpleNamespace(book=lambda _venue, _coin: book),
        account=SimpleNamespace(positions=positions, drawdown=SimpleNamespace(latched=False, drawdown_pct=0.0)),
    )


def step_at(time_ms: int, whales: tuple[WhaleNews, ...] = (), feeds: tuple[Any, ...] = ()) -> Any:
    return SimpleNamespace(time_ms=time_ms, whales=whales, feeds=feeds)


def looked(rule: Any, engine: Any, time_ms: int = NOW_MS, *facts: Any, **step: Any) -> list[Alert]:
    return list(rule.look(EventBlock(facts=facts, tick_ms=time_ms), step_at(time_ms, **step), engine))


# --- rules ----------------------------------------------------------------------------------------------------------


def test_a_cluster_is_told_in_the_words_that_traders_know() -> None:
    assert cluster_text(cluster()) == "$512M in LONG liquidations at $58,200 (3.1% away)"
    assert cluster_text(cluster(1.2e9, 0.04, Side.SHORT, 0.1234)) == (
        "$1.2B in SHORT liquidations at $0.1234 (0.0% away)"
    )


def test_a_cluster_is_told_once_and_again_after_it_was_away() -> None:
    rule = ClusterRule("large", LARGE)
    near, small, far = cluster(), cluster(usd=4e8), cluster(distance_pct=7.0)
    said = [len(looked(rule, engine_with(views(one)))) for one in (near, near, cluster(usd=4.6e8), near)]
    assert said == [1, 0, 0, 0], "wavering about the size is no news"
    for away in (small, far):
        assert [len(looked(rule, engine_with(views(one)))) for one in (away, near)] == [0, 1]
    assert len(looked(rule, engine_with(views(near, cluster(side=Side.SHORT, peak=70_000.0))))) == 1, "another one"


@given(st.lists(st.tuples(st.floats(1e8, 1e9), st.floats(0.1, 10.0)), min_size=1, max_size=40))
def test_between_two_alerts_about_a_cluster_it_was_clearly_away(path: list[tuple[float, float]]) -> None:
    rule, released = ClusterRule("large", LARGE), True
    for usd, distance_pct in path:
        fresh = rule.fresh("BTC", [cluster(usd, distance_pct)])
        over = usd >= 5e8 and distance_pct <= 5.0
        assert bool(fresh) is (over and released)
        if over:
            released = False
        elif usd < 4.5e8 or distance_pct > 5.0 / 0.9:
            released = True


def test_a_rule_may_be_about_one_coin_and_one_side() -> None:
    seen = engine_with(views(cluster(), cluster(side=Side.SHORT, peak=70_000.0)))
    assert len(looked(ClusterRule("x", LARGE), seen)) == 2
    assert len(looked(ClusterRule("x", LARGE.model_copy(update={"side": "short"})), seen)) == 1
    assert not looked(ClusterRule("x", LARGE.model_copy(update={"coin": "ETH"})), seen)
    assert not list(ClusterRule("x", LARGE).look(EventBlock(), step_at(NOW_MS), seen)), "no Tick, no map"


def a_sweep(started_ms: int, *, rejected: bool, printed_usd: float = 30e6, usd: float = 80e6) -> Sweep:
    return Sweep(
        Side.LONG, started_ms, started_ms + 1_000, rejected, usd, 2.0, 3.0, 58_000.0, 58_500.0, 57_900.0, printed_usd,
        3.0, -1.0, 0.2,
    )


def test_a_swept_cluster_is_told_once_with_what_was_modelled_and_what_was_reported() -> None:
    rule = SweptRule(5e7)

    def seen(sweep: Sweep, time_ms: int) -> list[Alert]:
        view = views(time_ms=time_ms)
        below = msgspec.structs.replace(view.below, sweep=sweep)
        return looked(rule, engine_with(msgspec.structs.replace(view, below=below)), time_ms)

    assert not seen(a_sweep(NOW_MS, rejected=True), NOW_MS + 5_000), "it was over before this began to look"
    later_ms = NOW_MS + 600_000
    (alert,) = seen(a_sweep(later_ms, rejected=True), later_ms + 5_000)
    assert alert.text == (
        "BTC: LONG cluster of $80.0M (modelled) swept at $58,000..$58,500: $30.0M reported; price came back"
    )
    assert not seen(a_sweep(later_ms, rejected=True), later_ms + 6_000)
    (alert,) = seen(a_sweep(later_ms + 60_000, rejected=False, printed_usd=ABSENT), later_ms + 99_000)
    assert alert.text.endswith("nobody reports; price stayed beyond")
    assert not seen(a_sweep(later_ms + 120_000, rejected=True, usd=4e7), later_ms + 130_000), "too small"


def test_a_large_reported_position_near_its_liquidation() -> None:
    whale = Whale("hyperliquid", Side.SHORT, 61_000.0, 25e6, 1.5, NOW_MS)
    news = tuple(WhaleNews("BTC", NOW_MS, change, whale) for change in WhaleChange)
    codes = [alert.text.rsplit("; ", 1)[1] for alert in looked(WhaleRule(1e7), engine_with(), whales=news)]
    assert codes == ["near", "reached"]
    assert not looked(WhaleRule(1e8), engine_with(), whales=news)


def test_a_position_without_a_stop_is_told_once_until_it_is_covered() -> None:
    held = SimpleNamespace(venue="binance", coin="BTC", side=Side.LONG, quantity_base=Decimal("0.5"))
    rule = UnprotectedRule(5.0)
    naked, covered = engine_with(positions=(held,)), engine_with(positions=(held,), confirmed="0.5")
    said = [len(looked(rule, naked, NOW_MS + second * 1_000)) for second in range(10)]
    assert said == [0] * 5 + [1] + [0] * 4
    assert not looked(rule, covered, NOW_MS + 11_000)
    said = [len(looked(rule, naked, NOW_MS + second * 1_000)) for second in range(12, 20)]
    assert said == [0] * 5 + [1, 0, 0], "it is bare again"
    assert not looked(UnprotectedRule(5.0), engine_with(), NOW_MS + 99_000)


def test_a_feed_that_is_down_for_long_and_back() -> None:
    rule = FeedRule(60.0)
    down = FeedDown(time_ms=NOW_MS, venue="okx", coin="BTC", feed="trades", reason="closed")
    up = FeedUp(time_ms=NOW_MS, venue="okx", coin="BTC", feed="trades")
    assert not looked(rule, engine_with(), NOW_MS, down)
    assert not looked(rule, engine_with(), NOW_MS + 30_000, up), "back before anybody was told"
    assert not looked(rule, engine_with(), NOW_MS, down)
    texts = [one.text for second in (59, 60, 61) for one in looked(rule, engine_with(), NOW_MS + second * 1_000)]
    assert texts == ["trades of BTC on okx is down: closed"]
    assert [one.text for one in looked(rule, engine_with(), NOW_MS + 120_000, up)] == [
        "trades of BTC on okx is back after 2 min"
    ]


# --- how often ------------------------------------------------------------------------------------------------------


def an_alert(minute: float = 0, code: str = "CLUSTER", about: str = "x", text: str = "t") -> Alert:
    return Alert(NOW_MS + int(minute * 60_000), code, text, about)


def test_the_same_is_not_told_twice_within_the_time() -> None:
    gate = AlertGate(AlertParams(repeat_min=60))
    told_at = [minute for minute in (0, 10, 59, 60, 61, 125) if gate.passes(an_alert(minute))]
    assert told_at == [0, 60, 125]
    assert gate.passes(an_alert(126, about="other"))
    assert all(gate.passes(an_alert(127, about="")) for _ in range(3)), "each is news of its own"


def test_no_more_an_hour_than_wanted_but_what_is_urgent() -> None:
    gate = AlertGate(AlertParams(hourly_max=2))
    passed = told([an_alert(n, about=str(n)) for n in range(5)], gate)
    assert len(passed) == 2
    (urgent,) = told([an_alert(6, "UNPROTECTED")], gate)
    assert urgent.text == "t (3 others were held back)"
    assert told([an_alert(70, about="later")], gate)[0].text == "t"


def test_quiet_hours_over_midnight_let_pass_what_is_urgent() -> None:
    # NOW_MS is at 15:06.
    gate = AlertGate(AlertParams(quiet_from="15:00", quiet_until="07:00"))
    assert [code for code in ("CLUSTER", "WHALE", "FEED_DOWN", "UNPROTECTED", "LIQUIDATED")
            if gate.passes(an_alert(0, code))] == ["UNPROTECTED", "LIQUIDATED"]
    assert gate.passes(an_alert(16 * 60)), "07:06"
    assert AlertGate(AlertParams(quiet_from="16:00", quiet_until="17:00")).passes(an_alert())
    assert not AlertGate(AlertParams(off=("CLUSTER",))).passes(an_alert())


@pytest.mark.parametrize(
    ("given", "complaint"),
    [({"quiet_from": "25:00", "quiet_until": "07:00"}, "time of day"), ({"quiet_from": "22:00"}, "go together"),
     ({"webhook_url": "http://example.com/x"}, "https://"), ({"webhook_secret": "short"}, "32 characters")],
)
def test_wrong_settings_are_named(given: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        AlertParams(**given)  # type: ignore[arg-type]


# --- on their way out -----------------------------------------------------------------------------------------------


class Receiver(HTTPServer):
    """Takes posts on loopback; the first `refuse` of them it answers with 503."""

    def __init__(self, refuse: int = 0) -> None:
        self.refuse = refuse
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.tries = 0
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/alerts"


class _Answer(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.tries += 1
        refused = self.server.tries <= self.server.refuse
        if not refused:
            self.server.taken.append((dict(self.headers), body))
        self.send_response(503 if refused else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextlib.contextmanager
def receiver(refuse: int = 0) -> Iterator[Receiver]:
    with Receiver(refuse) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def settled(delivery: Delivery) -> None:
    delivery.close()


@pytest.mark.parametrize("refuse", [0, 2])
def test_a_webhook_takes_each_alert_once_signed_and_in_order(refuse: int) -> None:
    with receiver(refuse) as server:
        params = AlertParams(webhook_url=server.url, webhook_secret=SECRET)  # type: ignore[arg-type]
        delivery = Delivery("webhook", webhook_sender(params), first_wait_s=0.01)
        for number in range(3):
            delivery(an_alert(number, text=f"alert {number}"))
        wait_until(lambda: len(server.taken) == 3)
        delivery.close()
        assert [json.loads(body)["text"] for _, body in server.taken] == ["alert 0", "alert 1", "alert 2"]
        assert server.tries == 3 + refuse
        for headers, body in server.taken:
            assert headers[SIGNATURE] == signature(SECRET, headers[TIMESTAMP], body)
        assert delivery.trouble == ""


def test_a_receiver_that_is_gone_is_a_trouble_that_is_shown_and_holds_nobody_up() -> None:
    with receiver() as server:
        url = server.url
    delivery = Delivery("webhook", webhook_sender(AlertParams(webhook_url=url)), first_wait_s=0.001)
    delivery(an_alert())
    wait_until(lambda: bool(delivery.trouble))
    assert "cannot be reached" in delivery.trouble
    delivery.close()


@pytest.mark.drawn(singly=True)
def test_a_chat_is_told_by_the_library_once_for_each_alert() -> None:
    with receiver() as server:
        params = AlertParams(notify=f"json://127.0.0.1:{server.server_port}/")  # type: ignore[arg-type]
        delivery = Delivery("notify", notify_sender(params))
        delivery(an_alert(text="$512M in LONG liquidations at $58,200 (3.1% away)"))
        wait_until(lambda: bool(server.taken))
        delivery.close()
        (told_it,) = [json.loads(body) for _, body in server.taken]
    assert (told_it["title"], told_it["message"]) == (
        "liqbot CLUSTER", "$512M in LONG liquidations at $58,200 (3.1% away)"
    )


@pytest.mark.parametrize(
    ("sink", "given", "complaint"),
    [("notify", {}, "LIQBOT_ALERTS__NOTIFY"), ("notify", {"notify": "nonsense"}, "address 1 is none"),
     ("webhook", {}, "alerts.webhook_url: missing"), ("pigeon", {}, "'pigeon' is no sink")],
)
def test_a_sink_that_cannot_work_refuses_the_start_in_one_line(
    sink: str, given: dict[str, str], complaint: str
) -> None:
    settings = settings_model()(observers={"alert_sinks": (sink,)}, alerts=given)
    with pytest.raises(ExpectedError, match=complaint) as refused:
        alert_observer(ObserverContext(settings))
    assert refused.value.exit_code == Exit.CONFIG
    assert "nonsense" not in str(refused.value), "an address may hold a password"


def test_every_rule_speaks_once_through_the_observer_to_a_receiver() -> None:
    """All at once, many times over."""
    held = SimpleNamespace(venue="binance", coin="BTC", side=Side.LONG, quantity_base=Decimal("0.5"))
    whale = Whale("hyperliquid", Side.SHORT, 61_000.0, 25e6, 1.5, NOW_MS)
    down = FeedDown(time_ms=NOW_MS, venue="okx", coin="BTC", feed="trades", reason="closed")
    halt = Halt(time_ms=NOW_MS, reason="x", code=HaltCode.KEY_REFUSED)
    engine = engine_with(views(cluster()), positions=(held,))
    engine.account.drawdown.latched = True
    with receiver() as server:
        params = AlertParams(webhook_url=server.url)
        delivery = Delivery("webhook", webhook_sender(params))
        observer = AlertObserver([delivery], rules_of(params), AlertGate(params), [delivery])
        for second in range(120):
            time_ms = NOW_MS + second * 1_000
            facts = (down, halt) if not second else ()
            news = (WhaleNews("BTC", time_ms, WhaleChange.NEAR, whale),)
            observer.on_step(second, EventBlock(facts=facts, tick_ms=time_ms), step_at(time_ms, news), engine)
        wait_until(lambda: len(server.taken) >= 6)
        observer.close()
        codes = sorted(json.loads(body)["code"] for _, body in server.taken)
    assert codes == ["CLUSTER", "FEED_DOWN", "KEY_REFUSED", "LOSS_LIMIT", "UNPROTECTED", "WHALE"]


def wait_until(true: Any) -> None:
    until_s = time.monotonic() + 60.0
    while not true():
        assert time.monotonic() < until_s, "never"
        time.sleep(0.005)


