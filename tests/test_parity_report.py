"""What the terminal shows while scripts run."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from parity import cli
from parity.backends import MICROTORCH, TORCH
from parity.launch import Progress
from parity.report.terminal import LiveProgress
from parity.worker import Job


def test_progress_shows_steps_speed_and_time_left() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    first, second = Job(TORCH, "a.py"), Job(MICROTORCH, "a.py", dtype="float64")
    with LiveProgress(console) as progress:
        progress.tell([Progress(first, 500, 2.0)])
        progress.tell([])
        progress.tell([Progress(second, 100, 1.0)])
    shown = out.getvalue()
    assert "500 steps" in shown
    assert "250 steps/s" in shown
    assert "microtorch" in shown
    assert "100/500 steps" in shown
    assert "4 s left" in shown


def test_progress_is_quiet_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    with LiveProgress(Console(file=out)) as progress:
        progress.tell([Progress(Job(TORCH, "a.py"), 500, 2.0)])
    assert out.getvalue() == ""


def test_rich_is_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert cli.main([__file__]) == cli.COULD_NOT
    assert "rich is not installed" in capsys.readouterr().err
