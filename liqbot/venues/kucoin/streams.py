"""What to subscribe to at KuCoin, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.kucoin import responses
from liqbot.venues.kucoin.messages import INSTRUMENT, parse
from liqbot.venues.streams import HistorySource, Poll, Stream, TierSource, VenueWire, by_id

WIRE: Final = VenueWire(
    venue="kucoin",
    parse=parse,
    streams=(
        Stream(
            feeds=("trades",), method="watch_trades_for_symbols", silence_ms_max=60_000,
            arguments=lambda contracts: ([contract.symbol for contract in contracts],),
        ),
        # The client knows the socket, not this topic: it is given as what its subscription to a ticker is to name.
        Stream(
            feeds=("mark", "funding"), method="watch_ticker", each=True, silence_ms_max=15_000,
            arguments=lambda contracts: (contracts[0].symbol, {"topic": f"{INSTRUMENT}{contracts[0].symbol_id}"}),
        ),
    ),
    polls=(
        Poll(
            feed="open_interest", method="futuresPublicGetContractsSymbol", params=by_id, parse=responses.contracts,
            period_ms=10_000, weight=3, resync=True,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="futuresPublicGetKlineQuery", parse=responses.bars, span_ms=responses.BAR_MS,
            rows_max=200, weight=3,
            params=lambda contract, since_ms, until_ms: (
                by_id(contract) | {"granularity": 5, "from": since_ms, "to": until_ms - 1}
            ),
        ),
        HistorySource(
            kind="open_interest", method="utaGetMarketOpenInterest", parse=responses.past_open_interest,
            span_ms=responses.BAR_MS, rows_max=200, weight=10,
            params=lambda contract, since_ms, until_ms: by_id(contract) | {
                "interval": "5min", "startAt": since_ms, "endAt": until_ms - 1, "pageSize": 200,
            },
        ),
        HistorySource(
            kind="funding", method="futuresPublicGetContractFundingRates", parse=responses.past_funding,
            span_ms=3_600_000, rows_max=100, weight=5,
            params=lambda contract, since_ms, until_ms: by_id(contract) | {"from": since_ms, "to": until_ms - 1},
        ),
    ),
    tiers=TierSource(
        method="futuresPublicGetContractsRiskLimitSymbol", params=by_id, parse=responses.tiers, weight=5,
    ),
)
