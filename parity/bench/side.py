"""The parent's handle on one engine's process, which is stopped whenever it is not its turn."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from parity.backends import ENVIRONMENT, Backend
from parity.launch import ROOT

BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from parity.bench.child import main; sys.exit(main(*sys.argv[1:]))"

# As parity's runs of scripts, but for the number of threads: an engine takes as many as it does by itself.
VARIABLES = {name: value for name, value in ENVIRONMENT.items() if not name.endswith("_THREADS")}


class Unable(Exception):
    """The side cannot do what was asked; the sentence says why."""


class Side:
    """One engine: a process that waits for its turn without taking part in anything, also not with idle threads."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self.backend = backend
        self.name = backend.name
        self.about: dict[str, Any] = {}  # what the engine says of itself
        self._errors = folder / f"{self.name}.err"
        self._process: subprocess.Popen[bytes] | None = None
        self._orders = self._answers = -1
        self._unread = b""

    def start(self) -> None:
        """Start the process, unless it runs; `greet` waits for it."""
        if self._process is not None:
            return
        incoming, self._orders = os.pipe()
        self._answers, outgoing = os.pipe()
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-c", BOOT, ROOT, str(incoming), str(outgoing)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(incoming, outgoing),
                env={**os.environ, **VARIABLES, **self.backend.variables},
                process_group=0,
            )
        os.close(incoming)
        os.close(outgoing)
        self._unread = b""
        self.about = {}
        self._send({"backend": asdict(self.backend)})

    def greet(self, timeout: float) -> None:
        """Wait until the engine is loaded; raises Unable."""
        self.start()
        if not self.about:
            self.about = self._receive(timeout)
            self._signal("SIGSTOP")

    def ask(self, timeout: float, **order: Any) -> dict[str, Any]:
        """Give it its turn for one order and return the answer; raises Unable."""
        self.greet(timeout)
        self._send(order)
        self._signal("SIGCONT")
        answer = self._receive(timeout)
        self._signal("SIGSTOP")
        return answer

    def stop(self) -> None:
        """End the process."""
        if self._process is None:
            return
        self._signal("SIGKILL")
        self._process.wait()
        self._process = None
        os.close(self._orders)
        os.close(self._answers)

    def _send(self, order: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has died, as is found when it does not answer
            os.write(self._orders, json.dumps(order).encode() + b"\n")

    def _receive(self, timeout: float) -> dict[str, Any]:
        late = time.monotonic() + timeout
        while b"\n" not in self._unread:
            left = late - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                self.stop()
                raise Unable(f"left out, for a step or the way to it takes more than {timeout:g} s")
            more = os.read(self._answers, 65536)
            if not more:
                raise Unable(self._died())
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "unable" in answer:
            self._signal("SIGSTOP")
            raise Unable(answer["unable"])
        return answer

    def _died(self) -> str:
        status = self._process.wait() if self._process is not None else 0
        self.stop()
        last = [line.strip() for line in self._errors.read_text("utf-8", "replace").splitlines() if line.strip()][-1:]
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return ": ".join([f"its process {how}", *last])

    def _signal(self, name: str) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, getattr(signal, name))
