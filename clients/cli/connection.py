"""How a command reaches a node, and who answers for what it writes.

A profile is what ``deltacare node init`` left for a client: endpoint, the province's CA,
certificate and key. Options win over environment variables. Nothing connects before it must.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clients.cli.commands import option
from clients.cli.failures import AS_VARIABLE, InputRefused
from clients.language import both, tr

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient
    from deltacare.ids import Principal
    from deltacare.v1.types_pb2 import Duty

__all__ = ["DRAFTING_ROLES", "Connection", "Signature", "connected", "signed"]

DRAFTING_ROLES = frozenset({"clerk", "payer"})
"""Roles of persons whose filings somebody else reviews."""

CLIENT_DEFAULT = "system"
TIMEOUT_S_DEFAULT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where the node is and as whom to call it.

    Attributes:
        node: ``host:port``, or ``None`` for what the profile says.
        profile: Directory of a profile, or such a directory and the name of a client in it.
        timeout_s: For one call, in seconds.
    """

    node: str | None
    profile: str | None
    timeout_s: float

    def open(self) -> "SyncNodeClient":
        """Return a client of the node; use it with ``with``.

        Raises:
            InputRefused: If no profile is given or found.
        """
        from dataclasses import replace
        from typing import cast

        from clients.cli.drafting import DraftingNode
        from clients.sdk.credentials import Profile
        from clients.sdk.node import SyncNodeClient

        directory, name = self._place()
        profile = Profile.load(directory, name=name)
        if self.node:
            profile = replace(profile, endpoint=self.node)
        client = SyncNodeClient.of(profile, timeout_s=self.timeout_s)
        if self.caller().role in DRAFTING_ROLES:
            return cast("SyncNodeClient", DraftingNode(client))
        return client

    def caller(self) -> "Principal":
        """Return who the certificate of the profile says the caller is.

        Raises:
            InputRefused: If no profile is given or found, or its certificate names no caller.
        """
        from clients.sdk.credentials import read_file
        from deltacare.errors import Refusal
        from deltacare.ids import Principal

        directory, name = self._place()
        pem = read_file(directory / f"{name}.crt", field_name="certificate")
        try:
            return Principal.parse(_uri_of(pem))
        except (Refusal, ValueError):
            raise InputRefused(
                tr(
                    f"证书 {name}.crt 未写明联盟的调用者。",
                    f"The certificate {name}.crt names no caller of the federation.",
                )
            ) from None

    def _place(self) -> tuple[Path, str]:
        """Return the directory of the profile and the name of its client.

        Raises:
            InputRefused: If no profile is given or found.
        """
        if not self.profile:
            raise InputRefused(
                tr(
                    "未指明以谁的身份连接。请用 --as 给出“deltacare node init”写下的 clients 目录，"
                    "或设置 DELTACARE_AS。",
                    "As whom to connect is not said. Give --as the clients directory that "
                    "deltacare node init wrote, or set DELTACARE_AS.",
                )
            )
        path = Path(self.profile)
        directory, name = (path, CLIENT_DEFAULT) if path.is_dir() else (path.parent, path.name)
        if not (directory / f"{name}.crt").is_file():
            raise InputRefused(
                tr(
                    f"--as {self.profile}：既不是身份目录，其上级目录中也没有证书 {name}.crt。",
                    f"--as {self.profile}: this is no clients directory, and there is no "
                    f"certificate {name}.crt in {directory}.",
                )
                if directory != path
                else tr(
                    f"--as {self.profile}：目录中没有证书 {name}.crt。",
                    f"--as {self.profile}: there is no certificate {name}.crt in it.",
                )
            )
        return directory, name


