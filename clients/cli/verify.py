"""``deltacare verify``: checks a receipt, a verdict or a statement offline, by one's own policy.

Reaches no node and no network, and takes no key from the file under test or from beside it. What
is printed are the steps that were taken and what each relied on.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clients.cli.commands import Command, option
from clients.cli.failures import Exit, InputRefused, failure_json, failure_lines
from clients.language import both, tr

if TYPE_CHECKING:
    from clients.verify.steps import Step

__all__ = ["verify"]

_KINDS = {
    "receipt": ("回执", "receipt"),
    "verdict": ("核验结论", "verdict"),
    "statement": ("清算单", "statement"),
}


@click.command(
    "verify",
    cls=Command,
    help=both(
        "离线核验回执、结论或清算单文件，只信任您自己的策略文件。"
        "通过退出码为 0，不通过为 1，不是证据文件为 2。",
        "Verify a receipt, verdict or statement file offline, trusting your own policy file only. "
        "Exit code 0 if it verifies, 1 if not, 2 if it is no evidence.",
    ),
)
@click.argument("file", type=click.Path(path_type=Path))
@option(
    "--policy",
    "policies",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    envvar="DELTACARE_POLICY",
    help=both(
        "C2SP tlog-policy 文件，或其目录；可给多个，均须满足。",
        "C2SP tlog-policy file, or a directory of them; of several, all must be satisfied.",
    ),
)
@option(
    "--logs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help=both(
        "导出的日志目录（其下为 deltacare/310000/registry 等）：逐条查找结论文件未出示的条目。",
        "Directory of exported logs (deltacare/310000/registry below it): look for entries that a "
        "verdict does not show.",
    ),
)
@option(
    "--allow-unknown",
    is_flag=True,
    help=both(
        "忽略策略未列密钥的签名，而不是拒绝。",
        "Ignore signatures by keys that the policy does not name, instead of refusing them.",
    ),
)
@option(
    "--require",
    type=click.Choice(["sm2"]),
    help=both(
        "另外要求国密 SM2 签名与联签。", "Demand signatures and cosignatures by SM2 as well."
    ),
)
@option(
    "--suite-policy",
    "suites",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help=both(
        "SM2 密钥的策略文件；--policy 目录中的 *.sm2.txt 亦读作此类文件。",
        "Policy file of SM2 keys; so is *.sm2.txt in a directory of --policy.",
    ),
)
def verify(
    *,
    file: Path,
    policies: tuple[Path, ...],
    logs: Path | None,
    allow_unknown: bool,
    require: str | None,
    suites: tuple[Path, ...],
) -> int:
    """Verify a file of evidence."""
    from clients.cli.output import answer
    from clients.verify.files import verify_file
    from clients.verify.steps import Steps
    from clients.verify.trusting import Trusting
    from clients.verify.unusable import Unusable
    from deltacare.errors import DeltacareError
    from deltacare.tlog.suite import Suite

    if not policies:
        raise InputRefused(
            tr(
                "信任谁由您决定：请用 --policy 给出策略文件，或设置 DELTACARE_POLICY。",
                "Whom to trust is yours to say: give a policy file with --policy, or set "
                "DELTACARE_POLICY.",
            )
        )
    now = datetime.now(UTC)
    trusting = Trusting.read(
        policies,
        now=now,
        allow_unknown=allow_unknown,
        suites=suites,
        require=None if require is None else Suite(require),
    )
    steps = Steps()
    try:
        found = verify_file(file, trusting, steps, logs=logs)
    except Unusable as error:
        raise InputRefused(tr(error.zh, error.en)) from None
    except DeltacareError as error:
        return _refused(file, steps.taken, error)
    kind = tr(*_KINDS[found.kind.value])
    if answer(
        {
            "verified": True,
            "kind": found.kind.value,
            **found.summary,
            "policies": [name for name, _ in (*trusting.policies, *trusting.suites)],
            "steps": [step.plain() for step in steps.taken],
        }
    ):
        _draw(steps.taken)
        click.echo(tr(f"通过：{kind} {file.name}", f"Verified: {kind} {file.name}"))
    return Exit.YES


def _refused(file: Path, taken: "list[Step]", error: Exception) -> int:
    """Say which steps still succeeded and what the file is refused for."""
    from clients.cli.commands import wants_json

    if wants_json():
        click.echo(failure_json(error))
    else:
        _draw(taken)
    click.echo(tr(f"不通过：{file.name}", f"Not verified: {file.name}"), err=True)
    for line in failure_lines(error):
        click.echo(line, err=True)
    return Exit.NO


def _draw(taken: "list[Step]") -> None:
    for step in taken:
        click.echo(f"{step.number:>2}. {step.title}")
        for line in step.lines:
            click.echo(f"    {line}")
