"""A small script and its recording, and what may be asked of a recording."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from rich.console import Console

from parity import cli, golden
from parity.golden import Golden
from parity.launch import Outcome
from parity.report import data, terminal
from parity.session import Settings

SCRIPT = """
import sys
import torch
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Dropout(0.2), torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
x = torch.rand(8, 3)
for step in range(int(sys.argv[1])):
    loss = ((net(x) - x.sum(1, keepdim=True)) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"{step} {loss.item():.4f}")
torch.zeros(2) + torch.zeros(int(sys.argv[1]))
"""


def record(folder: Path) -> Path:
    """The folder, with the script and its recording in it."""
    (folder / "script.py").write_text(SCRIPT)
    assert cli.main(["record", str(folder / "script.py"), "-o", str(folder / "script.golden"), "40"]) == cli.OK
    return folder


def narrowed(whole: Golden) -> Golden:
    return replace(whole, runs={"float32": whole.runs["float32"]}, functions={"float32": whole.functions["float32"]})


def checked(kept: Golden, folder: Path, render: bool = True) -> list[Any]:
    """What the command would report of a candidate that did what the recording says, shown and written as it would be."""
    trace = Golden.load(folder / "script.golden").runs["float32"]
    error = trace.about["error"]
    frames = [[str(folder / file), *rest] for file, *rest in error["frames"]]
    told = {"backend": "microtorch", "seconds": 1.0, "error": {**error, "frames": frames}}
    trace = replace(trace, about=trace.about | told)

    def launch(jobs: Any, **options: Any) -> list[Outcome]:
        return [Outcome(job, trace, 0) for job in jobs]

    with mock.patch.object(golden, "launch", launch):
        results = golden.check(str(folder / "script.py"), kept.argv, kept, Settings(dtypes=("float32",)))
    console = Console(file=io.StringIO(), width=200)
    console.print(golden.versions(results))
    terminal.table(console, results, "torch", "microtorch")
    terminal.details(console, results)
    data.write(folder / "written.json", results, {}, 0)
    assert "\x1b" not in console.file.getvalue()  # type: ignore[attr-defined]
    return results
