"""What went wrong, said once: to a person, to a program as JSON, and as exit code.

Exit codes: 0 yes, 1 no (a node or a rule said so), 2 bad input, 3 unreachable or out of order.
Nothing here decides what fails; a traceback never reaches the user unless
``DELTACARE_TRACEBACK`` asks for it.
"""

import enum
import errno
import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.faults import told
from clients.cli.usage import usage_words
from clients.language import language, tr
from deltacare.errors import DeltacareError, FieldViolation, Kind, Reason

if TYPE_CHECKING:
    from settlement.findings import Finding

__all__ = [
    "AS_VARIABLE",
    "Exit",
    "Fault",
    "InputRefused",
    "exit_code",
    "failure_json",
    "failure_lines",
    "failure_words",
    "fault_lines",
    "fault_plain",
    "finding_fault",
    "reason_words",
]

AS_VARIABLE = "DELTACARE_AS"
"""The variable that says as whom to connect where ``--as`` does not."""

_AS = "--as"
_ASKING = ("--node", _AS)  # what says whom to ask, and as whom; variables hold for the hint too
_LISTED_MAX = 50
_UNKNOWN_CA = "CERTIFICATE_VERIFY_FAILED"  # TLS's word for a CA that is not ours
# gRPC's words where nothing listens, or there is no such host.
_NOBODY_THERE = (
    "Connection refused",
    "Failed to connect to remote host",
    "DNS resolution failed",
    "No route to host",
)


class Exit(enum.IntEnum):
    """What a run of the program answers to the shell."""

    YES = 0
    NO = 1
    BAD_INPUT = 2
    UNREACHABLE = 3


Fault = FieldViolation


class InputRefused(click.ClickException):
    """A file or option that cannot be used; exit code 2.

    Args:
        message: What is wrong and what to do, in the language of the run.
        faults: Every fault of a file.
        fault_count: How many there are, where not all are listed.
    """

    exit_code = Exit.BAD_INPUT

    def __init__(
        self, message: str, *, faults: tuple[Fault, ...] = (), fault_count: int | None = None
    ) -> None:
        super().__init__(message)
        self.faults = faults
        self.fault_count = len(faults) if fault_count is None else fault_count


_KIND_EXITS = {
    Kind.INVALID: Exit.BAD_INPUT,
    Kind.NOT_FOUND: Exit.NO,
    Kind.EXISTS: Exit.NO,
    Kind.PRECONDITION: Exit.NO,
    Kind.DENIED: Exit.NO,
    Kind.UNAUTHENTICATED: Exit.BAD_INPUT,
    Kind.EXHAUSTED: Exit.UNREACHABLE,
    Kind.UNAVAILABLE: Exit.UNREACHABLE,
    Kind.DEADLINE: Exit.UNREACHABLE,
    Kind.INTERNAL: Exit.UNREACHABLE,
}

_REASONS_ZH = {
    Reason.SHUTTING_DOWN: "节点正在停止，请稍后再试",
    Reason.OVERLOADED: "节点繁忙，请稍后再试",
    Reason.RATE_LIMITED: "调用过于频繁，请稍后再试",
    Reason.TOO_LARGE: "请求过大",
    Reason.UNSUPPORTED_VERSION: "版本不受支持",
    Reason.SUITE_NOT_AVAILABLE: "本机未安装所需的密码套件",
    Reason.UNAUTHENTICATED: "未能确认调用方身份，请检查证书",
    Reason.WRONG_PROVINCE: "不属于本省的事项",
    Reason.ROLE_NOT_ALLOWED: "该角色无权调用",
    Reason.LOG_NOT_ENTITLED: "无权读取该日志",
    Reason.INVALID_FIELD: "字段有误",
    Reason.REQUEST_ID_REUSED: "同一请求号已用于其他内容",
    Reason.NOT_FOUND: "未找到",
    Reason.LOG_NOT_HELD: "本节点不持有该日志",
    Reason.ALREADY_EXISTS: "已存在",
    Reason.NOT_AUTHOR: "非本省所作，无权更改",
    Reason.RULE_REFUSED: "规则不允许",
    Reason.BAD_SIGNATURE: "签名不能通过校验",
    Reason.KEY_NOT_IN_FORCE: "签名密钥不在有效期内",
    Reason.BAD_METADATA: "联盟元数据不能通过校验",
    Reason.BAD_PROOF: "证明不能通过校验",
    Reason.FORK: "日志出现分叉",
    Reason.LOG_STALLED: "日志含有本版本不认识的条目",
    Reason.STALE: "数据过旧",
    Reason.LOG_NOT_CONFIRMED: "本省日志尚未得到伙伴确认，暂不能写入",
    Reason.NO_QUORUM: "联签尚未达到法定数，请稍后再试",
    Reason.PEER_UNREACHABLE: "对方节点无法连接",
    Reason.DEADLINE_EXCEEDED: "超过时限未得到答复",
    Reason.INTERNAL: "节点内部错误，请联系管理员",
}


