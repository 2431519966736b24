"""WOO X's perpetuals, market data only."""

from collections.abc import Mapping
from typing import ClassVar, Final

from paper.dialects.http import Request
from paper.dialects.market_data.contracts import ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, Messages, RequestRefused
from paper.dialects.market_data.history import candles, number, paid_funding
from paper.dialects.market_data.woo_topics import Row, WooTopicsDialect, topic_message
from paper.dialects.trade_prints import plain

REST: Final = "/v3/public"
SPAN_MS: Final = {"1m": 60_000, "5m": 300_000, "1h": 3_600_000}


class WooDialect(WooTopicsDialect):
    """Figures are numbers in streams and texts in answers."""

    venue: ClassVar[str] = "woo"
    hosts: ClassVar[tuple[str, ...]] = ("api.woox.io", "wss.woox.io")
    time_address: ClassVar[str] = "api.woox.io/v3/public/instruments"
    stream_paths: ClassVar[tuple[str, ...]] = ("/ws/stream",)
    kinds: ClassVar[tuple[str, ...]] = ("trade", "markprice", "estfundingrate", "openinterest")
    trade_fields: ClassVar[Row] = {"source": 1}
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="PERP_BTC_USDT", tick="0.1", lot="0.0001"),
        ListedContract(coin="ETH", id="PERP_ETH_USDT", tick="0.01", lot="0.001"),
    )

    def answers(self) -> Mapping[str, Answer]:
        return {
            f"GET {REST}/instruments": self._contracts, f"GET {REST}/futures": self._figures,
            f"GET {REST}/klineHistory": self._candles, f"GET {REST}/fundingRateHistory": self._paid,
        }  # fmt: skip

    def _rows(self, rows: list[Row]) -> Row:
        return {"success": True, "timestamp": self.hub.now_ms, "data": {"rows": rows}}

    def _contracts(self, request: Request) -> Row:
        del request
        return self._rows([
            {
                "symbol": one.id, "status": "TRADING", "baseAsset": one.coin, "quoteAsset": "USDT",
                "baseAssetMultiplier": 1, "quoteMin": "0", "quoteMax": "1000000", "quoteTick": one.listed.tick,
                "baseMin": one.listed.lot, "baseMax": "1000", "baseTick": one.listed.lot, "minNotional": "10",
            }
            for one in self.contracts
        ])  # fmt: skip

    def _figures(self, request: Request) -> Row:
        one = self.contract(request.params.get("symbol"))
        now = one.now
        return self._rows([{
            "symbol": one.id, "indexPrice": text(now.index_price), "markPrice": text(now.mark_price),
            "estFundingRate": ratio(now.rate_pct), "openInterest": one.counted(now),
            "nextFundingTime": one.ticker.next_funding_ms(self.hub.now_ms),
        }])  # fmt: skip

    def _candles(self, request: Request) -> Row:
        """Newest first; `after` and `before` are left out themselves."""
        one = self.contract(request.params.get("symbol"))
        span_ms = SPAN_MS.get(request.params.get("type", ""))
        since_ms, until_ms = number(request.params, "after"), number(request.params, "before")
        if span_ms is None or since_ms is None or until_ms is None:
            raise RequestRefused(self.refusal("type, after or before"))
        limit = number(request.params, "limit", 100) or 100
        return self._rows([
            {
                "symbol": one.id, "open": plain(candle.open), "close": plain(candle.close),
                "high": plain(candle.high), "low": plain(candle.low), "amount": plain(candle.volume_usd),
                "volume": plain(one.amount(candle.volume_usd, candle.close)), "type": request.params["type"],
                "startTimestamp": candle.open_ms, "endTimestamp": candle.open_ms + span_ms,
            }
            for candle in reversed(candles(one, span_ms, since_ms + 1, until_ms - 1, limit))
        ])  # fmt: skip

    def _paid(self, request: Request) -> Row:
        one = self.contract(request.params.get("symbol"))
        found = paid_funding(one, number(request.params, "startTime"), number(request.params, "endTime"))
        return self._rows([
            {"symbol": one.id, "fundingRate": ratio(rate.value), "fundingRateTimestamp": rate.time_ms}
            for rate in reversed(found)
        ])

    # --- websockets --------------------------------------------------------------------------------------------------

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        yield from super().quotes(contract, updated)
        figures = contract.figures
        if "funding" in updated:
            yield topic_message(contract, "estfundingrate", figures.time_ms, {
                "fundingRate": None if figures.rate_pct is None else figures.rate_pct / 100.0,
                "fundingTs": contract.ticker.next_funding_ms(figures.time_ms),
            })  # fmt: skip
        if "open_interest" in updated:
            amount = float(contract.counted(figures) or 0)
            yield topic_message(contract, "openinterest", figures.time_ms, {"openInterest": amount})


DIALECT: Final = WooDialect
