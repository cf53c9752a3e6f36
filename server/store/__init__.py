"""The ground of a node: one database, its transactions and its migrations.

Rooms above declare their tables against ``server.store.schema.metadata``; nothing here knows what
a table means.
"""
