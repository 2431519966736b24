"""The terms of contracts as an earlier process knew them: so that what changed between two runs is seen as well."""

from collections.abc import Mapping
from typing import Final, Protocol

from liqbot.market.feeds.listing_watch import ContractTerms


class ListingMemory(Protocol):
    """By venue and unified symbol."""

    def terms(self, venue: str) -> Mapping[str, ContractTerms]: ...

    def keep(self, venue: str, terms: Mapping[str, ContractTerms]) -> None: ...


class _NoMemory:
    def terms(self, venue: str) -> Mapping[str, ContractTerms]:
        del venue
        return {}

    def keep(self, venue: str, terms: Mapping[str, ContractTerms]) -> None:
        pass


NO_MEMORY: Final = _NoMemory()
