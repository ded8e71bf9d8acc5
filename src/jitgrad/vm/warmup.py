"""``python -m jitgrad.vm.warmup engine-float32 …``: a worker, which compiles units and prints each when it is done."""

from __future__ import annotations

import os
import sys
import threading

from jitgrad.vm.compiling import Notice, compile_unit
from jitgrad.vm.groups import Unit


def main() -> None:
    """Compile the units in the arguments one after the other, while the parent process is alive."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    said = Notice([], begun=True)
    for name in sys.argv[1:]:
        compile_unit(Unit(*name.split("-")), said)
        print(name, flush=True)


def _end_with_parent() -> None:
    """Exit when standard input, a pipe from the parent, is closed."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
