"""OKX's public requests: time, contracts and tiers, prices, funding, open interest, book, trades, candles."""

import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from paper.dialects.http import HttpAnswer, Request
from paper.dialects.hub import Hub
from paper.dialects.okx import numbers
from paper.dialects.okx.errors import NO_SUCH_INSTRUMENT, OkxRefused, parameter, success
from paper.dialects.okx.listing import INST_TYPE, Swap, Swaps, instrument_row, tier_rows
from paper.dialects.tickers import VenueTicker

Params = Mapping[str, str]
ROWS_MAX: Final = 100
CANDLES_MAX: Final = 300
_UNITS_MS: Final = {"m": 60_000, "H": 3_600_000, "D": 86_400_000}
_BAR: Final = re.compile(r"(\d+)([mHD])(?:utc)?")


class Read(Protocol):
    """Answers a request from its parameters alone."""

    def __call__(self, params: Params) -> HttpAnswer: ...


def _span_of(params: Params, name: str, default: str) -> int:
    """Milliseconds of `5m`, `1H`, `1Dutc`. Months and what is no span are refused."""
    found = _BAR.fullmatch(params.get(name, default))
    if found is None:
        raise OkxRefused(parameter(name))
    return int(found[1]) * _UNITS_MS[found[2]]


def rows_asked(params: Params, rows_max: int = ROWS_MAX) -> int:
    text = params.get("limit", "")
    return max(1, min(int(text), rows_max)) if text.isdigit() else rows_max


def between(params: Params, older: str, newer: str) -> tuple[float, float]:
    """Times or ids that rows must lie between, both left out: (newer than, older than)."""
    low, high = params.get(newer, ""), params.get(older, "")
    return (float(low) if low.isdigit() else float("-inf")), (float(high) if high.isdigit() else float("inf"))


OTHER_TYPES: Final = ("SPOT", "MARGIN", "FUTURES", "OPTION")


