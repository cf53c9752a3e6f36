"""A person is erased, and nothing that is left anywhere brings the values back.

Four real nodes on loopback, on SQLite or PostgreSQL. What a value became is taken from the node
before: its key, wrapped and plain, its salt, plain and as each node sealed it, and what repeated
requests are compared by. Before the erasure the search finds what lies in the files as it must, so
that it is known to be able to; after it, nothing.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect

import psycopg
import pytest
from sqlalchemy import Connection, make_url, select, text

from clients.issuing.batches import RowOutcome, issue_rows
from clients.issuing.sheet import NewRow
from clients.logs.policies import listed_policy
from clients.logs.source import NodeLog
from clients.logs.verify import verify_log
from clients.sdk.credentials import Profile
from clients.sdk.node import NodeClient, SyncNodeClient
from clients.sdk.retry import NO_RETRY, request_id
from deltacare.errors import Reason, Refusal
from deltacare.ids import LogKind, LogName, all_logs
from deltacare.purposes import PURPOSE_FIELD, Purpose
from deltacare.v1 import certification_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import personal_service_pb2 as ppb
from deltacare.v1.federation_service_pb2 import ListMembersRequest
from server.certification.tables import salts as salt_rows
from server.edge.logging import configure_logging
from server.log.tables import requests as request_rows
from server.personal.tables import persons, scrubs, values
from tests.server.personal.searching import found_in, spellings, spellings_of_bytes
from tests.support.federated import make_directories, make_offices
from tests.support.foundations import DUTY
from tests.support.persons import NAME, NUMBER, PHONE
from tests.support.wholes import PROVINCES, Wholes, settled

OWN, PARTNER = PROVINCES[1], PROVINCES[0]
REF = "person-0001"
CERTIFICATE = f"{OWN}-C1"
REGISTRY = LogName.registry(OWN)


def why(purpose: Purpose) -> tuple[tuple[str, str], ...]:
    """Return the metadata that gives a purpose."""
    return ((PURPOSE_FIELD, purpose),)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_urls(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    """The database of each node, where it is not the usual file."""
    if request.param == "sqlite":
        yield {}
        return
    url = make_url(str(request.getfixturevalue("postgres_url")))
    admin = url.render_as_string(hide_password=False)
    names = {province: f"{url.database}_{province}" for province in PROVINCES}
    with psycopg.connect(admin, autocommit=True) as connection:
        for name in names.values():
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
    yield {
        province: url.set(database=name).render_as_string(hide_password=False)
        for province, name in names.items()
    }
    with psycopg.connect(admin, autocommit=True) as connection:
        for name in names.values():
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@asynccontextmanager
async def wholes(root: Path, urls: Mapping[str, str]) -> AsyncIterator[Wholes]:
    """Bring four nodes up over the databases that are named."""
    offices = make_offices(root / "offices", PROVINCES)
    directories = make_directories(
        root / "nodes", provinces=PROVINCES, offices=offices, registry_quorum=2
    )
    for province, url in urls.items():
        settings = directories[province] / "node.toml"
        before = settings.read_text(encoding="utf-8")
        settings.write_text(before.replace("sqlite:///node.sqlite", url), encoding="utf-8")
    nodes = Wholes(directories, offices)
    try:
        for province in PROVINCES:
            await nodes.start(province)
        await nodes.confirmed()
        yield nodes
    finally:
        for province in list(nodes.nodes):
            await nodes.stop(province)


def new_certificate() -> cpb.NewCertificate:
    """Return a certificate for a person by reference."""
    certificate = epb.Certificate(
        certificate_no=CERTIFICATE,
        subject=epb.CERTIFICATE_SUBJECT_CAREGIVER,
        scheme="CAREGIVER_LEVEL",
        grade="三级",
        valid_from_date="2026-01-01",
        valid_until_date="2027-12-31",
    )
    return cpb.NewCertificate(
        certificate=certificate, holder_name=NAME, subject_ref=REF, identity_number=NUMBER
    )


async def put_and_issue(system: NodeClient) -> None:
    """Issue a certificate to a person by reference, and put a telephone number as well."""
    await system.certification.IssueCertificates(
        cpb.IssueCertificatesRequest(
            request_id=request_id(), duty=DUTY, certificates=[new_certificate()]
        )
    )
    await system.personal.PutPersonalData(put_request(), metadata=why(Purpose.CERTIFICATION))


def put_request(key: str | None = None) -> ppb.PutPersonalDataRequest:
    """Return the request that puts a telephone number beside the name."""
    record = ppb.PersonalRecord(
        subject_ref=REF,
        values=ppb.PersonalValues(holder_name=NAME, phone=PHONE),
        certificate_nos=[CERTIFICATE],
    )
    return ppb.PutPersonalDataRequest(request_id=key or request_id(), duty=DUTY, records=[record])


async def is_holder(nodes: Wholes, province: str) -> bool:
    """Whether a node takes the person for the holder, by name and number."""
    async with nodes.client(province, "system", NO_RETRY) as system:
        said = await system.certification.CheckCertification(
            cpb.CheckCertificationRequest(
                certificate_no=CERTIFICATE, holder_name=NAME, identity_number=NUMBER
            )
        )
    return said.verdict != cpb.VERDICT_HOLDER_MISMATCH


async def erase(nodes: Wholes, **fields: object) -> ppb.ErasePersonalDataResponse:
    """Erase a person."""
    request = ppb.ErasePersonalDataRequest(
        request_id=request_id(),
        duty=DUTY,
        reason="REQUESTED",
        **fields,  # type: ignore[arg-type]
    )
    async with nodes.client(OWN, "system", NO_RETRY) as system:
        return await system.personal.ErasePersonalData(request, metadata=why(Purpose.ERASURE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What the values became.

    Attributes:
        values: in every spelling, by what they are.
        stored: bytes that lie in the files before the erasure, by node.
    """

    values: Mapping[str, set[bytes]]
    stored: Mapping[str, Mapping[str, set[bytes]]]

    def at(self, province: str) -> dict[str, set[bytes]]:
        """Return all that must not be found at a node."""
        return {**self.values, **self.stored[province]}


