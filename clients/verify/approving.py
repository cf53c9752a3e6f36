"""Verifies that two persons of each party signed a statement, with keys that stood in its log.

The keys come out of the same file as the answers, each with a receipt of its own, and are believed
as far as the verifier's policy believes the log they stand in. What a signature must say, and which
key may give it on which day, is judged by the function that nodes use (`deltacare.approvals`): the
two cannot disagree. Of each key the last word before the answer counts. That no later one is left
out of the file is not shown by it; the log itself shows that.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC

from clients.language import tr
from clients.verify.receipt import VerifiedEntry
from clients.verify.words import body_of
from deltacare.approvals import (
    ApprovalFault,
    ApprovalSubject,
    ApprovalWord,
    approval_fault,
    read_approval_key,
)
from deltacare.errors import PeerFault, Reason, ViolationCollector
from deltacare.times import business_date
from deltacare.v1.entry_pb2 import ApprovalKey, StatementWord

__all__ = ["FAULT_WORDS", "keys_of", "signature_fault", "signature_lines"]

FAULT_WORDS: Mapping[ApprovalFault, tuple[str, str]] = {
    ApprovalFault.NOT_TWO: (
        "须有经办、复核签名各一份",
        "there is not one signature of the maker and one of the checker",
    ),
    ApprovalFault.SAME_PERSON: ("经办与复核是同一人", "maker and checker are one person"),
    ApprovalFault.OTHER_PERSON: (
        "签名人不是条目的经办人与复核人",
        "who signed is not who answers for the entry in that duty",
    ),
    ApprovalFault.KEY_UNKNOWN: (
        "此前日志未声明签名所用的密钥",
        "no entry before it states the key that signed",
    ),
    ApprovalFault.KEY_OF_ANOTHER: (
        "签名所用密钥属于他人",
        "the key that signed is another person's",
    ),
    ApprovalFault.KEY_WITHDRAWN: (
        "签名所用密钥此前已撤回",
        "the key that signed was withdrawn before",
    ),
    ApprovalFault.KEY_NOT_IN_TIME: (
        "签名所用密钥在该日无效",
        "the key that signed does not hold on that day",
    ),
    ApprovalFault.BAD_SIGNATURE: (
        "签名不是对此清算单、以此用语、由此人以此密钥所作",
        "a signature is not over this statement, word, province, duty and person by that key",
    ),
}
"""Why signatures do not count, in Chinese and English."""

KeyBook = Mapping[tuple[str, str], Sequence[tuple[int, ApprovalKey]]]
"""By province and name of the key what its log says of it, each with its place."""

_WORDS = {
    StatementWord.STATEMENT_WORD_APPROVED: ApprovalWord.APPROVED,
    StatementWord.STATEMENT_WORD_REFUSED: ApprovalWord.REFUSED,
}


def keys_of(keys: Sequence[VerifiedEntry], author_of: Callable[[VerifiedEntry], str]) -> KeyBook:
    """Return what the keys in a file say, by province and name.

    Args:
        keys: Proved entries that state keys.
        author_of: In whose log one stands.

    Raises:
        PeerFault: ``BAD_PROOF``, if one cannot be read: a node that keeps the rules made it void.
    """
    found: dict[tuple[str, str], list[tuple[int, ApprovalKey]]] = {}
    for each in keys:
        body = body_of(each.entry)[1]
        bad = ViolationCollector()
        read_approval_key(body, "", bad)
        if bad.violations:
            raise PeerFault(
                Reason.BAD_PROOF, f"The key {body.key_id[:64]} in the file cannot be read."
            )
        place = (each.proved.index, body)
        found.setdefault((author_of(each), body.key_id), []).append(place)
    return found


def signature_fault(
    answer: VerifiedEntry, author: str, leaf: bytes, keys: KeyBook
) -> ApprovalFault | None:
    """Return why the signatures of an answer do not count, ``None`` if they do.

    Args:
        answer: The proved answer.
        author: Whose it is.
        leaf: Leaf hash of the statement, as it was proved.
        keys: What the file says of keys.
    """
    body = body_of(answer.entry)[1]
    word = _WORDS.get(body.word)
    if word is None:
        return ApprovalFault.BAD_SIGNATURE

    def key_of(key_id: str) -> ApprovalKey | None:
        before = [said for said in keys.get((author, key_id), ()) if said[0] < answer.proved.index]
        return max(before, key=lambda said: said[0])[1] if before else None

    return approval_fault(
        body.approvals,
        subject=ApprovalSubject.STATEMENT,
        subject_hash=leaf,
        word=word,
        province=author,
        maker=answer.entry.maker,
        reviewer=answer.entry.reviewer,
        day=business_date(answer.entry.entry_time.ToDatetime(tzinfo=UTC)),
        key_of=key_of,
    )


def signature_lines(answer: VerifiedEntry, author: str) -> str:
    """Return one line about who signed an answer, with which keys."""
    signed = {each.principal: each.key_id for each in body_of(answer.entry)[1].approvals}
    maker, reviewer = answer.entry.maker, answer.entry.reviewer
    return tr(
        f"{author}：经办 {maker}（密钥 {signed.get(maker, '')}），"
        f"复核 {reviewer}（密钥 {signed.get(reviewer, '')}）",
        f"{author}: made by {maker} with key {signed.get(maker, '')}, "
        f"reviewed by {reviewer} with key {signed.get(reviewer, '')}",
    )
