"""Tests of roots that follow each other while nodes run."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from deltacare.errors import PeerFault
from tests.server.federation.support import AH, HOUR, JS, SH, ZJ
from tests.support.trusts import FourTrusts, root_file, root_seed, statement, timestamp_seed


async def test_replaced_root_and_timestamp_keys(tmp_path: Path) -> None:
    """A root with a new office's key and a new node's key comes into force with its statement."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    nodes[AH].seeds = [timestamp_seed(AH), timestamp_seed(AH, 2)]
    now = nodes[SH].clock.now()
    root = root_file(
        2,
        now=now,
        roots={AH: 2},
        timestamps={AH: 2},
        signers=[root_seed(SH), root_seed(JS), root_seed(ZJ)],
    )
    nodes.federation = replace(nodes.federation, version=2, issued_time=now)
    files = statement(
        nodes.federation,
        now=now,
        root_version=2,
        signers=[root_seed(JS), root_seed(ZJ), root_seed(AH, 2)],
    )
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish({"2.root.json": root})
    assert caught.value.details["fault"] == "WRONG_LINK"
    await nodes[SH].publish({"2.root.json": root, **files})
    await nodes.rounds()
    nodes.advance(HOUR)
    nodes.cut([SH], [JS, ZJ])
    await nodes.rounds()
    assert nodes.versions == [2, 2, 2, 2]
    assert {(await node.status()).root_version for node in nodes.nodes.values()} == {2}
    # Anhui's lost key signs nothing any more.
    third = replace(nodes.federation, version=3, issued_time=nodes[SH].clock.now())
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(
            statement(
                third,
                now=nodes[SH].clock.now(),
                root_version=2,
                signers=[root_seed(JS), root_seed(ZJ), root_seed(AH)],
            )
        )
    assert caught.value.details["fault"] == "TOO_FEW_SIGNATURES"


async def test_statement_of_an_older_root(tmp_path: Path) -> None:
    """Under a new root nothing is signed by the keys of the old one any more."""
    nodes = FourTrusts(tmp_path)
    now = nodes[SH].clock.now()
    root = root_file(2, now=now, roots={AH: 2}, signers=[root_seed(p) for p in (SH, JS, ZJ)])
    nodes.federation = replace(nodes.federation, version=2, issued_time=now)
    files = statement(
        nodes.federation, now=now, root_version=2, signers=[root_seed(p) for p in (SH, JS, ZJ)]
    )
    await nodes[SH].publish({"2.root.json": root, **files})
    third = replace(nodes.federation, version=3)
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(
            statement(third, now=now, root_version=1, signers=[root_seed(p) for p in (SH, JS, AH)])
        )
    assert caught.value.details["fault"] == "ROLLED_BACK"


@pytest.mark.parametrize(
    "name, roots, signers, fault",
    [
        ("1.root.json", {AH: 2}, [SH, JS, ZJ], "OTHER_CONTENT"),
        ("2.root.json", {SH: 2, JS: 2, ZJ: 2, AH: 2}, [], "TOO_FEW_SIGNATURES"),
        ("3.root.json", {AH: 2}, [SH, JS, ZJ], "WRONG_LINK"),
    ],
    ids=["another first", "all keys new", "one left out"],
)
async def test_roots_that_do_not_follow(
    tmp_path: Path, name: str, roots: dict[str, int], signers: list[str], fault: str
) -> None:
    """A root takes nobody's place, jumps over nobody, and needs those who were there before."""
    nodes = FourTrusts(tmp_path)
    now = nodes[SH].clock.now()
    version = int(name[0])
    seeds = [root_seed(p) for p in signers] or [root_seed(p, 2) for p in roots]
    root = root_file(version, now=now, roots=roots, signers=seeds)
    following = replace(nodes.federation, version=2, issued_time=now)
    files = statement(following, now=now, root_version=version, signers=seeds)
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish({name: root, **files})
    assert caught.value.details["fault"] == fault
    assert nodes[SH].room.store.versions() == (1,)
    assert nodes[SH].room.ledger.newest_root.version == 1


async def test_expired_statement(tmp_path: Path) -> None:
    """A statement past its year is neither taken nor kept in force."""
    nodes = FourTrusts(tmp_path)
    await nodes.rounds()
    old = nodes[SH].clock.now() - timedelta(days=366)
    following = replace(nodes.federation, version=2)
    with pytest.raises(PeerFault) as caught:
        await nodes[SH].publish(statement(following, now=old))
    assert caught.value.details["fault"] == "EXPIRED"
    nodes.advance(timedelta(days=336))
    await nodes.rounds()
    codes = [p.code for p in (await nodes[SH].status()).problems]
    assert codes == ["STATEMENT_EXPIRES_SOON"]
    nodes.advance(timedelta(days=30))
    await nodes.rounds()
    assert nodes[SH].room.trust.stale_since(nodes[SH].clock.now()) is not None