def capture(nodes: Wholes) -> Captured:
    """Take from the nodes what an erasure must destroy."""
    vault = nodes.nodes[OWN]._vault
    salts = nodes.nodes[OWN]._salts
    stored: dict[str, dict[str, set[bytes]]] = {}
    for province, node in nodes.nodes.items():

        def read(connection: Connection) -> dict[str, set[bytes]]:
            """Read the rows of one node."""
            rows: dict[str, set[bytes]] = {}
            for number, sealed in enumerate(connection.execute(select(salt_rows.c.sealed))):
                rows[f"sealed salt {number}"] = {bytes(sealed[0])}
            for wrapped, mark in connection.execute(
                select(persons.c.wrapped_key, persons.c.identity_mark)
            ):
                rows["wrapped key"] = {bytes(wrapped)}
                rows["identity mark"] = {bytes(mark)}
            for field, sealed in connection.execute(select(values.c.field, values.c.sealed)):
                rows[f"sealed {field}"] = {bytes(sealed)}
            query = select(request_rows.c.method, request_rows.c.content_mac).where(
                request_rows.c.method.like("%PersonalData")
                | request_rows.c.method.like("%IssueCertificates")
            )
            for method, mac in connection.execute(query):
                rows[f"compared by, {method}"] = {bytes(mac)}
            return rows

        stored[province] = node._database.read_now(read)

    def secrets(connection: Connection) -> tuple[bytes, Mapping[int, bytes]]:
        key = vault._key_of(connection, REF)
        assert key is not None
        return key, salts.read(connection, REGISTRY, 0, 1_000)

    key, opened = nodes.nodes[OWN]._database.read_now(secrets)
    (salt,) = opened.values()
    return Captured(
        values={
            "name": spellings(NAME),
            "identity number": spellings(NUMBER),
            "telephone": spellings(PHONE),
            "key": spellings_of_bytes(key),
            "salt": spellings_of_bytes(salt),
        },
        stored=stored,
    )


