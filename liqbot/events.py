"""Every fact that can enter the house, one frozen struct per kind.

Market facts arrive in floods and travel as columns (see `blocks`); the structs here are the block of length one.
Account and control facts are rare and travel as these structs. Times are UTC milliseconds at which the fact was learnt.
Statistics are float, money is Decimal; neither may be NaN or infinite.
"""

from decimal import Decimal

from liqbot.facts import Fact

# Part of the language of events: whoever reads a halt reads its code here.
from liqbot.halts import MANAGE_ONLY_HALTS as MANAGE_ONLY_HALTS  # noqa: PLC0414 -- given on
from liqbot.halts import OPERATOR_HALTS as OPERATOR_HALTS  # noqa: PLC0414
from liqbot.halts import PASSING_HALTS as PASSING_HALTS  # noqa: PLC0414
from liqbot.halts import HaltCode as HaltCode  # noqa: PLC0414
from liqbot.instruments import FundingStage, Instrument, Side

# --- market facts -------------------------------------------------------------------------------------------------


class MarketFact(Fact, frozen=True, tag=True, kw_only=True):
    """`venue` is a venue key (`binance`, `binance:coin`)."""

    venue: str
    coin: str


class TradeBar(MarketFact, frozen=True, tag=True, kw_only=True):
    """Trades of one venue, coalesced over `span_ms` up to `time_ms`; taker split is None when unknown."""

    span_ms: int
    open: float
    high: float
    low: float
    close: float
    volume_usd: float
    buy_usd: float | None = None
    sell_usd: float | None = None


class Liquidation(MarketFact, frozen=True, tag=True, kw_only=True):
    """One forced order; `side` is the side of the position that was closed."""

    side: Side
    price: float
    size_usd: float


class LiquidationTotals(MarketFact, frozen=True, tag=True, kw_only=True):
    """Forced closes over an interval, where a venue gives only sums."""

    span_ms: int
    long_usd: float
    short_usd: float


class OpenInterest(MarketFact, frozen=True, tag=True, kw_only=True):
    """One-sided open interest. The venue `aggregate` bounds the sum over all venues."""

    oi_usd: float


class MarkPrice(MarketFact, frozen=True, tag=True, kw_only=True):
    mark_price: float
    index_price: float | None = None


class FundingRate(MarketFact, frozen=True, tag=True, kw_only=True):
    """Rate per interval; positive: longs pay shorts. `rate_stage` is None where the source does not say."""

    rate_pct: float
    interval_h: float
    rate_stage: FundingStage | None = None


class BookTop(MarketFact, frozen=True, tag=True, kw_only=True):
    bid_price: float
    ask_price: float


class OpenPosition(Liquidation, frozen=True, tag=True, kw_only=True):
    """A position that a venue makes known, as the forced order it would be. A newer `time_ms` replaces all before."""


class TradingMark(MarketFact, frozen=True, tag=True, kw_only=True):
    """The mark in the market where our orders rest, where that is a test network's or a demo's own: production's comes
    with the market data."""

    mark_price: float


class FeedUp(MarketFact, frozen=True, tag=True, kw_only=True):
    """A stream (`trades`, `liquidation`, `mark`, `open_interest`, `funding`) delivers again."""

    feed: str


class FeedDown(MarketFact, frozen=True, tag=True, kw_only=True):
    feed: str
    reason: str


# --- account facts ------------------------------------------------------------------------------------------------


class AccountFact(Fact, frozen=True, tag=True, kw_only=True):
    """`account` names one of several accounts at the venue; empty is the only one."""

    venue: str
    coin: str
    account: str = ""


class OrderAccepted(AccountFact, frozen=True, tag=True, kw_only=True):
    client_id: str
    venue_order_id: str


class OrderRejected(AccountFact, frozen=True, tag=True, kw_only=True):
    client_id: str
    code: str
    reason: str


class OrderCancelled(AccountFact, frozen=True, tag=True, kw_only=True):
    """The order rests no more and will not fill further: cancelled, expired or removed by the venue."""

    client_id: str
    reason: str = ""


