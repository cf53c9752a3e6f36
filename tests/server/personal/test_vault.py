"""Tests of the vault: sealed under a key of each person, bound to its place, destroyed whole."""

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import Column, Connection, select, update

from deltacare.errors import Reason, Refusal
from server.personal import tables
from server.personal.persons import Sought
from server.personal.vault import Vault
from server.store.database import Database
from tests.support.persons import NAME, NUMBER, OTHER_NUMBER, PHONE
from tests.support.ports import START_TIME, SeededEntropy

OWN = "320000"
CERTIFICATES = (f"{OWN}-C1", f"{OWN}-C2")
REQUEST = "00000000-0000-4000-8000-000000000001"


class Tx:
    """A transaction that remembers which requests were blinded."""

    def __init__(self, connection: Connection, blinded: list[str]) -> None:
        self.connection = connection
        self.now = START_TIME
        self._blinded = blinded

    def void(self, *_: object) -> None:
        """Nothing is void here."""

    def size(self, log: object) -> int:
        """Never asked."""
        raise NotImplementedError(log)

    def blind(self, request_ids: Iterable[str]) -> None:
        """Remember."""
        self._blinded += request_ids


class Vaulted:
    """A vault over a database, with its calls in short form."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database = database
        self.vault = vault
        self.blinded: list[str] = []

    def keep(
        self, ref: str, given: dict[str, str], numbers: Iterable[str] = (), request_id: str = ""
    ) -> bool:
        """Keep values."""
        return self.database.write_now(
            lambda c: self.vault.keep(
                Tx(c, self.blinded), ref, given, numbers, request_id=request_id
            )
        )

    def destroy(self, *refs: str) -> None:
        """Destroy persons."""
        self.database.write_now(lambda c: self.vault.destroy(Tx(c, self.blinded), refs))

    def values(self, ref: str) -> dict[str, str]:
        """Return what is kept."""
        return self.database.read_now(lambda c: self.vault.values_of(c, ref))

    def column(self, column: Column[Any]) -> list[Any]:
        """Return a column of a table."""
        return self.database.read_now(lambda c: list(c.execute(select(column)).scalars()))


@pytest.fixture
def vaulted(database: Database) -> Vaulted:
    """A vault under a key of its own."""
    return Vaulted(database, Vault(OWN, b"v" * 32, SeededEntropy()))


def test_kept_replaced_and_read(vaulted: Vaulted) -> None:
    """Only what is given is replaced; certificates are added; a person is new once."""
    given = {"holder_name": NAME, "identity_number": NUMBER, "phone": ""}
    assert vaulted.keep("p-1", given, CERTIFICATES[:1])
    assert not vaulted.keep("p-1", {"phone": PHONE}, CERTIFICATES[1:])
    assert {"holder_name": NAME, "identity_number": NUMBER, "phone": PHONE} == vaulted.values("p-1")
    read = vaulted.database.read_now
    assert frozenset(CERTIFICATES) == read(lambda c: vaulted.vault.held_by(c, "p-1"))
    assert NAME == read(lambda c: vaulted.vault.name_of(c, CERTIFICATES[1]))
    assert read(lambda c: vaulted.vault.name_of(c, f"{OWN}-C3")) is None


def test_each_person_has_a_key_and_nothing_is_in_clear(vaulted: Vaulted) -> None:
    """Neither values nor keys stand in a row, and equal values look different."""
    for ref in ("p-1", "p-2"):
        vaulted.keep(ref, {"holder_name": NAME, "identity_number": NUMBER})
    read = vaulted.database.read_now
    keys = read(lambda c: [vaulted.vault._key_of(c, ref) for ref in ("p-1", "p-2")])
    sealed = vaulted.column(tables.values.c.sealed)
    wrapped = vaulted.column(tables.persons.c.wrapped_key)
    assert 2 == len(set(keys))
    assert 4 == len(set(sealed))
    hidden = [NAME.encode(), NUMBER.encode(), b"v" * 32, *(key or b"" for key in keys)]
    assert not any(secret in row for secret in hidden for row in [*sealed, *wrapped])


def test_one_person_under_several_references(vaulted: Vaulted) -> None:
    """Found by the number that is kept or given, under this node's key alone; gone with the row."""
    numbers = [f"{OWN}-C{n}" for n in range(1, 5)]
    vaulted.keep("p-1", {"identity_number": NUMBER}, numbers[:1])
    vaulted.keep("p-2", {"identity_number": NUMBER}, numbers[1:2])
    vaulted.keep("p-3", {"identity_number": OTHER_NUMBER}, numbers[2:3])
    vaulted.keep("p-4", {"holder_name": NAME}, numbers[3:])
    sought = [
        Sought(subject_ref="p-1"),
        Sought(certificate_nos=frozenset(numbers[1:2])),
        Sought(identity_number=NUMBER),
        Sought(subject_ref="p-4"),
        Sought(subject_ref="p-4", identity_number=OTHER_NUMBER),
        Sought(subject_ref="p-9"),
        Sought(),
    ]
    one, none = frozenset(numbers[:2]), frozenset[str]()
    expected = (one, one, one, frozenset(numbers[3:]), frozenset(numbers[2:]), none, none)
    read = vaulted.database.read_now
    assert expected == read(lambda c: vaulted.vault.held_by_each(c, sought))
    other = Vault(OWN, b"w" * 32, SeededEntropy())
    assert (none,) == read(lambda c: other.held_by_each(c, [Sought(identity_number=NUMBER)]))
    marks = vaulted.column(tables.persons.c.identity_mark)
    assert [1, 1, 2, 2] == sorted(marks.count(mark) for mark in marks)
    assert not any(NUMBER.encode() in (mark or b"") for mark in marks)
    # Another number, and no row, is another mark and none.
    vaulted.keep("p-1", {"identity_number": OTHER_NUMBER})
    vaulted.destroy("p-3")
    (held,) = read(lambda c: vaulted.vault.held_by_each(c, [Sought(identity_number=OTHER_NUMBER)]))
    assert frozenset(numbers[:1]) == held


