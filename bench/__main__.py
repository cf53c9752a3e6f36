"""Runs the benchmarks, prints a table and writes ``bench/results.json``.

Usage: ``python -m bench [NAME]``, where NAME is a module of this folder. Each module has a function
``run`` that returns figures by name: ``{value, unit, ratio, baseline, goal, met}``. Ratios are
against a baseline measured in the same run, because machines differ and are noisy.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

BENCHMARKS = (
    "append",
    "durable",
    "stall",
    "mirror",
    "check",
    "authorised",
    "roster",
    "revocation",
    "check_million",
    "million",
    "night",
    "verification",
    "reconcile",
    "status_list",
    "offline",
)
RESULTS = Path(__file__).parent / "results.json"


def _text(value: object) -> str:
    """Format one cell."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _print(figures: dict[str, dict[str, Any]]) -> None:
    """Print a table of figures."""
    head = ("figure", "value", "unit", "ratio", "baseline", "goal", "met")
    rows = [
        (name, *(_text(figure.get(key)) for key in head[1:])) for name, figure in figures.items()
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, tuple("-" * width for width in widths), *rows]:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; figures of others stay in the file."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    measured: dict[str, dict[str, Any]] = {}
    for name in names or BENCHMARKS:
        print(f"… {name}", file=sys.stderr)
        measured |= importlib.import_module(f"bench.{name}").run()
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if names and RESULTS.exists() else {}
    RESULTS.write_text(
        json.dumps(kept | measured, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    _print(measured)
    return 0


if __name__ == "__main__":
    sys.exit(main([name for name in sys.argv[1:] if name]))
