"""People's keys and approvals in files: making a key, signing, and handing a signature on.

A person's key is a sealed file like a node's keys (`clients.vault`): nobody but its holder opens
it, and no node ever sees it. The maker signs first and hands a small approval file to the checker,
who signs the same and sends both. An approval file is no secret and proves nothing by itself: the
node checks each signature against the key that stands in the log.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.vault import Vault, describe, write_new
from deltacare.approvals import (
    ApprovalAlgorithm,
    ApprovalPart,
    ApprovalSigner,
    ApprovalSubject,
    ApprovalWord,
)
from deltacare.errors import DeltacareError, invalid_field
from deltacare.ids import parse_opaque_id
from deltacare.sm2 import is_sm2_private_key
from deltacare.v1.entry_pb2 import Approval, ApprovalKey
from deltacare.v1.types_pb2 import Duty

__all__ = [
    "ApprovalFile",
    "Thing",
    "create_key",
    "open_key",
    "public_key_of",
    "signed_by",
]

_FORMAT = "deltacare/approval/v1"
_FIELDS = ("approvals", "format", "province", "things", "word")
_KDF_FILE = "kdf.json"
_SEED_BYTES = 32
_FILE_BYTES_MAX = 1_048_576
_NAME_PREFIX = "approval"
_NAME_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What is approved.

    Attributes:
        subject: Of which kind.
        subject_hash: 32 bytes, computed from what the person was shown.
    """

    subject: ApprovalSubject
    subject_hash: bytes


# --- Keys -----------------------------------------------------------------------------------------


def create_key(
    path: Path,
    passphrase: bytes,
    *,
    principal: str,
    algorithm: ApprovalAlgorithm,
    entropy: Callable[[int], bytes],
) -> ApprovalSigner:
    """Make a person's key and seal it into a file that must not exist.

    Its name is the person's id and eight digits of chance, so that no two keys have one.

    Args:
        path: Where to; its directory becomes one of sealed keys if it is none.
        passphrase: Under which it is sealed.
        principal: Opaque id of the person.
        algorithm: With what it signs.
        entropy: Returns so many unpredictable bytes.

    Raises:
        Refusal: ``INVALID_FIELD``, if the id or the passphrase is none; ``ALREADY_EXISTS``;
            ``SUITE_NOT_AVAILABLE``, for SM2 without its extra.
    """
    parse_opaque_id(principal, field="principal")
    seed = entropy(_SEED_BYTES)
    while algorithm is ApprovalAlgorithm.SM2 and not is_sm2_private_key(seed):
        seed = entropy(_SEED_BYTES)
    key_id = f"{principal[:48]}-{entropy(4).hex()}"
    signer = ApprovalSigner(principal=principal, key_id=key_id, algorithm=algorithm, seed=seed)
    directory = path.parent
    opened = (
        Vault.open(directory, passphrase)
        if (directory / _KDF_FILE).exists()
        else Vault.create(directory, passphrase, entropy=entropy)
    )
    opened.write(path, seed, name=_name(signer), public=signer.public_key.hex(), entropy=entropy)
    return signer


def _name(signer: ApprovalSigner) -> str:
    return f"{_NAME_PREFIX} {signer.principal} {signer.key_id} {signer.algorithm}"


def public_key_of(path: Path) -> ApprovalKey:
    """Return what a key file says in clear, without days; no passphrase is needed.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no key for approvals.
    """
    sealed = describe(path)
    parts = sealed.name.split(" ")
    if len(parts) != _NAME_PARTS or parts[0] != _NAME_PREFIX:
        raise _no_key(path)
    try:
        public_key = bytes.fromhex(sealed.public)
    except ValueError:
        raise _no_key(path) from None
    return ApprovalKey(
        key_id=parts[2], principal=parts[1], algorithm=parts[3], public_key=public_key
    )


def open_key(path: Path, passphrase: bytes) -> ApprovalSigner:
    """Open a person's key file.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no such file or the passphrase is another.
    """
    key = public_key_of(path)
    if key.algorithm not in list(ApprovalAlgorithm):
        raise _no_key(path)
    seed = Vault.open(path.parent, passphrase).read(path, name=describe(path).name)
    if len(seed) != _SEED_BYTES:
        raise _no_key(path)
    return ApprovalSigner(
        principal=key.principal,
        key_id=key.key_id,
        algorithm=ApprovalAlgorithm(key.algorithm),
        seed=seed,
    )


def _no_key(path: Path) -> DeltacareError:
    return invalid_field(
        "key",
        path,
        "The file holds no key for approvals.",
        "Make one with deltacare settle key new.",
    )


# --- Signing --------------------------------------------------------------------------------------


