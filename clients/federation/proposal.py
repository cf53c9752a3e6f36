"""A proposal: one file, carried by hand between offices until enough of them have signed it.

It holds the whole chain of roots, the statement that counts, and the one that shall follow, so that
an office needs nothing else to judge it and nobody online to ask. Signing and merging copies make
new proposals; what is said in one never changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from deltacare.errors import DeltacareError, invalid_field
from deltacare.trust import Federation
from deltacare.trust.documents import canonical, read_object, require_fields, require_type
from deltacare.trust.roles import (
    Role,
    Root,
    merge,
    open_root,
    open_snapshot,
    open_statement,
    signers,
    target_file,
    verify_root_chain,
    verify_statement,
    version_of,
)
from deltacare.trust.succession import (
    Finding,
    check_at_office,
    check_succession,
    require_none,
)

__all__ = ["PROPOSAL_BYTES_MAX", "Judged", "Proposal", "StatementFiles"]

PROPOSAL_BYTES_MAX = 1_000_000

_FORMAT = "deltacare/proposal/v1"
_FIELDS = ("format", "previous", "roots", "statement")
_STATEMENT_FIELDS = ("documents", "snapshot", "targets")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFiles:
    """The files of one statement.

    Attributes:
        targets: Metadata.
        snapshot: Metadata.
        documents: By target path.
    """

    targets: bytes
    snapshot: bytes
    documents: Mapping[str, bytes]

    def to_files(self) -> dict[str, bytes]:
        """Return the files under the paths by which a TUF client asks for them."""
        version = version_of(self.snapshot)
        return {
            f"{version}.snapshot.json": self.snapshot,
            f"{version}.targets.json": self.targets,
            **{target_file(path, data): data for path, data in self.documents.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a proposal says, and how far it is.

    Attributes:
        previous: The federation that counts; ``None`` for the first statement.
        federation: The one that shall follow.
        old_root: The root that counts; the proposed one itself for the first statement.
        root: Under which the new statement stands.
        root_changed: Whether that root is new.
        findings: Rules of succession that it breaks.
        signed: Provinces whose signature verifies: of the new root by the old root's keys, and by
            its own; of targets; of snapshot.
    """

    previous: Federation | None
    federation: Federation
    old_root: Root
    root: Root
    root_changed: bool
    findings: tuple[Finding, ...]
    signed: Mapping[str, tuple[str, ...]]

    @property
    def lacking(self) -> Mapping[str, int]:
        """How many signatures are missing, by what must be signed; empty when it is complete."""
        needed = {
            "old root": self.old_root.statement_threshold,
            "root": self.root.statement_threshold,
            "targets": self.root.statement_threshold,
            "snapshot": self.root.statement_threshold,
        }
        counts = {name: needed[name] - len(found) for name, found in self.signed.items()}
        return {name: count for name, count in counts.items() if count > 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A statement that shall follow another, with the signatures it has so far.

    Attributes:
        roots: Every root from the first; the last one may be new.
        statement: What is proposed.
        previous: What counts; ``None`` if this is the first.
    """

    roots: tuple[bytes, ...]
    statement: StatementFiles
    previous: StatementFiles | None

    def to_bytes(self) -> bytes:
        """Return the file."""
        return canonical(
            {
                "format": _FORMAT,
                "roots": [data.decode() for data in self.roots],
                "statement": _plain(self.statement),
                "previous": None if self.previous is None else _plain(self.previous),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the proposal of a file.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is none.
        """
        where = "proposal"
        try:
            value = read_object(data, fields=_FIELDS, kind=_FORMAT, where=where)
        except KeyError:
            raise _no_proposal("It has no format.") from None
        roots = require_type(value["roots"], list, f"{where}.roots")
        if not roots:
            raise _no_proposal("It has no root.")
        found = cls(
            roots=tuple(require_type(text, str, f"{where}.roots").encode() for text in roots),
            statement=_files(value["statement"], f"{where}.statement"),
            previous=None
            if value["previous"] is None
            else _files(value["previous"], f"{where}.previous"),
        )
        if found.to_bytes() != data:
            raise _no_proposal("It is not in its canonical spelling.")
        return found

    def judge(self, *, now: datetime | None = None) -> Judged:
        """Return what it says, after verifying everything but the signatures that it lacks.

        1. The chain of roots is signed, up to the one that counts. 2. The statement that counts is
        signed. 3. The new one is whole. 4. Rules of succession. 5. Who signed so far.

        Args:
            now: The present instant; ``None`` does not ask whether it may be signed at this time.

        Raises:
            PeerFault: ``BAD_METADATA``.
            Refusal: ``INVALID_FIELD``.
        """
        # 1. Roots.
        root = open_root(self.roots[-1])
        held = self.roots if self.previous is None else self._held_roots()
        root_changed = self.previous is None or len(held) < len(self.roots)
        old_root = root if self.previous is None else verify_root_chain(held[0], held[1:])
        if root.version != open_root(self.roots[0]).version + len(self.roots) - 1:
            raise _no_proposal("Its roots do not follow each other.")
        # 2. What counts.
        previous: Federation | None = None
        if self.previous is not None:
            files = self.previous
            previous = verify_statement(old_root, files.targets, files.snapshot, files.documents)
        # 3. What shall follow.
        new = self.statement
        federation = open_statement(root, new.targets, new.snapshot, new.documents)
        # 4. Succession.
        findings: tuple[Finding, ...] = ()
        if previous is not None:
            findings = check_succession(previous, federation, root_changed=root_changed)
        if now is not None:
            findings = (*findings, *check_at_office(previous, federation, now=now))
        # 5. Signatures.
        signed = {
            "targets": signers(root, Role.TARGETS, new.targets),
            "snapshot": signers(root, Role.SNAPSHOT, new.snapshot),
        }
        if root_changed:
            signed["root"] = signers(root, Role.ROOT, root.data)
            signed["old root"] = signers(old_root, Role.ROOT, root.data)
        return Judged(
            previous=previous,
            federation=federation,
            old_root=old_root,
            root=root,
            root_changed=root_changed,
            findings=findings,
            signed=signed,
        )

    def to_sign(self, judged: Judged) -> dict[Role, bytes]:
        """Return the files that offices sign."""
        files = {
            Role.TARGETS: self.statement.targets,
            Role.SNAPSHOT: self.statement.snapshot,
        }
        return {Role.ROOT: self.roots[-1], **files} if judged.root_changed else files

    def with_signed(self, files: Mapping[Role, bytes]) -> "Proposal":
        """Return the proposal with files that were signed."""
        statement = replace(
            self.statement, targets=files[Role.TARGETS], snapshot=files[Role.SNAPSHOT]
        )
        root = files.get(Role.ROOT, self.roots[-1])
        return replace(self, roots=(*self.roots[:-1], root), statement=statement)

    def merged(self, other: "Proposal") -> "Proposal":
        """Return the proposal with the signatures of another copy.

        Raises:
            PeerFault: ``BAD_METADATA``, if the other one does not say the same.
            Refusal: ``INVALID_FIELD``, likewise.
        """
        same = self.statement.documents == other.statement.documents
        if not same or self.roots[:-1] != other.roots[:-1] or self.previous != other.previous:
            raise _no_proposal("The copies are not of one proposal.")
        return self.with_signed(
            {
                Role.ROOT: merge(self.roots[-1], other.roots[-1]),
                Role.TARGETS: merge(self.statement.targets, other.statement.targets),
                Role.SNAPSHOT: merge(self.statement.snapshot, other.statement.snapshot),
            }
        )

    def publish(self, *, now: datetime | None = None, again: bool = False) -> dict[str, bytes]:
        """Return everything for whoever trusts the first root, under the paths of a TUF client.

        Args:
            now: The present instant; ``None`` does not ask whether it may be published at this
                time.
            again: Whether it was published before, when its accounts were still to come.

        Raises:
            PeerFault: ``BAD_METADATA``, if too few signed it, or it may not follow what counts.
        """
        judged = self.judge(now=now)
        root = verify_root_chain(self.roots[0], self.roots[1:])
        new = self.statement
        verify_statement(root, new.targets, new.snapshot, new.documents)
        late = {"T13"} if again else set()
        findings = [finding for finding in judged.findings if finding.rule not in late]
        require_none(findings, judged.previous, judged.federation)
        first = open_root(self.roots[0]).version
        files = {f"{first + index}.root.json": data for index, data in enumerate(self.roots)}
        if self.previous is not None:
            files.update(self.previous.to_files())
        return {**files, **new.to_files()}

    def _held_roots(self) -> tuple[bytes, ...]:
        """Return the roots up to the one of the statement that counts."""
        assert self.previous is not None, "only a later proposal holds roots that count"
        count = open_snapshot(self.previous.snapshot).root_version - version_of(self.roots[0]) + 1
        if not len(self.roots) - 1 <= count <= len(self.roots):
            raise _no_proposal("Its roots are not those of the statement that counts.")
        return self.roots[:count]


def _plain(files: StatementFiles) -> dict[str, object]:
    return {
        "targets": files.targets.decode(),
        "snapshot": files.snapshot.decode(),
        "documents": {path: data.decode() for path, data in files.documents.items()},
    }


def _files(value: object, where: str) -> StatementFiles:
    fields = require_fields(value, _STATEMENT_FIELDS, where)
    documents = require_type(fields["documents"], dict, f"{where}.documents")
    return StatementFiles(
        targets=require_type(fields["targets"], str, f"{where}.targets").encode(),
        snapshot=require_type(fields["snapshot"], str, f"{where}.snapshot").encode(),
        documents={
            path: require_type(text, str, f"{where}.documents").encode()
            for path, text in documents.items()
        },
    )


def _no_proposal(text: str) -> DeltacareError:
    return invalid_field("proposal", "", text, "Take the file that federation propose wrote.")