def files_of(nodes: Wholes, province: str, urls: Mapping[str, str]) -> list[Path]:
    """Return every file of a node: its directory, and the files of its PostgreSQL database."""
    files = list(nodes.directories[province].rglob("*"))
    if province in urls:
        with psycopg.connect(urls[province], autocommit=True) as connection:
            connection.execute("CHECKPOINT")  # what is in memory only is written
            (base,) = connection.execute(
                "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database"
                " WHERE datname = current_database()"
            ).fetchone() or ("",)
        files += Path(base).iterdir()
    return files


async def wiped(nodes: Wholes) -> None:
    """Wait until no node owes a wipe, and until every partner has the erasure."""
    size = nodes.nodes[OWN].logs.reader.position(REGISTRY).size

    async def look() -> bool | None:
        for node in nodes.nodes.values():
            owed = await node._database.read(lambda c: c.execute(select(scrubs)).first())
            position = node.logs.reader.position(REGISTRY)
            if owed is not None or min(position.size, position.quorum_size) < size:
                return None
        return True

    await settled(look, what="files wiped everywhere")


def back_up(nodes: Wholes, province: str, copy: Path) -> Path:
    """Copy a node's database as SQLite copies one in use."""
    copy.mkdir(parents=True)
    file = copy / "node.sqlite"
    with (
        closing(connect(nodes.directories[province] / "node.sqlite")) as source,
        closing(connect(file)) as target,
    ):
        source.backup(target)
    return file


def export_and_verify(nodes: Wholes, province: str, directory: Path) -> list[Path]:
    """Verify every log that a node holds, whole, and write down each of its entries."""
    directory.mkdir(parents=True)
    written = []
    profile = Profile.load(nodes.directories[province] / "clients", name="auditor")
    with SyncNodeClient.of(profile) as auditor:
        members = auditor.federation.ListMembers(ListMembersRequest())
        for log in all_logs(PROVINCES):
            size = nodes.nodes[province].logs.reader.position(log).size
            if not log.may_hold(province) or not size:
                continue
            source = NodeLog(auditor, str(log))
            if log.kind is not LogKind.AUDIT:  # that one has no witnesses
                assert size == verify_log(source, listed_policy(members, log)).size
            file = directory / str(log).replace("/", "-")
            file.write_bytes(b"".join(entry for run in source.entries(size) for entry in run))
            written.append(file)
    assert written
    return written


@pytest.mark.long
async def test_nothing_brings_an_erased_person_back(
    tmp_path: Path, database_urls: Mapping[str, str]
) -> None:
    """Put, issue, check, disclose, erase: then no byte is left at any node, and the logs verify."""
    log_file = tmp_path / "nodes.log"
    with log_file.open("w", encoding="utf-8") as sink:
        configure_logging(level="debug", file=sink)
        async with wholes(tmp_path, database_urls) as nodes:
            async with nodes.client(OWN, "system", NO_RETRY) as system:
                await put_and_issue(system)
                disclosed = await system.personal.DisclosePersonalData(
                    ppb.DisclosePersonalDataRequest(
                        certificate_no=CERTIFICATE,
                        fields=["holder_name", "phone"],
                        legal_basis="PIPL_45",
                    ),
                    metadata=why(Purpose.SUBJECT_REQUEST),
                )
            assert (REF, NAME, "", PHONE) == (
                disclosed.subject_ref,
                disclosed.values.holder_name,
                disclosed.values.identity_number,
                disclosed.values.phone,
            )
            for province in PROVINCES:

                async def compared(province: str = province) -> bool | None:
                    return await is_holder(nodes, province) or None

                await settled(compared, what=f"the holder compared at {province}")
            captured = capture(nodes)
            # The search finds what lies in the files: sealed, and nothing of it in clear.
            for province in PROVINCES:
                before = found_in(files_of(nodes, province, database_urls), captured.at(province))
                assert set(captured.stored[province]) == {name for _, name in before}
            assert 8 == len(captured.stored[OWN])
            assert 1 == len(captured.stored[PARTNER])
            erased = await erase(nodes, subject_ref=REF)
            assert [CERTIFICATE] == list(erased.certificate_nos)
            await wiped(nodes)
            for province in PROVINCES:
                assert not await is_holder(nodes, province), province
                files = files_of(nodes, province, database_urls)
                if not database_urls:
                    files.append(back_up(nodes, province, tmp_path / f"after-{province}"))
                files += await asyncio.to_thread(
                    export_and_verify, nodes, province, tmp_path / f"exported-{province}"
                )
                assert set() == found_in(files, captured.at(province)), province
    everything = {**captured.values, **captured.stored[OWN], **captured.stored[PARTNER]}
    assert log_file.stat().st_size > 1_000
    assert set() == found_in([log_file], everything)


