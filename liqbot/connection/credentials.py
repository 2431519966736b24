"""What a key consists of, by the names that a venue and its unified client have for the parts."""

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import SecretStr

from liqbot.venues.spec import CredentialField


class Credentials:
    """What a key consists of, in the order in which the venue's spec names it: a key, a secret and a passphrase, or the
    address of an account and the private key of its API wallet. Never shown."""

    def __init__(self, first: SecretStr, second: SecretStr, third: SecretStr | None = None) -> None:
        self._parts = (first, second) if third is None else (first, second, third)

    def config(self, fields: Sequence[CredentialField] = ("api_key", "secret", "password")) -> dict[str, str]:
        """As the unified client wants them; hand it on, never keep or print it."""
        return {_IN_CLIENT[field]: part.get_secret_value() for field, part in zip(fields, self._parts, strict=False)}


_IN_CLIENT: Final[Mapping[CredentialField, str]] = {
    "api_key": "apiKey", "secret": "secret", "password": "password", "wallet_address": "walletAddress",
    "private_key": "privateKey",
}
