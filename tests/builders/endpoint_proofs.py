"""What a dialect answers against what it says it knows it from."""

from collections.abc import Iterable

from paper.dialects.evidence import Evidence


def unproved(endpoints: Iterable[str], evidence: Iterable[Evidence]) -> list[str]:
    """Endpoints that a dialect answers without saying how it knows, and evidence for what it does not answer."""
    answered, named = set(endpoints), {one.endpoint for one in evidence}
    return sorted(answered ^ named)
