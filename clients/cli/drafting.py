"""A clerk's way to a node: what somebody else has to review is submitted instead of filed.

Commands need not know who runs them. A request that names its maker and no reviewer comes from a
person who may not file alone; it goes to ``ReviewService.SubmitDraft``, the person is told what
waits for whom, and the command has done its work.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import click

from clients.cli.failures import Exit
from clients.cli.output import answer, yuan
from clients.language import tr
from clients.plain import plain

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from clients.sdk.node import SyncNodeClient

__all__ = ["DraftingNode", "method_of", "submit", "submitted_lines"]

NAME_PREFIX = "drafts/"


class DraftingNode:
    """A client of a node in the hands of a clerk or payer.

    Args:
        node: The client.
    """

    def __init__(self, node: "SyncNodeClient") -> None:
        self._node = node

    def __enter__(self) -> Self:
        self._node.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._node.__exit__(*error)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # a stub, or what else a client has
        found = getattr(self._node, name)
        is_service = type(found).__name__.endswith("Stub")
        return _DraftingService(self._node, found) if is_service else found


class _DraftingService:
    """One service of it."""

    def __init__(self, node: "SyncNodeClient", stub: Any) -> None:  # noqa: ANN401  # generated
        self._node = node
        self._stub = stub

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # a method of the stub
        call = getattr(self._stub, name)

        def called(request: Any, **options: Any) -> Any:  # noqa: ANN401  # whatever the method takes
            fields = getattr(getattr(request, "DESCRIPTOR", None), "fields_by_name", {})
            if "duty" not in fields or request.duty.reviewer:
                return call(request, **options)
            draft = submit(self._node, request)
            answer({"drafts": [plain(draft)]}, submitted_lines([draft]))
            raise click.exceptions.Exit(Exit.YES)

        return called


def method_of(request: "Message") -> str:
    """Return the full name of the method that takes a request."""
    kind = request.DESCRIPTOR
    for service in kind.file.services_by_name.values():
        for method in service.methods:
            if method.input_type.full_name == kind.full_name:
                return f"/{service.full_name}/{method.name}"
    raise AssertionError(f"{kind.full_name} is a request")


def submit(
    node: Any,  # noqa: ANN401  # a client of a node
    request: Any,  # noqa: ANN401  # any request with a duty
    *,
    control_count: int = 0,
    control_fen: int = 0,
) -> Any:  # noqa: ANN401  # a draft
    """Submit a request for review and return the draft.

    Args:
        node: The own node.
        request: As it would be filed; whoever reviews it is not known yet.
        control_count: How many things the file says it holds; 0 with 0 is not compared.
        control_fen: Sum that it says.
    """
    from deltacare.v1.review_service_pb2 import SubmitDraftRequest

    bare = type(request)()
    bare.CopyFrom(request)
    bare.ClearField("duty")
    return node.review.SubmitDraft(
        SubmitDraftRequest(
            request_id=bare.request_id,
            method=method_of(bare),
            request=bare.SerializeToString(deterministic=True),
            control_count=control_count,
            control_fen=control_fen,
        )
    )


def submitted_lines(drafts: Sequence[Any]) -> list[str]:
    """Return what a person is told of what was submitted: what waits, for whom, and what next."""
    from deltacare.v1.review_service_pb2 import DRAFT_STATE_FILED, DRAFT_STATE_WAITING

    lines = []
    for draft in drafts:
        name = draft.name.removeprefix(NAME_PREFIX)
        what = f"{draft.method.rpartition('/')[2]} {name}"
        sums = tr(
            f"{draft.item_count} 条，{yuan(draft.sum_fen)} 元",
            f"{draft.item_count} items, {yuan(draft.sum_fen)} yuan",
        )
        if draft.state == DRAFT_STATE_FILED:
            by = draft.reviewer
            state = tr(f"先前已由 {by} 复核并报送", f"approved by {by} before")
        elif draft.state == DRAFT_STATE_WAITING:
            state = tr("已提交，待他人复核", "waits for a reviewer")
        else:
            state = tr(
                "先前已退回或撤回，请换请求号重新提交",
                "was rejected or withdrawn; submit it under another id",
            )
        lines.append(tr(f"{what}（{sums}）：{state}", f"{what} ({sums}): {state}"))
    waiting = [each for each in drafts if each.state == DRAFT_STATE_WAITING]
    if waiting:
        first = waiting[0].name.removeprefix(NAME_PREFIX)
        lines.append(
            tr(
                f"复核人下一步：deltacare settle drafts show {first}",
                f"Next, for the reviewer: deltacare settle drafts show {first}",
            )
        )
    return lines
