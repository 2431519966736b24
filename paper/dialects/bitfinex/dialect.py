"""Bitfinex's perpetuals, market data only."""

import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from paper.dialects.http import Request, Socket
from paper.dialects.hub import Hub
from paper.dialects.market_data.contracts import Figures, ForcedPrint, ListedContract, MarketContract
from paper.dialects.market_data.dialect import Answer, MarketDataDialect, Messages
from paper.dialects.market_data.history import candles, number
from paper.dialects.trade_prints import TradePrint

PAIRS: Final = "pub:info:pair,pub:info:pair:futures,pub:list:pair:securities,pub:list:pair:margin"
CURRENCIES: Final = (
    "pub:list:currency,pub:map:currency:sym,pub:map:currency:label,pub:map:currency:unit,pub:map:currency:undl,"
    "pub:map:currency:pool,pub:map:currency:explorer,pub:map:currency:tx:fee,pub:map:tx:method,pub:info:tx:status,"
    "pub:list:currency:margin"
)
FORCED: Final = "liq:global"
FORCED_NUMBER: Final = 9
PAST: Final = 30
Row = list[Any]


class BitfinexDialect(MarketDataDialect):
    """Lists without names, each under the number of its channel; a trade comes twice, and with the first connection
    those of before."""

    venue: ClassVar[str] = "bitfinex"
    hosts: ClassVar[tuple[str, ...]] = ("api-pub.bitfinex.com", "api.bitfinex.com")
    time_address: ClassVar[str] = "api-pub.bitfinex.com/v2/platform/status"
    stream_paths: ClassVar[tuple[str, ...]] = ("/ws/2",)
    forced_at_mark: ClassVar[bool] = True
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="tBTCF0:USTF0", tick="1", lot="0.0001"),
        ListedContract(coin="ETH", id="tETHF0:USTF0", tick="0.1", lot="0.001"),
    )

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self._positions = itertools.count(171_085_137)

    # --- requests ----------------------------------------------------------------------------------------------------

    def answers(self) -> Mapping[str, Answer]:
        found: dict[str, Answer] = {
            "GET /v2/platform/status": lambda _: [1],
            f"GET /v2/conf/{PAIRS}": lambda _: [[], [_listed(one) for one in self.contracts], [], []],
            f"GET /v2/conf/{CURRENCIES}": lambda _: [[] for _ in range(11)],
            "GET /v2/status/deriv": self._statuses,
        }
        for one in self.contracts:
            found[f"GET /v2/candles/trade:5m:{one.id}/hist"] = functools.partial(_candles, one)
        return found

    def refusal(self, words: str) -> Any:
        return ["error", 10_020, words]

    def _statuses(self, request: Request) -> Row:
        names = str(request.params.get("keys", "ALL"))
        wanted = list(self.by_id) if names == "ALL" else names.split(",")
        found = [self.contract(name) for name in wanted]
        return [[one.id, *_status(one, one.now, self.hub.now_ms)] for one in found]

    # --- websockets --------------------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> bool:
        if super().opened(socket):
            socket.send_json({"event": "info", "version": 2, "serverId": "1", "platform": {"status": 1}})
            return True
        return False

    def receive(self, socket: Socket, message: Any) -> bool:
        if not isinstance(message, dict):
            return False
        if message.get("event") == "ping":
            socket.send_json({"event": "pong", "ts": self.hub.now_ms, "cid": message.get("cid")})
            return True
        channel, named = message.get("channel"), str(message.get("key", message.get("symbol", "")))
        one = self.by_id.get(named.removeprefix("deriv:"))
        if message.get("event") != "subscribe" or (one is None and named != FORCED):
            return False
        topic = FORCED if one is None else f"{channel}:{one.id}"
        head = {"event": "subscribed", "channel": channel, "chanId": self._number(topic)}
        socket.send_json(head | ({"key": named} if channel == "status" else {"symbol": named, "pair": named[1:]}))
        self.subscribe(socket, topic)
        if one is not None and channel == "trades":
            socket.send_json([self._number(topic), [_trade(one, past) for past in list(one.ticker.prints)[-PAST:]]])
        elif one is not None:
            socket.send_json([self._number(topic), _status(one, one.now, self.hub.now_ms)])
        return True

    def _number(self, topic: str) -> int:
        """Of a channel: the same on every connection here."""
        channel, _, name = topic.partition(":")
        place = list(self.by_id).index(name) if name in self.by_id else -1
        return FORCED_NUMBER if place < 0 else 100 * (place + 1) + (channel == "trades")

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        topic = f"trades:{contract.id}"
        for one in prints:
            for kind in ("te", "tu"):
                yield topic, [self._number(topic), kind, _trade(contract, one)]

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        del updated
        topic = f"status:{contract.id}"
        yield topic, [self._number(topic), _status(contract, contract.figures, contract.figures.time_ms)]

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        """First that it begins, without a price, then that it was sold, and at which."""
        position, amount = next(self._positions), float(order.amount_units) * (1.0 if order.side is Side.LONG else -1.0)
        for stage in (0, 1):
            row = [
                "pos", position, float(order.time_ms), None, contract.id, amount, order.price * 1.01, None, stage,
                stage, None, order.price if stage else None,
            ]  # fmt: skip
            yield FORCED, [FORCED_NUMBER, [row]]


def _trade(contract: MarketContract, one: TradePrint) -> Row:
    amount = float(contract.traded(one))
    return [one.number, one.time_ms, amount if one.taker_buys else -amount, one.price]


def _status(contract: MarketContract, now: Figures, time_ms: int) -> Row:
    counted = contract.counted(now)
    rate = None if now.rate_pct is None else now.rate_pct / 100.0
    row: Row = [None] * 23
    row[0], row[2], row[3], row[5] = time_ms, now.last_price, now.index_price, 36_950_860.76
    row[7], row[8], row[9] = contract.ticker.next_funding_ms(time_ms), 0.00000527, 82
    row[11], row[14], row[17] = rate, now.mark_price, float(counted) if counted else None
    row[21], row[22] = 0.0005, 0.0025
    return row


def _candles(one: MarketContract, request: Request) -> Row:
    """Oldest first, as `sort` 1 asks for it; the close comes before the high."""
    since_ms, until_ms = number(request.params, "start"), number(request.params, "end")
    found = candles(one, 300_000, since_ms, until_ms, number(request.params, "limit", 100) or 100)
    return [
        [
            candle.open_ms, candle.open, candle.close, candle.high, candle.low,
            float(one.amount(candle.volume_usd, candle.close)),
        ]
        for candle in found
    ]  # fmt: skip


def _listed(one: MarketContract) -> Row:
    return [one.id[1:], [None, None, None, one.listed.lot, "1000", None, None, None, 0.01, 0.005]]


DIALECT: Final = BitfinexDialect