def _uri_of(certificate_pem: bytes) -> str:
    """Return the first URI among the names of a certificate.

    Raises:
        ValueError: If there is no certificate, or no URI in it.
    """
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(certificate_pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound as error:
        raise ValueError from error
    return next(iter(names.value.get_values_for_type(x509.UniformResourceIdentifier)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Who answers for a write, and the id under which it is done once.

    Attributes:
        maker: Opaque id.
        reviewer: Opaque id of another person; empty if that one has still to review it.
        request_id: A UUID, or ``None`` for a fresh one.
    """

    maker: str
    reviewer: str
    request_id: str | None

    @property
    def is_draft(self) -> bool:
        """Whether what it stands under waits for a reviewer."""
        return not self.reviewer

    @property
    def duty(self) -> "Duty":
        """What a request says of it."""
        from deltacare.v1.types_pb2 import Duty

        return Duty(maker=self.maker, reviewer=self.reviewer)

    def once(self) -> str:
        """Return the request id: the one given, or a fresh one."""
        from clients.sdk.retry import request_id

        return self.request_id or request_id()


def connected(function: Callable[..., Any]) -> Any:  # noqa: ANN401  # click's own type
    """Give a command the options that find a node, and it the ``connection``."""

    @option(
        "--node",
        metavar="HOST:PORT",
        envvar="DELTACARE_NODE",
        help=both("节点地址；默认取自身份目录。", "The node; the profile says where by default."),
    )
    @option(
        "--as",
        "profile",
        metavar="DIR[/NAME]",
        envvar=AS_VARIABLE,
        help=both(
            "身份目录（node init 写下的 clients 目录），可加证书名，默认 system。",
            "The clients directory that node init wrote, and the name of a client in it "
            "(system by default).",
        ),
    )
    @option(
        "--timeout",
        "timeout_s",
        type=float,
        default=TIMEOUT_S_DEFAULT,
        show_default=True,
        help=both("每次调用的时限（秒）。", "Seconds for one call."),
    )
    @wraps(function)
    def with_connection(
        *,
        node: str | None,
        profile: str | None,
        timeout_s: float,
        **arguments: Any,  # noqa: ANN401  # the command's own
    ) -> Any:  # noqa: ANN401  # what the command returns
        connection = Connection(node=node, profile=profile, timeout_s=timeout_s)
        return function(connection=connection, **arguments)

    return with_connection


def signed(function: Callable[..., Any]) -> Any:  # noqa: ANN401  # click's own type
    """Give a writing command the options that say who answers, and it the ``signature``."""

    @option(
        "--maker",
        envvar="DELTACARE_MAKER",
        metavar="ID",
        help=both(
            "经办人的内部编号；以经办人身份连接时无需填写。",
            "Opaque id of the maker; whoever connects as a clerk is the maker.",
        ),
    )
    @option(
        "--reviewer",
        envvar="DELTACARE_REVIEWER",
        metavar="ID",
        help=both(
            "复核人的内部编号，不得与经办人相同；经办人提交的由他人另行复核。",
            "Opaque id of the checker; what a clerk submits somebody else reviews later.",
        ),
    )
    @option(
        "--request-id",
        metavar="UUID",
        help=both("重试时沿用的请求号。", "Request id of an earlier try, to do it once."),
    )
    @wraps(function)
    def with_signature(
        *,
        maker: str | None,
        reviewer: str | None,
        request_id: str | None,
        **arguments: Any,  # noqa: ANN401  # the command's own
    ) -> Any:  # noqa: ANN401  # what the command returns
        if not reviewer:
            maker, reviewer = _alone(maker, arguments), ""
        elif not maker:
            raise _missing("--maker")
        from deltacare.ids import parse_opaque_id

        for option_name, who in (("--maker", maker), ("--reviewer", reviewer)):
            if who:
                parse_opaque_id(who, field=option_name)
        if maker == reviewer:
            raise InputRefused(
                tr(
                    f"经办与复核不能是同一人（{maker}）。",
                    f"Maker and reviewer are the same ({maker}); name two persons.",
                )
            )
        signature = Signature(maker=maker, reviewer=reviewer, request_id=request_id)
        return function(signature=signature, **arguments)

    return with_signature


def _alone(maker: str | None, arguments: Mapping[str, Any]) -> str:
    """Return the id of who makes a request that somebody else reviews later.

    Args:
        maker: As given, if it was.
        arguments: Of the command, what finds the node among them.

    Raises:
        InputRefused: If the caller has to name a reviewer.
    """
    connection = Connection(
        node=arguments.get("node"), profile=arguments.get("profile"), timeout_s=TIMEOUT_S_DEFAULT
    )
    if not connection.profile:
        raise _missing("--reviewer" if maker else "--maker, --reviewer")
    caller = connection.caller()
    if caller.role not in DRAFTING_ROLES:
        raise _missing("--reviewer" if maker else "--maker, --reviewer")
    if maker and maker != caller.opaque_id:
        raise InputRefused(
            tr(
                f"经办人须是证书本人（{caller.opaque_id}），不得填写 {maker}。",
                f"The maker is who connects ({caller.opaque_id}), not {maker}.",
            )
        )
    return caller.opaque_id


def _missing(options: str) -> InputRefused:
    """Return the refusal of a write of which nobody answers for a part."""
    return InputRefused(
        tr(
            f"请用 {options} 写明经办人与复核人，"
            "或以经办人（clerk）、付款人（payer）身份连接后提交待复核。",
            f"Say with {options} who made and who reviewed it, or connect as a clerk or payer, "
            "whose filings somebody else reviews.",
        )
    )
