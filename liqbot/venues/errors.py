"""What can go wrong when talking to a venue, in the few words the rest of the house acts on.

Every message is one line that names the venue. An unknown outcome is its own error: it is neither success nor failure.
"""

from typing import Final

SAMPLE_LENGTH_MAX: Final = 160


class VenueError(Exception):
    """Base of the errors below."""

    def __init__(self, venue: str, detail: str) -> None:
        self.venue, self.detail = venue, " ".join(detail.split())
        super().__init__(f"{venue}: {self.detail}")


class VenueUnreachable(VenueError):
    """No answer from the venue; of a write it is certain that the request never left."""

    def __init__(self, venue: str, host: str, detail: str) -> None:
        self.host = host
        super().__init__(venue, f"no answer from {host}: {detail}")


class NeverSent(VenueError):
    """An order waited too long for its turn among our own requests and was given up: it was never sent to the venue."""


class OutcomeUnknown(VenueError):
    """A write left and its answer was lost: ask the venue by client order id, never send it again."""


class VenueBusy(VenueError):
    """Too many requests; the request was not executed. `retry_after_s` is None where the venue does not say."""

    def __init__(self, venue: str, detail: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(venue, detail)


class VenueMaintenance(VenueError):
    """The venue says that it is closed; the request was not executed."""


class VenueAuth(VenueError):
    """Key, secret, passphrase, permission or address are not what the venue accepts."""


class ClockSkew(VenueError):
    """Our clock and the venue's differ by more than it allows; the request was not executed."""


class VenueRefused(VenueError):
    """The venue answered no. `code` is its own code (empty where it gave none), `kind` the client's name for it
    (`InsufficientFunds`, `OrderNotFound`, `BadRequest`, ...)."""

    def __init__(self, venue: str, code: str, reason: str, kind: str) -> None:
        self.code, self.reason, self.kind = code, " ".join(reason.split()), kind
        super().__init__(venue, f"refused ({kind}{' ' + code if code else ''}): {reason}")


class AnswerMalformed(VenueError):
    """The venue answered, and not what it documents: nothing of it is believed. `field` is where (`$.result.list`),
    `sample` a short and harmless text of what stood there."""

    def __init__(self, venue: str, request: str, field: str, value: object, why: str) -> None:
        self.request, self.field, self.sample = request, field, ascii(value)[:SAMPLE_LENGTH_MAX]
        super().__init__(venue, f"{request}: the answer is not understood: {field}: {why}: {self.sample}")


class ContractChanged(VenueError):
    """A contract is not listed, or its size is not the one this version was written for."""


RETRYABLE = (VenueUnreachable, VenueBusy, AnswerMalformed)
"""Errors after which a read, or another request that may be repeated without harm, is tried again."""
