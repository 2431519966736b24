"""What `status` says keeps entries small or away."""

from typing import Any

import market_views as mv
import pytest

from liqbot.blocks import Roster
from liqbot.control.status import _restraints
from liqbot.engine import Engine
from liqbot.execution.params import ExecutionParams
from liqbot.market.params import MarketParams
from liqbot.risk.limits import CORE_VENUES, RiskLimits
from liqbot.settings import Settings, settings_model
from liqbot.verbs.control import _restraints as shown

CROWDED = {"oi_change_24h_pct": 9.0, "funding_percentile": 99.0, "funding_8h_pct": 0.1}


def said(settings: Settings, view: mv.MarketView) -> list[str]:
    engine = Engine(
        roster=Roster(settings.venues, ("BTC", "DOGE")), journal_id="abcdef", instruments={}, trade_venue="binance",
        market=MarketParams(), signals=settings.signals, limits=settings.risk, execution=ExecutionParams(),
    )  # fmt: skip
    found: dict[str, Any] = {"coin": view.coin, **_restraints(engine, settings, view)}
    return shown(found)


@pytest.mark.parametrize(
    ("venues", "view", "limits", "words"),
    [
        (CORE_VENUES, {}, {}, ""),
        (CORE_VENUES, {"venues_live": ("binance",)}, {}, "MISSING   BTC: nothing is entered while bybit, okx"),
        (("binance",), {"venues_live": ("binance",)}, {}, ""),
        (("binance", "okx"), {"venues_live": ("binance",)}, {}, "while okx is silent"),
        (("binance",), CROWDED, {}, "CAUTION   BTC: longs"),
        (("binance",), {}, {"blackouts": ("15:00-15:30",)}, "BLACKOUT  BTC: nothing is entered, 15:00-15:30"),
        (("binance",), {"coin": "DOGE"}, {}, "THIN      DOGE: "),
    ],
)  # fmt: skip
def test_each_restraint_is_a_line(
    venues: tuple[str, ...], view: dict[str, Any], limits: dict[str, Any], words: str
) -> None:
    settings = settings_model()(venues=venues, trade_venue="binance", risk=RiskLimits(**limits))
    lines = said(settings, mv.a_view(**view))
    assert len(lines) == bool(words)
    assert words in "".join(lines)
