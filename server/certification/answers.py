"""What an issuer answers to hosts that suspended their recognition of its certificates.

Pure: how an answer reads, which rules it keeps, until when it is due, and whether it came in time.
A host publishes a suspension with its reason; the issuer then has a number of working days to say
whether it found the same. One that says that it is still looking into it has not answered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from deltacare.errors import Reason, ViolationCollector
from deltacare.ids import CertificateNumber, parse_province
from deltacare.v1.entry_pb2 import (
    RECOGNITION_WORD_INVESTIGATING,
    RecognitionAnswer,
    RecognitionWord,
)
from deltacare.working_days import add_working_days
from server.registry.fields import numbered_id_province, read_enum, read_reason
from server.registry.rulebook import Rule

__all__ = [
    "ANSWER_RULES",
    "ANSWER_WORKING_DAYS",
    "C29_SUSPENSION_UNKNOWN",
    "AnswerSaid",
    "answer_due_date",
    "is_answered",
    "is_overdue",
    "judge_answer",
    "read_answer",
]

ANSWER_WORKING_DAYS = 10
"""Working days that an issuer has: two weeks of an office, as for a request between authorities
that needs somebody else's file; long enough to ask the training body, short enough that a person
who did nothing wrong is not kept from work for a month."""

_HASH_BYTES = 32
_ANSWER = "deltacare/v1/entry.proto, RecognitionAnswer"

_C28_ANSWER_NOT_ISSUER = Rule(
    code="C28-ANSWER-NOT-ISSUER",
    zh="只有发证省可以答复对该证书的互认暂停，且答复对象须为他省。",
    en="Only the issuer of a certificate answers a suspension of its recognition, by another "
    "province.",
    source=_ANSWER,
    reason=Reason.NOT_AUTHOR,
)
C29_SUSPENSION_UNKNOWN = Rule(
    code="C29-SUSPENSION-UNKNOWN",
    zh="该省没有这样暂停互认此证书。",
    en="That province has said no such suspension of its recognition.",
    source=_ANSWER,
    reason=Reason.NOT_FOUND,
)

ANSWER_RULES: tuple[Rule, ...] = (_C28_ANSWER_NOT_ISSUER, C29_SUSPENSION_UNKNOWN)
"""Rules about answers, in order. The second looks at another log: the author's node alone asks it;
elsewhere an answer to a suspension that is not there has no effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSaid:
    """An issuer's word on one suspension.

    Attributes:
        index: place in the issuer's registry log.
        published_date: business date of the entry.
        body: what it says.
    """

    index: int
    published_date: date
    body: RecognitionAnswer

    @property
    def is_decided(self) -> bool:
        """Whether it answers: whoever is still looking into it has not."""
        return self.body.word != RECOGNITION_WORD_INVESTIGATING


def read_answer(body: RecognitionAnswer, at: str, bad: ViolationCollector) -> None:
    """Check an answer.

    Args:
        body: what is stated.
        at: prefix of the fields in violations: empty, or a path that ends with a dot.
        bad: takes the violations.
    """
    bad.take(CertificateNumber.parse, body.certificate_no, field=f"{at}certificate_no")
    bad.take(parse_province, body.host, field=f"{at}host")
    if len(body.suspension_hash) != _HASH_BYTES:
        bad.note(
            f"{at}suspension_hash",
            body.suspension_hash.hex(),
            "A leaf hash has 32 bytes.",
            "Leave it empty to mean the host's newest suspension.",
        )
    read_enum(body.word, f"{at}word", bad, kind=RecognitionWord, optional=False)
    read_reason(body.reason, f"{at}reason", bad)


def judge_answer(author: str, body: RecognitionAnswer) -> Rule | None:
    """Return the rule that a readable answer breaks by its author's log alone."""
    is_issuer = numbered_id_province(body.certificate_no) == author
    return None if is_issuer and body.host != author else _C28_ANSWER_NOT_ISSUER


def answer_due_date(published_date: date) -> date | None:
    """Return the last day for an answer to a suspension published on a day.

    ``None`` if the calendar of that year is not published yet.
    """
    return add_working_days(published_date, ANSWER_WORKING_DAYS)


def is_answered(answers: Sequence[AnswerSaid]) -> bool:
    """Whether the issuer's last word, of those in the order of its log, is an answer."""
    return bool(answers) and answers[-1].is_decided


def is_overdue(
    answers: Sequence[AnswerSaid],
    *,
    due_date: date | None,
    resumed_date: date | None,
    today: date,
) -> bool:
    """Whether the issuer let the last day pass without an answer.

    Args:
        answers: the issuer's words on the suspension, in the order of its log.
        due_date: last day for an answer; ``None`` if it is not known.
        resumed_date: first day of recognition again; one before the last day ends the matter.
        today: the business date.
    """
    if due_date is None or (resumed_date is not None and resumed_date <= due_date):
        return False
    answered: date | None = None
    for each in answers:
        if not each.is_decided:
            answered = None  # it took its answer back to look again
        elif answered is None:
            answered = each.published_date
    return (answered or today) > due_date