class OrderMissing(AccountFact, frozen=True, tag=True, kw_only=True):
    """The venue, queried by client id, knows no such order (the answer to an unknown outcome)."""

    client_id: str


class CancelRejected(AccountFact, frozen=True, tag=True, kw_only=True):
    client_id: str
    reason: str


class Fill(AccountFact, frozen=True, tag=True, kw_only=True):
    """`side` is the position side the order works on; `reduces` says whether it opens or closes it.
    `fee` is positive when paid, negative for a rebate."""

    client_id: str
    fill_id: str
    side: Side
    reduces: bool
    price: Decimal
    quantity_base: Decimal
    fee: Decimal
    fee_currency: str = "USD"
    maker: bool = False


class Balance(AccountFact, frozen=True, tag=True, kw_only=True):
    """Wallet balance without unrealised profit, as the venue states it."""

    wallet_usd: Decimal


class MoneyFact(AccountFact, frozen=True, kw_only=True):
    """Money or position that moved without an order of ours. Venues tell such things again when histories are read:
    `event_id` is the venue's own id of it, empty where it has none."""

    event_id: str = ""


class Transfer(MoneyFact, frozen=True, tag=True, kw_only=True):
    """Deposit (positive) or withdrawal (negative): no profit, no loss."""

    amount_usd: Decimal


class PositionSnapshot(AccountFact, frozen=True, tag=True, kw_only=True):
    """The venue's own account of a position; quantity 0 means flat."""

    side: Side
    quantity_base: Decimal
    entry_price: Decimal
    leverage: float
    isolated: bool
    liquidation_price: Decimal | None = None


class LeverageConfirmed(AccountFact, frozen=True, tag=True, kw_only=True):
    """Leverage and margin mode, read back from the venue."""

    leverage: float
    isolated: bool


class FundingPaid(MoneyFact, frozen=True, tag=True, kw_only=True):
    """Positive: we received; negative: we paid."""

    amount_usd: Decimal
    rate_pct: float


class Rebate(MoneyFact, frozen=True, tag=True, kw_only=True):
    amount_usd: Decimal


class PositionLiquidated(MoneyFact, frozen=True, tag=True, kw_only=True):
    """The venue force-closed (a part of) our position. The fee, in USD, is what it charged beside the price."""

    side: Side
    price: Decimal
    quantity_base: Decimal
    fee: Decimal


class PositionDeleveraged(MoneyFact, frozen=True, tag=True, kw_only=True):
    """Auto-deleveraging took (a part of) our winning position at the loser's bankruptcy price."""

    side: Side
    price: Decimal
    quantity_base: Decimal


class PositionAdopted(AccountFact, frozen=True, tag=True, kw_only=True):
    """A person takes over a position that no order of this journal opened: from now on it is ours, under this stop, and
    ends as a position of `strategy` would. Quantity and price as the venue states them."""

    side: Side
    quantity_base: Decimal
    entry_price: Decimal
    stop_price: Decimal
    exit_by_ms: int
    strategy: str
    reason: str


class CloseOrdered(AccountFact, frozen=True, tag=True, kw_only=True):
    """A person closes the position in this instrument now and takes back an entry under way. Others stay as they are,
    and so do entries later on."""

    reason: str


class StopOrdered(AccountFact, frozen=True, tag=True, kw_only=True):
    """A person moves the stop of the open position nearer, to a price of the market where orders rest."""

    stop_price: Decimal
    reason: str


class Reconciled(AccountFact, frozen=True, tag=True, kw_only=True):
    """Orders, position and balance of this instrument have been read from the venue in full."""


# --- control facts ------------------------------------------------------------------------------------------------


class JournalOpened(Fact, frozen=True, tag=True, kw_only=True):
    """First fact of a journal. `journal_id` is random, 6 characters `[a-z0-9]`; client order ids derive from it."""

    journal_id: str
    mode: str
    venues: tuple[str, ...]
    coins: tuple[str, ...]
    test_market: bool = False
    """Orders rest on a test network or a demo account, whose mark is followed (`TradingMark`) and prices are translated
    to. Journals written before that was done trade at the map's own prices."""


class JournalAdopted(Fact, frozen=True, tag=True, kw_only=True):
    """Orders that name this other journal count as ours from now on: a person said that it has ended."""

    journal_id: str
    reason: str


