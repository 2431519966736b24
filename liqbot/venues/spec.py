"""`VenueSpec`: everything the program knows about one venue before it has talked to it, and what the venue lacks.

What lists it, reads it, trades on it or describes it reads this one object. `None` means unknown and is shown as such;
it is never a default.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, get_args

import msgspec

from liqbot.margin.formulas import MarginRule
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.margin.tiers import TierTable
from liqbot.venues.entry_stops import EntryProtection
from liqbot.venues.evidence import FeedEvidence
from liqbot.venues.examples import VenueExamples
from liqbot.venues.market_states import EndpointEnd, MarketState, VenueStatus
from liqbot.venues.marks import AccountMarks
from liqbot.venues.statements import Statement
from liqbot.venues.streams import ReportSource, VenueWire
from liqbot.venues.trading import TradingAdapter

Unit = Literal["base", "contracts", "usd"]
Completeness = Literal["complete", "sampled", "none"]
ForcedSide = Literal["order", "position"]
TierAccess = Literal["public", "key", "market_info", "rule"]
AccessKind = Literal["testnet", "demo"]
CredentialField = Literal["api_key", "secret", "password", "wallet_address", "private_key"]
Capability = Literal["market_data", "forced_orders", "orders", "test_access"]
Proof = Literal["examples", "loopback", "live"]
CAPABILITIES: Final[tuple[Capability, ...]] = get_args(Capability)

BTC_ETH: Final = ("BTC", "ETH")


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One coin's perpetual (or the venue's nearest thing to one) in one contract."""

    coin: str
    symbol: str
    """As the unified client names it."""
    contract_units: float | None = None
    """In base coin, of an inverse contract in USD."""


class ContractMargin(msgspec.Struct, frozen=True, kw_only=True):
    """Margin physics of one contract; coins without a table of their own get the stand-in, marked as assumed."""

    rule: MarginRule
    cross_rule: MarginRule | None
    ladder: LiquidationSteps
    fees: Fees
    tables: tuple[tuple[str, TierTable], ...] = ()
    sessions: tuple[tuple[str, tuple[tuple[str, TierTable], ...]], ...] = ()
    """(coin, ((session, table), ...)); the first session is the one in force by default."""


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """One book of positions of a venue: `contract` is the part behind the colon of its venue key."""

    contract: str = ""
    settle: str
    inverse: bool = False
    listings: tuple[Listing, ...]
    market_id: str = ""
    """The venue's own id of a coin's contract, `{}` for the coin; empty: not known before its contracts are read."""
    trade_unit: Unit | None = None
    open_interest_unit: Unit | None = None
    open_interest_two_sided: bool | None = None
    """None: not documented, and read as one side."""
    margin: ContractMargin | None = None
    note: str = ""


class Liquidations(msgspec.Struct, frozen=True, kw_only=True):
    """Where forced orders are published; `side` says whose side the venue means by its own side field."""

    source: str | None = None
    completeness: Completeness | None = None
    side: ForcedSide | None = None


class PracticeAccess(msgspec.Struct, frozen=True, kw_only=True):
    """One way to trade without money: `switch` is the method of the unified client that turns there."""

    kind: AccessKind
    switch: str
    note: str = ""


