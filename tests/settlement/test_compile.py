"""The compiled plans are what the expressions give now, and run without the compiler."""

import subprocess
import sys
from importlib import resources

from settlement.compile import compiled_texts


def test_compiled_plans_are_current() -> None:
    """Compiling again gives the committed text; if not, run `python -m settlement.compile`."""
    folder = resources.files("settlement").joinpath("compiled")
    texts = dict(compiled_texts())
    found = {f"{one.name}/{entry.name}" for one in folder.iterdir() for entry in one.iterdir()}
    assert {f"{name}.sql" for name in texts} == found
    for name, text in texts.items():
        assert text == folder.joinpath(f"{name}.sql").read_text("utf-8"), name


def test_a_night_needs_no_compiler() -> None:
    """Running the engine loads neither Ibis nor the SQL compiler."""
    program = (
        "import sys; import settlement.night, settlement.reconcile, settlement.engine; "
        "settlement.engine.compiled('night'); "
        "print(sorted({'ibis', 'sqlglot'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
