"""A tape of hourly bars on which the whole house trades, and the settings it runs with."""

from typing import Any

import numpy as np

from liqbot.blocks import DTYPES
from liqbot.settings import Settings, settings_model
from paper.params import PaperSection

HOUR_MS = 3_600_000
FIRST_MS = 1_699_999_200_000


class PaperSettings(Settings):
    """The configuration as it is with this package installed."""

    paper: PaperSection = PaperSection()


def paper_settings(**changes: Any) -> Settings:
    """Built as a clean checkout would, whether or not the package is installed."""
    model = settings_model()
    return model(**changes) if "paper" in model.model_fields else PaperSettings(**changes)


def trading_settings() -> Settings:
    """For tests of what comes after an entry: the cascade asks for little, and a walk at random gives it that."""
    cascade = {
        "size_ratio_min": 0.0, "volume_ratio_min": 0.3, "break_age_min_max": 20_160.0, "acceleration_ratio_min": -100.0,
    }
    return paper_settings(signals={"cascade": cascade}, risk={"edge_needed_pct_max": 100.0})


def random_walk(hours: int, seed: int) -> dict[str, np.ndarray]:
    """Hourly bars of one venue with trends, bursts and forced orders; wild enough that the house trades."""
    rng = np.random.default_rng(seed)
    burst = np.exp(0.6 * np.convolve(rng.normal(size=hours + 24), np.ones(25) / 5, "valid"))
    trend = 0.0015 * np.sign(np.sin(np.arange(hours) / 30.0 + rng.uniform(0, 6)))
    steps = np.clip(rng.standard_t(4, hours) * 0.0024 * burst + trend, -0.08, 0.08)
    close = 60_000.0 * np.cumprod(1.0 + steps)
    bars = np.zeros(hours, DTYPES["bars"])
    bars["time_ms"], bars["span_ms"] = FIRST_MS + HOUR_MS * np.arange(1, hours + 1), HOUR_MS
    bars["open"], bars["close"] = np.round(np.concatenate(([60_000.0], close[:-1])), 1), np.round(close, 1)
    wick = np.abs(rng.normal(0.0, 0.003, (2, hours)))
    bars["high"] = np.round(np.maximum(bars["open"], bars["close"]) * (1.0 + wick[0]), 1)
    bars["low"] = np.round(np.minimum(bars["open"], bars["close"]) * (1.0 - wick[1]), 1)
    bars["volume_usd"] = np.round(5e8 * (0.5 + 200.0 * np.abs(steps)) * rng.lognormal(0.0, 0.3, hours), 2)
    share = np.clip(0.5 + 10.0 * steps + rng.normal(0.0, 0.03, hours), 0.1, 0.9)
    bars["buy_usd"] = np.round(bars["volume_usd"] * share, 2)
    bars["sell_usd"] = bars["volume_usd"] - bars["buy_usd"]
    interest = np.zeros(hours, DTYPES["open_interest"])
    interest["time_ms"] = bars["time_ms"]
    interest["oi_usd"] = 5e9 * np.cumprod(1.0 + rng.normal(0.0, 0.004, hours))
    totals = np.zeros(hours, DTYPES["totals"])
    totals["time_ms"], totals["span_ms"] = bars["time_ms"], HOUR_MS
    totals["long_usd"], totals["short_usd"] = np.where(steps < -0.01, 1e7, 1e4), np.where(steps > 0.01, 1e7, 1e4)
    funding = np.zeros(hours // 8, DTYPES["funding"])
    funding["time_ms"], funding["interval_h"] = bars["time_ms"][7::8][: hours // 8], 8.0
    funding["rate_pct"] = rng.normal(0.01, 0.02, hours // 8)
    return {"bars": bars, "open_interest": interest, "totals": totals, "funding": funding}
