"""The mark by the minute, and how long a proposed entry was to be held. Never to be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "mark_minute",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("coin", sa.String(), nullable=False),
        sa.Column("low_price", sa.BigInteger(), nullable=False),
        sa.Column("high_price", sa.BigInteger(), nullable=False),
        sa.Column("mark_price", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_mark_minute_coin_time_ms", "mark_minute", ["coin", "time_ms"])
    op.add_column("decision", sa.Column("max_hold_ms", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("decision", "max_hold_ms")
    op.drop_table("mark_minute")
