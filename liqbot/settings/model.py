"""`Settings`: the whole configuration as one strict, frozen model, and the sections that other packages add to it."""

import importlib.metadata
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from pydantic import BaseModel, Field, create_model, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from liqbot.execution.params import ExecutionParams
from liqbot.exits import ExpectedError
from liqbot.external.params import ExternalParams
from liqbot.instruments import CONTRACTS, MAIN_CONTRACT, split_venue_key
from liqbot.market.feeds.params import FeedParams
from liqbot.market.params import MarketParams
from liqbot.risk.limits import RiskLimits
from liqbot.settings.alerts import AlertParams
from liqbot.settings.chat import ChatParams
from liqbot.settings.params import (
    ConductParams,
    JournalParams,
    LedgerParams,
    LogParams,
    MetricsParams,
    NetworkParams,
    ObserversParams,
    RecordParams,
    VenueKey,
    WebhookParams,
)
from liqbot.signals.registry import SignalParams, first_sentence, signal_model
from liqbot.signals.strategy import Strategy

SECTIONS_GROUP: Final = "liqbot.params"
"""Entry-point group of further sections: `paper = "paper.params:PaperSection"` makes a section `[paper]`."""

if TYPE_CHECKING:
    _BuiltIn = SignalParams
else:
    _BuiltIn = signal_model()
Section = TypeVar("Section", bound=BaseModel)
Mode = Literal["observe", "paper", "testnet", "demo", "live"]
TEST_MODES: Final = ("testnet", "demo")
"""Orders rest in a market of a venue's test access, the map is production's."""


