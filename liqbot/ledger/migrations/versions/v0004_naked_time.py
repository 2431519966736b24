"""Trades tell how long their position was without a full stop. Never to be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("trade", sa.Column("naked_ms", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("trade", "naked_ms")
