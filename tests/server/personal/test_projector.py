"""Tests of what an `Erased` entry does to rows, and of the rules that make it void."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, select

from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as pb
from server.certification.projector import CertificationProjector
from server.certification.salts import SaltStore
from server.certification.tables import certificates
from server.certification.tables import salts as salt_rows
from server.personal.projector import ErasureProjector
from server.personal.rules import ERASED_CERTIFICATES_MAX, judge_erased
from server.personal.tables import erasures, scrubs
from server.personal.vault import Vault
from server.registry.projector import RegistryProjector
from server.store.database import Database
from tests.server.personal.test_vault import Tx
from tests.support.persons import NAME
from tests.support.ports import SeededEntropy
from tests.support.projecting import Book
from tests.support.rooms import certificate_body

AUTHOR, OTHER = "320000", "310000"
NUMBERS = tuple(f"{AUTHOR}-C{n}" for n in range(1, 4))
LOG = LogName.registry(AUTHOR)
SALT = bytes(range(16))


class Node:
    """One node's rows, seen from its projectors.

    Args:
        database: rows.
        own: its province.
    """

    def __init__(self, database: Database, own: str) -> None:
        self.database = database
        self.vault = Vault(own, b"v" * 32, SeededEntropy())
        self.salts = SaltStore(b"s" * 32, SeededEntropy("salts"))
        self.blinded: list[str] = []
        eraser = ErasureProjector(own=own, vault=self.vault, book=self.salts)
        self.book = Book(database, RegistryProjector(), eraser, CertificationProjector())

    def issue(self) -> None:
        """Issue three certificates, each with its salt."""
        self.book.say(LOG, *map(certificate, NUMBERS))
        self.salt(0, 1, 2)

    def salt(self, *indexes: int) -> None:
        """Have salts come from a partner."""

        def work(connection: Connection) -> None:
            self.salts.write(Tx(connection, self.blinded), LOG, dict.fromkeys(indexes, SALT))

        self.database.write_now(work)

    def held(self) -> list[int]:
        """Return the places whose salts are kept."""
        query = select(salt_rows.c.log_index).order_by(salt_rows.c.log_index)
        return self.database.read_now(lambda c: list(c.execute(query).scalars()))

    def erased(self) -> list[str]:
        """Return the certificates whose holders are remembered as erased."""
        query = select(erasures.c.certificate_no).order_by(erasures.c.certificate_no)
        return self.database.read_now(lambda c: list(c.execute(query).scalars()))


def certificate(number: str) -> pb.Certificate:
    """Return a caregiver's certificate."""
    return certificate_body(number, holder_name_digest=bytes(32))


def erasing(*numbers: str, reason: str = "REQUESTED", tags: Sequence[bytes] = ()) -> pb.Erased:
    """Return an erasure."""
    return pb.Erased(certificate_nos=numbers, reason=reason, person_tags=tags)


@pytest.mark.parametrize("own", [AUTHOR, OTHER])
def test_salts_go_and_never_come_again(database: Database, own: str) -> None:
    """At the author and at partners: what is named and no more, also after a rebuild."""
    node = Node(database, own)
    node.issue()
    node.book.say(LOG, erasing(NUMBERS[0], NUMBERS[2]))
    assert [1] == node.held()
    assert database.read_now(lambda c: c.execute(select(scrubs)).first()) is not None
    node.salt(0, 1, 2)
    assert [1] == node.held()
    node.book.rebuild(LOG)
    node.salt(0, 1, 2)
    assert [1] == node.held()
    assert [NUMBERS[0], NUMBERS[2]] == node.erased()


def test_only_the_authors_node_has_values_to_destroy(database: Database) -> None:
    """A person goes with the first of its certificates; one that holds another stays."""
    node = Node(database, AUTHOR)
    node.issue()

    def keep(connection: Connection) -> None:
        tx = Tx(connection, node.blinded)
        node.vault.keep(tx, "p-1", {"holder_name": NAME}, NUMBERS[:2])
        node.vault.keep(tx, "p-2", {"holder_name": NAME}, NUMBERS[2:])

    database.write_now(keep)
    node.book.say(LOG, erasing(NUMBERS[1]))
    known = database.read_now(lambda c: [node.vault.is_known(c, ref) for ref in ("p-1", "p-2")])
    assert [False, True] == known


