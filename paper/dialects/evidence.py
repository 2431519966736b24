"""How we know what a venue answers: every endpoint and topic of a dialect names where its shape was seen."""

import enum

import msgspec


class EndpointUse(enum.StrEnum):
    RECORDED = "recorded"
    """A recorded sample; `source` is its file (in the archive it came in) and what is in it."""
    DOCUMENTED = "documented"
    """The venue's documentation; `source` is the page."""
    READ_BY_CLIENT = "read_by_client"
    """Only what the client's own parser reads or shows in its source; the weakest kind."""


class Evidence(msgspec.Struct, frozen=True):
    """`endpoint` is `POST /fapi/v1/order` for a request, `ws <topic>` for a stream, with `<symbol>` and the like."""

    endpoint: str
    seen: EndpointUse
    source: str
    note: str = ""
