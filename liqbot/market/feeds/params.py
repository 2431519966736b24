"""Parameters of the live feeds."""

from pathlib import PurePath

from pydantic import BaseModel, ConfigDict, Field, field_validator


class AccountReadingParams(BaseModel):
    """Positions of single accounts, at venues where anybody may read them: measured instead of modelled.

    Off by default: it takes a part of the requests that one internet address may make there, and was only tried against
    the simulated exchange, never against a venue itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    enabled: bool = Field(False, description="Read the positions of accounts that trade.")
    weight_min: int = Field(
        300, ge=10, le=1_000,
        description="Request weight a minute that reading may take; Hyperliquid allows 1,200, an account costs 2. Of "
        "Lighter 20 accounts a minute are read at most.",
    )
    names: tuple[str, ...] = Field(
        (), description="Accounts that are read from the start, as their venue names them (wallet addresses of "
        "Hyperliquid, numbers of Lighter)."
    )
    accounts_max: int = Field(
        5_000, ge=10, le=20_000,
        description="Accounts that are remembered; beyond it those that hold and trade least are forgotten.",
    )
    snapshot_s: float = Field(300.0, ge=5, le=3_600, description="How often all that is known is published to the map.")
    stale_min: float = Field(
        120.0, ge=5, le=1_440, description="A position that was not read again for so long is published no more."
    )
    told_usd_min: float = Field(10_000.0, ge=0, le=1e9, description="Smaller positions are not published to the map.")


class FeedParams(BaseModel):
    """How live market data is gathered."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    trade_span_ms: int = Field(
        250, ge=50, le=60_000, description="Trades of a contract are gathered into bars of this span, by venue time."
    )
    flush_ms: int = Field(250, ge=20, le=5_000, description="How often what was gathered is handed to the house.")
    silence_factor: float = Field(
        10.0, ge=2, le=1_000, description="A stream is silent after this many of its own usual gaps, and not before "
        "the longest silence that is usual at its venue."
    )
    retry_s_max: float = Field(30.0, ge=1, le=600, description="Longest pause between two attempts to subscribe.")
    reports: dict[str, str] = Field(
        default_factory=dict, description="Venue -> file with its open interest, for those that no stream tells: "
        '`{cme = "/srv/cot.csv"}`, the CFTC\'s weekly report or Databento\'s statistics. Such a venue also stands in '
        "`venues`."
    )
    report_min: float = Field(
        60.0, gt=0, le=10_080, description="How often these files are read again, in minutes."
    )
    from_journal: str = Field(
        "", description="Data directory (or journal) of another process on this machine, absolute, that records or "
        "trades: market facts are taken from its journal as they are written, and no venue's feeds are dialled. That "
        "process must run as the same user."
    )
    inferred: bool = Field(
        False, description="Read feeds too whose shape is known from the unified client's parser alone."
    )
    listing_check_min: float = Field(
        15.0, gt=0, le=1_440, description="How often a venue's list of contracts is read again, in minutes: for those "
        "that are closed, renamed, or of another size or tick than before."
    )
    tier_check_h: float = Field(6.0, gt=0, le=168, description="How often published margin tiers are compared.")
    accounts: AccountReadingParams = Field(
        default_factory=AccountReadingParams, description="Positions of single accounts, where they are public."
    )

    @field_validator("from_journal")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if path and not PurePath(path).is_absolute():
            raise ValueError(f"{path!r}: expected an absolute path, as in /var/lib/liqbot/record")
        return path
