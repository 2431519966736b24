"""Keys of pretended accounts, in the form that each venue has them, and which of its requests only ask."""

from typing import Final

from pydantic import SecretStr

from liqbot.connection.client import Credentials
from liqbot.venues.registry import VENUES
from paper.dialects.accounts import VenueAccount
from paper.dialects.hub import Hub
from paper.dialects.serving import DIALECTS, dialect_class

PHRASE: Final = "phrase"


def key_of(venue: str) -> str:
    """The public part."""
    sample = dialect_class(venue).sample_key if venue in DIALECTS else None
    return "key" if sample is None else sample[0]


def secret_of(venue: str, secret: str = "secret") -> str:
    """The right one, in place of `secret` where a secret has a form."""
    sample = dialect_class(venue).sample_key
    return secret if sample is None else sample[1]


def wrong_secret_of(venue: str) -> str:
    """Of the right form."""
    return "wrong" if dialect_class(venue).sample_key is None else "0x" + "2f" * 32


def opened(hub: Hub, venue: str, secret: str = "secret") -> VenueAccount:
    """The account of the venue's key, opened when it is not there yet."""
    phrase = PHRASE if "password" in VENUES[venue].credentials else ""
    return hub.account(venue, key_of(venue)) or hub.open_account(
        venue, key_of(venue), secret_of(venue, secret), passphrase=phrase
    )


def credentials_of(venue: str, secret: str | None = None) -> Credentials:
    """`secret` in place of the right one."""
    return Credentials(
        SecretStr(key_of(venue)), SecretStr(secret_of(venue) if secret is None else secret), SecretStr(PHRASE)
    )


def key_settings(venue: str, secret: str = "secret", phrase: str = PHRASE) -> dict[str, str]:
    """As a profile's environment names it."""
    first, second, *_ = VENUES[venue].credentials
    return {first: key_of(venue), second: secret, "password": phrase}


def practice_of(venue: str) -> str:
    """How it is traded on without money: in demo trading where it has that, else on its testnet."""
    return "demo" if "demo" in VENUES[venue].practice_kinds else "testnet"


def rights_mode_of(venue: str) -> str:
    """Where the rights of a key can be read."""
    return "testnet" if venue == "bybit" else practice_of(venue)


def is_read(endpoint: str) -> bool:
    """Whether a request as the server notes it changes nothing."""
    return endpoint.startswith(("GET ", "POST /info "))
