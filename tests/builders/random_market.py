"""Random markets for laws of the whole house: two venues, trends, wicks, forced orders, funding that swings."""

import random

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import FundingRate, Liquidation, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.settings import Settings, settings_model

ROSTER = Roster(("binance", "bybit"), ("BTC",))
SPAN_MS = 300_000
START_MS = 1_700_000_000_000 // SPAN_MS * SPAN_MS


def random_market(seed: int, bars: int) -> list[EventBlock]:
    """One block per bar; prices in ticks of ten cents, so that no law hides behind rounding."""
    chance = random.Random(seed)
    price, drift, oi_usd = 50_000.0, 0.0, 2e9
    blocks = []
    for number in range(bars):
        tick_ms = START_MS + (number + 1) * SPAN_MS
        if chance.random() < 0.04:
            drift = chance.gauss(0.0, 0.004)
        opened = price
        price = round(price * (1.0 + drift + chance.gauss(0.0, 0.002)), 1)
        wick = abs(chance.gauss(0.0, 0.002)) + (chance.random() < 0.03) * chance.uniform(0.01, 0.05)
        down = chance.random() < 0.5
        low = round(min(opened, price) * (1.0 - (wick if down else wick / 8)), 1)
        high = round(max(opened, price) * (1.0 + (wick / 8 if down else wick)), 1)
        rush = (high - low) / opened
        oi_usd *= 1.0 + chance.gauss(0.0004, 0.002) - rush * 0.6
        rows = _rows(chance, tick_ms, (opened, high, low, price), rush, oi_usd, down=down)
        blocks.append(block_of(rows, ROSTER, tick_ms=tick_ms, backfilled=number < bars // 5))
    return blocks


def _rows(
    chance: random.Random, tick_ms: int, prices: tuple[float, float, float, float], rush: float, oi_usd: float, *,
    down: bool,
) -> list[MarketEvent]:
    rows: list[MarketEvent] = []
    for venue, share in (("binance", 0.7), ("bybit", 0.3)):
        opened, high, low, close = (round(price * (1.0 + (share < 0.5) * 2e-5), 1) for price in prices)
        volume_usd = share * 3e7 * (1.0 + 60.0 * rush) * chance.uniform(0.6, 1.5)
        buys = volume_usd * min(max(0.5 + 8.0 * (close - opened) / opened, 0.05), 0.95)
        about = {"time_ms": tick_ms, "venue": venue, "coin": "BTC"}
        rows.append(
            TradeBar(**about, span_ms=SPAN_MS, open=opened, high=max(opened, high, close), low=min(opened, low, close),
                     close=close, volume_usd=volume_usd, buy_usd=buys, sell_usd=volume_usd - buys)
        )
        rows.append(OpenInterest(**about, oi_usd=oi_usd * share))
        rows.append(MarkPrice(**about, mark_price=close, index_price=close))
        if rush > 0.012:
            side = Side.LONG if down else Side.SHORT
            at = low if down else high
            rows.append(Liquidation(**about, side=side, price=at, size_usd=volume_usd * 0.02))
        if tick_ms % 28_800_000 == 0:
            rows.append(FundingRate(**about, rate_pct=chance.gauss(0.01, 0.05), interval_h=8.0))
    return rows


def eager_settings(seed: int) -> Settings:
    """Gates turned wide open and risk turned at random: laws of safety must hold for whoever turns what."""
    chance = random.Random(seed + 1)
    return settings_model()(
        venues=ROSTER.venues,
        signals={
            "grab_reverse": {
                "distance_pct_min": 0.2, "distance_pct_max": 20.0, "size_ratio_min": 0.2, "volume_ratio_min": 0.5,
                "oi_change_pct_max": None, "flow_after_min": None, "printed_after_share_max": None,
                "beyond_ratio_max": 100.0, "fuel_spent_share_min": 0.0, "stop_pct_max": 6.0,
                "rejected_within_min": 300.0, "age_min_max": 120.0, "cooldown_ms": 0,
            },
            "cascade": {
                "size_ratio_min": 0.0, "volume_ratio_min": 0.3, "break_age_min_max": 20_160.0,
                "acceleration_ratio_min": -100.0,
            },
        },
        risk={
            "leverage_max": chance.choice([1, 2, 3, 4, 5]),
            "risk_per_trade_pct": chance.choice([0.2, 0.5, 1.0]),
            "warmth_pct_min": 0.0,
            "cooldown_after_loss_ms": 0,
            "cooldown_after_trade_ms": 0,
        },
        paper={"exchange": {"latency_ms": chance.choice([0, 50, 200, 1_500])}},
    )
