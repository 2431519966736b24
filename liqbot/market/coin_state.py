"""State of a `CoinMarket` as plain builtins, and back, exactly."""

from typing import Any

import msgspec

from liqbot.market.coin import CoinMarket, Now
from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.observed.prices import VenuePrice


def coin_state(coin: CoinMarket) -> dict[str, Any]:
    return {
        "prices": [msgspec.to_builtins(price) for price in coin.prices],
        "health": coin.intake.health.state(),
        "positions": coin.exposure.positions.state(),
        "calibration": coin.exposure.calibration.state(),
        "closing_pace": coin.exposure.closing_pace.state(),
        "measured": [coin.exposure.measured.state(), coin.exposure.now_ms],
        "tier_prior": coin.exposure.tier_prior.state(),
        "before": list(coin.exposure.before.items()),
        "foresight": coin.foresight.state(),
        "history": coin.history.state(),
        "rows": list(coin.exposure.row_of.items()),
        "unseen": [[row, packed(usd)] for row, usd in coin.exposure.unseen_usd.items()],
        "open_interest": coin.open_interest.state(),
        "funding": coin.funding.state(),
        "forced": coin.forced.state(),
        "bars": coin.bars.state(),
        "sweeps": coin.sweeps.state(),
        "now": msgspec.to_builtins(coin.now),
        "read": [coin.usual_read, [history.state() for history in coin.largest]],
    }


def load_coin_state(coin: CoinMarket, state: dict[str, Any]) -> None:
    coin.intake.prices = [VenuePrice(**price) for price in state["prices"]]
    coin.intake.health.load_state(state["health"])
    coin.exposure.positions.load_state(state["positions"])
    coin.exposure.calibration.load_state(state["calibration"])
    coin.exposure.closing_pace.load_state(state["closing_pace"])
    measured, coin.exposure.now_ms = state["measured"]
    coin.exposure.measured.load_state(measured)
    coin.exposure.tier_prior.load_state(state["tier_prior"])
    coin.exposure.before = {row: position for row, position in state["before"]}  # noqa: C416 - may come as lists
    coin.foresight.load_state(state["foresight"])
    coin.history.load_state(state["history"])
    coin.exposure.row_of = {code: row for code, row in state["rows"]}  # noqa: C416 - rows may come as lists
    coin.exposure.unseen_usd = {row: unpacked(usd) for row, usd in state["unseen"]}
    coin.open_interest.load_state(state["open_interest"])
    coin.funding.load_state(state["funding"])
    coin.forced.load_state(state["forced"])
    coin.bars.load_state(state["bars"])
    coin.sweeps.load_state(state["sweeps"])
    coin.now = Now(**state["now"])
    usual_read, histories = state["read"]
    coin.usual_read = (usual_read[0], usual_read[1])
    for history, kept in zip(coin.largest, histories, strict=True):
        history.load_state(kept)
    if coin.ready:
        coin.read()
