"""dYdX's indexer, market data only."""

import functools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from liqbot.venues.registry import mechanics_of
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ForcedPrint, ListedContract, MarketContract, ratio, text
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages, RequestRefused
from paper.dialects.market_data.history import candles, paid_funding, past_interest
from paper.dialects.trade_prints import TradePrint, plain

REST: Final = "/v4"
SPAN_MS: Final = {"1MIN": 60_000, "5MINS": 300_000, "1HOUR": 3_600_000}
Row = dict[str, Any]


class DydxDialect(MarketDataDialect):
    """Only trades are streamed; times are ISO texts."""

    venue: ClassVar[str] = "dydx"
    hosts: ClassVar[tuple[str, ...]] = ("indexer.dydx.trade",)
    time_address: ClassVar[str] = "indexer.dydx.trade/v4/perpetualMarkets"
    stream_paths: ClassVar[tuple[str, ...]] = ("/v4/ws",)
    forced_in_trades: ClassVar[bool] = True
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="BTC-USD", tick="1", lot="0.0001"),
        ListedContract(coin="ETH", id="ETH-USD", tick="0.1", lot="0.001"),
    )

    def answers(self) -> Mapping[str, Answer]:
        found: dict[str, Answer] = {f"GET {REST}/perpetualMarkets": self._markets}
        for one in self.contracts:
            found[f"GET {REST}/candles/perpetualMarkets/{one.id}"] = functools.partial(self._candles, one)
            found[f"GET {REST}/historicalFunding/{one.id}"] = functools.partial(self._paid, one)
        return found

    def refusal(self, words: str) -> Any:
        return {"errors": [{"msg": words}]}

    def _markets(self, request: Request) -> Row:
        name = request.params.get("ticker")
        chosen = [self.contract(name)] if name else self.contracts
        return {"markets": {one.id: self._market(one) for one in chosen}}

    def _market(self, one: MarketContract) -> Row:
        """The oracle price is mark and index in one."""
        now, tier = one.now, mechanics_of(one.venue_key, one.coin).table.tiers[0]
        return {
            "clobPairId": "0", "ticker": one.id, "status": "ACTIVE", "oraclePrice": text(now.mark_price),
            "nextFundingRate": ratio(now.rate_pct), "openInterest": one.counted(now), "marketType": "CROSS",
            "initialMarginFraction": plain(1.0 / tier.leverage_max),
            "maintenanceMarginFraction": ratio(tier.maintenance_pct), "tickSize": one.listed.tick,
            "stepSize": one.listed.lot, "trades24H": 1, "volume24H": plain(one.ticker.day(self.hub.now_ms).volume_usd),
        }  # fmt: skip

    def _candles(self, one: MarketContract, request: Request) -> Row:
        """Newest first, each with open interest as it began."""
        span_ms = SPAN_MS.get(request.params.get("resolution", ""))
        if span_ms is None:
            raise RequestRefused(self.refusal("resolution"))
        since_ms, until_ms = (_ms(request.params.get(name)) for name in ("fromISO", "toISO"))
        interest = {
            past.time_ms: past for past in past_interest(one, span_ms, since_ms, until_ms, self.hub.now_ms)
        }
        return {"candles": [
            {
                "startedAt": _iso(candle.open_ms), "ticker": one.id, "resolution": request.params["resolution"],
                "low": plain(candle.low), "high": plain(candle.high), "open": plain(candle.open),
                "close": plain(candle.close), "usdVolume": plain(candle.volume_usd), "trades": candle.trades,
                "baseTokenVolume": plain(one.amount(candle.volume_usd, candle.close)),
                "startingOpenInterest": plain(one.amount(past.oi_usd, past.price))
                if (past := interest.get(candle.open_ms)) is not None else "",
            }
            for candle in reversed(candles(one, span_ms, since_ms, until_ms, 1_000))
        ]}  # fmt: skip

    def _paid(self, one: MarketContract, request: Request) -> Row:
        """Newest first, a little after the full hour."""
        until_ms = _ms(request.params.get("effectiveBeforeOrAt"))
        return {"historicalFunding": [
            {
                "ticker": one.id, "rate": ratio(rate.value), "price": text(one.now.mark_price),
                "effectiveAtHeight": "1", "effectiveAt": _iso(rate.time_ms + 219),
            }
            for rate in reversed(paid_funding(one, None, until_ms))
        ]}  # fmt: skip

    # --- websockets --------------------------------------------------------------------------------------------------

    def receive(self, socket: Socket, message: Any) -> bool:
        request = message if isinstance(message, dict) else {}
        one = self.by_id.get(str(request.get("id")))
        if request.get("type") != "subscribe" or request.get("channel") != "v4_trades" or one is None:
            return False
        before = [_trade(one, print_) for print_ in list(one.ticker.prints)[-100:]]
        socket.send_json(_frame(one, before, "subscribed"))
        self.subscribe(socket, one.id)
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        yield contract.id, _frame(contract, [_trade(contract, one) for one in prints], "channel_data")

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        row = _print(order.time_ms, order.price, plain(order.amount_units), bought=order.side is Side.SHORT)
        yield contract.id, _frame(contract, [row | {"type": "LIQUIDATED"}], "channel_data")


def _trade(one: MarketContract, print_: TradePrint) -> Row:
    return _print(print_.time_ms, print_.price, plain(one.traded(print_)), bought=print_.taker_buys)


def _print(time_ms: int, price: float, size: str, *, bought: bool) -> Row:
    return {"id": "01", "side": "BUY" if bought else "SELL", "size": size, "price": plain(price), "type": "LIMIT",
            "createdAt": _iso(time_ms)}


def _frame(one: MarketContract, rows: list[Row], kind: str) -> Row:
    return {"type": kind, "connection_id": "1", "message_id": 1, "channel": "v4_trades", "id": one.id,
            "version": "2.1.0", "contents": {"trades": rows}}


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ms(iso: str | None) -> int | None:
    return None if iso is None else round(datetime.fromisoformat(iso).timestamp() * 1_000)


DIALECT: Final = DydxDialect
