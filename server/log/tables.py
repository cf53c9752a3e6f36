"""The tables of the log room: what a node holds of its own logs and of its partners'.

``logs`` has one row a log, which is locked by whoever writes to it; everything else is keyed by
its id. Runs, tiles and checkpoints are the log itself and are never deleted. ``requests`` belongs
to no log: it is backed up, and a rebuild leaves it.
"""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text

from server.store.schema import BigInt, UtcTime, metadata

__all__ = [
    "checkpoints",
    "cosignatures",
    "evidence",
    "freshness",
    "log_runs",
    "log_tiles",
    "logs",
    "requests",
    "submissions",
    "suite_lines",
    "void_entries",
]


logs = Table(
    "logs",
    metadata,
    Column("log_id", BigInt, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    # Counts every change of this row, so that a replica sees at a glance what is new, and a
    # database that lost its last commits is noticed.
    Column("version", BigInt, nullable=False),
    Column("changed_time", UtcTime(), nullable=False),
    Column("size", BigInt, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    # Newest checkpoint whose entries are all stored, with the log's signature only.
    Column("head_size", BigInt, nullable=False),
    Column("head_note", LargeBinary),
    # Newest checkpoint that the stored entries were proven to lead to; ahead of the head while
    # a mirror catches up.
    Column("seen_note", LargeBinary),
    Column("quorum_size", BigInt, nullable=False),
    # Oldest of the newest cosignatures that make the quorum of that size.
    Column("quorum_time", UtcTime()),
    Column("fresh_time", UtcTime()),
    Column("projected_size", BigInt, nullable=False),
    Column("is_stalled", Boolean, nullable=False),
    Column("is_forked", Boolean, nullable=False),
    Column("evidence_count", BigInt, nullable=False),
    # Those of them that prove a fork.
    Column("fork_count", BigInt, nullable=False),
    # What this node's witness cosigned last, as it knows or as partners have shown it.
    Column("cosigned_size", BigInt),
    Column("cosigned_root", LargeBinary),
    # By which quorum and taints the checkpoints below were judged.
    Column("judgement", Text, nullable=False),
)

log_runs = Table(
    "log_runs",
    metadata,
    Column("log_id", BigInt, primary_key=True, autoincrement=False),
    Column("first_index", BigInt, primary_key=True, autoincrement=False),
    Column("entry_count", Integer, nullable=False),
    # Each entry after its length in two bytes, as in a bundle of C2SP tlog-tiles.
    Column("data", LargeBinary, nullable=False),
    Column("stored_time", UtcTime(), nullable=False),
    Index(None, "log_id", "stored_time"),
)

log_tiles = Table(
    "log_tiles",
    metadata,
    Column("log_id", BigInt, primary_key=True, autoincrement=False),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("tile_index", BigInt, primary_key=True, autoincrement=False),
    Column("width", Integer, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("log_id", BigInt, primary_key=True, autoincrement=False),
    Column("size", BigInt, primary_key=True, autoincrement=False),
    # With the log's own signatures only; cosignatures are rows of their own.
    Column("note", LargeBinary, nullable=False),
    Column("stored_time", UtcTime(), nullable=False),
    # Of own logs: must be cosigned whatever the pacing, because it ends in a day close.
    Column("is_due", Boolean, nullable=False),
    # Every key of the log that signed it was called bad since: others' policies do not name it.
    Column("is_doubted", Boolean, nullable=False),
    # When its quorum was known here.
    Column("quorum_time", UtcTime()),
    Index(None, "log_id", "quorum_time"),
)

cosignatures = Table(
    "cosignatures",
    metadata,
    Column("log_id", BigInt, primary_key=True, autoincrement=False),
    Column("size", BigInt, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    # Key id and what follows it, as in the signature line.
    Column("key_id", LargeBinary, primary_key=True),
    Column("signature", LargeBinary, nullable=False),
    Column("cosigned_time", UtcTime(), nullable=False),
    Column("stored_time", UtcTime(), nullable=False),
)

# Lines of the second suite, of the log and of its witnesses.
suite_lines = Table(
    "suite_lines",
    metadata,
    Column("log_id", BigInt, primary_key=True, autoincrement=False),
    Column("size", BigInt, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("key_id", LargeBinary, primary_key=True),
    Column("signature", LargeBinary, nullable=False),
    # A log states no time.
    Column("cosigned_time", UtcTime()),
    Column("stored_time", UtcTime(), nullable=False),
)

freshness = Table(
    "freshness",
    metadata,
    Column("log_id", BigInt, primary_key=True, autoincrement=False),
    Column("stored_time", UtcTime(), primary_key=True, autoincrement=False),
    # As in `logs`, then.
    Column("fresh_time", UtcTime()),
    Column("quorum_time", UtcTime()),
)

evidence = Table(
    "evidence",
    metadata,
    Column("evidence_id", BigInt, primary_key=True, autoincrement=False),
    # By name: a member also keeps what it is shown of logs that it does not hold.
    Column("log", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("held_note", LargeBinary, nullable=False),
    Column("shown_note", LargeBinary, nullable=False),
    Column("shown_by", Text, nullable=False),
    Column("seen_time", UtcTime(), nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    # Of a fork: the root of the larger one's tree at the size of the smaller, and the consistency
    # proof from there, its hashes one behind the other.
    Column("root", LargeBinary),
    Column("hashes", LargeBinary, nullable=False),
    # What is kept is counted for every note that does not verify.
    Index(None, "log", "reason", "shown_by"),
)

# The newest checkpoint that this node's witness cosigned ahead of the entries held, with the
# signatures of its log and of this witness only.
submissions = Table(
    "submissions",
    metadata,
    Column("log_id", BigInt, primary_key=True, autoincrement=False),
    Column("size", BigInt, nullable=False),
    Column("note", LargeBinary, nullable=False),
)

void_entries = Table(
    "void_entries",
    metadata,
    Column("log_id", BigInt, primary_key=True, autoincrement=False),
    Column("entry_index", BigInt, primary_key=True, autoincrement=False),
    Column("rule", Text, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("request_id", Text, primary_key=True),
    Column("content_mac", LargeBinary, nullable=False),
    Column("is_refusal", Boolean, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("created_time", UtcTime(), nullable=False),
)
