"""OKX's public streams: a market block as the messages that the venue would have sent."""

import heapq
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import msgspec

from liqbot.blocks import EventBlock, Rows
from liqbot.instruments import Side
from paper.dialects.hub import Hub
from paper.dialects.okx import numbers
from paper.dialects.okx.channels import FORCED, INDEX, Arg
from paper.dialects.okx.listing import INST_TYPE, Row, Swap, Swaps
from paper.dialects.tickers import VenueTicker
from paper.dialects.trade_prints import TradePrint, plain

Timed = tuple[int, str, bytes]
FORCED_ARG: Final = Arg(FORCED, INST_TYPE)


class Streams:
    """Messages of every public channel, and what a new subscriber gets at once."""

    def __init__(self, hub: Hub, venue: str, swaps: Swaps) -> None:
        self._hub, self._venue, self._swaps = hub, venue, swaps

    def messages(self, block: EventBlock, wanted: AbstractSet[str]) -> Iterator[tuple[str, bytes]]:
        """In order of time, made one by one; within a millisecond forced orders come after the trades they were."""
        sources: list[Iterable[Timed]] = []
        for swap in self._swaps.of.values():
            ticker = self._hub.ticker(self._venue, swap.coin)
            if Arg("trades", inst_id=swap.inst_id).topic in wanted:
                sources.append(self._trades(swap))
            if FORCED_ARG.topic in wanted:
                sources.append(self._forced(swap, self._rows(block.liquidations, swap)))
            sources.append(self._standing_figures(swap, ticker, block, wanted))
        for _, topic, message in heapq.merge(*sources, key=itemgetter(0)):
            yield topic, message

    def _standing_figures(
        self, swap: Swap, ticker: VenueTicker, block: EventBlock, wanted: AbstractSet[str]
    ) -> list[Timed]:
        """In order of time."""
        found: list[Timed] = []
        for channel, time_ms, row in self._states(swap, ticker, block, self._rows(block.bars, swap)):
            arg = Arg(channel, inst_id=row["instId"] if channel == INDEX else swap.inst_id)
            if arg.topic in wanted:
                found.append((time_ms, arg.topic, arg.message(msgspec.json.encode([row]))))
        return sorted(found, key=itemgetter(0))

    def _rows(self, rows: Rows, swap: Swap) -> Rows:
        roster = self._hub.roster
        if not len(rows):
            return rows
        mine: Rows = rows[
            (rows["venue"] == roster.venue_code(self._venue)) & (rows["coin"] == roster.coin_code(swap.coin))
        ]
        return mine

    def _trades(self, swap: Swap) -> Iterator[Timed]:
        arg = Arg("trades", inst_id=swap.inst_id)
        topic, head = arg.topic, f'{{"arg":{{"channel":"trades","instId":"{swap.inst_id}"}},"data":['
        for one in self._hub.printed(self._venue, swap.coin):
            yield one.time_ms, topic, _trade_message(head, swap, one)

    def _forced(self, swap: Swap, rows: Rows) -> Iterator[Timed]:
        """Forced orders of one instrument and millisecond travel together, in `details`. `side` is that of the order:
        a long that is closed sells."""
        for time_ms, group in groupby(rows.tolist(), key=lambda row: int(row[0])):
            details = [self._detail(swap, row) for row in group]
            row = {
                "details": details, "instFamily": swap.family, "instId": swap.inst_id, "instType": INST_TYPE,
                "uly": swap.family,
            }
            yield time_ms, FORCED_ARG.topic, FORCED_ARG.message(msgspec.json.encode([row]))

    def _detail(self, swap: Swap, row: tuple[Any, ...]) -> Row:
        time_ms, _, _, sign, price, size_usd = row
        side = Side(int(sign))
        if self._hub.params.on_step:
            contracts = swap.lots(size_usd, price)
        else:
            contracts = swap.contracts(Decimal(str(size_usd / price)))
        return {
            "bkLoss": "0", "bkPx": plain(price), "ccy": "", "posSide": side.word,
            "side": "sell" if side is Side.LONG else "buy", "sz": plain(contracts), "ts": str(time_ms),
        }

    def _states(self, swap: Swap, ticker: VenueTicker, block: EventBlock, bars: Rows) -> Iterator[tuple[str, int, Row]]:
        """Figures that hold until the next: (channel, time, row)."""
        for row in self._rows(block.marks, swap).tolist():
            yield "mark-price", row[0], numbers.mark_row(swap, row[3], row[0])
            if row[4] == row[4]:
                yield INDEX, row[0], numbers.index_row(swap, row[4], ticker.day(row[0]), row[0])
        settled_pct = ticker.funding[-1].value if ticker.funding else None
        for row in self._rows(block.funding, swap).tolist():
            yield "funding-rate", row[0], numbers.funding_row(swap, row[3], row[4], settled_pct, row[0])
        price = ticker.mark_or_last_price
        for row in self._rows(block.open_interest, swap).tolist() if price else ():
            yield "open-interest", row[0], numbers.open_interest_row(swap, row[3], price, row[0])
        top = numbers.top_of(swap, ticker) if len(bars) else None
        if top is not None:
            at_ms = int(bars["time_ms"][-1])
            yield "tickers", at_ms, numbers.ticker_row(swap, ticker, top, at_ms)
            yield "bbo-tbt", at_ms, numbers.book_row(swap, top, at_ms)
            yield "books5", at_ms, numbers.book_row(swap, top, at_ms) | {"instId": swap.inst_id}

    def at_once(self, arg: Arg) -> bytes | None:
        """What the venue pushes right after a subscription; None where it waits for news, or knows nothing yet."""
        swap = self._swaps.by_family.get(arg.inst_id) or self._swaps.by_id.get(arg.inst_id)
        if swap is None:
            return None
        row = dict(self._standing(swap, self._hub.ticker(self._venue, swap.coin))).get(arg.channel)
        return None if row is None else arg.message(msgspec.json.encode([row]))

    def _standing(self, swap: Swap, ticker: VenueTicker) -> Iterator[tuple[str, Row]]:
        """What is known of a swap now, by channel."""
        now_ms, price, top = self._hub.now_ms, ticker.mark_or_last_price, numbers.top_of(swap, ticker)
        if ticker.rate_ms:
            yield "funding-rate", numbers.current_funding_row(swap, ticker, now_ms)
        if ticker.mark_price:
            yield "mark-price", numbers.mark_row(swap, ticker.mark_price, ticker.time_ms)
        if ticker.index_price:
            yield INDEX, numbers.index_row(swap, ticker.index_price, ticker.day(now_ms), ticker.time_ms)
        if ticker.oi_usd and price:
            yield "open-interest", numbers.open_interest_row(swap, ticker.oi_usd, price, ticker.oi_ms)
        if top is not None:
            yield "tickers", numbers.ticker_row(swap, ticker, top, now_ms)
            yield "bbo-tbt", numbers.book_row(swap, top, now_ms)
            yield "books5", numbers.book_row(swap, top, now_ms) | {"instId": swap.inst_id}


def _trade_message(head: str, swap: Swap, one: TradePrint) -> bytes:
    """Written by hand: there are a hundred thousand in a flood."""
    side = "buy" if one.taker_buys else "sell"
    size = plain(swap.contracts(one.quantity_base))
    return (
        f'{head}{{"instId":"{swap.inst_id}","tradeId":"{one.number}","px":"{plain(one.price)}","sz":"{size}",'
        f'"side":"{side}","ts":"{one.time_ms}","count":"1","source":"0","seqId":{one.number}}}]}}'
    ).encode()
