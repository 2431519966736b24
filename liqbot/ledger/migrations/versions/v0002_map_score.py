"""Maps are kept with their own score. Never to be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("skill_share", "printed_ratio"):
        op.add_column("map_snapshot", sa.Column(name, sa.Float(), nullable=True))


def downgrade() -> None:
    for name in ("skill_share", "printed_ratio"):
        op.drop_column("map_snapshot", name)
