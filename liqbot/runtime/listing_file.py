"""`listings.json`: the terms of every venue's contracts, kept for the next process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import structlog

from liqbot.market.feeds.listing_watch import ContractTerms
from liqbot.private_files import read_note, replace_private_file

FILE_NAME: Final = "listings.json"
_log = structlog.get_logger(__name__)


class ListingFile:
    """`listings.json` in the state directory; one that cannot be read or written costs the comparison alone."""

    def __init__(self, data: Path) -> None:
        self._path = data / FILE_NAME
        self._known = self._read()

    def _read(self) -> dict[str, dict[str, ContractTerms]]:
        try:
            return msgspec.json.decode(read_note(self._path), type=dict[str, dict[str, ContractTerms]])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as error:
            _log.warning("terms of an earlier run not read", file=str(self._path), reason=str(error))
            return {}

    def terms(self, venue: str) -> Mapping[str, ContractTerms]:
        return dict(self._known.get(venue, {}))

    def keep(self, venue: str, terms: Mapping[str, ContractTerms]) -> None:
        if self._known.get(venue) == dict(terms):
            return
        self._known[venue] = dict(terms)
        try:
            replace_private_file(self._path, msgspec.json.encode(self._known), durable=False)
        except OSError as error:
            _log.warning("terms not kept", file=str(self._path), reason=str(error))
