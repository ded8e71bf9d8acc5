"""Ctrl-C while compiled code runs: noted, and taken between two chunks, so that no state is left half-written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether Ctrl-C was pressed."""

    pressed = False


@contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """Inside the block Ctrl-C sets ``pressed``; after it KeyboardInterrupt is raised if it was pressed.

    Outside the main thread, where Python delivers no signals, it does nothing.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def note(number: int, frame: FrameType | None) -> None:
        interrupt.pressed = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupt.pressed:
        raise KeyboardInterrupt
