"""Websockets that WOO X and Orderly speak alike, on the simulated side: a topic is a contract and a kind."""

from collections.abc import Sequence
from typing import Any, ClassVar

from paper.dialects.http import Socket
from paper.dialects.market_data.contracts import MarketContract
from paper.dialects.market_data.dialect import MarketDataDialect, Messages
from paper.dialects.trade_prints import TradePrint

Row = dict[str, Any]


class WooTopicsDialect(MarketDataDialect):
    """Figures are numbers."""

    kinds: ClassVar[tuple[str, ...]]
    """Behind `<contract>@`."""
    whole_topics: ClassVar[tuple[str, ...]] = ()
    """Of all contracts together."""
    trade_fields: ClassVar[Row] = {}
    """What stands in every trade."""

    def refusal(self, words: str) -> Any:
        return {"success": False, "code": -1_005, "message": words}

    def receive(self, socket: Socket, message: Any) -> bool:
        request = message if isinstance(message, dict) else {}
        event, topic = str(request.get("event", "")), str(request.get("topic", ""))
        if event == "ping":
            # Without it the unified client takes the connection for dead after its second question.
            socket.send_json({"event": "pong", "ts": self.hub.now_ms})
        if event in ("ping", "pong"):
            return True
        contract_id, _, kind = topic.partition("@")
        listed = topic in self.whole_topics or (contract_id in self.by_id and kind in self.kinds)
        if event != "subscribe" or not listed:
            return False
        socket.send_json({"id": request.get("id"), "event": "subscribe", "success": True, "ts": self.hub.now_ms})
        self.subscribe(socket, topic)
        return True

    def trades(self, contract: MarketContract, prints: Sequence[TradePrint]) -> Messages:
        for one in prints:
            yield topic_message(contract, "trade", one.time_ms, {
                "price": one.price, "size": float(contract.traded(one)), **self.trade_fields,
                "side": "BUY" if one.taker_buys else "SELL",
            })  # fmt: skip

    def quotes(self, contract: MarketContract, updated: frozenset[str]) -> Messages:
        if "mark" in updated:
            figures = contract.figures
            yield topic_message(contract, "markprice", figures.time_ms, {"price": figures.mark_price})


def topic_message(contract: MarketContract, kind: str, time_ms: int, data: Row) -> tuple[str, Row]:
    """Of one contract."""
    topic = f"{contract.id}@{kind}"
    return topic, {"topic": topic, "ts": time_ms, "data": {"symbol": contract.id, **data}}
