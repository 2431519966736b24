"""Alembic's environment for the ledger, packaged with the program."""
