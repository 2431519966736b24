"""Coins other than BTC and ETH: their markets are thin, the map's prior was never measured there. They are traded only
where somebody allows it by name, with half of every limit, and never with money."""

from collections.abc import Iterable
from typing import Final

from liqbot.risk.limits import RiskLimits

THICK_COINS: Final = ("BTC", "ETH")
_HALVED: Final = (
    "risk_per_trade_pct", "risk_per_trade_usd", "liquidation_loss_pct_max", "crowded_loss_pct_max", "exposure_max",
    "margin_pct_max", "order_notional_usd_max", "day_notional_usd_max", "volume_share_pct_max",
)  # fmt: skip
THIN_LABEL: Final = "thin coin: limits halved, never with money"


def is_thin(coin: str) -> bool:
    return coin not in THICK_COINS


def labelled(coins: Iterable[str]) -> str:
    """For people: coins with what must be known of the thin ones among them."""
    return ", ".join(f"{coin} ({THIN_LABEL})" if is_thin(coin) else coin for coin in coins)


def limits_for(coin: str, limits: RiskLimits) -> RiskLimits:
    """Those of one coin: of a thin one everything that says how much is halved, leverage rounded down to 1 at least."""
    if not is_thin(coin):
        return limits
    halves = {name: value / 2 for name in _HALVED if (value := getattr(limits, name)) is not None}
    return limits.model_copy(update=halves | {"leverage_max": max(1, limits.leverage_max // 2)})


def thin_trouble(coins: tuple[str, ...], mode: str, *, allowed: bool) -> str:
    """Why these coins may not be traded in a mode; empty when they may."""
    thin = ", ".join(coin for coin in coins if is_thin(coin))
    if not thin or mode == "observe":
        return ""
    if mode == "live":
        return f"{thin}: with money only {' and '.join(THICK_COINS)} are traded"
    if allowed:
        return ""
    return (
        f"{thin}: the market is thin and the map was never measured there; --allow-thin-coin (allow_thin_coin = true) "
        "trades it with half of every limit"
    )
