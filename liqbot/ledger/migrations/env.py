"""Alembic's entry: migrations run on the connection that `liqbot.ledger.migrate` hands over."""

from alembic import context

from liqbot.ledger.tables import Table

context.configure(connection=context.config.attributes["connection"], target_metadata=Table.metadata)
context.run_migrations()
