"""State of a `CoinMarket` as plain builtins, and back, exactly."""

from typing import Any

import msgspec

from liqbot.market.coin import CoinMarket, Now
from liqbot.market.observed.prices import VenuePrice


def coin_state(coin: CoinMarket) -> dict[str, Any]:
    return {
        "prices": [msgspec.to_builtins(price) for price in coin.prices],
        "health": coin.outliers.health.state(),
        "agreement": coin.outliers.agreement.state(),
        "quotes": coin.outliers.quotes.state(),
        "rates": list(coin.estimator.worth.rates),
        "trust": coin.trust.state(),
        "estimate": coin.estimator.state.packed(),
        "evaluation": coin.evaluation.state(),
        "history": coin.history.state(),
        "open_interest": coin.open_interest.state(),
        "funding": coin.funding.state(),
        "forced": coin.forced.state(),
        "bars": coin.bars.state(),
        "sweeps": coin.sweeps.state(),
        "whales": coin.whales.state(),
        "now": msgspec.to_builtins(coin.now),
        "usual": coin.usual.state(),
    }


def load_coin_state(coin: CoinMarket, state: dict[str, Any]) -> None:
    coin.outliers.prices = [VenuePrice(**price) for price in state["prices"]]
    coin.outliers.health.load_state(state["health"])
    coin.outliers.agreement.load_state(state["agreement"])
    coin.outliers.quotes.load_state(state["quotes"])
    coin.trust.load_state(state["trust"])
    coin.estimator.worth.weights = coin.trust.weights
    coin.estimator.worth.rates = coin.estimator.worth.rates_before = list(state["rates"])
    coin.estimator.load_state(state["estimate"])
    coin.evaluation.load_state(state["evaluation"])
    coin.history.load_state(state["history"])
    coin.open_interest.load_state(state["open_interest"])
    coin.funding.load_state(state["funding"])
    coin.forced.load_state(state["forced"])
    coin.bars.load_state(state["bars"])
    coin.sweeps.load_state(state["sweeps"])
    coin.whales.load_state(state["whales"])
    coin.now = Now(**state["now"])
    coin.usual.load_state(state["usual"])
    if coin.ready:
        coin.read()
