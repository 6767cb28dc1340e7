"""torch.linalg, loaded part by part; eigenvalues of matrices that are not symmetric are complex, and left out."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .lacking import lacking

# The modules of `ops`, and what of each is here: in the module it has the prefix `linalg_`.
INDEX = {
    "decompositions": "LinAlgError cholesky cholesky_ex eigh eigvalsh qr svd svdvals",
    "determinants": "det slogdet",
    "linalg": "matmul",
    "matrix_functions": "cond diagonal matrix_exp matrix_power matrix_rank tensorinv tensorsolve vander",
    "norms": "matrix_norm norm vector_norm",
    "products": "cross multi_dot vecdot",
    "solving": "inv inv_ex lstsq pinv solve solve_ex solve_triangular",
}
HOMES = {name: module for module, names in INDEX.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise lacking("torch.linalg", name)
    module = import_module(f".ops.{HOMES[name]}", __package__)
    found = globals()[name] = getattr(module, f"linalg_{name}", None) or getattr(module, name)
    return found


def __dir__() -> list[str]:
    return sorted(HOMES)
