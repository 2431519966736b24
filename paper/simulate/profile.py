"""Settings of a simulated house: gates wide open so that it really trades, and risk turned at random within its bounds,
because laws of safety must hold for whoever turns what."""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from liqbot.settings import Settings, settings_model

COIN: Final = "BTC"
_AVOIDS: Final = ("density_percentile_max", "deeper_pct_max")
"""Drawn with the limits of risk, so that a seed keeps its house; they belong to `avoid_liquidity`."""
VENUES: Final = ("binance", "bybit", "okx", "bitget", "hyperliquid")


def wide_open(chance: random.Random, limits: Mapping[str, float]) -> Settings:
    """Two venues, the first of them traded; with these limits of risk beside those that are drawn."""
    venues = tuple(chance.sample(VENUES, 2))
    make: Callable[..., Settings] = settings_model()
    signals, risk = _signals(chance), _risk(chance)
    signals["avoid_liquidity"] = {name: risk.pop(name) for name in _AVOIDS}
    return make(
        venues=venues,
        trade_venue=venues[0],
        coins=(COIN,),
        signals=signals,
        risk={**risk, **limits},
        execution={"post_only_entries": chance.random() < 0.1},
        paper={
            "exchange": {
                "latency_ms": chance.choice([20, 100, 250, 600]),
                "leverage_initial": 20,
                "wallet_usd": chance.choice([5_000, 20_000, 100_000]),
            }
        },
    )


def _signals(chance: random.Random) -> dict[str, Any]:
    hold_ms = chance.choice([300_000, 900_000, 3_600_000])
    wide = {
        "distance_pct_max": 20.0, "size_ratio_min": 0.0, "notional_ahead_share_min": 0.0, "stop_pct_min": 0.4,
        "stop_pct_max": 10.0, "reward_min": 0.01, "max_hold_ms": hold_ms,
    }
    return {
        "cluster_reach_pct": 20.0,
        "cascade": {
            **wide, "bias_min": 0.1, "momentum_pct_min": -10.0, "volume_ratio_min": 0.0, "flow_min": None,
            "behind_share_max": 100.0, "rejected_age_min": 0.0, "stop_range": chance.choice([0.2, 0.5]),
        },
        "funding_squeeze": {
            **wide, "opposite_funding_percentile_min": 50.0, "funding_pct_min": 0.0, "oi_change_pct_min": None,
            "adverse_pct_max": 10.0,
        },
        "grab_reverse": {
            "distance_pct_min": 0.0, "distance_pct_max": 20.0, "size_ratio_min": 0.0, "volume_ratio_min": 0.0,
            "oi_change_pct_max": None, "flow_after_min": None, "printed_after_share_max": None,
            "beyond_share_max": 50.0, "stop_pct_max": 6.0, "rejected_within_min": 300.0, "age_min_max": 120.0,
            "max_hold_ms": hold_ms,
        },
    }


def _risk(chance: random.Random) -> dict[str, Any]:
    return {
        "leverage_max": chance.choice([1, 2, 3, 4, 5, 5]),
        "risk_per_trade_pct": chance.choice([0.2, 0.5, 1.0]),
        "warmth_pct_min": 0.0,
        "cooldown_after_loss_ms": 0,
        "cooldown_after_trade_ms": 0,
        "reward_min": 0.0,
        "price_band_pct": 3.0,
        "stop_pct_max": 10.0,
        "density_percentile_max": chance.choice([40.0, 80.0]),
        "deeper_pct_max": chance.choice([0.5, 2.0]),
        "daily_loss_pct_max": chance.choice([2.0, 10.0, 10.0, 10.0]),
        "weekly_loss_pct_max": 20.0,
        "drawdown_pct_max": 30.0,
        "day_notional_usd_max": 50_000_000.0,
        "volume_share_pct_max": 10.0,
        "break_even_r": chance.choice([0.2, 1.0]),
        "trail_range": chance.choice([0.3, 1.5]),
        "stop_step_pct": chance.choice([0.02, 0.1]),
    }
