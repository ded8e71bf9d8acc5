"""``python -m jitgrad.compat program.py``: run a program with jitgrad in place of TensorFlow, Keras and PyTorch."""

from __future__ import annotations

import sys

from jitgrad.compat import run
from jitgrad.errors import JitgradError

USAGE = """Usage: python -m jitgrad.compat [--v1] PROGRAM [ARGUMENT ...]
       python -m jitgrad.compat [--v1] -m MODULE [ARGUMENT ...]

Run a program with jitgrad in place of tensorflow, keras and torch.
--v1 selects TensorFlow 1, which is also detected from tf.placeholder and tf.Session."""


def main(arguments: list[str]) -> None:
    """Run the program given on the command line. Exit with 2 for invalid arguments."""
    rest = list(arguments)
    v1 = rest[:1] == ["--v1"]
    rest = rest[v1:]
    if rest[:1] in (["-h"], ["--help"]):
        print(USAGE)
        return
    find = run.module if rest[:1] == ["-m"] else run.program
    rest = rest[find is run.module :]
    if not rest or rest[0].startswith("-"):
        sys.exit(_refused(USAGE))
    try:
        run.run(find(rest[0]), rest[1:], v1)
    except JitgradError as error:
        sys.exit(_refused(f"jitgrad: {error}"))


def _refused(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    main(sys.argv[1:])
