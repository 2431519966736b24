"""Whatever a dialect answers, it says how it knows; of venues that are only read the spec says it, feed by feed."""

import pytest
from endpoint_proofs import unproved
from loopback_market import hub_of

from paper.dialects.evidence import EndpointUse
from paper.dialects.serving import dialects_of, traded


@pytest.mark.parametrize("venue", traded())
def test_every_endpoint_and_stream_names_its_evidence(venue: str) -> None:
    (dialect,) = dialects_of(hub_of(venue), [venue])
    assert unproved([*dialect.routes(), *dialect.topics()], dialect.evidence) == []
    assert all(one.source for one in dialect.evidence)
    assert {one.seen for one in dialect.evidence} <= set(EndpointUse)


def test_what_is_answered_without_evidence_is_named() -> None:
    assert unproved(["GET /a", "GET /b"], []) == ["GET /a", "GET /b"]
