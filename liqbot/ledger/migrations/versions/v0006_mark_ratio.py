"""Decisions and trades tell by what ratio their prices were translated. Never to be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("decision", sa.Column("mark_ratio", sa.Float(), nullable=True))
    op.add_column("trade", sa.Column("mark_ratio", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("trade", "mark_ratio")
    op.drop_column("decision", "mark_ratio")
