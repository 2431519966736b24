"""Figures and health over loopback: what is served, when it fails, and that the dashboard asks for nothing else."""

import json
import re
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from market_views import NOW_MS, a_view

from liqbot.blocks import EventBlock
from liqbot.events import FeedDown, Fill
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Side
from liqbot.observers.house_health import judged
from liqbot.observers.metrics import MetricsObserver
from liqbot.settings import Settings, settings_model

ROOT = Path(__file__).parents[2]
SETTINGS: Settings = settings_model()()


class Told:
    """A house as it stands, and the clock of the wall."""

    def __init__(self) -> None:
        self.now_s, self.journal = 0.0, ""
        self.observer = MetricsObserver(SETTINGS, lambda: self.journal, lambda: self.now_s)
        self.observer.listen(0)

    def step(self, *facts: Any, age_ms: int = 100, naked_ms: int = 0, confirmed: str = "0.5") -> None:
        held = SimpleNamespace(venue="binance", coin="BTC", side=Side.LONG, quantity_base=Decimal("0.5"))
        book = SimpleNamespace(confirmed_base=lambda _side: Decimal(confirmed))
        engine: Any = SimpleNamespace(
            views=(a_view(age_ms=age_ms),),
            order_manager=SimpleNamespace(book=lambda _venue, _coin: book, naked_ms=lambda _ms: naked_ms),
            account=SimpleNamespace(
                positions=(held,), halted="", equity_usd=Decimal(10_000),
                drawdown=SimpleNamespace(latched=False, drawdown_pct=1.5),
            ),
        )
        step: Any = SimpleNamespace(time_ms=NOW_MS, decisions=(), commands=(), feeds=())
        self.observer.on_step(1, EventBlock(facts=facts, tick_ms=NOW_MS), step, engine)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.observer.port}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def troubles(self) -> tuple[int, dict[str, str]]:
        status, text = self.get("/healthz")
        return status, json.loads(text)["troubles"]


@pytest.fixture
def told() -> Any:
    one = Told()
    yield one
    one.observer.close()


def test_health_fails_on_each_trouble_and_is_well_again(told: Told) -> None:
    assert told.troubles() == (503, {"beginning": "no step yet"})
    told.step()
    assert told.troubles() == (200, {})
    told.step(age_ms=99_000)
    assert told.troubles() == (503, {"stale": "BTC: newest price 99000 ms old"})
    told.step(naked_ms=600_000, confirmed="0.2")
    status, troubles = told.troubles()
    assert (status, list(troubles)) == (503, ["unprotected"])
    assert "long 0.5 BTC on binance" in troubles["unprotected"]
    told.step(naked_ms=600_000)
    assert told.troubles() == (200, {}), "what was bare before and is covered now is no trouble"
    told.journal = "disk is full"
    assert told.troubles() == (503, {"journal": "disk is full"}), "also while no step is taken"
    told.journal = ""
    told.now_s += 31
    assert told.troubles() == (503, {"silent": "no step for 31 s"}), "a house that hangs does not answer for itself"


def test_figures_are_what_the_house_says(told: Told) -> None:
    fill = Fill(
        time_ms=NOW_MS, venue="binance", coin="BTC", client_id="x", fill_id="1", side=Side.LONG, reduces=False,
        price=Decimal(60_000), quantity_base=Decimal("0.5"), fee=Decimal(1),
    )
    told.step(fill, FeedDown(time_ms=NOW_MS, venue="okx", coin="BTC", feed="trades", reason="closed"))
    status, text = told.get("/metrics")
    assert status == 200
    for line in (
        "liqbot_equity_usd 10000.0", "liqbot_drawdown_pct 1.5", "liqbot_halted 0.0",
        'liqbot_price_age_ms{coin="BTC"} 100.0',
        'liqbot_position_base{coin="BTC",side="long",venue="binance"} 0.5',
        'liqbot_fills_total{reduces="false",side="long"} 1.0', 'liqbot_feed_down_total{feed="trades",venue="okx"} 1.0',
    ):
        assert line in text.splitlines(), line
    assert told.get("/else")[0] == 404


def test_the_dashboard_asks_for_what_is_served(told: Told) -> None:
    told.step()
    served = set(re.findall(r"^# TYPE (\S+)", told.get("/metrics")[1], re.MULTILINE))
    text = (ROOT / "config" / "grafana.json").read_text(encoding="utf-8")
    asked = set(re.findall(r"liqbot_[a-z_]+", " ".join(
        target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]
    )))
    assert asked
    assert asked <= served
    assert {name for name in served if not name.endswith("_created")} <= asked, "nothing is measured for nobody"


def test_a_port_that_is_taken_refuses_the_start_in_one_line(told: Told) -> None:
    with pytest.raises(ExpectedError, match=f"metrics.port: {told.observer.port} of 127.0.0.1") as refused:
        MetricsObserver(SETTINGS, lambda: "").listen(told.observer.port)
    assert refused.value.exit_code == Exit.CONFIG


def test_a_house_that_has_not_begun_has_its_time() -> None:
    assert judged(None, 5, 30) == {"beginning": "no step yet"}
    assert judged(None, 31, 30) == {"silent": "no step in 31 s"}
