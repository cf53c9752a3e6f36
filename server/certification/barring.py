"""Who is barred, and what else a barred person holds: asked at the author alone.

It looks at measures, and at the vault for the other certificates of a person, of which no log
knows: before a certificate is issued (C31), before a measure that bars is taken (M15), and before a
person is erased (P08). What was issued all the same is not recognised while the measure holds, by
the rules of checks.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection

from deltacare.ids import parse_identity_number
from deltacare.v1.certification_service_pb2 import NewCertificate
from server.certification.lines import same_line
from server.certification.ports import HolderVault
from server.certification.store import read_histories
from server.personal.persons import Sought
from server.registry.values import Reach
from server.supervision.rules import bars_known
from server.supervision.store import load_measures
from server.supervision.values import Bar, Effect

__all__ = ["barred_issues", "barred_still", "unreached"]

# The own log says all that it says to its own node.
_ALL = Reach(restrict_size=2**63 - 1, permit_size=2**63 - 1)


def _bars(connection: Connection, own: str, numbers: Iterable[str]) -> Mapping[str, Sequence[Bar]]:
    """Return what bars the holders of certificates everywhere, by certificate, of those barred."""
    histories = read_histories(connection, set(numbers))
    taken = load_measures(connection, {s for each in histories.values() for s in each.subjects})
    found: dict[str, Sequence[Bar]] = {}
    for number, history in histories.items() if taken else ():
        measures = [each for subject in history.subjects for each in taken.get(subject, ())]
        bars = [
            bar
            for bar in bars_known(measures, {own: _ALL})
            if bar.effect is Effect.NOT_RECOGNISED and bar.counts_in(own)
        ]
        if bars:
            found[number] = bars
    return found


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
    # 1. What else each holder has, by each thing that says who it is.
    followed = {each.certificate.predecessor_no for each in issues} - {""}
    known: dict[str, Sequence[frozenset[str]]] = {
        "certificate.predecessor_no": [
            frozenset({each.certificate.predecessor_no} - {""}) for each in issues
        ]
    }
    if vault is not None:
        held = vault.held_by_each(
            connection,
            [
                *(Sought(subject_ref=each.subject_ref) for each in issues),
                *(Sought(identity_number=_number(each)) for each in issues),
                *(Sought(certificate_nos=same) for same in _lines(connection, issues, followed)),
            ],
        )
        count = len(issues)
        known["subject_ref"] = held[:count]
        known["identity_number"] = held[count : 2 * count]
        known["certificate.predecessor_no"] = [
            one | more
            for one, more in zip(
                known["certificate.predecessor_no"], held[2 * count :], strict=True
            )
        ]
    # 2. The measures against these.
    bars = _bars(connection, own, {no for some in known.values() for one in some for no in one})
    if not bars:
        return {}
    # 3. On the first day.
    found: dict[int, str] = {}
    for position, each in enumerate(issues):
        day = date.fromisoformat(each.certificate.valid_from_date)
        for field, numbers in known.items():
            if any(bar.holds(day) for no in numbers[position] for bar in bars.get(no, ())):
                found[position] = field
                break
    return found


def _lines(
    connection: Connection, issues: Sequence[NewCertificate], followed: Collection[str]
) -> list[frozenset[str]]:
    """Return for each certificate to issue those of the line that it continues."""
    histories = read_histories(connection, followed)
    lines = {
        number: frozenset((number, *(other.certificate_no for other in history.line)))
        for number, history in histories.items()
    }
    return [lines.get(each.certificate.predecessor_no, frozenset()) for each in issues]


def _number(new: NewCertificate) -> str:
    """Return the identity number in canonical form; empty if none was given."""
    return parse_identity_number(new.identity_number) if new.identity_number else ""


def unreached(
    connection: Connection,
    own: str,
    vault: HolderVault | None,
    certificate_nos: Collection[str],
    *,
    from_date: date,
    until_date: date | None,
) -> tuple[str, ...]:
    """Return the other certificates of barred persons that a bar would not reach, ascending.

    Args:
        connection: of the transaction that would take the measure.
        own: the author.
        vault: knows what else a person holds; ``None`` if there is none.
        certificate_nos: against whose holders it is taken.
        from_date: its first day.
        until_date: its last day; ``None`` if it has none.
    """
    if vault is None:
        return ()
    reached = same_line(connection, certificate_nos)
    assert reached is not None, "all were asked for"
    (held,) = vault.held_by_each(connection, [Sought(certificate_nos=reached)])
    others = held - reached
    bars = _bars(connection, own, others)

    def covers(bar: Bar) -> bool:
        """Whether a bar holds on every day of the new one."""
        ends_first = bar.until_date is not None and (
            until_date is None or bar.until_date < until_date
        )
        return bar.from_date <= from_date and not ends_first

    return tuple(sorted(no for no in others if not any(map(covers, bars.get(no, ())))))


def barred_still(
    connection: Connection, own: str, certificate_nos: Collection[str], day: date
) -> frozenset[str]:
    """Return those certificates whose holders are barred on a day or will be after it."""
    return frozenset(
        number
        for number, bars in _bars(connection, own, certificate_nos).items()
        if any(bar.until_date is None or day <= bar.until_date for bar in bars)
    )
