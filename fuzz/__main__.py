"""Fuzzes every target in turn for a bounded time, or runs one input again.

Usage::

    python -m fuzz [TARGET ...] [--seconds N] [--out DIR]
    python -m fuzz TARGET --reproduce FILE

The corpus begins with what the targets make themselves and grows in ``DIR/corpus``; inputs that
are a finding are kept in ``DIR/findings``. Exit code 0: nothing was found; 1: something was, or
a target could not run; 2: wrong usage.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fuzz.targets import TARGETS

__all__ = ["main"]

SECONDS = 600
OUT = Path("build/fuzz")
INPUT_S_MAX = 10
"""An input that takes longer is a finding: nobody may stop a node with a note."""
MEMORY_MB_MAX = 1_024
_GRACE_S = 60

_EXECUTED = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_COVERED = re.compile(r"cov: (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a target came to.

    Attributes:
        executions: Inputs that were run.
        covered: Edges of the kernel that they reached.
        findings: Files of inputs that failed.
        is_sound: Whether the process ended as it should.
    """

    executions: int
    covered: int
    findings: tuple[Path, ...]
    is_sound: bool


def fuzz(name: str, seconds: int, out: Path) -> Outcome:
    """Run one target in a process of its own.

    Args:
        name: The target.
        seconds: How long.
        out: Where corpus, log and findings go.
    """
    target = TARGETS[name]
    corpus, findings = out / "corpus" / name, out / "findings" / name
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:32]).write_bytes(seed)
    before = set(findings.iterdir())
    log = out / f"{name}.log"
    command = [
        *(sys.executable, "-m", "fuzz.child", name, str(corpus)),
        f"-max_total_time={seconds}",
        f"-max_len={target.length_max}",
        f"-timeout={INPUT_S_MAX}",
        f"-rss_limit_mb={MEMORY_MB_MAX}",
        f"-artifact_prefix={findings}/",
        "-print_final_stats=1",
    ]
    with log.open("wb") as stream:
        try:
            code = subprocess.run(  # noqa: S603 - our own interpreter and module
                command,
                stdout=stream,
                stderr=stream,
                check=False,
                timeout=seconds + INPUT_S_MAX + _GRACE_S,
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    text = log.read_text(encoding="utf-8", errors="replace")
    executed, covered = _EXECUTED.findall(text), _COVERED.findall(text)
    found = tuple(sorted(set(findings.iterdir()) - before))
    return Outcome(
        executions=int(executed[-1]) if executed else 0,
        covered=int(covered[-1]) if covered else 0,
        findings=found,
        is_sound=code == 0 and bool(executed),
    )


def reproduce(name: str, path: Path) -> int:
    """Run one input again and show what it does."""
    try:
        accepted = TARGETS[name].run(path.read_bytes())
    except Exception:  # noqa: BLE001 - whatever it is, it is what was found
        traceback.print_exc()
        return 1
    _say(f"{name}: {path}: {'accepted' if accepted else 'refused'}, as it should be")
    return 0


def fuzz_all(names: Sequence[str], seconds: int, out: Path) -> int:
    """Share the time among targets and print a table."""
    share = max(1, seconds // len(names))
    total, failed, began = 0, False, time.monotonic()
    _say(
        f"{'target':<12} {'executions':>12} {'per second':>11} {'edges':>6}  findings",
    )
    for name in names:
        outcome = fuzz(name, share, out)
        total += outcome.executions
        failed |= bool(outcome.findings) or not outcome.is_sound
        words = f"{len(outcome.findings)}"
        if not outcome.is_sound and not outcome.findings:
            words = f"did not end as it should: see {out / name}.log"
        rate = outcome.executions // share
        _say(f"{name:<12} {outcome.executions:>12,} {rate:>11,} {outcome.covered:>6}  {words}")
        for path in outcome.findings:
            _say(f"  python -m fuzz {name} --reproduce {path}")
    _say(f"{total:,} executions in {time.monotonic() - began:.0f} s")
    return int(failed)


def _say(line: str) -> None:
    """Write a line at once, so that a long run shows where it is."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=SECONDS, help="in all; %(default)s")
    parser.add_argument("--out", type=Path, default=OUT, help="folder; %(default)s")
    parser.add_argument("--reproduce", type=Path, metavar="FILE", help="run one input again")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no target {unknown[0]!r}; there are: {', '.join(TARGETS)}")
    if options.reproduce is not None:
        if len(options.targets) != 1:
            parser.error("to run an input again, name its target")
        if not options.reproduce.is_file():
            parser.error(f"no file {options.reproduce}")
        return reproduce(options.targets[0], options.reproduce)
    if options.seconds < 1:
        parser.error("a run takes at least a second")
    return fuzz_all(options.targets or tuple(TARGETS), options.seconds, options.out)


if __name__ == "__main__":
    sys.exit(main())
