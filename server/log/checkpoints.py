"""Rows of what is signed about a log: checkpoints, cosignatures, freshness and evidence.

Synchronous and inside the caller's transaction. What it is given has been verified; it only keeps
it, counts cosignatures towards a quorum, and puts notes together again.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, text, update

from deltacare.ids import LogName
from deltacare.keys import NoteSignature
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import Cosignature, verify_cosignatures
from deltacare.tlog.note import SignedNote
from deltacare.trust import Trust, witness_key_name
from server.log import tables
from server.log.store import Head

__all__ = ["CheckpointStore", "EvidenceRow", "KnownCheckpoint"]

_INSERT_CHECKPOINT = text(
    "INSERT INTO checkpoints (log_id, size, note, stored_time, is_due)"
    " VALUES (:log_id, :size, :note, :stored_time, :is_due)"
    " ON CONFLICT (log_id, size) DO NOTHING"
).bindparams()
_UPSERT_COSIGNATURE = text(
    "INSERT INTO cosignatures (log_id, size, witness, key_id, signature, cosigned_time,"
    " stored_time) VALUES (:log_id, :size, :witness, :key_id, :signature, :cosigned_time,"
    " :stored_time) ON CONFLICT (log_id, size, witness) DO UPDATE SET key_id = excluded.key_id,"
    " signature = excluded.signature, cosigned_time = excluded.cosigned_time"
)
_UPSERT_FRESHNESS = text(
    "INSERT INTO freshness (log_id, stored_time, fresh_time)"
    " VALUES (:log_id, :stored_time, :fresh_time)"
    " ON CONFLICT (log_id, stored_time) DO UPDATE SET fresh_time = excluded.fresh_time"
)