def reason_words(text: str) -> str:
    """Return a reason's code with its Chinese words; any other text as it is."""
    for reason, words in _REASONS_ZH.items():
        if text == reason.wire:
            return tr(f"{words}（{text}）", text)
    return text


def exit_code(error: Exception) -> int:
    """Return the exit code of a failure."""
    if isinstance(error, click.ClickException):
        return error.exit_code
    if isinstance(error, DeltacareError):
        if error.reason is Reason.REQUEST_ID_REUSED:
            return Exit.BAD_INPUT
        return _KIND_EXITS[error.reason.kind]
    if isinstance(error, OSError | MemoryError):
        return Exit.BAD_INPUT
    return Exit.UNREACHABLE


def failure_json(error: Exception) -> str:
    """Return a failure as one JSON object with the member ``error``."""
    body: dict[str, Any] = {"reason": _reason(error), "message": _message(error)}
    faults, count = _faults(error)
    if faults:
        body["fault_count"] = count
        body["faults"] = [fault_plain(fault) for fault in faults]
    if isinstance(error, DeltacareError) and error.details:
        body["details"] = dict(error.details)
    return json.dumps({"error": body}, ensure_ascii=False)


def fault_plain(fault: Fault) -> dict[str, str]:
    """Return a fault for JSON."""
    return {
        "field": fault.field,
        "value": fault.value,
        "description": fault.description,
        "remedy": fault.remedy,
    }


def failure_lines(error: Exception, arguments: Sequence[str] = ()) -> list[str]:
    """Return a failure as lines for a person.

    Args:
        error: What went wrong.
        arguments: Of the command line; what they say of whom to ask stands in the hints too.
    """
    faults, count = _faults(error)
    lines = [tr("错误：", "Error: ") + _message(error), *fault_lines(faults, count)]
    missing = error.details.get("missing", "") if isinstance(error, DeltacareError) else ""
    lines += [f"  {each}" for each in missing.split("; ") if each]
    asked = _explained(error, arguments)
    if asked:
        lines.append(tr(f"  谁可以：{asked}", f"  Who may: {asked}"))
    auditor = _auditor(error, arguments)
    if auditor:
        lines.append(
            tr(f"  请以稽核身份连接：--as {auditor}", f"  Connect as an auditor: --as {auditor}")
        )
    return lines


def failure_words(error: DeltacareError) -> str:
    """Return why something failed, in one line."""
    if not error.violations:
        return _refused(error)
    return " ".join(line.strip() for line in fault_lines(error.violations, len(error.violations)))


def fault_lines(faults: Sequence[Fault], count: int) -> list[str]:
    """Return faults as lines for a person: where, what was found, what is wrong, what to do."""
    lines = []
    for fault in faults[:_LISTED_MAX]:
        value = tr(f"“{fault.value}”", f" {fault.value!r}") if fault.value else ""
        description, remedy = told(fault.description), told(fault.remedy)
        remedy = f" → {remedy}" if remedy else ""
        lines.append(f"  {fault.field}{value}: {description}{remedy}")
    if count > len(lines):
        more = count - len(lines)
        lines.append(tr(f"  另有 {more} 处。", f"  and {more} more."))
    return lines


def finding_fault(finding: "Finding") -> Fault:
    """Return what is wrong in a file, in the language of the run."""
    from clients.filing.column_words import column_words

    description, remedy = finding.told(language())
    where = tr(f"第 {finding.row} 行", f"row {finding.row}") if finding.row else ""
    column = column_words(finding.column)
    return Fault(
        field=" ".join(part for part in (where, column) if part) or tr("文件", "file"),
        value=finding.value,
        description=description,
        remedy=remedy,
    )


def _faults(error: Exception) -> tuple[tuple[Fault, ...], int]:
    """Return what a failure lists, and how much there is of it."""
    if isinstance(error, InputRefused):
        return error.faults, error.fault_count
    findings: tuple[Finding, ...] | None = getattr(error, "findings", None)
    if findings is not None:  # a file, in both languages
        return tuple(map(finding_fault, findings)), getattr(error, "total", len(findings))
    if isinstance(error, DeltacareError):
        return error.violations, len(error.violations)
    return (), 0


def _reason(error: Exception) -> str:
    if isinstance(error, DeltacareError):
        return error.reason.wire
    if isinstance(error, click.UsageError):
        return "USAGE"
    if isinstance(error, click.ClickException):
        return "INVALID_INPUT"
    is_input = isinstance(error, OSError | MemoryError)
    return "INVALID_INPUT" if is_input else Reason.INTERNAL.wire


def _message(error: Exception) -> str:
    if isinstance(error, DeltacareError):
        _, count = _faults(error)
        if count:
            name = str(getattr(error, "file", ""))
            said = tr(f"有 {count} 处不能接受：", f"{count} not acceptable:")
            return f"{name} {said}".strip()
        return _refused(error)
    if isinstance(error, click.UsageError):
        return usage_words(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError):
        return _file(error)
    return _broken(error)