class Settings(BaseSettings):
    """Defaults are the `paper` profile. `load` adds the layers; built directly, only what is passed counts."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mode: Mode = Field("paper", description="What commands do: nothing, simulated fills, a test account, or money.")
    coins: tuple[str, ...] = Field(("BTC",), min_length=1, description="Coins that are mapped and traded.")
    allow_thin_coin: bool = Field(
        False, description="Coins other than BTC and ETH are traded, with half of every limit and never with money."
    )
    venues: tuple[str, ...] = Field(
        ("binance", "bybit", "okx"),
        min_length=1,
        description="Venues that feed the map, as venue or venue:contract (usdt, usdc, usd, coin).",
    )
    venue_files: tuple[str, ...] = Field(
        (),
        description="Python files with venues of your own, relative to the configuration's directory. They run beside "
        "your keys: name only files you have read. `own.py@sha256:...` loads that very text alone.",
    )
    venue_packages: tuple[str, ...] = Field(
        (), description="Entry points of the group `liqbot.venues` of installed packages, by name; loaded likewise."
    )
    trade_venue: str = Field("binance", description="The venue that is traded on; one of `venues`.")
    accounts: tuple[str, ...] = Field(
        (), description="Accounts at the trade venue by name; empty: its only one. Named ones are not supported yet."
    )
    market: MarketParams = Field(default_factory=MarketParams, description="Ground floor: the map and more.")
    signals: _BuiltIn = Field(default_factory=_BuiltIn, description="First floor: strategies and their gates.")
    risk: RiskLimits = Field(default_factory=RiskLimits, description="Second floor: whether, how much, which stop.")
    execution: ExecutionParams = Field(default_factory=ExecutionParams, description="Top floor: how orders are worked.")
    journal: JournalParams = Field(default_factory=JournalParams, description="The machine's book.")
    record: RecordParams = Field(
        default_factory=RecordParams, description="Raw messages that `record --raw` keeps."
    )
    ledger: LedgerParams = Field(default_factory=LedgerParams, description="The book for people.")
    log: LogParams = Field(default_factory=LogParams, description="The log on stderr.")
    observers: ObserversParams = Field(
        default_factory=ObserversParams, description="What looks on while the house works."
    )
    feeds: FeedParams = Field(default_factory=FeedParams, description="Live market data.")
    network: NetworkParams = Field(default_factory=NetworkParams, description="How venues are reached.")
    conduct: ConductParams = Field(
        default_factory=ConductParams, description="What is required before money is at stake."
    )
    keys: dict[str, VenueKey] = Field(
        default_factory=dict, description="Credentials by venue, from the environment or the secrets directory only."
    )
    # Excluded from every dump: what it brings is journaled, and a start on a recorded configuration listens to nobody.
    webhook: WebhookParams = Field(
        default_factory=WebhookParams, exclude=True, description="Signed directions from other programs."
    )
    chat: ChatParams = Field(
        default_factory=ChatParams, exclude=True, description="Commands from a chat: status and pause."
    )
    metrics: MetricsParams = Field(
        default_factory=MetricsParams, exclude=True, description="Where the observer `metrics` serves figures."
    )
    # Excluded from every dump: what is told to people is no part of what decides.
    alerts: AlertParams = Field(
        default_factory=AlertParams, exclude=True, description="What the observer `alerts` tells, and where."
    )
    # Excluded from every dump: what is only looked at is no part of the configuration that a run records.
    external: dict[str, ExternalParams] = Field(
        default_factory=dict, exclude=True, description="Maps of others, by source, for `map --compare`."
    )

    @field_validator("coins", "venues")
    @classmethod
    def _without_repeats(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names) or not all(names):
            raise ValueError("expected names without repeats")
        return names

    @field_validator("accounts")
    @classmethod
    def _only_one(cls, accounts: tuple[str, ...]) -> tuple[str, ...]:
        if accounts:
            raise ValueError(
                f"{', '.join(map(repr, accounts))}: one account is traded, the only one that the venue's key opens; "
                "leave accounts empty"
            )
        return accounts

    @field_validator("coins")
    @classmethod
    def _upper_case(cls, coins: tuple[str, ...]) -> tuple[str, ...]:
        for coin in coins:
            if not coin.isalnum() or coin != coin.upper():
                raise ValueError(f"{coin!r}: expected a coin in capitals, as in BTC")
        return coins

    @field_validator("venues")
    @classmethod
    def _known_contracts(cls, venues: tuple[str, ...]) -> tuple[str, ...]:
        for venue in venues:
            if split_venue_key(venue)[1] not in (MAIN_CONTRACT, *CONTRACTS):
                raise ValueError(f"{venue!r}: the contract is one of {', '.join(CONTRACTS)}")
        return venues

    @model_validator(mode="after")
    def _trades_where_it_looks(self) -> "Settings":
        if self.trade_venue not in self.venues:
            raise ValueError(f"trade_venue {self.trade_venue!r} is not one of venues ({', '.join(self.venues)})")
        return self

    @model_validator(mode="after")
    def _trusts_what_it_reads(self) -> "Settings":
        for venue in self.market.trust.of_venues:
            if venue not in self.venues:
                raise ValueError(f"market.trust.of_venues: {venue!r} is none of venues ({', '.join(self.venues)})")
        return self

    def section(self, kind: type[Section]) -> Section:
        """The section that is an instance of `kind`: how another package gets at its own."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, kind):
                return value
        raise LookupError(f"no section of the configuration is a {kind.__name__}")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


@cache
def settings_model(own: tuple[Strategy, ...] = ()) -> type[Settings]:
    """`Settings` with the sections of all installed packages, and of these strategies of the user's own."""
    sections: dict[str, Any] = {}
    for entry in sorted(importlib.metadata.entry_points(group=SECTIONS_GROUP), key=lambda entry: entry.name):
        if entry.name in Settings.model_fields:
            raise ExpectedError(f"section {entry.name!r} of {entry.value} is already taken")
        kind = entry.load()
        sections[entry.name] = (kind, Field(default_factory=kind, description=first_sentence(kind)))
    signals = signal_model(own)
    sections["signals"] = (
        signals, Field(default_factory=signals, description=Settings.model_fields["signals"].description)
    )
    return create_model("Settings", __base__=Settings, **sections)