class ClientIdRule(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue accepts as a client order id; `pattern` is a regular expression for the whole of it."""

    length_max: int
    pattern: str = r"\S+"
    note: str = ""
    spelt: Callable[[str], str] = str
    """How an id of ours is written there."""


class RequestBudget(msgspec.Struct, frozen=True):
    """Units per period over all channels; a request of weight n takes n units. The longer the period, the more may
    leave at once, as at a start."""

    units: int = 20
    period_s: float = 1.0
    priority_share: float = 0.2
    """Kept free of ordinary reads."""

    def __post_init__(self) -> None:
        if self.units < 2:
            raise ValueError(f"units: {self.units} must be 2 or more, one for each channel")
        if not 0.0 < self.priority_share < 1.0:
            raise ValueError(f"priority_share: {self.priority_share} must lie between 0 and 1")

    def shared(self, share: float) -> "RequestBudget":
        """That much of it: the same units, for a longer time."""
        return msgspec.structs.replace(self, period_s=self.period_s / share)


class RefusalShape(msgspec.Struct, frozen=True, kw_only=True):
    """Where the JSON body of a refusal carries the venue's code and reason: paths tried in order, as in
    `data.0.sCode`."""

    code: tuple[str, ...] = ("code",)
    reason: tuple[str, ...] = ("msg", "message")
    words: tuple[tuple[str, str], ...] = ()
    """(how a reason begins, the venue's name for it): where refusals bear no code."""
    auth: tuple[str, ...] = ()
    """How reasons begin that are about the key."""


class RequestExpiry(msgspec.Struct, frozen=True, kw_only=True):
    """How a request says until when it may be carried out, in UTC milliseconds."""

    name: str
    place: Literal["header", "body"]
    paths: tuple[str, ...]
    """Endpoints that take it, as the unified client names them; empty: not looked up."""
    source: str
    signed: Callable[[Any, dict[str, Any], int], dict[str, Any]] | None = None
    """In a body that is signed whole: (unified client, body, UTC ms) -> the body with it, signed anew."""


class UnlistedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A public GET of the venue for which the unified client has no method: `method` is the one it gets here."""

    method: str
    group: tuple[str, ...]
    """The client's own names of the addresses that `path` belongs to, `("fapiPublic",)`."""
    path: str


class Lack(msgspec.Struct, frozen=True):
    """Something that cannot be done with this venue, and why."""

    capability: Capability
    reason: str


class VenueSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one venue. What it cannot do stands in `lacks`; everything else it must have."""

    venue: str
    title: str
    """Its name for people."""
    client: str | None
    """Id of the unified client; None where it has none."""
    contracts: tuple[Contract, ...]
    liquidations: Liquidations
    spellings: tuple[str, ...] = ()
    """What else it is called, where letters and digits alone do not tell; a spelling that implies a contract is written
    as a venue key (`binancecoinm:coin`)."""
    symbols: tuple[tuple[str, str], ...] = ()
    """(its own symbol of a perpetual with `{}` for the coin, contract): those that the forms which venues share
    (`coin_spelling`) do not explain."""
    lacks: tuple[Lack, ...] = ()

    wire: VenueWire | None = None
    """How its market data is read live."""
    evidence: tuple[FeedEvidence, ...] = ()
    """How the shape of each feed in `wire` is known."""
    report: ReportSource | None = None
    """A file that the profile may name for its open interest."""
    trading: TradingAdapter | None = None
    """How it is traded on."""
    marks: AccountMarks | None = None
    """How instances that trade one account see each other."""
    examples: Callable[[], VenueExamples] | None = None
    """What it sends, for the conformance suite; read only there."""
    proof: Proof | None = None
    """Against what both were tested last: examples and recordings of what the venue sends (nothing was dialled), the
    simulated exchange on loopback, or the venue itself."""

    hosts: tuple[tuple[str, str], ...] = ()
    """(the unified client's host, the one that is dialled instead): for a venue that speaks another one's protocol at
    an address of its own, or for a regional entrance."""
    message_id: str = "id"
    """Where the unified client's entry of a contract holds the name that messages of market data give it."""
    states: tuple[MarketState, ...] = ()
    """What its list of contracts says of whether one can be traded; besides it counts what the unified client makes of
    that."""
    status: VenueStatus | None = None
    """Where it says that its market is closed as a whole; None: no such place is documented, or was looked up."""
    ends: tuple[EndpointEnd, ...] = ()
    """What of it that is used here was announced to end."""
    client_sizes: bool = True
    """False where what the unified client gives as the size of a contract is something else: sizes are those listed."""
    market_types: tuple[str, ...] = ()
    """Kinds of market that the unified client loads, in its words; `inverse` only where it is wanted. Empty: all."""
    unlisted: tuple[UnlistedRequest, ...] = ()
    listing_params: tuple[tuple[str, str], ...] = ()
    """What the venue's list of contracts is requested with, where all of it would be long: reading it holds up the
    loop."""
    market_switches: bool = False
    """The unified client wants these kinds as switches, among which that of `spot` is on unless it is switched off."""
    ping_s: float | None = None
    """Between pings of the unified client's sockets, where its own are too rare to notice a half-open connection in
    time, and the venue is known to answer them."""
    public_budget: RequestBudget = RequestBudget()
    """Requests for market data from one address, well below what the venue allows."""
    trading_budget: RequestBudget = RequestBudget(units=10)
    """Requests of one account, well below what the venue allows."""
    refusal: RefusalShape = RefusalShape()
    not_about_key: tuple[str, ...] = ()
    """Codes of refusals that the unified client takes for a fault of the key, and that are none."""

    credentials: tuple[CredentialField, ...] = ("api_key", "secret")
    """What a key consists of."""
    silenced: tuple[str, ...] = ()
    """Methods of the unified client that ask or change something of its own accord: they do nothing."""
    stops_by_name: bool = False
    """A stop is looked for by its id: there the list of what rests costs many units, and the looks for a stop would use
    up what is kept for placing one."""
    always_on_mark: bool = False
    """Every stop triggers on the mark, without its being said."""
    practice: tuple[PracticeAccess, ...] = ()
    client_id: ClientIdRule | None = None
    flat_stop_refusals: tuple[str, ...] = ()
    """Codes by which it refuses a reduce-only stop while there is no position: from these a canary learns no more."""
    protection: EntryProtection | None = None
    """How a position is guarded from its first fill."""
    expiry: RequestExpiry | None = None
    """None: a request expires by its own signed time, or not at all."""

    tier_access: TierAccess | None = None
    one_ticker: bool | None = None
    """One websocket ticker carries mark, index, open interest and funding."""
    reduce_only_counts_open_orders: bool | None = None
    """Whether a reduce-only order is refused when it and the reduce-only orders that rest already come to more than the
    position; stops that wait for their trigger do not count. Takes are cancelled before an exit whatever it says."""
    mapped: bool = True
    """Whether its positions belong in the liquidation map."""
    us_regulated: bool = False
    """Its customers trade under US rules; others are offshore. Their funding is kept apart."""
    funding_interval_h: float | None = None
    """Hours between settlements of its main contracts while no message of the venue has named others; None: not looked
    up."""
    pays_funding: bool = True
    """False where contracts expire: how far they trade above the index stands for what longs pay."""
    statements: tuple[Statement, ...] = ()
    """What is said of it beside its numbers, with source and date."""
    note: str = ""

    def lack(self, capability: Capability) -> str:
        """Why it cannot be done; empty when it can."""
        return next((one.reason for one in self.lacks if one.capability == capability), "")

    @property
    def practice_kinds(self) -> tuple[AccessKind, ...]:
        return tuple(one.kind for one in self.practice)

    def contract(self, name: str) -> Contract | None:
        return next((contract for contract in self.contracts if contract.contract == name), None)


def listings(
    pattern: str, *sizes: tuple[str, float | None], coins: tuple[str, ...] = BTC_ETH
) -> tuple[Listing, ...]:
    """One listing per coin; `{}` in the pattern stands for the coin, sizes that are not given are unknown."""
    known = dict(sizes)
    return tuple(
        Listing(coin=coin, symbol=pattern.replace("{}", coin), contract_units=known.get(coin)) for coin in coins
    )


LINEAR_ONE: Final = (("BTC", 1.0), ("ETH", 1.0))
"""Contracts of one coin."""

NOT_READ: Final = Lack("market_data", "from tapes, its streams are not read yet")
NOT_TRADED: Final = Lack("orders", "simulated, its orders are not implemented yet")
NO_FORCED_ORDERS: Final = Lack("forced_orders", "it publishes none")
NO_PRACTICE: Final = Lack("test_access", "it has none")
PRACTICE_UNKNOWN: Final = Lack("test_access", "not looked up yet")