@pytest.mark.long
async def test_neither_a_retry_nor_an_old_backup_nor_a_rebuild_brings_it_back(
    tmp_path: Path,
) -> None:
    """What was sent before the erasure is refused after it; an old copy is erased again at once."""
    async with wholes(tmp_path, {}) as nodes:
        async with nodes.client(OWN, "system", NO_RETRY) as system:
            await put_and_issue(system)
            put = put_request("00000000-0000-4000-8000-00000000000a")
            metadata = why(Purpose.CERTIFICATION)
            first = await system.personal.PutPersonalData(put, metadata=metadata)
            assert (0, 1) == (first.created_count, first.updated_count)
            assert first == await system.personal.PutPersonalData(put, metadata=metadata)

            async def compared() -> bool | None:
                return await is_holder(nodes, PARTNER) or None

            await settled(compared, what="the holder compared at a partner")
            captured = capture(nodes)
            copies = {
                province: back_up(nodes, province, tmp_path / f"before-{province}")
                for province in (OWN, PARTNER)
            }
            await erase(nodes, certificate_nos=[CERTIFICATE])
            await wiped(nodes)
            # The same request again, and another content under its id: both are other content now.
            for name in (NAME, "虚构样本·乙某某"):
                put.records[0].values.holder_name = name
                with pytest.raises(Refusal) as caught:
                    await system.personal.PutPersonalData(put, metadata=metadata)
                assert Reason.REQUEST_ID_REUSED is caught.value.reason
            with pytest.raises(Refusal) as caught:
                await system.personal.PutPersonalData(put_request(), metadata=metadata)
            assert "P04-HOLDER-ERASED" == caught.value.details["rule"]
            with pytest.raises(Refusal) as caught:
                await erase(nodes, subject_ref=REF)
            assert Reason.NOT_FOUND is caught.value.reason
        # Both nodes go back to what they were before, and take the entry back.
        for province, copy in copies.items():
            await nodes.stop(province)
            for file in nodes.directories[province].glob("node.sqlite*"):
                file.unlink()
            shutil.copy(copy, nodes.directories[province] / "node.sqlite")
            await nodes.start(province)
        await nodes.confirmed()

        async def gone() -> bool | None:
            return (not await is_holder(nodes, PARTNER) and not await is_holder(nodes, OWN)) or None

        await settled(gone, what="erased again")
        await wiped(nodes)
        for province in copies:
            await nodes.nodes[province].logs.rebuild(REGISTRY)
            files = files_of(nodes, province, {})
            assert set() == found_in(files, captured.at(province)), province
            held = await nodes.nodes[province]._database.read(
                lambda c: c.execute(text("SELECT count(*) FROM certification_salts")).scalar_one()
            )
            assert 0 == held, province


