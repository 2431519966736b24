"""What somebody may turn about alerts: which rules, how often, when not, and where they are sent."""

import re
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from liqbot.settings.params import long_enough

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_HTTP: Final = re.compile(r"https://|http://(127\.0\.0\.1|localhost|\[::1\])[:/]")


class ClusterAlertParams(BaseModel):
    """One rule about clusters, by a name of your own. It fires when a cluster grows past the size or comes near enough,
    and again only after it has been clearly away from either."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    usd_min: float = Field(gt=0, le=1e12, description="Size of the cluster in USD, an estimate.")
    within_pct: float = Field(5.0, gt=0, le=40, description="Distance of its peak from the mark, at most.")
    coin: str = Field("", description="Of this coin alone; empty: of every coin that is mapped.")
    side: str = Field("", pattern="^(long|short)?$", description="Of this side's positions alone: long or short.")


def _usual_clusters() -> dict[str, ClusterAlertParams]:
    return {"large": ClusterAlertParams(usd_min=5e8, within_pct=5.0)}


class AlertParams(BaseModel):
    """What the observer `alerts` tells, and where. Without it in `observers.enabled` nothing here has an effect."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    off: tuple[str, ...] = Field(
        (), description="Codes that are not told: CLUSTER, SWEPT, WHALE, UNPROTECTED, FEED_DOWN, HALT and others."
    )
    clusters: dict[str, ClusterAlertParams] = Field(
        default_factory=_usual_clusters, description="Rules about clusters, by name."
    )
    swept_usd_min: float = Field(
        5e7, ge=0, le=1e12, description="A flush into a cluster of this size at least is told when it is over; 0: none."
    )
    whale_usd_min: float = Field(
        1e7, ge=0, le=1e12, description="A reported position of this size at least, near its liquidation; 0: none."
    )
    unprotected_s: float = Field(
        5.0, gt=0, le=600, description="A position without a confirmed stop over all of it for so long."
    )
    feed_down_s: float = Field(60.0, ge=0, le=86_400, description="A feed that is down for so long.")
    repeat_min: float = Field(
        60.0, ge=0, le=10_080, description="Minutes in which the same is not told twice, urgent or not."
    )
    hourly_max: int = Field(30, ge=1, le=1_000, description="Alerts an hour, at most; urgent ones are always told.")
    quiet_from: str = Field("", description="Begin of quiet hours (UTC, as in 22:00): only what is urgent is told.")
    quiet_until: str = Field("", description="End of quiet hours (UTC, as in 07:00).")
    notify: SecretStr | None = Field(
        None, description="Where the sink `notify` sends: addresses of the library apprise, separated by blanks."
    )
    webhook_url: str = Field("", description="Where the sink `webhook` posts every alert as JSON.")
    webhook_secret: SecretStr | None = Field(
        None, description="What such a message is signed with (HMAC-SHA256), 32 characters at least; empty: unsigned."
    )
    ping_url: str = Field(
        "", description="Asked for with GET while the house is healthy, as /healthz judges, so that a service which "
        "waits for it notices a bot that is dead or in trouble; empty: nothing is.",
    )
    ping_every_s: float = Field(60.0, ge=1, le=3_600, description="How often.")
    timeout_s: float = Field(10.0, ge=1, le=60, description="Longest time for one message.")

    @field_validator("quiet_from", "quiet_until")
    @classmethod
    def _a_time_of_day(cls, text: str) -> str:
        if text and not _CLOCK.fullmatch(text):
            raise ValueError(f"{text!r}: expected a time of day (UTC), as in 22:00")
        return text

    @field_validator("webhook_url", "ping_url")
    @classmethod
    def _sealed(cls, url: str) -> str:
        if url and not _HTTP.match(url):
            raise ValueError(f"{url!r}: expected https:// (or http:// on this machine): it tells of your positions")
        return url

    @field_validator("webhook_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr | None) -> SecretStr | None:
        return long_enough(secret)

    @model_validator(mode="after")
    def _both_ends(self) -> "AlertParams":
        if bool(self.quiet_until) != bool(self.quiet_from):
            raise ValueError("quiet_from and quiet_until go together")
        return self

