"""``deltacare scheme``: under which schemes certificates are issued, the country's and provinces'.

A scheme is written down in a TOML file and published from it; `scheme show --toml` writes one that
can be changed and published again.
"""

import tomllib
from pathlib import Path
from typing import Any

import click

from clients.cli.appended import tell_appended
from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import InputRefused
from clients.cli.output import answer, pages, print_table
from clients.language import both, tr
from clients.plain import plain

__all__ = ["scheme"]

scheme = Group(
    name="scheme", help=both("证书类别与等级。", "Schemes of certification and their grades.")
)

_SUBJECTS = {"caregiver": 1, "institution": 2}
_TEXTS = ("scheme", "occupation", "number_pattern", "from_date", "until_date", "basis")
_COUNTS = ("validity_months_max", "renewal_hours_min")
_LISTS = ("grades", "issuing_divisions")
_FILE_BYTES_MAX = 65_536


def _read(path: Path) -> Any:  # noqa: ANN401  # a message
    """Return the scheme in a file.

    Raises:
        InputRefused: If it is no TOML, or has a key that is unknown or of another type.
    """
    from datetime import date

    from deltacare.v1.entry_pb2 import CertificateSubject, CertificationScheme

    with path.open("rb") as file:
        data = file.read(_FILE_BYTES_MAX)  # what is longer is no scheme, and cut it is no TOML
    try:
        said = tomllib.loads(data.decode("utf-8-sig"))
    except ValueError as error:
        raise InputRefused(
            tr(f"{path.name} 不是可读取的 TOML：{error}", f"{path.name} is no TOML: {error}")
        ) from None
    wrong: list[str] = []
    result = CertificationScheme()
    for key, value in said.items():
        if key in _TEXTS and isinstance(value, str | date):
            setattr(result, key, str(value))
        elif key in _COUNTS and type(value) is int and 0 <= value < 2**32:
            setattr(result, key, value)
        elif (
            key in _LISTS
            and isinstance(value, list)
            and all(isinstance(each, str) for each in value)
        ):
            getattr(result, key).extend(value)
        elif key == "subject" and value in _SUBJECTS:
            result.subject = CertificateSubject.ValueType(_SUBJECTS[value])
        else:
            wrong.append(key)
    if wrong:
        keys = ", ".join(wrong)
        raise InputRefused(
            tr(
                f"{path.name}：{keys} 不认识或类型有误；可用键见 deltacare scheme show --toml。",
                f"{path.name}: {keys}: unknown or of another type; deltacare scheme show --toml "
                "shows the keys.",
            )
        )
    return result


@command(
    scheme,
    "publish",
    help=both(
        "按 TOML 文件发布本省的类别或其新版本；样例：scheme show CAREGIVER_LEVEL --toml。",
        "Publish a scheme of the own province, or a new version, from a TOML file; for a sample: "
        "deltacare scheme show CAREGIVER_LEVEL --toml.",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@signed
@connected
def publish(*, connection: Connection, signature: Signature, file: Path) -> None:
    """Publish a scheme."""
    from deltacare.v1.certification_service_pb2 import PublishSchemeRequest

    body = _read(file)
    with connection.open() as node:
        response = node.certification.PublishScheme(
            PublishSchemeRequest(request_id=signature.once(), duty=signature.duty, scheme=body)
        )
    tell_appended(
        response.appended,
        tr(
            f"已发布 {body.scheme}，自 {body.from_date} 起",
            f"Published {body.scheme}, from {body.from_date}",
        ),
        scheme=body.scheme,
    )


def _all(connection: Connection, province: str) -> list[Any]:
    """Return the schemes that a node knows."""
    from deltacare.v1.certification_service_pb2 import ListSchemesRequest

    with connection.open() as node:
        return [
            row
            for page in pages(node.certification.ListSchemes, ListSchemesRequest(province=province))
            for row in page.schemes
        ]


def _whose(row: Any) -> str:  # noqa: ANN401  # a message
    return row.province or tr("国家", "national")


@command(
    scheme,
    "list",
    help=both("列出国家与各省的类别。", "List the country's and provinces' schemes."),
)
@option("--province", default="", metavar="CODE", help=both("只看该省。", "Only this province."))
@connected
def list_(*, connection: Connection, province: str) -> None:
    """List schemes."""
    found = _all(connection, province)
    if not answer({"schemes": [plain(row) for row in found]}):
        return
    print_table(
        [
            tr("发布者", "stated by"),
            tr("类别", "scheme"),
            tr("等级（由低到高）", "grades, lowest first"),
            tr("自", "from"),
            tr("依据", "basis"),
        ],
        [
            (
                _whose(row),
                row.scheme.scheme,
                " ".join(row.scheme.grades),
                row.scheme.from_date,
                row.scheme.basis,
            )
            for row in found
        ],
    )


@command(scheme, "show", help=both("显示一个类别的现行版本。", "Show a scheme's newest version."))
@click.argument("name")
@option(
    "--province", default="", metavar="CODE", help=both("只看该省的。", "Only this province's.")
)
@option(
    "--toml",
    "as_toml",
    is_flag=True,
    help=both("写成 TOML，可改后发布。", "Write it as TOML, to change and publish."),
)
@connected
def show(*, connection: Connection, name: str, province: str, as_toml: bool) -> int:
    """Show a scheme."""
    from clients.cli.failures import Exit

    found = [row for row in _all(connection, province) if row.scheme.scheme == name]
    if not found:
        raise InputRefused(
            tr(
                f"没有类别 {name}；deltacare scheme list 列出全部。",
                f"There is no scheme {name}; deltacare scheme list shows all.",
            )
        )
    if as_toml:
        click.echo(_toml(found[-1].scheme))
        return Exit.YES
    if not answer({"schemes": [plain(row) for row in found]}):
        return Exit.YES
    for row in found:
        said = row.scheme
        any_ = tr("不限", "any")
        print_table(
            [tr("项目", "field"), tr("内容", "value")],
            [
                (tr("类别", "scheme"), said.scheme),
                (tr("职业编码", "occupation"), said.occupation),
                (tr("等级（由低到高）", "grades, lowest first"), " ".join(said.grades)),
                (tr("编号格式", "number pattern"), said.number_pattern or any_),
                (tr("最长有效期（月）", "months at most"), said.validity_months_max or any_),
                (tr("发证区划", "may issue"), " ".join(said.issuing_divisions) or any_),
                (tr("续期学时", "hours to renew"), said.renewal_hours_min),
                (tr("自", "from"), said.from_date),
                (tr("至", "until"), said.until_date or tr("另行发布前", "until replaced")),
                (tr("依据", "basis"), said.basis),
            ],
            title=_whose(row),
        )
    return Exit.YES


def _toml(said: Any) -> str:  # noqa: ANN401  # a message
    """Return a scheme as the file from which it can be published."""
    import json

    subjects = {number: name for name, number in _SUBJECTS.items()}
    lines = [f'scheme = "{said.scheme}"', f'subject = "{subjects.get(said.subject, "")}"']
    for key in (*_TEXTS[1:], *_COUNTS, *_LISTS):
        value = getattr(said, key)
        if value:
            value = list(value) if key in _LISTS else value
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines)
