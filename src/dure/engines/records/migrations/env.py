"""How Alembic reaches the records: through the connection the program hands it, in that connection's transaction."""

from alembic import context

from dure.engines.records.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite too: its store says BEGIN itself
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
