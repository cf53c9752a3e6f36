"""Reads the fields of requests and entries of this room, naming every one that is not acceptable.

The same functions run where a province writes and where its partner projects what it wrote, so
that both refuse the same. Only form is judged here, and whose province may say it: what a class
names is the night's to judge, and what depends on earlier entries is in `server.settlement.rules`.
"""

import re
from calendar import monthrange
from collections.abc import Iterable

from deltacare.errors import FieldViolation
from deltacare.money import MAX_FEN
from deltacare.v1.entry_pb2 import (
    Enrolment,
    EnrolmentEnd,
    Hold,
    HoldClass,
    HoldEnd,
    PairResult,
    RecordRefusal,
    Reversal,
    SettlementRecord,
    StatementAnswer,
    StatementWord,
)
from settlement import fields as forms
from settlement.fields import record_is_sound
from settlement.findings import Problem

__all__ = [
    "AMOUNT_FEN_MAX",
    "ATTEMPT_MAX",
    "END_REASONS",
    "INDEX_MAX",
    "VERSION_MAX",
    "answer_faults",
    "computation_is_sound",
    "end_faults",
    "end_reason_faults",
    "enrolment_end_faults",
    "enrolment_faults",
    "hold_end_faults",
    "hold_faults",
    "is_ahead",
    "is_code",
    "is_date",
    "is_number",
    "pair_faults",
    "pair_result_faults",
    "record_faults",
    "record_is_sound",
]

AMOUNT_FEN_MAX = MAX_FEN
SUBSIDY_KINDS_MAX = 16
ATTEMPT_MAX = 1_000
INDEX_MAX = 2**63 - 1  # what a database holds; no log comes near
VERSION_MAX = 2**31 - 1
DIGEST_BYTES = 32
_VALUE_CHARS_MAX = 64
_ASSESSMENT_CHARS_MAX = 64

# --- Forms ----------------------------------------------------------------------------------------

_TEXTS = (
    "settlement_no",
    "beneficiary_ref",
    "institution",
    "subsidy_kind",
    "service_month",
    "caregiver_cert_no",
)
_ID = re.compile(forms.NUMBER)
_CODE = re.compile("[A-Z0-9_]{1,64}")
_KIND_FORM = re.compile(forms.KIND)
_REF_FORM = re.compile(forms.REF)
_DIVISION = re.compile("[1-9][0-9]{5}")
_DATE = re.compile("((?:19|2[0-9])[0-9]{2})-([0-9]{2})-([0-9]{2})")


def is_date(text: str) -> bool:
    """Whether a text is a date of the calendar, ``YYYY-MM-DD``."""
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day = (int(part) for part in match.groups())
    return 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]  # noqa: PLR2004 - months


def is_ahead(service_month: str, business_date: str) -> bool:
    """Whether a month of service begins after a date, ``YYYY-MM-DD``."""
    return service_month > business_date[:7]


def is_code(text: str) -> bool:
    """Whether a text is the code of a reason or purpose."""
    return _CODE.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """Whether a text is a number of a province's own choice."""
    return _ID.fullmatch(text) is not None


def _fault(field: str, value: object, description: str, remedy: str = "") -> FieldViolation:
    return FieldViolation(
        field=field,
        value=str(value)[:_VALUE_CHARS_MAX],
        description=description,
        remedy=remedy,
    )


# --- Records --------------------------------------------------------------------------------------


def pair_faults(
    home: str, host: str, author: str, partner: str, where: str
) -> Iterable[FieldViolation]:
    """Yield what is wrong with the two provinces of a record in a log of that pair (S-02)."""
    if {home, host} != {author, partner}:
        yield _fault(
            f"{where}.home",
            f"{home}/{host}",
            f"Home and host are not {author} and {partner}.",
            "File it in the batch of its own partner.",
        )


def record_faults(
    record: SettlementRecord, author: str, partner: str, where: str
) -> Iterable[FieldViolation]:
    """Yield everything about a record that cannot be read or is not the author's to say.

    Args:
        record: As received.
        author: Province that writes the log.
        partner: The other province of the pair.
        where: Path of the record in the request: ``records[3]``.
    """
    yield from pair_faults(record.home, record.host, author, partner, where)
    texts = {name: getattr(record, name) for name in _TEXTS}
    found = forms.record_problems(
        record.host, texts, service_days=record.service_days, amount_fen=record.amount_fen
    )
    for name, value, problem in found:
        yield _fault(f"{where}.{name}", value, problem.en, problem.remedy_en)
    yield from _index_faults(record.replaces_index, f"{where}.replaces_index")
    yield from _index_faults(record.policy_index, f"{where}.policy_index")
    if not computation_is_sound(record):
        yield _fault(
            f"{where}.computation_version",
            record.computation_version,
            "It goes with the policy by which the amount was computed.",
            "Give policy_index and a version from 1, as ComputeAmounts answered, or neither.",
        )


