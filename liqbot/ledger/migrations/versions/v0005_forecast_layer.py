"""Maps are kept with the forecast layer beside the open positions. Never to be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("map_snapshot", sa.Column("forecast", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("map_snapshot", "forecast")
