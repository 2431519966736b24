"""What a user sets for the map of another source: key, address, and where the numbers are in an unknown answer."""

import re
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

_LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?(/|$)")
_PATH: Final = re.compile(r"[^.\s]+(\.[^.\s]+)*")


class ExternalParams(BaseModel):
    """The map of another source, by its name. `rows`, `price`, `usd` and `side` read an answer whose shape is not known
    to the program: names and indices joined by dots. Shown beside ours, used in no decision."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    api_key: SecretStr | None = Field(None, description="API key of the source.")
    client_id: SecretStr | None = Field(None, description="Where the source asks for one (Hyblock).")
    client_secret: SecretStr | None = Field(None, description="Where the source asks for one (Hyblock).")
    url: str = Field(
        "", description="Address instead of the source's own, or of a source of yours, with {coin} where BTC goes."
    )
    key_header: str = Field("", description="Header that carries the key of a source of yours, as in X-API-Key.")
    key_prefix: str = Field("", description="What stands before the key in it, as in `Bearer ` with its blank.")
    range: str = Field("", description="Span of history in the source's own words; empty: its usual one.")
    exchange: str = Field("", description="Whose positions, in the source's own words, where it asks for one.")
    rows: str = Field(
        "", description="Path to the list (or object) of rows; empty: `price` and `usd` lead to lists of equal length."
    )
    price: str = Field("", description="Path to the liquidation price, within a row or from the top.")
    usd: str = Field("", description="Path to the USD there, likewise.")
    side: str = Field("", description="Path to the side, long or short; empty: longs below the mark, shorts above.")

    @field_validator("url")
    @classmethod
    def _sealed(cls, url: str) -> str:
        if url and not url.startswith("https://") and not _LOOPBACK.match(url):
            raise ValueError(f"{url!r}: expected https:// (or http:// on this machine): the key travels with it")
        if "@" in url or ("?" in url and re.search(r"(?i)[?&][^=]*(key|token|secret)[^=]*=", url)):
            raise ValueError("a key in an address would be shown; put it into api_key and name its key_header")
        return url.rstrip("/")

    @field_validator("rows", "price", "usd", "side")
    @classmethod
    def _a_path(cls, path: str) -> str:
        if path and not _PATH.fullmatch(path):
            raise ValueError(f"{path!r}: expected names and indices joined by dots, as in data.levels")
        return path

    def secrets(self) -> tuple[str, ...]:
        """What must be shown nowhere."""
        kept = (self.api_key, self.client_id, self.client_secret)
        return tuple(one.get_secret_value() for one in kept if one is not None and one.get_secret_value())
