"""The venues' recipes: how orders are placed, found again and cancelled, and how the account is read."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from liqbot.execution.edge.recipes.binance import Binance
from liqbot.execution.edge.recipes.bybit import Bybit
from liqbot.execution.edge.recipes.okx import Okx
from liqbot.execution.edge.words import Recipe

RECIPES: Final[Mapping[str, Recipe]] = MappingProxyType(
    {recipe.venue: recipe for recipe in (Binance(), Bybit(), Okx())}
)
"""Venues that can be traded on, by name."""