@asynccontextmanager
async def restored(nodes: Wholes, urls: Mapping[str, str], root: Path) -> AsyncIterator[None]:
    """Keep a copy of a stopped node's database; what is done inside is gone from it afterwards."""
    if not urls:
        copy = back_up(nodes, OWN, root / "before")
        yield
        await nodes.stop(OWN)
        for file in nodes.directories[OWN].glob("node.sqlite*"):
            file.unlink()
        shutil.copy(copy, nodes.directories[OWN] / "node.sqlite")
        await nodes.start(OWN)
        return
    url = make_url(urls[OWN])
    name, kept = url.database, f"{url.database}_kept"
    other = urls[PARTNER]
    await nodes.stop(OWN)
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{kept}" TEMPLATE "{name}"'.encode())
    await nodes.start(OWN)
    await nodes.confirmed()
    yield
    await nodes.stop(OWN)
    with psycopg.connect(other, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
        connection.execute(f'ALTER DATABASE "{kept}" RENAME TO "{name}"'.encode())
    await nodes.start(OWN)


@pytest.mark.long
async def test_an_old_backup_brings_back_nobody_whose_certificate_it_does_not_know(
    tmp_path: Path, database_urls: Mapping[str, str]
) -> None:
    """Put, backed up, certified, erased, restored: the tag finds it; also who never held one."""
    never = "person-0002"
    async with wholes(tmp_path, database_urls) as nodes:
        metadata = why(Purpose.CERTIFICATION)

        def put(*refs: str) -> ppb.PutPersonalDataRequest:
            """Return a request that puts persons who hold nothing yet."""
            given = ppb.PersonalValues(holder_name=NAME, identity_number=NUMBER)
            return ppb.PutPersonalDataRequest(
                request_id=request_id(),
                duty=DUTY,
                records=[ppb.PersonalRecord(subject_ref=ref, values=given) for ref in refs],
            )

        def kept() -> list[str]:
            """Return the persons of whom something is kept."""
            query = select(persons.c.subject_ref).order_by(persons.c.subject_ref)
            return nodes.nodes[OWN]._database.read_now(lambda c: list(c.execute(query).scalars()))

        async with nodes.client(OWN, "system", NO_RETRY) as system:
            await system.personal.PutPersonalData(put(REF, never, "person-0003"), metadata=metadata)
        async with restored(nodes, database_urls, tmp_path):
            async with nodes.client(OWN, "system", NO_RETRY) as system:
                await put_and_issue(system)
            assert [CERTIFICATE] == list((await erase(nodes, subject_ref=REF)).certificate_nos)
            alone = await erase(nodes, subject_ref=never)
            assert ([], 1) == (list(alone.certificate_nos), alone.appended.entry_count)
            size = nodes.nodes[OWN].logs.reader.position(REGISTRY).size

            async def mirrored() -> bool | None:
                """Look whether whoever gives the entries back has them."""
                sizes = (n.logs.reader.position(REGISTRY).size for n in nodes.nodes.values())
                return all(each >= size for each in sizes) or None

            await settled(mirrored, what="the erasures everywhere")
            assert ["person-0003"] == kept()
            # Who is put again is kept under another tag: a rebuild of the log does not destroy it.
            async with nodes.client(OWN, "system", NO_RETRY) as system:
                await system.personal.PutPersonalData(put(never), metadata=metadata)
            await nodes.nodes[OWN].logs.rebuild(REGISTRY)
            assert [never, "person-0003"] == kept()
        await nodes.confirmed()

        async def gone() -> bool | None:
            return kept() == ["person-0003"] or None

        await settled(gone, what="both erased again")


@pytest.mark.long
async def test_a_file_sent_again_says_that_the_holder_was_erased(tmp_path: Path) -> None:
    """Not that the number is another's, which would have the person certified under a new one."""
    async with wholes(tmp_path, {}) as nodes:
        async with nodes.client(OWN, "system", NO_RETRY) as system:
            await put_and_issue(system)
        await erase(nodes, subject_ref=REF)

        def again() -> RowOutcome:
            """Send the row again."""
            profile = Profile.load(nodes.directories[OWN] / "clients", name="system")
            row = NewRow(number=2, new=new_certificate())
            with SyncNodeClient.of(profile) as node:
                ((outcome,),) = issue_rows(node, [row], DUTY, sizes={})
            return outcome

        outcome = await asyncio.to_thread(again)
    assert "REFUSED" == outcome.kind
    assert outcome.why.startswith("The number was issued before, and its holder was erased;")
    assert outcome.remedy.startswith("Leave the row out")
