"""The types of several results, by the name of what returned them."""

from __future__ import annotations

from typing import Any

from .lacking import lacking
from .op import FUNCTIONS, REGISTRY


def __getattr__(name: str) -> Any:
    called = name.removesuffix("_out")
    for function in (called, called.replace("_", ".", 1)):
        if function in FUNCTIONS:
            FUNCTIONS[function]  # loaded, it has entered its operation
    for operation in list(REGISTRY.values()):
        if operation.outputs and operation.called == called:
            return operation.result_type if name == called else operation.out_type
    raise lacking("torch.return_types", name)