def _broken(error: Exception) -> str:
    """Return that the machine or the program is at fault."""
    if isinstance(error, MemoryError):
        return tr(
            "本机内存不足。请把文件拆分后分批处理，或换用内存更大的计算机。",
            "This machine has too little memory for it. Split the file, or use a larger machine.",
        )
    return tr(
        f"程序内部错误（{type(error).__name__}）。设 DELTACARE_TRACEBACK=1 可看详情。",
        f"Internal error ({type(error).__name__}). DELTACARE_TRACEBACK=1 shows the details.",
    )


def _refused(error: DeltacareError) -> str:
    """Return why a node or a rule said no; a rule's own words where it has them in Chinese."""
    if error.reason is Reason.PEER_UNREACHABLE and _UNKNOWN_CA in error.message:
        return tr(
            "这不是本省的节点：其证书不是身份目录（--as）中的 CA 所签。请核对 --node 与 --as。",
            "This is not your province's node: the CA in your profile (--as) did not sign its "
            "certificate. Compare --node and --as.",
        )
    details = error.details
    if error.reason is Reason.PEER_UNREACHABLE and "endpoint" in details:
        return _silent(details["endpoint"], error.message)
    said_zh = details.get("text_zh", "")
    if not said_zh:
        words = _REASONS_ZH[error.reason]
        known = told(error.message)
        zh = (
            f"{words}（{error}）"
            if known == error.message
            else f"{words}（{error.reason.wire}）：{known}"
        )
        return tr(zh, str(error))
    about = "，".join(details[name] for name in ("rule", "subject") if details.get(name))
    said_zh = said_zh.rstrip("。")
    return tr(
        f"{_REASONS_ZH[error.reason]}：{said_zh}" + (f"（{about}）" if about else ""), str(error)
    )


def _silent(endpoint: str, said: str) -> str:
    """Return that a node does not answer, or how the connection to it ended."""
    code = Reason.PEER_UNREACHABLE.wire
    if any(word in said for word in _NOBODY_THERE):
        return tr(
            f"{endpoint} 没有节点应答（{code}）；请启动：deltacare node serve DIR，或核对地址。",
            f"{code}: No node answers at {endpoint}; start it with deltacare node serve DIR, or "
            "compare the address.",
        )
    return tr(
        f"与 {endpoint} 的连接未能建立或已中断（{code}: {said}）；"
        "请核对证书是否有效：deltacare node doctor DIR。",
        f"{code}: The connection to {endpoint} failed ({said}); see whether the certificates are "
        "in force: deltacare node doctor DIR.",
    )


def _explained(error: Exception, arguments: Sequence[str]) -> str:
    """Return the command that explains a denial by the rights table; empty for anything else."""
    details = error.details if isinstance(error, DeltacareError) else {}
    if not {"rule", "method", "role"} <= details.keys():
        return ""
    command = f"deltacare explain {details['method'].rpartition('/')[2]} --role {details['role']}"
    if details.get("province"):
        command += f" --of {details['province']}"
    if details.get("purpose"):
        command += f" --purpose {details['purpose']}"
    for name in _ASKING:
        value = _given(arguments, name)
        if value:
            command += f" {name} {shlex.quote(value)}"
    return command


def _auditor(error: Exception, arguments: Sequence[str]) -> str:
    """Return the profile that may read the audit log which was refused; empty for other errors."""
    if not isinstance(error, DeltacareError) or error.reason.kind is not Kind.DENIED:
        return ""
    if not error.details.get("log", "").endswith("/audit"):
        return ""
    given = _given(arguments, _AS) or os.environ.get(AS_VARIABLE, "DIR")
    directory = Path(given) if given == "DIR" or Path(given).is_dir() else Path(given).parent
    return shlex.quote(f"{directory}/auditor")


def _given(arguments: Sequence[str], name: str) -> str:
    """Return the value of an option of the command line, as it was given last."""
    found = ""
    for at, word in enumerate(arguments):
        if word == name:
            found = "".join(arguments[at + 1 : at + 2])
        elif word.startswith(f"{name}="):
            found = word.removeprefix(f"{name}=")
    return found


def _file(error: OSError) -> str:
    """Return what is wrong with a file or an address, by its name."""
    name = "" if error.filename is None else str(error.filename)
    known = {
        errno.ENOENT: tr(f"找不到文件 {name}", f"There is no file {name}"),
        errno.EACCES: tr(f"无权读写 {name}", f"No permission for {name}"),
        errno.EPERM: tr(f"无权读写 {name}", f"No permission for {name}"),
        errno.EISDIR: tr(f"{name} 是目录，不是文件", f"{name} is a directory, not a file"),
        errno.EADDRINUSE: tr(f"{name} 已被占用", f"{name} is in use"),
        errno.EADDRNOTAVAIL: tr(f"{name} 不是本机地址", f"{name} is no address of this machine"),
    }
    said = told(error.strerror or str(error) or type(error).__name__)
    if not name:
        return tr(f"读写文件时出错：{said}", f"A file could not be read or written: {said}")
    other = tr(f"读写 {name} 时出错：{said}", f"{name}: {said}")
    return known.get(error.errno or 0, other)
