"""One target in one process, driven by atheris: started by `python -m fuzz`, not by hand.

Its own process, because libFuzzer ends the process it runs in, and because a crash of native code
must not end the run.
"""

import sys

import atheris  # type: ignore[import-untyped]  # no stubs

with atheris.instrument_imports(include=["deltacare"]):
    from fuzz.targets import TARGETS

__all__: list[str] = []


def main() -> None:
    """Fuzz the target that the first argument names; the others are libFuzzer's."""
    target = TARGETS[sys.argv[1]]

    def one(data: bytes) -> None:
        target.run(data)

    atheris.Setup([sys.argv[0], *sys.argv[2:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