def computation_is_sound(record: SettlementRecord) -> bool:
    """Whether a record names the policy it was computed by and the computation, or neither."""
    if not record.HasField("policy_index"):
        return record.computation_version == 0
    return record.policy_index <= INDEX_MAX and 1 <= record.computation_version <= VERSION_MAX


def _index_faults(index: int, where: str) -> Iterable[FieldViolation]:
    """Yield what is wrong with the place of an earlier entry."""
    if index > INDEX_MAX:
        yield _fault(where, index, "No log has so many entries.", "Use the index you were given.")


# --- What else settlement logs say ----------------------------------------------------------------


def reason_faults(reason: str, where: str) -> Iterable[FieldViolation]:
    """Yield what is wrong with the code of a reason."""
    if not is_code(reason):
        yield _fault(
            f"{where}.reason",
            reason,
            "This is not the code of a reason.",
            "Use 1 to 64 capital letters, digits and underscores; write no names.",
        )


def _number_faults(number: str, where: str) -> Iterable[FieldViolation]:
    if not is_number(number):
        problem = Problem.BAD_SETTLEMENT_NO
        yield _fault(f"{where}.settlement_no", number, problem.en, problem.remedy_en)


def end_faults(body: Reversal | RecordRefusal, where: str) -> Iterable[FieldViolation]:
    """Yield what cannot be read in a reversal or the refusal of a record."""
    yield from _number_faults(body.settlement_no, where)
    yield from reason_faults(body.reason, where)


def hold_faults(body: Hold, where: str) -> Iterable[FieldViolation]:
    """Yield what cannot be read in a hold."""
    yield from _number_faults(body.settlement_no, where)
    yield from reason_faults(body.reason, where)
    if body.hold_class not in (HoldClass.HOLD_CLASS_OVERLAP, HoldClass.HOLD_CLASS_OVER_BUDGET):
        yield _fault(f"{where}.hold_class", body.hold_class, "A hold says why.", "Name its class.")


def hold_end_faults(body: HoldEnd, where: str) -> Iterable[FieldViolation]:
    """Yield what cannot be read in the end of a hold."""
    yield from _index_faults(body.hold_index, f"{where}.hold_index")
    yield from reason_faults(body.reason, where)


def _span_faults(from_date: str, until_date: str, where: str) -> Iterable[FieldViolation]:
    if not is_date(from_date):
        yield _fault(f"{where}.from_date", from_date, "This is not a date.", "Write 2026-11-22.")
    if until_date and not is_date(until_date):
        yield _fault(f"{where}.until_date", until_date, "This is not a date.", "Write 2026-11-22.")
    elif until_date and until_date < from_date:
        yield _fault(f"{where}.until_date", until_date, "It lies before the first day.")


def enrolment_faults(
    body: Enrolment, home: str, where: str, *, is_new: bool = False
) -> Iterable[FieldViolation]:
    """Yield what cannot be read in an enrolment.

    Args:
        body: The enrolment.
        home: Province that states it.
        where: Its path.
        is_new: Whether it is a request, in which the node has yet to allocate the pseudonym.
    """
    if not is_number(body.enrolment_id):
        yield _fault(
            f"{where}.enrolment_id",
            body.enrolment_id,
            "This is not the number of an enrolment.",
            "Use 1 to 64 letters, digits, dots, hyphens and underscores.",
        )
    if is_new and body.beneficiary_ref:
        yield _fault(
            f"{where}.beneficiary_ref", "", "The node allocates it.", "Leave the field empty."
        )
    elif not is_new and not _REF_FORM.fullmatch(body.beneficiary_ref):
        yield _fault(f"{where}.beneficiary_ref", "", "This is not a beneficiary reference.")
    if not _DIVISION.fullmatch(body.home_division) or body.home_division[:2] != home[:2]:
        yield _fault(
            f"{where}.home_division",
            body.home_division,
            "This is not a division of the home province.",
            "Write the six digits of the county or district in which the elder is registered.",
        )
    kinds = list(body.subsidy_kinds)
    if not 0 < len(kinds) <= SUBSIDY_KINDS_MAX or len(set(kinds)) != len(kinds):
        yield _fault(
            f"{where}.subsidy_kinds", len(kinds), "It names 1 to 16 kinds, without repetition."
        )
    for position, kind in enumerate(kinds):
        if not _KIND_FORM.fullmatch(kind):
            yield _fault(
                f"{where}.subsidy_kinds[{position}]",
                kind,
                Problem.BAD_SUBSIDY_KIND.en,
                Problem.BAD_SUBSIDY_KIND.remedy_en,
            )
    for name in ("assessment_scheme", "assessment_grade"):
        text: str = getattr(body, name)
        if len(text) > _ASSESSMENT_CHARS_MAX or not text.isprintable():
            yield _fault(f"{where}.{name}", text, "It has at most 64 printable characters.")
    yield from _span_faults(body.from_date, body.until_date, where)
    yield from _assessment_faults(body, where)


