"""What can stand behind `import torch`, and the environment that each runs in."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from parity import device as devices
from parity.runner import install

# One thread, so that no sum is split by chance, and nothing that differs from run to run or opens a window.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "utf-8",
    "MPLBACKEND": "Agg",
}


@dataclass(frozen=True)
class Backend:
    """A module that answers `import torch`; `path` is a folder where it may be found, `variables` are set for it.

    `device` is the one that scripts run on without knowing it, the module's own if there is none; `mathematics` names
    the kernels of microtorch with which torch computes its products and elementary functions, its own if there are none.
    """

    name: str
    module: str
    path: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    mathematics: str = ""

    def missing(self) -> str:
        """The sentence that says what to do if the module cannot be found, else nothing."""
        if self.path:
            sys.path.append(self.path)
        try:
            found = importlib.util.find_spec(self.module)
        except (ImportError, ValueError):
            found = None
        finally:
            if self.path:
                sys.path.remove(self.path)
        if found is not None:
            return ""
        if self.module == "torch":
            return "PyTorch is not installed; parity needs it as the reference: pip install 'microtorch[parity]'"
        return f"there is no module {self.module} in Python's path{f' or in {self.path}' if self.path else ''}"


TORCH = Backend("torch", "torch")
SHARED = Backend("torch", "torch", mathematics="torch_cpu")
MICROTORCH = Backend("microtorch", "microtorch")


def on_devices(device: str) -> tuple[Backend, Backend]:
    """torch on the CPU, where a script that asks for a GPU finds none, and torch on a device."""
    here = Backend("torch (cpu)", "torch", variables=devices.HIDDEN)
    return here, Backend(f"torch ({device})", "torch", variables=devices.VARIABLES, device=device)


def named(module: str, path: str = "") -> Backend:
    """The backend for a module's name."""
    return Backend(module, module, path)


def computing_with(backend: Backend, kernels: str) -> Backend:
    """microtorch, or what is built on it, with other kernels than its default ones."""
    return replace(backend, variables={**backend.variables, "MICROTORCH_KERNELS": kernels})


def put_in_place(backend: Backend) -> Any:
    """Make `import torch` give the backend in this process, and return its module."""
    if backend.path:
        sys.path.append(backend.path)
    torch = importlib.import_module("torch") if backend.module == "torch" else install(backend.module)
    for watched in ("autograd", "nn", "optim"):  # a module may load them only when they are asked for
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(f"torch.{watched}")
    if backend.device:
        devices.put_in_place(torch, backend.device)
    return torch
