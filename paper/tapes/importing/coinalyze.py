"""What the histories of Coinalyze have in common: answers of https://api.coinalyze.net/v1 in JSON, or tables without a
header line that are named after symbol and endpoint (`BTCUSDT_PERP.A_ohlcv-history`).

A row's time is the begin of its interval. Volume, open interest and forced closes are coins, unless a JSON answer was
asked for with convert_to_usd, which it does not tell (`Hints.in_usd`).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from paper.tapes.importing.amounts import BookAmounts
from paper.tapes.importing.candles import OHLC, with_span
from paper.tapes.importing.cells import Cells
from paper.tapes.importing.reading import Reading
from paper.tapes.importing.tables import Sample

VENUES: Final[Mapping[str, str]] = {
    "A": "binance", "6": "bybit", "3": "okx", "4": "htx", "2": "deribit", "7": "phemex", "8": "dydx", "F": "bitfinex",
    "H": "hyperliquid", "K": "krakenfutures", "Y": "gate", "C": "coinbase",
}  # fmt: skip
"""Its code of an exchange, the last letter of a symbol -> venue."""
_CANDLE: Final = {"t": "time", "o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "bv": "buy_volume"}
_CALLED: Final[Mapping[str, Mapping[str, str]]] = {
    "ohlcv": _CANDLE, "open-interest": _CANDLE, "liquidation": {"t": "time", "l": "long", "s": "short"},
}  # fmt: skip
"""Endpoint -> a JSON answer's names of columns -> ours."""
_COLUMNS: Final = {
    "ohlcv": ("time", *OHLC, "volume", "buy_volume", "trades", "buy_trades"),
    "liquidation": ("time", "long", "short"),
    "open-interest": ("time", *OHLC),
}
"""Endpoint -> columns of a table without a header line."""
_NAMED: Final = re.compile(r"(?:(?P<symbol>\w+\.[A-Z0-9])_)?(?P<endpoint>[a-z-]+?)-history.*")


def endpoint_of(sample: Sample) -> str | None:
    """By the file's name; of JSON also by fields that only one endpoint has. None for what is no history of theirs."""
    named = _NAMED.fullmatch(sample.source.stem)
    if named is not None and (named["symbol"] or sample.has("symbol", "t")):
        return named["endpoint"]
    if sample.has("symbol", "t", "v", "bv"):
        return "ohlcv"
    return "liquidation" if sample.has("symbol", "t", "l", "s") and not sample.has("r") else None


def series(reading: Reading) -> Iterator[tuple[BookAmounts, Cells, int]]:
    """Rows of each symbol, in the columns of its endpoint, with the length of their interval."""
    named = bool(reading.sample.names)
    endpoint = endpoint_of(reading.sample) or ""
    for part, span_ms in with_span(reading, () if named else _COLUMNS[endpoint], "t" if named else "time"):
        for symbol, cells in _by_symbol(reading, part):
            venue = VENUES.get(symbol[-1])
            if venue is None:
                reading.note(f"{symbol} is left out: {symbol[-1]!r} is none of the exchanges {', '.join(VENUES)}")
                continue
            yield reading.book(venue, symbol), cells.renamed(_CALLED[endpoint]), span_ms


def _by_symbol(reading: Reading, part: Cells) -> Iterator[tuple[str, Cells]]:
    if reading.sample.names:
        for (symbol,), cells in part.by_words("symbol"):
            yield symbol, cells
    else:
        yield reading.sample.source.stem.rpartition("_")[0], part
