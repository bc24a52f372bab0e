"""Runs migrations on the connection that `gql_service.database.migrate` hands over.

The transaction is the caller's: all revisions and the note of them are committed together.
"""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
