"""How a worker is asked to stop: by a signal, or by its launcher's death."""

from __future__ import annotations

import os
import signal
import threading

_PARENT_SECONDS = 2.0


class StopRequest(threading.Event):
    """Set when the worker is to save a checkpoint at the next batch and end."""

    def __init__(self) -> None:
        super().__init__()
        self.listen()

    def listen(self) -> None:
        """Take the signals (again: a trainer puts its own handlers before ours)."""
        for name in ("SIGTERM", "SIGINT", "SIGUSR1"):
            signal.signal(getattr(signal, name), lambda *_: self.set())

    def watch_parent(self) -> None:
        """Stop too when the process that started this one is gone."""
        parent = os.getppid()

        def watch() -> None:
            while not self.wait(_PARENT_SECONDS):
                if os.getppid() != parent:
                    self.set()

        threading.Thread(target=watch, daemon=True).start()
