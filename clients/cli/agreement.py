"""``deltacare agreement``: agreements, proposed by one province and accepted by the others."""

from typing import Any

import click

from clients.cli.commands import Group, LazyCommand, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import InputRefused
from clients.cli.output import answer, pages, print_table
from clients.language import both, tr
from clients.plain import enum_name, plain

__all__ = ["agreement"]

agreement = Group(
    name="agreement",
    help=both("合作协议。", "Agreements between divisions."),
    lazy={
        "matrix": LazyCommand(
            target="clients.cli.agreement_matrix:matrix",
            help=both("谁与谁有协议：区县对城市。", "Who has an agreement with whom."),
        )
    },
)

_SCOPES = {"standard": 1, "qualification": 2, "subsidy": 3}
_ACCEPTED, _ENDED = 1, 2


@command(
    agreement,
    "propose",
    help=both(
        "提出一个协议版本，提出即为本方接受。",
        "Propose a version of an agreement; that accepts it for the own side.",
    ),
)
@click.argument("agreement_id")
@option(
    "--party",
    "parties",
    multiple=True,
    required=True,
    metavar="CODE",
    help=both("参加地区的六位代码，可多次。", "Division of six digits; repeat it."),
)
@option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(list(_SCOPES)),
    required=True,
    help=both("范围：机构标准、护理员资格、补贴结算。", "What it covers; repeat it."),
)
@option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="CODE",
    help=both("所涉补贴项目代码，可多次。", "Kind of subsidy; repeat it."),
)
@option("--from", "from_date", required=True, metavar="DATE", help=both("起始日。", "First day."))
@option(
    "--until", "until_date", default="", metavar="DATE", help=both("截止日。", "Last day, if any.")
)
@option(
    "--replaces",
    "predecessor",
    default="",
    metavar="HASH",
    help=both("所取代版本的摘要。", "Leaf hash of the version it replaces."),
)
@signed
@connected
def propose(
    *,
    connection: Connection,
    signature: Signature,
    agreement_id: str,
    parties: tuple[str, ...],
    scopes: tuple[str, ...],
    kinds: tuple[str, ...],
    from_date: str,
    until_date: str,
    predecessor: str,
) -> None:
    """Propose a version."""
    from deltacare.v1.entry_pb2 import Agreement, AgreementScope
    from deltacare.v1.registry_service_pb2 import ProposeAgreementRequest

    version = Agreement(
        agreement_id=agreement_id,
        predecessor_hash=_hash(predecessor, "--replaces") if predecessor else b"",
        parties=parties,
        scopes=[AgreementScope.ValueType(_SCOPES[scope]) for scope in scopes],
        subsidy_kinds=kinds,
        from_date=from_date,
        until_date=until_date,
    )
    with connection.open() as node:
        response = node.registry.ProposeAgreement(
            ProposeAgreementRequest(
                request_id=signature.once(), duty=signature.duty, agreement=version
            )
        )
    answer(
        plain(response),
        [
            tr(f"已提出 {agreement_id}", f"Proposed {agreement_id}"),
            tr("版本摘要 ", "version ") + response.version_hash.hex(),
        ],
    )


@command(
    agreement,
    "accept",
    help=both("接受一个版本（默认最新）。", "Accept a version, the newest by default."),
)
@click.argument("agreement_id")
@option("--version", "version", default="", metavar="HASH", help=both("版本摘要。", "Leaf hash."))
@signed
@connected
def accept(
    *, connection: Connection, signature: Signature, agreement_id: str, version: str
) -> None:
    """Accept a version."""
    _answer(connection, signature, agreement_id, version=version, word=_ACCEPTED)


@command(
    agreement,
    "end",
    help=both(
        "自某日起终止协议：所指版本及此前各版本一并终止，该日之前照旧。只是不同意修改的，不必答复："
        "原版本继续有效。",
        "End an agreement from a day on: the version named and all before it; days before stay "
        "covered. An amendment that is not wanted needs no answer: the version before it stays in "
        "force.",
    ),
)
@click.argument("agreement_id")
@option("--version", "version", default="", metavar="HASH", help=both("版本摘要。", "Leaf hash."))
@option(
    "--from",
    "effective_date",
    default="",
    metavar="DATE",
    help=both("不再有效的第一日；默认今天，不可更早。", "First day without it; today, or later."),
)
@option("--reason", required=True, metavar="CODE", help=both("事由代码。", "Reason code."))
@signed
@connected
def end(
    *,
    connection: Connection,
    signature: Signature,
    agreement_id: str,
    version: str,
    effective_date: str,
    reason: str,
) -> None:
    """End an agreement."""
    _answer(
        connection,
        signature,
        agreement_id,
        version=version,
        word=_ENDED,
        effective_date=effective_date,
        reason=reason,
    )


