"""What to subscribe to at Bitget, what to ask how often, and where its past is kept.

Streams are those of the unified account (v3): they are public, cover trades of both kinds of accounts, and alone carry
forced orders.
"""

from typing import Any, Final

from liqbot.instruments import split_venue_key
from liqbot.venues.bitget import responses
from liqbot.venues.bitget.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import HistorySource, Poll, RequestParams, Stream, TierSource, VenueWire

PRODUCTS: Final = {"": "USDT-FUTURES", "usdc": "USDC-FUTURES", "coin": "COIN-FUTURES"}
UNIFIED: Final[RequestParams] = {"uta": True}
FUNDING_ROWS: Final = 100


def product(contract: WireContract) -> str:
    return PRODUCTS[split_venue_key(contract.venue_key)[1]]


def _named(contract: WireContract) -> RequestParams:
    return {"category": product(contract), "symbol": contract.symbol_id}


def _classic(contract: WireContract) -> RequestParams:
    return {"productType": product(contract), "symbol": contract.symbol_id}


def _trades(contracts: tuple[WireContract, ...]) -> tuple[Any, ...]:
    return [contract.symbol for contract in contracts], None, None, UNIFIED


def _forced(contracts: tuple[WireContract, ...]) -> tuple[Any, ...]:
    """The client has no method for these: its general one subscribes to any topic. All contracts of a kind share it."""
    kinds = sorted({product(contract).lower() for contract in contracts})
    topics = [{"instType": kind, "topic": "liquidation"} for kind in kinds]
    return True, [f"liquidation:{kind}" for kind in kinds], topics


WIRE: Final = VenueWire(
    venue="bitget",
    parse=parse,
    streams=(
        Stream(feeds=("trades",), method="watch_trades_for_symbols", silence_ms_max=30_000, arguments=_trades),
        Stream(feeds=("liquidation",), method="watch_public_multiple", arguments=_forced),
        # One by one: of several the client says the kind of the first for all.
        Stream(
            feeds=("mark", "funding", "open_interest"), method="watch_ticker", each=True, silence_ms_max=15_000,
            arguments=lambda contracts: (contracts[0].symbol, UNIFIED),
        ),
    ),
    polls=(
        Poll(
            feed="mark", method="publicUtaGetV3MarketTickers", params=_named, parse=responses.tickers,
            period_ms=60_000, resync=True,
        ),
        Poll(
            feed="funding", method="publicUtaGetV3MarketCurrentFundRate", parse=responses.fundings,
            params=lambda contract: {"symbol": contract.symbol_id}, period_ms=300_000, resync=True,
        ),
        Poll(
            feed="open_interest", method="publicMixGetV2MixMarketOpenInterest", params=_classic, inverse=True,
            parse=responses.open_interests, period_ms=10_000, resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="publicMixGetV2MixMarketHistoryCandles", parse=responses.bars,
            span_ms=responses.BAR_MS, rows_max=200,
            params=lambda contract, since_ms, until_ms: _classic(contract) | {
                "granularity": "5m", "startTime": since_ms, "endTime": until_ms, "limit": 200,
            },
        ),
        # Asked for by number of page, newest first: the first one reaches back for a hundred hours at least.
        HistorySource(
            kind="funding", method="publicMixGetV2MixMarketHistoryFundRate", parse=responses.past_funding,
            span_ms=3_600_000, rows_max=FUNDING_ROWS, reach_ms=FUNDING_ROWS * 3_600_000,
            params=lambda contract, _since_ms, _until_ms: _classic(contract) | {
                "pageSize": FUNDING_ROWS, "pageNo": 1,
            },
        ),
    ),
    tiers=TierSource(method="publicUtaGetV3MarketPositionTier", params=_named, parse=responses.tiers),
)
