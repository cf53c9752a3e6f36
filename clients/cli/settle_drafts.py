"""``settle drafts``: what clerks and payers submitted, as whoever reviews it sees it.

What is shown is rendered of the very bytes that are filed, and the digest that is approved is made
of what was shown. A draft is approved by naming that digest, so nobody approves what they have not
looked at.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import Exit, InputRefused
from clients.cli.output import answer, pages, print_table, require_folder, say, yuan
from clients.cli.passphrase import obtain_passphrase, passphrase_option
from clients.language import both, tr
from clients.plain import plain

__all__ = ["drafts"]

NAME_PREFIX = "drafts/"
SHOWN_ROWS_MAX = 200
"""Rows of a request that are drawn; all of them go to a file."""
DIGEST_CHARS_MIN = 16
"""Characters of a digest that have to be given: 64 bits."""

_STATES = {"waiting": 1, "filed": 2, "rejected": 3, "withdrawn": 4}
_NAMED_MAX = 10
_FILING = "/deltacare.v1.SettlementService/FileRecords"
_ENROLLING = "/deltacare.v1.SettlementService/CreateEnrolments"

drafts = Group(
    name="drafts",
    help=both(
        "待复核事项：列出、查看、通过、退回、撤回。",
        "What waits for a reviewer: list, show, approve, reject, withdraw.",
    ),
)

_name = click.argument("name", metavar="UUID")


@command(drafts, "list", help=both("列出待复核事项。", "List drafts, the oldest first."))
@option(
    "--state",
    "states",
    type=click.Choice([*_STATES, "all"]),
    multiple=True,
    help=both("状态，可多次；默认待复核的。", "State; repeat it. Waiting ones by default."),
)
@connected
def list_(*, connection: Connection, states: tuple[str, ...]) -> None:
    """List drafts."""
    from deltacare.v1.review_service_pb2 import ListDraftsRequest

    numbers = sorted(_STATES.values() if "all" in states else map(_STATES.__getitem__, states))
    request = ListDraftsRequest(states=numbers)  # type: ignore[arg-type]  # their numbers
    with connection.open() as node:
        found = [draft for page in pages(node.review.ListDrafts, request) for draft in page.drafts]
    if answer({"drafts": [plain(draft) for draft in found]}):
        print_table(
            [
                tr("编号", "draft"),
                tr("事项", "what"),
                tr("经办", "maker"),
                tr("提交时间（UTC）", "submitted, UTC"),
                tr("对方", "partner"),
                tr("条数", "items"),
                tr("金额（元）", "yuan"),
                tr("状态", "state"),
            ],
            [_row(draft) for draft in found],
            numbers=(5, 6),
        )


def _row(draft: Any) -> tuple[object, ...]:  # noqa: ANN401  # a message
    return (
        draft.name.removeprefix(NAME_PREFIX),
        draft.method.rpartition("/")[2],
        draft.maker,
        draft.submitted_time[:19].replace("T", " "),
        draft.partner,
        draft.item_count,
        yuan(draft.sum_fen),
        _state_words(draft),
    )


def _state_words(draft: Any) -> str:  # noqa: ANN401  # a message
    """Return where a draft stands, and by whose word."""
    state = next(name for name, number in _STATES.items() if number == draft.state)
    words = {
        "waiting": tr("待复核", "waits"),
        "filed": tr(f"{draft.reviewer} 已通过", f"approved by {draft.reviewer}"),
        "rejected": tr(
            f"{draft.reviewer} 退回（{draft.reason}）",
            f"rejected by {draft.reviewer} ({draft.reason})",
        ),
        "withdrawn": tr("已撤回", "withdrawn"),
    }[state]
    if state == "waiting" and draft.refusal:
        words = tr(f"待复核；上次未能报送：{draft.refusal}", f"waits; was refused: {draft.refusal}")
    return words


@command(
    drafts,
    "show",
    help=both(
        "查看一项待复核事项的全部内容与合计；通过时须给出所显示的摘要。",
        "Show all of a draft, with its sums; approving it takes the digest shown here.",
    ),
)
@_name
@option(
    "--out",
    "out_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=both("把全部明细写入该 CSV 文件。", "Write every item to this CSV file."),
)
@connected
def show(*, connection: Connection, name: str, out_path: Path | None) -> int:
    """Show a draft."""
    if out_path is not None:
        require_folder(out_path)
    with connection.open() as node:
        draft = _get(node, name)
        known = _known_numbers(node, draft)
    if not draft.request:
        if answer(plain(draft)):
            say(tr("内容已按规定删除。", "Its content was deleted, as it has to be."))
            print_table(_FACTS(), _facts(draft))
        return Exit.YES
    request = _request_of(draft)
    columns, rows = _items(request)
    if out_path is not None:
        _write_csv(out_path, columns, rows)
        say(tr(f"{len(rows)} 条写入 {out_path}", f"{len(rows)} written to {out_path}"))
    if not answer({**plain(draft), "content": plain(request), "known_numbers": known}):
        return Exit.YES
    print_table(_FACTS(), _facts(draft))
    if out_path is None:
        print_table(columns, rows[:SHOWN_ROWS_MAX])
        if len(rows) > SHOWN_ROWS_MAX:
            say(
                tr(
                    f"只显示前 {SHOWN_ROWS_MAX} 条；用 --out 写出全部 {len(rows)} 条。",
                    f"The first {SHOWN_ROWS_MAX} are shown; --out writes all {len(rows)}.",
                )
            )
    if known:
        some = ", ".join(known[:_NAMED_MAX]) + (", …" if len(known) > _NAMED_MAX else "")
        say(
            tr(
                f"注意：{len(known)} 个编号本方先前已报：{some}；更正应为修订（settle revise）。",
                f"Mind: {len(known)} numbers were filed before: {some}; what changes a record is a "
                "revision (settle revise).",
            )
        )
    if draft.state == _STATES["waiting"]:
        short = draft.name.removeprefix(NAME_PREFIX)
        digest = draft.digest.hex()
        click.echo(
            tr(
                f"核对无误后：deltacare settle drafts approve {short} --digest {digest}",
                f"If it is right: deltacare settle drafts approve {short} --digest {digest}",
            )
        )
    return Exit.YES


def _known_numbers(node: Any, draft: Any) -> list[str]:  # noqa: ANN401  # a client, a message
    """Return the numbers of a waiting draft that were filed before, revisions left out."""
    from clients.filing.earlier import filed_before, known_rows
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest

    if draft.state != _STATES["waiting"] or draft.method != _FILING or not draft.request:
        return []
    own = node.federation.WhoAmI(WhoAmIRequest()).province
    new = [each for each in _request_of(draft).records if not each.HasField("replaces_index")]
    known = known_rows(new, filed_before(node, new, own=own))
    return list(dict.fromkeys(each.settlement_no for each in known))


def _FACTS() -> list[str]:  # noqa: N802  # a constant that depends on the language
    return [tr("项目", "field"), tr("内容", "value")]


def _facts(draft: Any) -> list[tuple[str, object]]:  # noqa: ANN401  # a message
    none = tr("无", "none")
    return [
        (tr("事项", "what"), draft.method.rpartition("/")[2]),
        (tr("经办", "maker"), draft.maker),
        (tr("提交时间（UTC）", "submitted, UTC"), draft.submitted_time),
        (tr("对方", "partner"), draft.partner or none),
        (tr("条数", "items"), draft.item_count),
        (tr("金额合计（元）", "sum, yuan"), yuan(draft.sum_fen)),
        (tr("状态", "state"), _state_words(draft)),
        (tr("摘要", "digest"), draft.digest.hex() or none),
    ]


@command(
    drafts,
    "approve",
    help=both(
        "通过一项待复核事项：以经办人与本人的名义报送。"
        "须给出 show 所显示的摘要；不得复核自己经办的。"
        "带签名的事项须用本人密钥签名（--key）。",
        "Approve a draft: it is filed in the names of its maker and of the caller. Takes the "
        "digest that show told; nobody approves what they submitted. What is signed needs the "
        "caller's own key (--key).",
    ),
)
@_name
@option(
    "--digest",
    required=True,
    metavar="HEX",
    help=both(
        "show 所显示的摘要，至少前 16 位。", "The digest that show told: 16 characters or more."
    ),
)
@option(
    "--key",
    "key_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both("本人的批准密钥文件。", "File of the caller's own key for approvals."),
)
@option(
    "--out",
    "out_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=both("把老人的登记码写入该 CSV 文件。", "Write the codes of elders to this CSV file."),
)
@passphrase_option
@connected
def approve(
    *,
    connection: Connection,
    name: str,
    digest: str,
    key_path: Path | None,
    passphrase_file: Path | None,
    out_path: Path | None,
) -> None:
    """Approve a draft."""
    from deltacare.v1.review_service_pb2 import ApproveDraftRequest

    if out_path is not None:
        require_folder(out_path)
    with connection.open() as node:
        draft = _get(node, name)
        request = ApproveDraftRequest(name=draft.name, digest=draft.digest)
        if draft.request:
            _require_seen(draft, digest)
            request.approvals.extend(_signed(connection, draft, key_path, passphrase_file))
        filed = node.review.ApproveDraft(request, **_purpose(draft))
    said = filed.appended
    answer(
        plain(filed),
        [
            tr(
                f"已报送 {filed.item_count} 条，{yuan(filed.sum_fen)} 元；"
                f"经办 {filed.maker}，复核 {filed.reviewer}",
                f"Filed {filed.item_count} items, {yuan(filed.sum_fen)} yuan; "
                f"made by {filed.maker}, reviewed by {filed.reviewer}",
            ),
            tr(
                f"日志 {said.log}，序号自 {said.first_index} 起 {said.entry_count} 条",
                f"log {said.log}, {said.entry_count} from index {said.first_index}",
            ),
        ],
    )
    if filed.method == _ENROLLING and filed.response:
        _tell_tickets(filed.response, out_path)


@command(drafts, "reject", help=both("退回一项待复核事项。", "Send a draft back."))
@_name
@option("--reason", required=True, metavar="CODE", help=both("事由代码。", "Code of the reason."))
@connected
def reject(*, connection: Connection, name: str, reason: str) -> None:
    """Reject a draft."""
    from deltacare.v1.review_service_pb2 import RejectDraftRequest

    with connection.open() as node:
        draft = node.review.RejectDraft(RejectDraftRequest(name=_full(name), reason=reason))
    answer(plain(draft), [tr(f"已退回 {name}（{reason}）", f"Rejected {name} ({reason})")])


@command(drafts, "withdraw", help=both("撤回自己提交的事项。", "Take back one's own draft."))
@_name
@connected
def withdraw(*, connection: Connection, name: str) -> None:
    """Withdraw a draft."""
    from deltacare.v1.review_service_pb2 import WithdrawDraftRequest

    with connection.open() as node:
        draft = node.review.WithdrawDraft(WithdrawDraftRequest(name=_full(name)))
    answer(plain(draft), [tr(f"已撤回 {name}", f"Withdrawn: {name}")])


# --- What they have in common -------------------------------------------------------------------


def _full(name: str) -> str:
    """Return the resource name of a draft that was given with or without its folder."""
    return name if name.startswith(NAME_PREFIX) else NAME_PREFIX + name


def _purpose(draft: Any) -> dict[str, Any]:  # noqa: ANN401  # a message
    """Return why personal values are asked for, where a draft holds some."""
    from deltacare.purposes import PURPOSE_FIELD, Purpose

    if draft.method != _ENROLLING:
        return {}
    return {"metadata": ((PURPOSE_FIELD, Purpose.ENROLMENT),)}


def _get(node: Any, name: str) -> Any:  # noqa: ANN401  # a client of a node, a draft
    """Return a draft with its request: whole, and then audited, if it enrols elders."""
    from deltacare.v1.review_service_pb2 import GetDraftRequest

    request = GetDraftRequest(name=_full(name))
    draft = node.review.GetDraft(request)
    purpose = _purpose(draft)
    return node.review.GetDraft(request, **purpose) if purpose else draft


def _request_of(draft: Any) -> Any:  # noqa: ANN401  # messages
    """Return the request that a draft holds, once it is what its digest says.

    Raises:
        InputRefused: If the node shows something else than its digest is of.
    """
    import hashlib

    from google.protobuf import descriptor_pool, message_factory

    if hashlib.sha256(draft.request).digest() != draft.digest:
        raise InputRefused(
            tr(
                "节点给出的内容与摘要不符，不得通过。",
                "What the node shows is not what its digest says: do not approve it.",
            )
        )
    service, _, method = draft.method.removeprefix("/").partition("/")
    found = descriptor_pool.Default().FindServiceByName(service).FindMethodByName(method)
    return message_factory.GetMessageClass(found.input_type).FromString(draft.request)


def _require_seen(draft: Any, digest: str) -> None:  # noqa: ANN401  # a message
    """Refuse to approve what another digest was seen of.

    Raises:
        InputRefused: If it is another, or too short.
    """
    _request_of(draft)
    given = digest.strip().lower()
    if len(given) < DIGEST_CHARS_MIN or not draft.digest.hex().startswith(given):
        raise InputRefused(
            tr(
                f"摘要不符，须为所见内容的摘要，至少前 {DIGEST_CHARS_MIN} 位："
                "请用 settle drafts show 重新核对。",
                "The digest is not that of the draft, or has fewer than "
                f"{DIGEST_CHARS_MIN} characters: look at the draft again with settle drafts show.",
            )
        )


def _items(request: Any) -> tuple[list[str], list[tuple[str, ...]]]:  # noqa: ANN401  # a message
    """Return the columns and rows that a request holds: its batch, or its one thing."""
    bodies: list[Any] = []
    for field, value in request.ListFields():
        if field.message_type is not None and field.name != "duty":
            bodies = list(value) if not hasattr(value, "ListFields") else [value]
    flat = [_flat(body) for body in bodies or [request]]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    return columns, [tuple(row.get(name, "") for name in columns) for row in flat]


def _flat(body: Any, prefix: str = "") -> dict[str, str]:  # noqa: ANN401  # a message
    """Return the fields of a message that are set, by path."""
    found: dict[str, str] = {}
    for field, value in body.ListFields():
        name = prefix + field.name
        if field.message_type is not None and hasattr(value, "ListFields"):
            found |= _flat(value, f"{name}.")
        elif field.message_type is not None:
            found[name] = "; ".join(
                " ".join(f"{key}={text}" for key, text in _flat(each).items()) for each in value
            )
        elif field.enum_type is not None and isinstance(value, int):
            found[name] = field.enum_type.values_by_number[value].name
        elif isinstance(value, bytes):
            found[name] = value.hex()
        elif field.name.endswith("_fen"):
            found[name] = f"{value} ({yuan(value)})"
        elif isinstance(value, str | int | float):
            found[name] = str(value)
        else:
            found[name] = ", ".join(map(str, value))
    return found


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    import csv

    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def _tell_tickets(data: bytes, out_path: Path | None) -> None:
    """Tell whoever approved an enrolment the codes of the elders."""
    from clients.cli.commands import wants_json
    from deltacare.v1.settlement_service_pb2 import CreateEnrolmentsResponse

    tickets = CreateEnrolmentsResponse.FromString(data).tickets
    rows = [(each.enrolment_id, each.enrolment_code, each.beneficiary_ref) for each in tickets]
    if out_path is not None:
        _write_csv(out_path, ("enrolment_id", "enrolment_code", "beneficiary_ref"), rows)
        say(tr(f"{len(rows)} 个登记码写入 {out_path}", f"{len(rows)} codes in {out_path}"))
    elif not wants_json():
        print_table(
            [tr("登记编号", "enrolment"), tr("登记码", "code"), tr("受益人编号", "beneficiary")],
            rows,
        )


def _signed(
    connection: Connection,
    draft: Any,  # noqa: ANN401  # a message
    key_path: Path | None,
    passphrase_file: Path | None,
) -> list[Any]:
    """Return the caller's signatures over what a draft has signed, in its order."""
    from clients.approving import open_key
    from clients.filing.countersigning import carriers_of, sign_as_checker

    request = _request_of(draft)
    if not carriers_of(request):
        return []
    if key_path is None:
        raise InputRefused(
            tr(
                "该事项须由复核人签名：请用 --key 给出本人的批准密钥文件。",
                "The reviewer signs this: give the file of your own key for approvals with --key.",
            )
        )
    signer = open_key(key_path, obtain_passphrase(passphrase_file))
    return sign_as_checker(request, signer, province=connection.caller().province)
