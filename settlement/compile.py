"""Compiles the plans of the core to the SQL that engines run: `python -m settlement.compile`.

The expressions in `settlement.core` are the one definition; the files in `compiled/` are made from
them and committed, so that a node and the command line need neither Ibis nor its compilers to run,
and a reviewer can read what will run. A test compiles again and compares, so they cannot drift.
Nothing else imports this module.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from settlement.core.night import Plan, Step, night_plan, proposals_plan
from settlement.engine import COLUMNS_MARK, INPUT_MARK, KEPT_MARK, READS_MARK, STEP_MARK

__all__ = ["compiled_texts", "main"]

# The names that Ibis has for what the engines speak, and sqlglot for its spelling.
_DIALECTS = {"duckdb": ("duckdb", "duckdb"), "spark": ("pyspark", "spark")}

_HEAD = """\
-- Made by `python -m settlement.compile` from the expressions in settlement/core; not to be edited.

"""


def compiled_texts() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of every compiled plan: dialect, slash, name."""
    plans = {
        "night": night_plan(facts=True, keep_lines=True),
        "night_without_facts": night_plan(facts=False, keep_lines=True),
        "files": night_plan(facts=False, keep_lines=False),
        "proposals": proposals_plan(),
    }
    for dialect in _DIALECTS:
        for name, plan in plans.items():
            inputs = (_input_text(*item) for item in sorted(plan.inputs.items()))
            steps = (_step_text(step, dialect) for step in _steps(plan))
            yield f"{dialect}/{name}", _HEAD + "".join(inputs) + "\n" + "\n".join(steps)


def main() -> None:
    """Write every compiled plan to its file."""
    folder = Path(__file__).parent / "compiled"
    for name, text in compiled_texts():
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")


def _steps(plan: Plan) -> Iterator[Step]:
    """Yield the steps of a plan after checking that each reads what is there before it."""
    known = set(plan.inputs)
    for step in plan.steps:
        assert known.issuperset(step.reads), f"{step.name} reads what comes after it"
        known.add(step.name)
        yield step


def _input_text(name: str, schema: Mapping[str, str]) -> str:
    """Return an input as it is written."""
    columns = " ".join(f"{column}:{kind}" for column, kind in schema.items())
    return f"{INPUT_MARK}{name} {columns}\n"


def _step_text(step: Step, dialect: str) -> str:
    """Return a step as it is written."""
    # The compiler alone: the backend around it would open a database.
    backend, spelling = _DIALECTS[dialect]
    compiler = import_module(f"ibis.backends.sql.compilers.{backend}").compiler

    columns = (f"{name}:{kind}" for name, kind in step.expression.schema().items())
    return "\n".join(
        (
            STEP_MARK + step.name,
            KEPT_MARK + ("yes" if step.kept else "no"),
            READS_MARK + " ".join(step.reads),
            COLUMNS_MARK + " ".join(columns),
            compiler.to_sqlglot(step.expression).sql(spelling, pretty=True),
            ";\n",
        )
    )


if __name__ == "__main__":
    main()