def test_what_was_moved_does_not_open(vaulted: Vaulted, quiet: list[dict[str, object]]) -> None:
    """A value under another field is missing, a key under another person refused; with alarms."""
    vaulted.keep("p-1", {"holder_name": NAME})
    vaulted.database.write_now(lambda c: c.execute(update(tables.values).values(field="phone")))
    assert {} == vaulted.values("p-1")
    vaulted.database.write_now(
        lambda c: c.execute(update(tables.persons).values(subject_ref="p-2"))
    )
    with pytest.raises(Refusal) as caught:
        vaulted.values("p-2")
    assert Reason.KEY_NOT_IN_FORCE is caught.value.reason
    events = [line["event"] for line in quiet]
    assert ["personal_value_unreadable", "person_key_unreadable"] == events


def test_another_vault_key_puts_nothing_over_what_is_kept(vaulted: Vaulted) -> None:
    """A node that was given the wrong key file refuses, and destroys nothing."""
    vaulted.keep("p-1", {"holder_name": NAME})
    other = Vaulted(vaulted.database, Vault(OWN, b"w" * 32, SeededEntropy("other")))
    with pytest.raises(Refusal):
        other.keep("p-1", {"phone": PHONE})
    assert {"holder_name": NAME} == vaulted.values("p-1")


def test_a_certificate_has_one_holder(vaulted: Vaulted) -> None:
    """What is linked with one person is not linked with another, and nothing of that call stays."""
    vaulted.keep("p-1", {"holder_name": NAME}, CERTIFICATES)
    with pytest.raises(Refusal) as caught:
        vaulted.keep("p-2", {"phone": PHONE}, CERTIFICATES[:1])
    assert "P05-HELD-BY-ANOTHER" == caught.value.details["rule"]
    assert {} == vaulted.values("p-2")


def test_destroyed_whole(vaulted: Vaulted) -> None:
    """Values, key, links and requests go; another person stays; a scrub is owed."""
    vaulted.keep("p-1", {"holder_name": NAME}, CERTIFICATES, REQUEST)
    vaulted.keep("p-2", {"phone": PHONE})
    vaulted.destroy("p-1", "p-3")
    assert {} == vaulted.values("p-1")
    assert {"phone": PHONE} == vaulted.values("p-2")
    assert [REQUEST] == vaulted.blinded
    assert ["p-2"] == vaulted.column(tables.persons.c.subject_ref)
    assert ["p-2"] == vaulted.column(tables.values.c.subject_ref)
    assert [] == vaulted.column(tables.holdings.c.certificate_no)
    assert [] == vaulted.column(tables.requests.c.request_id)
    assert [START_TIME] == vaulted.column(tables.scrubs.c.requested_time)
    assert vaulted.keep("p-1", {"phone": PHONE}), "a person may come again under a new key"