class OkxMarket:
    """Reads of the market. A kind of instrument other than swaps is noted as unknown."""

    def __init__(self, hub: Hub, venue: str, swaps: Swaps) -> None:
        self._hub, self._venue, self._swaps = hub, venue, swaps

    def reads(self) -> dict[str, tuple[Read, str]]:
        """Endpoint -> what answers it, and the parameters that it takes."""
        return {
            "GET /api/v5/public/instruments": (self._instruments, "instType instId instFamily uly"),
            "GET /api/v5/public/mark-price": (self._marks, "instType instId instFamily uly"),
            "GET /api/v5/public/open-interest": (self._open_interests, "instType instId instFamily uly"),
            "GET /api/v5/public/funding-rate": (self._funding, "instId"),
            "GET /api/v5/public/funding-rate-history": (self._past_funding, "instId before after limit"),
            "GET /api/v5/public/position-tiers": (self._tiers, "instType tdMode instFamily uly instId"),
            "GET /api/v5/market/ticker": (self._ticker, "instId"),
            "GET /api/v5/market/tickers": (self._tickers, "instType instFamily uly"),
            "GET /api/v5/market/index-tickers": (self._indexes, "instId quoteCcy"),
            "GET /api/v5/market/books": (self._book, "instId sz"),
            "GET /api/v5/market/trades": (self._trades, "instId limit"),
            "GET /api/v5/market/candles": (self._candles, "instId bar after before limit"),
            "GET /api/v5/market/history-candles": (self._past_candles, "instId bar after before limit"),
            "GET /api/v5/rubik/stat/contracts/open-interest-history": (
                self._past_interest, "instId period begin end limit"),
            "GET /api/v5/system/status": (self._maintenance, "state"),
        }

    def _maintenance(self, params: Params) -> HttpAnswer:
        """None is announced."""
        del params
        return success([])

    async def time(self, request: Request) -> HttpAnswer:
        return success([{"ts": str(self._hub.server_ms(request.skew_ms))}])

    # --- one kind of row for all swaps -----------------------------------------------------------------------------

    def _chosen(self, params: Params) -> list[Swap]:
        kind = params.get("instType", INST_TYPE)
        if kind != INST_TYPE:
            self._hub.note_unknown(self._venue, f"instType {kind}")
            raise OkxRefused(parameter("instType"))
        chosen = self._swaps.chosen(params)
        if not chosen:
            raise OkxRefused(NO_SUCH_INSTRUMENT)
        return chosen

    def _known(self, params: Params, known: Callable[[VenueTicker], float]) -> list[tuple[Swap, VenueTicker]]:
        """Of the chosen swaps those whose figure is known by now."""
        pairs = [(swap, self._of(swap)) for swap in self._chosen(params)]
        return [(swap, ticker) for swap, ticker in pairs if known(ticker)]

    def _of(self, swap: Swap) -> VenueTicker:
        return self._hub.ticker(self._venue, swap.coin)

    def _instruments(self, params: Params) -> HttpAnswer:
        """Of the venue's other kinds of instruments none is listed."""
        if params.get("instType") in OTHER_TYPES:
            return success([])
        return success([instrument_row(swap) for swap in self._chosen(params)])

    def _marks(self, params: Params) -> HttpAnswer:
        known = self._known(params, lambda ticker: ticker.mark_price)
        return success([numbers.mark_row(swap, ticker.mark_price, ticker.time_ms) for swap, ticker in known])

    def _open_interests(self, params: Params) -> HttpAnswer:
        known = self._known(params, lambda ticker: ticker.oi_usd and ticker.mark_or_last_price)
        return success([
            numbers.open_interest_row(swap, ticker.oi_usd, ticker.mark_or_last_price, ticker.oi_ms)
            for swap, ticker in known
        ])

    def _funding(self, params: Params) -> HttpAnswer:
        chosen = {} if params.get("instId") == "ANY" else params
        known = self._known(chosen, lambda ticker: ticker.rate_ms)
        return success([numbers.current_funding_row(swap, ticker, self._hub.now_ms) for swap, ticker in known])

    def _tiers(self, params: Params) -> HttpAnswer:
        return success([row for swap in self._chosen(params) for row in tier_rows(swap)])

    def _tickers(self, params: Params) -> HttpAnswer:
        known = self._known(params, lambda ticker: ticker.last_price)
        now_ms = self._hub.now_ms
        tops = [(swap, ticker, numbers.top_of(swap, ticker)) for swap, ticker in known]
        return success([numbers.ticker_row(swap, ticker, top, now_ms) for swap, ticker, top in tops if top is not None])

    def _indexes(self, params: Params) -> HttpAnswer:
        """An index may be requested by its own name or by its quote currency."""
        family = params.get("instId", "")
        if family and family not in self._swaps.by_family:
            raise OkxRefused(NO_SUCH_INSTRUMENT)
        known = self._known({"instFamily": family}, lambda ticker: ticker.index_price)
        now_ms = self._hub.now_ms
        return success([
            numbers.index_row(swap, ticker.index_price, ticker.day(now_ms), ticker.time_ms) for swap, ticker in known
        ])

    # --- one swap --------------------------------------------------------------------------------------------------

    def _one(self, params: Params) -> tuple[Swap, VenueTicker]:
        swap = self._swaps.by_id.get(params.get("instId", ""))
        if swap is None:
            raise OkxRefused(NO_SUCH_INSTRUMENT)
        return swap, self._of(swap)

    def _ticker(self, params: Params) -> HttpAnswer:
        self._one(params)
        return self._tickers(params)

    def _book(self, params: Params) -> HttpAnswer:
        swap, ticker = self._one(params)
        top = numbers.top_of(swap, ticker)
        return success([] if top is None else [numbers.book_row(swap, top, self._hub.now_ms)])

    def _trades(self, params: Params) -> HttpAnswer:
        """What has gone over the stream of trades, newest first."""
        swap, ticker = self._one(params)
        newest = list(reversed(ticker.prints))[: rows_asked(params, 500)]
        return success([numbers.trade_row(swap, print_) for print_ in newest])

    def _candles(self, params: Params) -> HttpAnswer:
        return self._spans(params, CANDLES_MAX, finished=False)

    def _past_candles(self, params: Params) -> HttpAnswer:
        return self._spans(params, ROWS_MAX, finished=True)

    def _spans(self, params: Params, rows_max: int, *, finished: bool) -> HttpAnswer:
        """Newest first, strictly between `before` and `after`."""
        swap, ticker = self._one(params)
        span_ms = _span_of(params, "bar", "1m")
        newer_ms, older_ms = between(params, "after", "before")
        rows = []
        for candle in reversed(ticker.candles_of(span_ms, None, None, len(ticker.candles) or 1)):
            over = candle.open_ms + span_ms <= self._hub.now_ms
            if newer_ms < candle.open_ms < older_ms and (over or not finished):
                rows.append(numbers.candle_row(swap, candle, over=over))
        return success(rows[: rows_asked(params, rows_max)])

    # --- the past --------------------------------------------------------------------------------------------------

    def _past_funding(self, params: Params) -> HttpAnswer:
        swap, ticker = self._one(params)
        newer_ms, older_ms = between(params, "after", "before")
        rows = [
            numbers.past_funding_row(swap, paid.value, paid.time_ms) for paid in reversed(ticker.funding)
            if newer_ms < paid.time_ms < older_ms
        ]
        return success(rows[: rows_asked(params)])

    def _past_interest(self, params: Params) -> HttpAnswer:
        """At each whole period the figure known by then; newest first."""
        swap, ticker = self._one(params)
        period_ms = _span_of(params, "period", "5m")
        begin_ms, end_ms = between(params, "end", "begin")
        known: dict[int, float] = {}
        for told_ in ticker.oi:
            known[-(-told_.time_ms // period_ms) * period_ms] = told_.value
        closes = numbers.closes_of(ticker)
        rows = []
        for at_ms, oi_usd in reversed(known.items()):
            price = closes.get(at_ms) or ticker.mark_or_last_price
            if price and begin_ms <= at_ms <= min(end_ms, self._hub.now_ms):
                rows.append(numbers.past_interest_row(swap, oi_usd, price, at_ms))
        return success(rows[: rows_asked(params)])
