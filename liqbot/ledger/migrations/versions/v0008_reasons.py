"""No table changes: `v_trades` tells more of why a trade ended, and views are made anew with a version. Never to be
changed."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Views are no part of a version."""


def downgrade() -> None:
    """As above."""
