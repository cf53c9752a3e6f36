"""Whether the holder of a certificate that is to be issued is barred on its first day.

Asked at the author alone, before anything is appended (C31): it looks at measures, and at the vault
for the other certificates of a person, of which no log knows. What was issued all the same is not
recognised while the measure holds, by the rules of checks.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from deltacare.v1.certification_service_pb2 import NewCertificate
from server.certification.ports import HolderVault
from server.certification.store import read_histories
from server.registry.values import Reach
from server.supervision.rules import barred_on, bars_known
from server.supervision.store import load_measures
from server.supervision.values import Effect

__all__ = ["barred_issues"]

# The own log says all that it says to its own node.
_ALL = Reach(restrict_size=2**63 - 1, permit_size=2**63 - 1)


def barred_issues(
    connection: Connection, own: str, issues: Sequence[NewCertificate], vault: HolderVault | None
) -> Mapping[int, str]:
    """Return the positions of those whose holders are barred, with the field that shows it.

    Args:
        connection: of the transaction that would issue them.
        own: the author.
        issues: certificates to issue, each readable.
        vault: knows what else a person holds; ``None`` if there is none.
    """
    # 1. What else each holder has.
    refs = {each.subject_ref for each in issues if each.subject_ref}
    held = {} if vault is None else {ref: vault.held_by(connection, ref) for ref in sorted(refs)}
    named = {each.certificate.predecessor_no for each in issues} - {""}
    histories = read_histories(connection, named.union(*held.values()))
    if not histories:
        return {}
    # 2. The measures against these.
    taken = load_measures(connection, {s for each in histories.values() for s in each.subjects})
    if not taken:
        return {}

    def is_barred(number: str, day: date) -> bool:
        if number not in histories:
            return False
        subjects = histories[number].subjects
        measures = [each for subject in subjects for each in taken.get(subject, ())]
        bars = bars_known(measures, {own: _ALL})
        return barred_on(bars, day=day, effect=Effect.NOT_RECOGNISED, province=own) is not None

    # 3. On the first day.
    found: dict[int, str] = {}
    for position, each in enumerate(issues):
        day = date.fromisoformat(each.certificate.valid_from_date)
        if is_barred(each.certificate.predecessor_no, day):
            found[position] = "certificate.predecessor_no"
        elif any(is_barred(number, day) for number in held.get(each.subject_ref, ())):
            found[position] = "subject_ref"
    return found
