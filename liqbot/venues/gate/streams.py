"""What to subscribe to at Gate, what to ask how often, and where its past is kept."""

from typing import Final

from liqbot.venues.gate import responses
from liqbot.venues.gate.messages import parse
from liqbot.venues.parsing import WireContract
from liqbot.venues.streams import (
    HistorySource,
    Poll,
    RawSocket,
    RequestParams,
    Stream,
    TierSource,
    VenueWire,
    all_symbols,
)


def _named(contract: WireContract) -> RequestParams:
    return {"settle": "btc" if contract.inverse else "usdt", "contract": contract.symbol_id}


def _address(contracts: tuple[WireContract, ...]) -> str:
    return f"wss://fx-ws.gateio.ws/v4/ws/{'btc' if contracts[0].inverse else 'usdt'}"


def _subscribed(contracts: tuple[WireContract, ...]) -> tuple[RequestParams, ...]:
    """The time is only echoed."""
    payload = [contract.symbol_id for contract in contracts]
    return ({"time": 0, "channel": "futures.public_liquidates", "event": "subscribe", "payload": payload},)


def _span(contract: WireContract, since_ms: int, until_ms: int) -> RequestParams:
    """Seconds; both ends belong to it."""
    return _named(contract) | {"from": -(-since_ms // 1_000), "to": (until_ms - 1) // 1_000}


WIRE: Final = VenueWire(
    venue="gate",
    parse=parse,
    streams=(
        # The inverse contract is traded a few times a minute.
        Stream(feeds=("trades",), method="watch_trades_for_symbols", silence_ms_max=300_000, arguments=all_symbols),
        Stream(
            feeds=("mark", "funding", "open_interest"), method="watch_tickers", silence_ms_max=15_000,
            arguments=all_symbols,
        ),
        # The unified client knows the channel of the account's own forced orders alone.
        Stream(feeds=("liquidation",), socket=RawSocket(url=_address, subscribe=_subscribed)),
    ),
    polls=(
        Poll(
            feed="mark", method="publicFuturesGetSettleTickers", params=_named, parse=responses.tickers,
            period_ms=60_000, resync=True,
        ),
        # The interval of funding stands in the list of contracts alone.
        Poll(
            feed="funding", method="publicFuturesGetSettleContractsContract", params=_named, parse=responses.intervals,
            period_ms=600_000,
        ),
    ),
    histories=(
        HistorySource(
            kind="bars", method="publicFuturesGetSettleCandlesticks", parse=responses.bars, span_ms=responses.BAR_MS,
            rows_max=1_000, params=lambda *span: _span(*span) | {"interval": "5m"},
        ),
        HistorySource(
            kind="open_interest", method="publicFuturesGetSettleContractStats", parse=responses.past_open_interest,
            span_ms=300_000, rows_max=100,
            # It has a beginning and a number of rows, no end.
            params=lambda contract, since_ms, _: _named(contract) | {
                "from": -(-since_ms // 1_000), "interval": "5m", "limit": 100,
            },
        ),
        HistorySource(
            kind="funding", method="publicFuturesGetSettleFundingRate", parse=responses.past_funding,
            span_ms=3_600_000, rows_max=1_000, params=lambda *span: _span(*span) | {"limit": 1_000},
        ),
    ),
    tiers=TierSource(method="publicFuturesGetSettleRiskLimitTiers", params=_named, parse=responses.tiers),
)
