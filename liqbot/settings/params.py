"""What somebody may turn about the program itself: the books, the log, the keys of venues."""

import ipaddress
import re
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

SECRET_CHARACTERS_MIN: Final = 32


class _Params(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class JournalParams(_Params):
    """The machine's book: how it is written and how long market facts are kept. Facts about ourselves stay for ever."""

    commit_ms: int = Field(50, ge=1, le=5_000, description="A group of records is committed at the latest then.")
    group_rows: int = Field(20_000, ge=1, le=1_000_000, description="... or as soon as it holds this many rows.")
    queue_rows_max: int = Field(
        1_000_000, ge=10_000, le=50_000_000, description="Rows waiting to be written at once, at most."
    )
    stuck_after_ms: int = Field(
        4_000, ge=1_000, le=600_000,
        description="A journal that cannot be written, or whose disk does not answer, for longer is reported as stuck.",
    )
    protective_wait_ms: int = Field(
        1_000, ge=10, le=10_000,
        description="What only reduces risk leaves after this long even if the journal is not on disk yet; what adds "
        "risk and is not on disk by then never leaves.",
    )
    keep_days: float = Field(14.0, ge=1, le=3_650, description="Market facts older than this may be dropped.")
    keep_gb: float = Field(8.0, ge=0.05, le=10_000, description="... and the oldest go when the book is larger.")
    snapshot_every_min: float = Field(
        5.0, ge=1, le=1_440,
        description="Minutes between snapshots of the engine: a start and `map --at` fold what lies between. They take "
        "an eighth of `keep_gb` at most; beyond it those of the past lie farther apart.",
    )


class RecordParams(_Params):
    """What `record --raw` keeps beside the journal: every message of the feeds as the venue sent it."""

    raw_gb_max: float = Field(
        20.0, ge=0.001, le=100_000, description="Disk that these files may take; beyond it the oldest go."
    )
    raw_file_mb: float = Field(
        64.0, ge=0.01, le=4_096, description="A file is closed at this size (packed), and at every full hour."
    )


class LedgerParams(_Params):
    """The book for people."""

    url: str = Field(
        "", description="SQLAlchemy URL of the ledger; empty: ledger.sqlite in the state directory."
    )


class LogParams(_Params):
    """The log on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe line that is shown.")
    format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: console on a terminal, JSON elsewhere."
    )


class ObserversParams(_Params):
    """What looks on while the house works: books, log, and what a user adds."""

    enabled: tuple[str, ...] = Field(
        ("ledger", "snapshots", "log", "console"),
        description="Observers by name: built in, of an installed package, or a .py file (relative to the "
        "configuration directory). The two latter in the profile or in local.toml only.",
    )
    alert_sinks: tuple[str, ...] = Field(
        ("log", "file"),
        description="Where the observer `alerts` sends them, by name: log, file (alerts.jsonl beside the books), "
        "notify (chats, pagers and mail by the library apprise), webhook.",
    )

    call_ms_max: int = Field(
        250, ge=10, le=60_000,
        description="An observer that is not part of the program and takes longer than this for a step is disabled.",
    )

    @field_validator("enabled")
    @classmethod
    def _without_repeats(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names) or not all(names):
            raise ValueError("expected names without repeats")
        return names

    def located(self, directory: Path) -> "ObserversParams":
        """With the path of every file made absolute, so that it does not hang on the current directory."""
        placed = tuple(str((directory / name).resolve()) if name.endswith(".py") else name for name in self.enabled)
        return self if placed == self.enabled else self.model_copy(update={"enabled": placed})


class NetworkParams(_Params):
    """How a live house reaches venues."""

    loopback: str = Field(
        "", description="Talk to a simulated exchange on this machine instead, as in http://127.0.0.1:8900; never live."
    )
    backfill_h: float = Field(
        24.0,
        ge=0,
        le=720,
        description="Hours of history read at a start whose books do not reach back that far; 0: none.",
    )
    reconcile_s: float = Field(
        30.0, ge=5, le=600, description="Seconds between two full readings of the trading account."
    )
    request_share: float = Field(
        1.0, gt=0, le=1_000,
        description="Share of the requests that a venue allows: less than 1 where others ask from the same address, "
        "more only of a simulated exchange (network.loopback).",
    )
    accept_unknown_rights: bool = Field(
        False,
        description="Trade with money though the venue does not say whether the key may withdraw or transfer: look "
        "yourself that it may not.",
    )
    account_mark: bool = Field(
        True,
        description="Leave a mark on the account at the start and every hour: the smallest order, far from the market, "
        "that expires as it comes. Without it two instances that begin within seconds do not see each other.",
    )

    stop_canary: bool = Field(
        True,
        description="At a start without a position a stop far away is placed, read back and cancelled; where that "
        "fails nothing is entered until somebody resumes.",
    )
    trading_mark_s: float = Field(
        2.0, ge=0.1, le=60,
        description="Seconds between two readings of a test network's or a demo account's mark; longer where that "
        "would take more than a third of the requests that the venue allows.",
    )
    protect_check_s: float = Field(
        2.5, ge=1, le=30,
        description="Seconds between two looks at the venue whether the stop of an open position still rests.",
    )

    @field_validator("loopback")
    @classmethod
    def _on_this_machine(cls, address: str) -> str:
        if address and not _is_loopback(address):
            raise ValueError(f"{address!r}: expected an address on this machine, as in http://127.0.0.1:8900")
        return address.rstrip("/")

    @field_validator("request_share")
    @classmethod
    def _as_the_venue_allows(cls, share: float, known: ValidationInfo) -> float:
        if share > 1 and not known.data.get("loopback"):
            raise ValueError(f"{share:g}: a venue allows 1 at most, a simulated exchange (network.loopback) more")
        return share


def _is_loopback(address: str) -> bool:
    """Scheme, a literal of this machine and a port; no user, path or anything else that could name another host."""
    return re.fullmatch(r"http://(127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}/?", address) is not None


class ConductParams(_Params):
    """What is required before money is at stake. A day is 24 recorded hours of the same program and configuration,
    against real time; simulated markets do not count."""

    observe_days: float = Field(3.0, ge=1, le=365, description="Days that `record` has run before live.")
    paper_days: float = Field(7.0, ge=1, le=365, description="Days that `paper --market live` has run before live.")
    testnet_days: float = Field(
        3.0, ge=1, le=365, description="Days that `start` has run on a test network or a demo account before live."
    )
    first_week_size_pct: float = Field(
        25.0, gt=0, le=50, description="Share of every size limit that an entry may have in live's first seven days."
    )


class WebhookParams(_Params):
    """Directions for coins (as `liqbot bias` gives them) that other programs send over HTTP, each of them signed. Never
    an order. The secret comes from the environment or the secrets directory."""

    enabled: bool = Field(False, description="Receive signed directions.")
    host: str = Field(
        "127.0.0.1", description="Address to listen on; any other than this machine's own is reachable from outside, "
        "in plain HTTP: put a proxy with TLS before it."
    )
    port: int = Field(8710, ge=1, le=65_535, description="Port to listen on.")
    secret: SecretStr | None = Field(None, description="What messages are signed with: 32 characters at least.")
    window_s: float = Field(
        30.0, ge=5, le=300, description="How far the time that was signed may be from ours; a message is taken once."
    )
    valid_h_max: float = Field(24.0, gt=0, le=168, description="Longest time that a direction from outside may hold.")
    requests_min: int = Field(60, ge=1, le=6_000, description="Signed messages a minute that are taken.")

    @field_validator("host")
    @classmethod
    def _literal(cls, host: str) -> str:
        return _literal_address(host)

    @field_validator("secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        return long_enough(secret)


class MetricsParams(_Params):
    """`/metrics` for Prometheus and `/healthz` for a supervisor, over plain HTTP: they tell what you hold. Without
    `metrics` in `observers.enabled` nothing listens."""

    host: str = Field(
        "127.0.0.1", description="Address to listen on; any other than this machine's own shows figures of your "
        "account to whoever reaches it."
    )
    port: int = Field(8711, ge=1, le=65_535, description="Port to listen on.")
    tick_age_s_max: float = Field(
        30.0, ge=2, le=600, description="Without a step of the house for so long it is not healthy."
    )

    @field_validator("host")
    @classmethod
    def _literal(cls, host: str) -> str:
        return _literal_address(host)


def _literal_address(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"{host!r}: expected an IP address, as in 127.0.0.1") from None
    return host


def long_enough(secret: SecretStr | None) -> SecretStr | None:
    """What messages are signed with. ValueError for one that could be guessed."""
    if secret is not None and len(secret.get_secret_value()) < SECRET_CHARACTERS_MIN:
        raise ValueError(f"expected {SECRET_CHARACTERS_MIN} characters at least, as of openssl rand -hex 32")
    return secret


class VenueKey(_Params):
    """Credentials of one venue. Never in a file of the configuration: environment or secrets directory only."""

    api_key: SecretStr | None = Field(None, description="API key; give it no right to withdraw.")
    secret: SecretStr | None = Field(None, description="API secret.")
    password: SecretStr | None = Field(None, description="Passphrase, on venues that ask for one.")
    wallet_address: SecretStr | None = Field(
        None, description="Address of the account, on chains: that of its owner, not of the API wallet."
    )
    private_key: SecretStr | None = Field(
        None, description="Private key of an API wallet (agent) of that account, never that of its owner."
    )