def _assessment_faults(body: Enrolment, where: str) -> Iterable[FieldViolation]:
    """Yield what is wrong with the last day of an assessment."""
    until_date = body.assessment_until_date
    if until_date and not is_date(until_date):
        yield _fault(
            f"{where}.assessment_until_date", until_date, "This is not a date.", "Write 2026-11-22."
        )
    elif until_date and until_date < body.from_date:
        yield _fault(
            f"{where}.assessment_until_date",
            until_date,
            "The assessment ended before the first day.",
            "Have the elder assessed again, or enrol from an earlier day.",
        )


END_REASONS = ("DEATH", "ERROR", "EXPIRED", "MOVED", "REASSESSED", "WITHDRAWN")
"""Why an enrolment ends: died, entered by mistake, assessment or consent ran out, registered home
moved, assessed anew (another enrolment follows), wish of the elder."""


def end_reason_faults(body: EnrolmentEnd, where: str) -> Iterable[FieldViolation]:
    """Yield what is wrong with the reason of an end that is about to be stated.

    Held against requests only: a later version may know more, and its ends count here all the same.
    """
    if body.reason not in END_REASONS:
        yield _fault(
            f"{where}.reason",
            body.reason,
            "This is no reason for which an enrolment ends.",
            f"Use one of {', '.join(END_REASONS)}.",
        )


def enrolment_end_faults(body: EnrolmentEnd, where: str) -> Iterable[FieldViolation]:
    """Yield what cannot be read in the end of an enrolment."""
    if not is_number(body.enrolment_id):
        yield _fault(
            f"{where}.enrolment_id", body.enrolment_id, "This is not the number of an enrolment."
        )
    if not is_date(body.effective_date):
        yield _fault(
            f"{where}.effective_date",
            body.effective_date,
            "This is not a date.",
            "Write 2026-11-22.",
        )
    yield from reason_faults(body.reason, where)


# --- What registry logs say -----------------------------------------------------------------------


def pair_result_faults(body: PairResult) -> Iterable[FieldViolation]:
    """Yield what cannot be read in a pair's result."""
    if not is_date(body.business_date):
        yield _fault("business_date", body.business_date, "This is not a date.")
    if not 1 <= body.attempt <= ATTEMPT_MAX:
        yield _fault("attempt", body.attempt, f"It is not 1 to {ATTEMPT_MAX}.")
    if len(body.digest) != DIGEST_BYTES:
        yield _fault("digest", len(body.digest), "It has not 32 bytes.")
    for name, author, partner in (
        ("lower_checkpoint", body.lower, body.higher),
        ("higher_checkpoint", body.higher, body.lower),
    ):
        note: bytes = getattr(body, name)
        if not note.startswith(f"deltacare/{author}/settlement/{partner}\n".encode()):
            yield _fault(name, "", "It is not a checkpoint of that settlement log.")


def answer_faults(body: StatementAnswer, where: str) -> Iterable[FieldViolation]:
    """Yield what cannot be read in an answer to a statement."""
    if len(body.statement_hash) != DIGEST_BYTES:
        yield _fault(f"{where}.statement_hash", "", "It has not 32 bytes.")
    words = (StatementWord.STATEMENT_WORD_APPROVED, StatementWord.STATEMENT_WORD_REFUSED)
    if body.word not in words:
        yield _fault(f"{where}.word", body.word, "An answer approves or refuses.")
    if body.reason or body.word == StatementWord.STATEMENT_WORD_REFUSED:
        yield from reason_faults(body.reason, where)
