"""Request ids that every replica of a node derives alike, and the node as a caller."""

from uuid import UUID, uuid5

from deltacare.ids import Principal

__all__ = ["node_principal", "request_uuid"]

_NAMESPACE = UUID("6f4a1c52-2b0e-5d7a-9c1b-5d2f0a7e9b31")


def request_uuid(*parts: object) -> str:
    """Return the request id that stands for some parts."""
    return str(uuid5(_NAMESPACE, "/".join(str(part) for part in parts)))


def node_principal(province: str) -> Principal:
    """Return the node itself as a caller: what no person asked for."""
    return Principal(province=province, role="node", opaque_id=f"node-{province}")