def signed_by(
    signer: ApprovalSigner,
    things: Sequence[Thing],
    *,
    word: ApprovalWord,
    province: str,
    part: ApprovalPart,
) -> list[Approval]:
    """Return a person's signatures, one for each thing, as entries carry them."""
    signed = [
        signer.sign(each.subject, each.subject_hash, word=word, province=province, duty=part)
        for each in things
    ]
    return [
        Approval(
            principal=each.principal,
            key_id=each.key_id,
            duty=each.duty,  # type: ignore[arg-type]  # the numbers of the contract
            signature=each.signature,
        )
        for each in signed
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFile:
    """What a maker hands to the checker.

    Attributes:
        things: What was signed.
        word: What was said of it.
        province: For which.
        approvals: The maker's signatures, one for each thing.
    """

    things: tuple[Thing, ...]
    word: ApprovalWord
    province: str
    approvals: tuple[Approval, ...]

    @property
    def maker(self) -> str:
        """Who signed."""
        return self.approvals[0].principal

    def write(self, path: Path) -> None:
        """Write the file, which must not exist.

        Raises:
            Refusal: ``ALREADY_EXISTS``.
        """
        value = {
            "format": _FORMAT,
            "province": self.province,
            "word": str(self.word),
            "things": [
                {"subject": str(each.subject), "hash": each.subject_hash.hex()}
                for each in self.things
            ],
            "approvals": [
                {
                    "principal": each.principal,
                    "key_id": each.key_id,
                    "signature": base64.b64encode(each.signature).decode(),
                }
                for each in self.approvals
            ],
        }
        data = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        write_new(path, data.encode(), private=False)

    @classmethod
    def read(cls, path: Path) -> "ApprovalFile":
        """Read what a maker signed; the signatures are for the node to check.

        Raises:
            Refusal: ``INVALID_FIELD``, naming the file.
        """
        try:
            with path.open("rb") as file:
                data = file.read(_FILE_BYTES_MAX + 1)
        except OSError as error:
            raise invalid_field(
                "with",
                path,
                f"The file cannot be read: {error.strerror or type(error).__name__}.",
                "Check the path and the right to read it.",
            ) from None
        try:
            found = cls._of(json.loads(data)) if len(data) <= _FILE_BYTES_MAX else None
        except (ValueError, TypeError, KeyError, RecursionError):
            found = None
        if found is None:
            raise invalid_field(
                "with",
                path,
                "This is no file of a maker's approval.",
                "Have the maker sign with --out, and pass that file on.",
            )
        return found

    @classmethod
    def _of(cls, value: Mapping[str, Any]) -> "ApprovalFile | None":
        """Return what a JSON value holds; anything may be raised that a wrong type raises."""
        if tuple(sorted(value)) != _FIELDS or value["format"] != _FORMAT:
            return None
        found = cls(
            things=tuple(
                Thing(
                    subject=ApprovalSubject(each["subject"]),
                    subject_hash=bytes.fromhex(each["hash"]),
                )
                for each in value["things"]
            ),
            word=ApprovalWord(value["word"]),
            province=str(value["province"]),
            approvals=tuple(
                Approval(
                    principal=each["principal"],
                    key_id=each["key_id"],
                    duty=ApprovalPart.MAKER,  # type: ignore[arg-type]  # the contract's number
                    signature=base64.b64decode(each["signature"], validate=True),
                )
                for each in value["approvals"]
            ),
        )
        makers = {each.principal for each in found.approvals}
        is_whole = len(makers) == 1 and len(found.approvals) == len(found.things)
        return found if is_whole else None

    def completed(
        self, signer: ApprovalSigner, things: Sequence[Thing], *, word: ApprovalWord, province: str
    ) -> tuple[Duty, list[list[Approval]]]:
        """Return who answers for it and, for each thing, both signatures.

        Args:
            signer: The checker.
            things: What the checker was shown, computed anew.
            word: What the checker says.
            province: For which.

        Raises:
            Refusal: ``INVALID_FIELD``, if the maker signed something else, or is the checker.
        """
        self.require(signer.principal, things, word=word, province=province)
        own = signed_by(signer, things, word=word, province=province, part=ApprovalPart.CHECKER)
        duty = Duty(maker=self.maker, reviewer=signer.principal)
        return duty, [list(each) for each in zip(self.approvals, own, strict=True)]

    def require(
        self, checker: str, things: Sequence[Thing], *, word: ApprovalWord, province: str
    ) -> None:
        """Hold the file to what a checker is about to sign, before anything is shown or signed.

        Args:
            checker: Opaque id of the checker.
            things: What the checker is shown, computed anew.
            word: What the checker says.
            province: For which.

        Raises:
            Refusal: ``INVALID_FIELD``, if the maker signed something else, or is the checker.
        """
        if tuple(things) != self.things or (word, province) != (self.word, self.province):
            raise invalid_field(
                "with",
                self.province,
                "The maker has signed something else.",
                "Compare the hashes; have the maker sign this one.",
            )
        if checker == self.maker:
            raise invalid_field(
                "key",
                checker,
                "Maker and checker are one person.",
                "Have another person check it, with a key of their own.",
            )
