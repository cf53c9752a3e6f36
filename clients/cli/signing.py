"""How a command is signed by two persons: the maker writes a file, the checker adds and sends.

One way for statements, advances, payments and clawbacks: ``--key`` and ``--out`` for the maker,
``--key`` and ``--with`` for the checker. What is signed is shown before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import option
from clients.cli.failures import InputRefused
from clients.cli.output import answer, require_folder
from clients.cli.passphrase import known_passphrase, obtain_passphrase, passphrase_option
from clients.language import both, tr

if TYPE_CHECKING:
    from clients.approving import Thing
    from deltacare.approvals import ApprovalWord
    from deltacare.v1.entry_pb2 import Approval
    from deltacare.v1.types_pb2 import Duty

__all__ = ["Gathered", "Pen", "approving"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the checker sends.

    Attributes:
        duty: Maker and checker.
        approvals: For each thing both signatures, in the order of the things.
        request_id: Under which it is done once.
    """

    duty: "Duty"
    approvals: "list[list[Approval]]"
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pen:
    """A person's key, and what the person has in it.

    Attributes:
        key: The key file.
        out: Where the maker's file goes; ``None`` for a checker.
        maker_file: What the maker signed; ``None`` for a maker.
        passphrase_file: File with the passphrase, if it is named.
        request_id: A UUID, or ``None`` for a fresh one.
    """

    key: Path
    out: Path | None
    maker_file: Path | None
    passphrase_file: Path | None
    request_id: str | None

    def sign(
        self,
        things: "Sequence[Thing]",
        *,
        word: "ApprovalWord",
        province: str,
        show: Callable[[], None] = lambda: None,
    ) -> Gathered | None:
        """Sign what was shown.

        What stands against it here is said before it is shown; a person who types the passphrase
        does so after that.

        Returns:
            Both signatures if this is the checker; ``None`` if it is the maker, whose file is
            written and told of: the command is then done.

        Args:
            things: Computed from what was shown, not copied from the maker.
            word: What is said of them.
            province: For which.
            show: Shows it, unless it was shown.

        Raises:
            Refusal: If the key cannot be opened, or the maker signed something else.
        """
        from clients.approving import ApprovalFile, open_key, public_key_of, signed_by
        from clients.sdk.retry import request_id
        from deltacare.approvals import ApprovalPart

        made = None if self.maker_file is None else ApprovalFile.read(self.maker_file)
        if made is not None:
            made.require(public_key_of(self.key).principal, things, word=word, province=province)
        passphrase = known_passphrase(self.passphrase_file)
        signer = None if passphrase is None else open_key(self.key, passphrase)
        show()
        if signer is None:
            signer = open_key(self.key, obtain_passphrase(self.passphrase_file))
        if made is not None:
            duty, both_signed = made.completed(signer, things, word=word, province=province)
            return Gathered(
                duty=duty, approvals=both_signed, request_id=self.request_id or request_id()
            )
        assert self.out is not None, "a maker names a file"
        own = signed_by(signer, things, word=word, province=province, part=ApprovalPart.MAKER)
        ApprovalFile(
            things=tuple(things), word=word, province=province, approvals=tuple(own)
        ).write(self.out)
        answer(
            {
                "approval_file": str(self.out),
                "maker": signer.principal,
                "key_id": signer.key_id,
                "hashes": [each.subject_hash.hex() for each in things],
            },
            [
                tr(
                    f"{signer.principal} 已签名，写入 {self.out}；请交复核人以 --with 补签并提交。",
                    f"Signed by {signer.principal}, written to {self.out}: hand it to the checker, "
                    "who signs and sends it with --with.",
                )
            ],
        )
        return None


def approving(function: Callable[..., Any]) -> Any:  # noqa: ANN401  # click's own type
    """Give a command the options of signing, and it the ``pen``."""

    @option(
        "--key",
        required=True,
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help=both("签名人自己的密钥文件。", "Key file of the person who signs."),
    )
    @option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help=both("经办人：把签名写入此文件，交复核人。", "Maker: write the signature here."),
    )
    @option(
        "--with",
        "maker_file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help=both(
            "复核人：经办人的签名文件；补签后提交。", "Checker: the maker's file; sign and send."
        ),
    )
    @option(
        "--request-id",
        metavar="UUID",
        help=both("重试时沿用的请求号。", "Request id of an earlier try, to do it once."),
    )
    @passphrase_option
    @wraps(function)
    def with_pen(
        *,
        key: Path,
        out: Path | None,
        maker_file: Path | None,
        request_id: str | None,
        passphrase_file: Path | None,
        **arguments: Any,  # noqa: ANN401  # the command's own
    ) -> Any:  # noqa: ANN401  # what the command returns
        if (out is None) == (maker_file is None):
            raise InputRefused(
                tr(
                    "经办人用 --out 写签名文件；复核人用 --with 给出经办人的签名文件。",
                    "The maker names a file with --out; the checker gives the maker's with --with.",
                )
            )
        if out is not None:
            require_folder(out)
        pen = Pen(
            key=key,
            out=out,
            maker_file=maker_file,
            passphrase_file=passphrase_file,
            request_id=request_id,
        )
        return function(pen=pen, **arguments)

    return with_pen
