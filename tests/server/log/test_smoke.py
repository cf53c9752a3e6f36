from deltacare.ids import LogName
from tests.support.nodes import FourNodes, institution
async def test_x(tmp_path):
    """x."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        log = LogName.registry("310000")
        await nodes["310000"].append(log, [institution("310000-1")])
        await nodes["320000"].holds(log, 1)
        for p in nodes.nodes: await nodes[p].has_quorum(log,1)
