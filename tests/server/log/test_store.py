"""Rows of the tree: what is read of a log as it was, while it grows."""

from pathlib import Path

from deltacare.ids import LogName
from deltacare.tlog.tree import leaf_hash
from tests.support.nodes import FourNodes, institution

REGISTRY = LogName.registry("310000")


async def test_the_edge_of_a_log_that_has_grown_since(tmp_path: Path) -> None:
    """Another replica may append between the reading of a head and of its tree."""
    async with FourNodes.solo(tmp_path) as node:
        await node.append(REGISTRY, [institution(f"310000-{n}") for n in range(3)])
        store = node.logs._store
        before = await node.database.read(lambda c: store.head(c, REGISTRY))
        await node.append(REGISTRY, [institution(f"310000-{n}") for n in range(3, 300)])
        tree = await node.database.read(lambda c: store.tree(c, before))
        datas = await node.database.read(lambda c: store.entries(c, REGISTRY, 3, 5))
        grown, _ = tree.append([leaf_hash(data) for data in datas])
        root = await node.database.read(lambda c: store.root(c, REGISTRY, 5))
        assert grown.frontier.root == root