@pytest.mark.parametrize("own", [AUTHOR, OTHER])
def test_a_tag_finds_who_holds_nothing(database: Database, own: str) -> None:
    """At the author's node only; who is put again has another tag, and stays."""
    node = Node(database, own)

    def keep(connection: Connection) -> list[bytes]:
        tx = Tx(connection, node.blinded)
        for ref in ("p-1", "p-2"):
            node.vault.keep(tx, ref, {"holder_name": NAME}, ())
        return sorted(node.vault.tags_of(connection, ["p-1"]))

    def known() -> list[bool]:
        return database.read_now(lambda c: [node.vault.is_known(c, r) for r in ("p-1", "p-2")])

    tags = database.write_now(keep)
    node.book.say(LOG, erasing(tags=tags))
    assert {} == node.book.rules(AUTHOR)
    assert [own != AUTHOR, True] == known()
    assert own != AUTHOR or [] != tags != database.write_now(keep)
    node.book.rebuild(LOG)
    assert [True, True] == known()


def test_said_twice_and_in_advance(database: Database) -> None:
    """A second erasure changes nothing; one of a number to come keeps its salt out."""
    node = Node(database, OTHER)
    node.book.say(LOG, erasing(NUMBERS[0]), erasing(NUMBERS[0]))
    assert {} == node.book.rules(AUTHOR)
    node.book.say(LOG, certificate(NUMBERS[0]))
    place = database.read_now(lambda c: c.execute(select(certificates.c.log_index)).scalar_one())
    node.salt(place)
    assert [] == node.held()


def test_salts_of_void_certificates_go_with_the_next_erasure(database: Database) -> None:
    """No row says whose they are; what lies behind the erasure is not touched."""
    node = Node(database, OTHER)
    void = certificate_body(NUMBERS[1])  # without a digest
    node.book.say(LOG, certificate(NUMBERS[0]), void)
    node.salt(0, 1, 3)
    node.book.say(LOG, erasing(NUMBERS[2]))
    assert [0, 3] == node.held()


@pytest.mark.parametrize(
    "body, rule",
    [
        (erasing(), "P02-MALFORMED"),
        (erasing(NUMBERS[1], NUMBERS[0]), "P02-MALFORMED"),
        (erasing(NUMBERS[0], NUMBERS[0]), "P02-MALFORMED"),
        (erasing("320000"), "P02-MALFORMED"),
        (erasing(NUMBERS[0], reason=""), "P02-MALFORMED"),
        (
            erasing(*(f"{AUTHOR}-{n:05d}" for n in range(ERASED_CERTIFICATES_MAX + 1))),
            "P02-MALFORMED",
        ),
        (erasing(tags=[bytes(15)]), "P02-MALFORMED"),
        (erasing(tags=[b"b" * 16, b"a" * 16]), "P02-MALFORMED"),
        (erasing(NUMBERS[0], tags=[b"a" * 16, b"a" * 16]), "P02-MALFORMED"),
        (
            erasing(tags=[n.to_bytes(16, "big") for n in range(ERASED_CERTIFICATES_MAX + 1)]),
            "P02-MALFORMED",
        ),
        (erasing(f"{OTHER}-C1"), "P03-NOT-ISSUER"),
        (erasing(f"{OTHER}-C1", NUMBERS[0]), "P03-NOT-ISSUER"),
    ],
)
def test_void_erasures_erase_nothing(database: Database, body: pb.Erased, rule: str) -> None:
    """What an author may not say destroys nothing, at its own node or at others."""
    node = Node(database, AUTHOR)
    node.issue()
    node.book.say(LOG, body)
    assert {3: rule} == node.book.rules(AUTHOR)
    assert [0, 1, 2] == node.held()


def test_most_that_one_entry_names() -> None:
    """A thousand are let through."""
    numbers = (f"{AUTHOR}-{n:05d}" for n in range(ERASED_CERTIFICATES_MAX))
    assert judge_erased(AUTHOR, erasing(*numbers)) is None
    tags = [n.to_bytes(16, "big") for n in range(ERASED_CERTIFICATES_MAX)]
    assert judge_erased(AUTHOR, erasing(tags=tags)) is None


def test_it_belongs_into_a_registry_log(database: Database) -> None:
    """In a settlement log it is void."""
    node = Node(database, OTHER)
    settlement = LogName.settlement(AUTHOR, OTHER)
    node.book.say(settlement, erasing(NUMBERS[0]))
    assert {(settlement, 0): "P01-NOT-REGISTRY"} == node.book.voids
    assert [] == node.erased()
