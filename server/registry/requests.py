"""What the services of registry rooms share on the way to the sequencer.

A write is validated as a whole, then decided inside the transaction that appends it, by the same
rules that every node projects it with. Which rules those are is the room's own.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from deltacare.errors import Reason, Refusal, ViolationCollector
from deltacare.ids import LogName, parse_request_id
from deltacare.v1.entry_pb2 import Entry
from deltacare.v1.types_pb2 import Appended, Duty
from server.edge.call import Call
from server.log.ports import AppendedRun, LogTx, Sequencer, Write
from server.registry.fields import read_duty

__all__ = ["appended", "begin_write", "new_entry", "require_own", "submit", "without_unknown"]

M = TypeVar("M", bound=Message)


def begin_write(request_id: str, duty: Duty, bad: ViolationCollector) -> str:
    """Check what every write carries, and return its id in canonical form."""
    canonical = bad.take(parse_request_id, request_id, field="request_id")
    read_duty(duty, bad)
    return canonical or ""


def require_own(call: Call, own: str) -> None:
    """Let only the own province write here, whatever the edge let in.

    Raises:
        Refusal: ``WRONG_PROVINCE``.
    """
    if call.caller.province != own:
        raise Refusal(
            Reason.WRONG_PROVINCE,
            f"Only {own} writes at its own node.",
            details={"province": call.caller.province, "own": own},
        )


def without_unknown(message: M) -> M:
    """Return a copy without fields that this version does not know.

    Nothing gets into a log that nobody here has read.
    """
    result = type(message)()
    result.CopyFrom(message)
    result.DiscardUnknownFields()
    return result


def new_entry(duty: Duty, **body: Any) -> Entry:  # noqa: ANN401  # one of the bodies
    """Return an entry that people answer for; the sequencer sets the rest."""
    return Entry(maker=duty.maker, reviewer=duty.reviewer, **body)


def appended(run: AppendedRun) -> Appended:
    """Return where entries came to stand."""
    return Appended(
        log=str(run.log),
        first_index=run.first_index,
        entry_count=len(run.leaf_hashes),
        checkpoint=run.checkpoint,
    )


async def submit(
    sequencer: Sequencer,
    call: Call,
    request: Message,
    request_id: str,
    *,
    log: LogName,
    decide: Callable[[LogTx], Sequence[Entry]],
    answer: Callable[[LogTx, AppendedRun], Message],
    response: type[M],
    is_personal: bool = False,
) -> M:
    """Append what a request brings to one log, once, and return its answer.

    Args:
        sequencer: of the own logs.
        call: who calls which method.
        request: its bytes are compared when the id comes again.
        request_id: in canonical form.
        log: where the entries go.
        decide: returns them, or refuses; inside the transaction, perhaps more than once.
        answer: makes the response from where they came to stand; inside the transaction.
        response: type of the response.
        is_personal: whether the request holds values of persons.

    Raises:
        DeltacareError: see ``Sequencer.submit``.
    """
    data = await sequencer.submit(
        Write(
            caller=call.caller,
            method=call.method,
            request_id=request_id,
            content=request.SerializeToString(deterministic=True),
            decide=lambda tx: [(log, decide(tx))],
            answer=lambda tx, runs: answer(tx, runs[0]),
            is_personal=is_personal,
        )
    )
    return response.FromString(data)
