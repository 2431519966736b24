"""What to subscribe to at Bybit, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.bybit import responses
from liqbot.venues.bybit.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, TierSource, VenueWire


def _symbols(contracts: tuple[WireContract, ...]) -> list[str]:
    return [contract.symbol for contract in contracts]


def _named(contract: WireContract) -> RequestParams:
    return {"category": "inverse" if contract.inverse else "linear", "symbol": contract.symbol_id}


WIRE: Final = VenueWire(
    venue="bybit",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",),
            method="watch_trades_for_symbols",
            silence_ms_max=30_000,
            arguments=lambda contracts: (_symbols(contracts),),
        ),
        Stream(
            feeds=("liquidation",),
            method="watch_liquidations",
            each=True,
            arguments=lambda contracts: (contracts[0].symbol,),
        ),
        Stream(
            feeds=("mark", "funding", "open_interest"),
            method="watch_tickers",
            silence_ms_max=10_000,
            arguments=lambda contracts: (_symbols(contracts),),
        ),
    ),
    polls=(
        # The stream sends changes only: this is what makes the picture whole again after a gap.
        Poll(
            feed="mark",
            method="publicGetV5MarketTickers",
            params=_named,
            parse=responses.tickers,
            period_ms=60_000,
            resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars",
            method="publicGetV5MarketKline",
            parse=responses.bars,
            span_ms=responses.BAR_MS,
            rows_max=1_000,
            params=lambda contract, since_ms, until_ms: (
                _named(contract) | {"interval": "5", "start": since_ms, "end": until_ms - 1, "limit": 1_000}
            ),
        ),
        HistorySource(
            kind="open_interest",
            method="publicGetV5MarketOpenInterest",
            parse=responses.past_open_interest,
            span_ms=300_000,
            rows_max=200,
            params=lambda contract, since_ms, until_ms: (
                _named(contract)
                | {"intervalTime": "5min", "startTime": since_ms, "endTime": until_ms - 1, "limit": 200}
            ),
        ),
        HistorySource(
            kind="funding",
            method="publicGetV5MarketFundingHistory",
            parse=responses.past_funding,
            span_ms=3_600_000,
            rows_max=200,
            params=lambda contract, since_ms, until_ms: (
                _named(contract) | {"startTime": since_ms, "endTime": until_ms - 1, "limit": 200}
            ),
        ),
    ),
    tiers=TierSource(method="publicGetV5MarketRiskLimit", params=_named, parse=responses.tiers),
)
