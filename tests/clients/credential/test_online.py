"""A phone certificate shown to who has a node: the name on it is compared as one that is asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Connection

from clients.checking.run import Asked
from clients.cli.cert_shown import _check_at_node, _tell
from clients.language import using_language
from deltacare.credential.certificate import CERTIFICATE_TYPE
from deltacare.credential.offline import check_offline
from deltacare.credential.sd_jwt import present
from deltacare.evidence import Evidence, VerdictRecord
from deltacare.tlog.note import SignedNote
from server.credential import bundles
from server.credential.service import CredentialServicer
from tests.clients.credential.conftest import recognised
from tests.support.certifying import institution_certificate
from tests.support.phones import HOLDER, Phones
from tests.support.rooms import Rooms, institution_body

HOST, ISSUER = "310000", "320000"


class _BelievesAll:
    """A book of names that any name agrees with, as at a node that compares none."""

    def same_names(
        self,
        connection: Connection,  # noqa: ARG002  # the port's
        author: str,  # noqa: ARG002  # the port's
        names: Mapping[str, str],
    ) -> Mapping[str, bool]:
        """Return that all agree."""
        return dict.fromkeys(names, True)


class _Methods:
    """The methods of a service of a running loop, for a caller in another thread."""

    def __init__(self, service: object, call: object, loop: asyncio.AbstractEventLoop) -> None:
        self._service, self._call, self._loop = service, call, loop

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        snake = "".join(f"_{each.lower()}" if each.isupper() else each for each in name)[1:]
        method = getattr(self._service, snake)
        return lambda request: asyncio.run_coroutine_threadsafe(
            method(request, self._call), self._loop
        ).result()


class Counter:
    """A counter in Shanghai with a node."""

    def __init__(self, phones: Phones) -> None:
        self.phones = phones
        self.renew()

    def renew(self) -> None:
        """Call at the moment that it is now."""
        phones = self.phones
        loop, call = asyncio.get_running_loop(), phones.rooms.call(HOST)
        self.certification = _Methods(phones.rooms.certification[HOST], call, loop)
        self.credential = _Methods(phones.services[HOST], call, loop)

    async def check(
        self,
        text: str,
        capsys: pytest.CaptureFixture[str],
        holder: str = "",
        *,
        asked: Asked = Asked(),  # noqa: B008  # frozen
        save: Path | None = None,
    ) -> tuple[int, str]:
        """Return exit code and what is said."""

        def run() -> int:
            with using_language("en"):
                return _check_at_node(self, text, asked=asked, holder=holder, save=save)  # type: ignore[arg-type]  # it has the two services

        code = await asyncio.to_thread(run)
        return code, capsys.readouterr().out


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    """Jiangsu issued a certificate that Shanghai recognises."""
    with structlog.testing.capture_logs():
        async with Rooms.laid(tmp_path, recognised) as rooms:
            phones = Phones(rooms)
            await phones.publish_key(ISSUER)
            await rooms.spread(ISSUER)
            await rooms.spread(HOST)
            yield Counter(phones)


async def test_the_name_that_is_shown_is_compared(
    counter: Counter, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The issuer signed a name that its log contradicts: not this holder, asked for or not."""
    true = await counter.phones.issue("320000-C1")
    service: CredentialServicer = counter.phones.services[ISSUER]
    counter.phones.names[ISSUER].name = "示例乙"
    monkeypatch.setattr(service, "_book", _BelievesAll())
    false = await counter.phones.issue("320000-C1")
    for text, holder, code, words in (
        (true, "", 0, "VALID"),
        (true, HOLDER, 0, "VALID"),
        (true, "示例乙", 1, "HOLDER_MISMATCH"),
        (false, "", 1, "HOLDER_MISMATCH"),
        (false, "示例乙", 1, "HOLDER_MISMATCH"),
    ):
        found = await counter.check(text, capsys, holder)
        assert (code, words) == (found[0], found[1].split()[0]), found
        assert "not compared" not in found[1]


async def test_where_nobody_is_compared_it_is_said(
    counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    """A certificate without a name is valid, of whomsoever; that nobody was compared is said."""
    bare = present(await counter.phones.issue("320000-C1"), (), typ=CERTIFICATE_TYPE)
    code, said = await counter.check(bare, capsys)
    assert (0, True) == (code, "holder not compared" in said)


async def test_as_what_it_counts_and_how_old_that_is(
    counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    """As without a network; and nothing of that where the picture is not of the one asked for."""
    text = await counter.phones.issue("320000-C1")
    counter.phones.rooms.nodes.clock.advance(timedelta(seconds=7))
    counter.renew()
    _, said = await counter.check(text, capsys)
    assert ["counts here as SH_CAREGIVER 中级", "data is 7 s old"] == said.splitlines()[4:], said
    _, said = await counter.check(text, capsys, "示例乙")
    assert (False, True) == ("counts here" in said, "data is 7 s old" in said), said


async def test_an_institution_has_no_holder_to_compare(
    counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of its certificate it is not said that nobody was compared."""
    rooms, number = counter.phones.rooms, f"{ISSUER}-S1"
    await rooms.register(ISSUER, institution_body(f"{ISSUER}-1"))
    await rooms.issue(ISSUER, institution_certificate(number, institution_id=f"{ISSUER}-1"))
    await rooms.spread(ISSUER)
    text = await counter.phones.issue(number)
    _, said = await counter.check(text, capsys)
    assert (True, False) == (number in said, "not compared" in said), said
    bundle = counter.phones.trusted(await counter.phones.bundle(HOST))
    found = check_offline(text, bundle, now=counter.phones.now)
    with using_language("en"):
        _tell(found, None, content=bundle.content, is_compared=False)
    said = capsys.readouterr().out
    assert (True, False) == (number in said, "not compared" in said), said


async def test_who_is_left_out_is_named(
    counter: Counter, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle that says nothing of an issuer says so to whoever checks one of its certificates."""
    text = await counter.phones.issue("320000-C1")
    monkeypatch.setattr(bundles, "BUNDLE_BYTES_MAX", 9_000)
    bundle = counter.phones.trusted(await counter.phones.bundle(HOST, ISSUER))
    found = check_offline(text, bundle, now=counter.phones.now)
    with using_language("en"):
        _tell(found, None, content=bundle.content, is_compared=False)
    said = capsys.readouterr().out
    assert ("STALE", True) == (found.verdict, "the bundle leaves out 320000" in said), said


async def test_the_check_is_kept(
    counter: Counter, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As any other, by a verdict file; but not when the picture says more than the node knows."""
    text, kept = await counter.phones.issue("320000-C1"), tmp_path / "kept.verdict"
    code, _ = await counter.check(text, capsys, asked=Asked(purpose="SUPERVISION"), save=kept)
    note = SignedNote.from_bytes(Evidence.from_bytes(kept.read_bytes()).note)
    record = VerdictRecord.from_text(note.text)
    assert (0, "320000-C1", "SUPERVISION") == (code, record.certificate_no, record.purpose)
    other = tmp_path / "other.verdict"
    code, _ = await counter.check(text, capsys, "示例乙", save=other)
    assert (1, False) == (code, other.exists())