def _answer(
    connection: Connection,
    signature: Signature,
    agreement_id: str,
    *,
    version: str,
    word: int,
    effective_date: str = "",
    reason: str = "",
) -> None:
    from deltacare.v1.entry_pb2 import AgreementAnswer, AgreementWord
    from deltacare.v1.registry_service_pb2 import AnswerAgreementRequest

    with connection.open() as node:
        meant = _hash(version, "--version") if version else _newest(node, agreement_id)
        response = node.registry.AnswerAgreement(
            AnswerAgreementRequest(
                request_id=signature.once(),
                duty=signature.duty,
                answer=AgreementAnswer(
                    agreement_id=agreement_id,
                    version_hash=meant,
                    word=AgreementWord.ValueType(word),
                    reason=reason,
                    effective_date=effective_date,
                ),
            )
        )
    day = response.effective_date
    done = (
        tr(f"已接受 {agreement_id}", f"Accepted {agreement_id}")
        if word == _ACCEPTED
        else tr(f"{agreement_id} 自 {day} 起终止", f"{agreement_id} ends from {day}")
    )
    answer(plain(response), [done, tr("版本摘要 ", "version ") + meant.hex()])


@command(agreement, "list", help=both("列出协议及各方态度。", "List agreements and every word."))
@option("--division", default="", metavar="CODE", help=both("只列涉及该地区的。", "Only about it."))
@option("--on", "on_date", default="", metavar="DATE", help=both("日期，默认今天。", "Day; today."))
@connected
def list_(*, connection: Connection, division: str, on_date: str) -> None:
    """List agreements."""
    from deltacare.v1.registry_service_pb2 import ListAgreementsRequest

    request = ListAgreementsRequest(division=division, on_date=on_date)
    with connection.open() as node:
        found = [
            standing
            for page in pages(node.registry.ListAgreements, request)
            for standing in page.agreements
        ]
    if answer({"agreements": [plain(standing) for standing in found]}):
        print_table(
            [
                tr("编号", "id"),
                tr("各方", "parties"),
                tr("范围", "scopes"),
                tr("项目", "kinds"),
                tr("起止", "from – until"),
                tr("各方态度", "last words"),
                tr("当日有效", "in force"),
            ],
            [row for standing in found for row in _rows(standing)],
        )


def _rows(standing: Any) -> list[list[object]]:  # noqa: ANN401  # a message
    """Return the version in force, where it is not the newest, and then the newest."""
    newest, now = standing.version_number, standing.in_force_number
    rows = []
    if standing.in_force and now != newest:
        rows.append([*_terms(standing.in_force_version, now), "", _in_force(standing)])
    is_newest = standing.in_force and now == newest
    said = tr("，", ", ").join(_word(party) for party in standing.words)
    state = _in_force(standing) if is_newest else tr("否", "no")
    rows.append([*_terms(standing.agreement, newest), said, state])
    return rows


def _in_force(standing: Any) -> str:  # noqa: ANN401  # a message
    """Return that a version is in force, and from when it no longer is, as far as that is known."""
    ended, replaced = standing.ended_date, standing.replaced_date
    if ended:
        return tr(f"是，自 {ended} 起终止", f"yes, ends from {ended}")
    return tr(f"是，至 {replaced} 前", f"yes, before {replaced}") if replaced else tr("是", "yes")


def _terms(version: Any, number: int) -> list[object]:  # noqa: ANN401  # a message
    return [
        f"{version.agreement_id} v{number}",
        " ".join(version.parties),
        tr("、", ", ").join(_scope_words(scope) for scope in version.scopes),
        " ".join(version.subsidy_kinds),
        f"{version.from_date} – {version.until_date}",
    ]


def _scope_words(scope: int) -> str:
    words = {
        1: tr("机构标准", "standard"),
        2: tr("护理员资格", "qualification"),
        3: tr("补贴结算", "subsidy"),
    }
    return words.get(scope, str(scope))


def _word(party: Any) -> str:  # noqa: ANN401  # a message
    """Return what a province said last, and of which version."""
    words = {"ACCEPTED": tr("接受", "accepted"), "ENDED": tr("终止", "ended")}
    said = words.get(enum_name(party, "word"))
    if said is None:
        return f"{party.province} {tr('未答复', 'silent')}"
    version = f" v{party.version_number}" if party.version_number else ""
    day = party.effective_date
    from_day = tr(f"（自 {day} 起）", f" from {day}") if day else ""
    return f"{party.province} {said}{version}{from_day}"


def _newest(node: Any, agreement_id: str) -> bytes:  # noqa: ANN401  # a client of a node
    """Return the leaf hash of an agreement's newest version."""
    from deltacare.v1.registry_service_pb2 import ListAgreementsRequest

    for page in pages(node.registry.ListAgreements, ListAgreementsRequest()):
        for standing in page.agreements:
            if standing.agreement.agreement_id == agreement_id:
                return bytes(standing.version_hash)
    raise InputRefused(
        tr(
            f"本节点没有协议 {agreement_id}；用 agreement list 查看。",
            f"This node knows no agreement {agreement_id}; see agreement list.",
        )
    )


def _hash(text: str, name: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != 32:  # noqa: PLR2004  # SHA-256
        raise InputRefused(
            tr(f"{name} 应为 64 位十六进制摘要。", f"{name} takes a hash of 64 hexadecimal digits.")
        )
    return value