class JournalRepaired(Fact, frozen=True, tag=True, kw_only=True):
    """Last fact of a journal that was copied from a damaged one: what happened to us in the records that are lost is
    known to the venue alone, and the client order ids that they gave out may not be given out again."""

    lost: str
    """Which records, for people."""


class JournalGap(Fact, frozen=True, tag=True, kw_only=True):
    """The journal takes records again after it had refused some. What they held is nowhere; the state that the engine
    was in after them is kept beside the record before this one, so that the journal can be run again all the same."""

    blocks: int
    """How many it refused."""
    since_ms: int


class CodeVersion(Fact, frozen=True, tag=True, kw_only=True):
    """What must agree for a byte-identical replay; `platform` names interpreter, numpy and CPU features."""

    version: str
    platform: str
    source: str = ""
    """SHA-256 over the program's source files: two states of development may bear one version number. Empty in
    journals of the first format."""
    strategies: tuple[tuple[str, str], ...] = ()
    """Name and SHA-256 of every strategy file that is not part of the program."""


class ConfigLoaded(Fact, frozen=True, tag=True, kw_only=True):
    """The whole effective configuration without secrets, as canonical JSON, and the traded contracts."""

    config_json: str
    digest: str
    """Over both."""
    instruments: tuple[Instrument, ...] = ()
    """The traded contract of each coin."""


class IntentRecorded(Fact, frozen=True, tag=True, kw_only=True):
    """A command that was about to leave; written before it left."""

    command_json: str


class BiasSet(Fact, frozen=True, tag=True, kw_only=True):
    """A direction given from outside; None clears it."""

    coin: str
    side: Side | None
    until_ms: int
    why: str


class Halt(Fact, frozen=True, tag=True, kw_only=True):
    """No new entries until `Resume`; stops and exits go on."""

    reason: str
    code: HaltCode = HaltCode.NONE


class StrategyDisabled(Fact, frozen=True, tag=True, kw_only=True):
    """A strategy of the user's own overran its time for a call: it enters nothing until `Resume` or a changed file."""

    strategy: str
    reason: str


class Resume(Fact, frozen=True, tag=True, kw_only=True):
    """Entries are allowed again."""

    reason: str
    code: HaltCode = HaltCode.NONE


class Flatten(Fact, frozen=True, tag=True, kw_only=True):
    """Close every position now, and enter nothing until `Resume`."""

    reason: str
    code: HaltCode = HaltCode.NONE


class Ending(Fact, frozen=True, tag=True, kw_only=True):
    """The process ends: nothing is entered by it any more. To the next one that opens the journal this says nothing."""

    reason: str


class LiveStarted(Fact, frozen=True, tag=True, kw_only=True):
    """A process begins to trade with money: what the ladder of conduct found."""

    missing: str
    """Recorded days of this program and configuration that are not there, for people; empty: none."""
    size_pct: float
    """Share of every size limit that an entry may have until `capped_until_ms`."""
    capped_until_ms: int


class LadderOverridden(Fact, frozen=True, tag=True, kw_only=True):
    """A person typed that money is traded without the recorded days. Holds for this process."""

    typed: str
    missing: str


# Facts that travel as structs in a block; the market facts above travel as columns.
AccountEvent = (
    OrderAccepted | OrderRejected | OrderCancelled | OrderMissing | CancelRejected | Fill | Balance | Transfer | Rebate
    | PositionSnapshot | PositionAdopted | LeverageConfirmed | FundingPaid | PositionLiquidated | PositionDeleveraged
    | CloseOrdered | StopOrdered | Reconciled
)
ControlEvent = (
    JournalOpened | JournalAdopted | JournalRepaired | JournalGap | CodeVersion | ConfigLoaded | IntentRecorded
    | BiasSet | Halt | Resume | Flatten | StrategyDisabled | Ending | LiveStarted | LadderOverridden
)
Event = AccountEvent | ControlEvent | FeedUp | FeedDown | TradingMark
MarketEvent = TradeBar | Liquidation | LiquidationTotals | OpenInterest | MarkPrice | FundingRate | BookTop
