"""Tables that the statement and the month's report both have. Messages in, plain tables out."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clients.plain import enum_name
from clients.reports.document import Cell, Table, yuan
from clients.reports.words import class_action, class_name, province, word
from deltacare.v1.clearing_service_pb2 import LineCount, PairNight
from settlement.core.classes import LineClass

__all__ = [
    "advance_table",
    "basis_tables",
    "class_table",
    "dated",
    "matrix_table",
    "payment_table",
    "position_table",
]

Matrix = Mapping[tuple[str, str], int]
_NOTE_LINES = 3


def dated(heading: str, day: str, lang: str) -> str:
    """Return a heading with the day as of whose end the table speaks, where there is one."""
    return heading + word("as_of", lang).format(day) if day else heading


def matrix_table(matrix: Matrix, codes: Sequence[str], lang: str) -> Table:
    """Return the gross flow of each ordered pair.

    Args:
        matrix: Fen by payer and payee.
        codes: Provinces to show, ascending.
        lang: `zh` or `en`.
    """
    rows: list[list[Cell]] = []
    for payer in codes:
        flows = [matrix.get((payer, payee), 0) for payee in codes]
        cells: list[Cell] = [
            "—" if payer == payee else yuan(fen) for payee, fen in zip(codes, flows, strict=True)
        ]
        rows.append([province(payer, lang), *cells, yuan(sum(flows))])
    sums = [sum(matrix.get((payer, code), 0) for payer in codes) for code in codes]
    rows.append([word("sum_received", lang), *map(yuan, sums), yuan(sum(sums))])
    return Table(
        heading=word("matrix_heading", lang),
        columns=[
            word("corner", lang),
            *(province(code, lang) for code in codes),
            word("sum_paid", lang),
        ],
        rows=rows,
        total=True,
    )


def position_table(matrix: Matrix, codes: Sequence[str], lang: str) -> Table:
    """Return what each province pays, receives, and has left."""
    rows: list[list[Cell]] = []
    for code in codes:
        pays = sum(fen for (payer, _), fen in matrix.items() if payer == code)
        receives = sum(fen for (_, payee), fen in matrix.items() if payee == code)
        rows.append([province(code, lang), *map(yuan, (pays, receives, receives - pays))])
    gross = sum(matrix.values())
    rows.append([word("total", lang), *map(yuan, (gross, gross, 0))])
    return Table(
        heading=word("positions", lang),
        columns=[word(name, lang) for name in ("province", "pays", "receives", "net")],
        rows=rows,
        total=True,
    )


def class_table(heading: str, counts: Iterable[LineCount], lang: str) -> Table:
    """Return lines by class, with what to do next.

    Args:
        heading: Above it.
        counts: Of one pair; several of one class are added.
        lang: `zh` or `en`.
    """
    sums: dict[int, list[int]] = {}
    for each in counts:
        cell = sums.setdefault(each.line_class, [0, 0, 0])
        for index, value in enumerate((each.line_count, each.home_fen, each.host_fen)):
            cell[index] += value
    rows: list[list[Cell]] = []
    for rank, (count, home_fen, host_fen) in sorted(sums.items()):
        line_class = LineClass.of_rank(rank)
        rows.append(
            [
                class_name(line_class, lang),
                count,
                yuan(home_fen),
                yuan(host_fen),
                class_action(line_class, lang),
            ]
        )
    if rows:
        totals = [sum(cell[index] for cell in sums.values()) for index in range(3)]
        rows.append([word("total", lang), totals[0], yuan(totals[1]), yuan(totals[2]), ""])
    return Table(
        heading=heading,
        columns=[word(name, lang) for name in ("class", "lines", "home_fen", "host_fen", "next")],
        rows=rows,
        total=True,
        empty=word("no_lines", lang),
    )


def payment_table(payments: Iterable[Any], lang: str, day: str = "") -> Table:
    """Return payments and where each stands.

    Args:
        payments: `StandingPayment`s.
        lang: `zh` or `en`.
        day: As of the end of which day; empty: not said.
    """
    names = (
        *("payment_id", "basis_id", "payer", "payee", "amount"),
        *("debited", "credited", "state", "next"),
    )
    return Table(
        heading=dated(word("payments", lang), day, lang),
        columns=[word(name, lang) for name in names],
        rows=[
            [
                each.payment_id,
                each.basis_id,
                province(each.payer, lang),
                province(each.payee, lang),
                yuan(each.amount_fen),
                yuan(each.debited_fen),
                yuan(each.credited_fen),
                word(enum_name(each, "state"), lang),
                word(each.next_action, lang) if each.next_action else "",
            ]
            for each in payments
        ],
        empty=word("no_payment", lang),
    )


def advance_table(advances: Iterable[Any], lang: str, day: str = "") -> Table:
    """Return advances and what is left of each.

    Args:
        advances: `StandingAdvance`s.
        lang: `zh` or `en`.
        day: As of the end of which day; empty: not said.
    """
    names = ("advance", "payer", "payee", "amount", "received", "drawn", "left")
    return Table(
        heading=dated(word("advances", lang), day, lang),
        columns=[word(name, lang) for name in names],
        rows=[
            [
                each.advance.advance_id,
                province(each.payer, lang),
                province(each.advance.payee, lang),
                yuan(each.advance.amount_fen),
                yuan(each.received_fen),
                yuan(each.drawn_fen),
                yuan(each.received_fen - each.drawn_fen),
            ]
            for each in advances
        ],
        empty=word("no_advances", lang),
    )


def basis_tables(nights: Sequence[PairNight], lang: str) -> list[Table]:
    """Return the agreed results, and how far the settlement logs went at their end.

    Args:
        nights: Agreed nights, sorted by date.
        lang: `zh` or `en`.
    """
    ends: dict[str, tuple[int, str]] = {}
    for night in nights:
        for note in (night.lower_result.lower_checkpoint, night.lower_result.higher_checkpoint):
            place = _place(note)
            if place is not None:
                ends[place[0]] = max(ends.get(place[0], (0, "")), place[1:])
    return [
        Table(
            heading=word("agreed", lang),
            columns=[
                word(name, lang) for name in ("one", "other", "date", "digest", "result_hash")
            ],
            rows=[
                [
                    night.lower,
                    night.higher,
                    night.business_date,
                    night.lower_result.digest.hex(),
                    f"{night.lower_result_hash.hex()} {night.higher_result_hash.hex()}",
                ]
                for night in nights
            ],
            empty=word("no_lines", lang),
        ),
        Table(
            heading=word("positions_heading", lang),
            columns=[word(name, lang) for name in ("log", "size", "root")],
            rows=[[log, size, root] for log, (size, root) in sorted(ends.items())],
            empty=word("no_lines", lang),
        ),
    ]


def _place(note: bytes) -> tuple[str, int, str] | None:
    """Return log, size and root of a checkpoint; ``None`` if there is none.

    It is shown, not believed: whoever compares has the log's own.
    """
    rows = note.decode("utf-8", "replace").split("\n")
    if len(rows) < _NOTE_LINES or not rows[1].isdecimal():
        return None
    try:
        return rows[0], int(rows[1]), base64.b64decode(rows[2], validate=True).hex()
    except ValueError:
        return None
