"""Orderly's perpetuals, market data only."""

import functools
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from liqbot.instruments import Side
from paper.dialects.http import Request, Socket
from paper.dialects.market_data.contracts import ForcedPrint, ListedContract, MarketContract
from paper.dialects.market_data.dialect import Answer, Messages
from paper.dialects.market_data.history import number, paid_funding
from paper.dialects.market_data.woo_topics import Row, WooTopicsDialect

REST: Final = "/v1/public"


class OrderlyDialect(WooTopicsDialect):
    """Figures are numbers. Forced orders carry no price."""

    venue: ClassVar[str] = "woofipro"
    hosts: ClassVar[tuple[str, ...]] = ("api-evm.orderly.org", "ws-evm.orderly.org")
    time_address: ClassVar[str] = "api-evm.orderly.org/v1/public/info"
    stream_paths: ClassVar[tuple[str, ...]] = ("/ws/stream",)
    kinds: ClassVar[tuple[str, ...]] = ("trade", "markprice")
    whole_topics: ClassVar[tuple[str, ...]] = ("liquidation",)
    forced_at_mark: ClassVar[bool] = True
    listed: ClassVar[tuple[ListedContract, ...]] = (
        ListedContract(coin="BTC", id="PERP_BTC_USDC", tick="0.1", lot="0.00001"),
        ListedContract(coin="ETH", id="PERP_ETH_USDC", tick="0.01", lot="0.0001"),
    )

    def opened(self, socket: Socket) -> bool:
        """The account's id, or anybody's, ends the path."""
        return socket.path.startswith("/ws/stream/")

    def answers(self) -> Mapping[str, Answer]:
        found: dict[str, Answer] = {
            f"GET {REST}/info": self._contracts, f"GET {REST}/funding_rate_history": self._paid,
            f"GET {REST}/system_info": lambda _: self._answer({"status": 0, "msg": "System is functioning properly."}),
        }
        for one in self.contracts:
            found[f"GET {REST}/info/{one.id}"] = functools.partial(self._contract, one)
            found[f"GET {REST}/futures/{one.id}"] = functools.partial(self._figures, one)
        return found

    def _answer(self, data: Any) -> Row:
        return {"success": True, "timestamp": self.hub.now_ms, "data": data}

    def _contracts(self, request: Request) -> Row:
        del request
        return self._answer({"rows": [_listed(one) for one in self.contracts]})

    def _contract(self, one: MarketContract, request: Request) -> Row:
        del request
        return self._answer(_listed(one))

    def _figures(self, one: MarketContract, request: Request) -> Row:
        del request
        now = one.now
        return self._answer({
            "symbol": one.id, "index_price": now.index_price, "mark_price": now.mark_price,
            "est_funding_rate": _rate(now.rate_pct), "last_funding_rate": _rate(now.rate_pct),
            "next_funding_time": one.ticker.next_funding_ms(self.hub.now_ms),
            "open_interest": float(one.counted(now) or 0),
        })  # fmt: skip

    def _paid(self, request: Request) -> Row:
        one = self.contract(request.params.get("symbol"))
        found = paid_funding(one, number(request.params, "start_t"), number(request.params, "end_t"))
        rows = [{"symbol": one.id, "funding_rate": _rate(rate.value), "funding_rate_timestamp": rate.time_ms}
                for rate in reversed(found)]
        return self._answer({"rows": rows, "meta": {"total": len(rows), "records_per_page": 25, "current_page": 1}})

    # --- websockets --------------------------------------------------------------------------------------------------

    def forced(self, contract: MarketContract, order: ForcedPrint) -> Messages:
        size = float(order.amount_units) * (1 if order.side is Side.LONG else -1)
        entry = {
            "liquidationId": order.time_ms, "timestamp": order.time_ms, "type": "liquidated",
            "positionsByPerp": [{"symbol": contract.id, "positionQty": size, "liquidatorFee": 0.0175}],
        }  # fmt: skip
        # An entry comes again when the list it stands in changes.
        for _ in range(2):
            yield "liquidation", {"topic": "liquidation", "ts": order.time_ms, "data": [entry]}


def _listed(one: MarketContract) -> Row:
    return {
        "symbol": one.id, "quote_min": 1, "quote_max": 1_000_000, "quote_tick": float(one.listed.tick),
        "base_min": float(one.listed.lot), "base_max": 1_000, "base_tick": float(one.listed.lot), "min_notional": 10,
        "funding_period": one.now.interval_h, "base_mmr": 0.006, "base_imr": 0.01, "imr_factor": 0.0002512,
    }  # fmt: skip


def _rate(pct: float | None) -> float | None:
    return None if pct is None else pct / 100.0


DIALECT: Final = OrderlyDialect
