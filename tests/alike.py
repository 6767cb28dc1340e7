"""A case on torch and on microtorch, and whether all that it gives is the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from sides import Outcome, Side, as_array, assert_same_error, is_tensor, outcomes

from microtorch import kernels
from microtorch.kernels import torch_cpu

Array = np.ndarray[Any, Any]
Case = Callable[[Side], Any]


def table(*cases: Case) -> Any:
    """One test for each case."""
    return pytest.mark.parametrize("case", [pytest.param(case, id=str(i)) for i, case in enumerate(cases)])


def plain(value: Any) -> Any:
    """What a case gave, without what has to differ: addresses, the library's name, whose tensors they are.

    A tensor becomes (dtype, shape, bits), where all nans are one; a container of another type stays what it is.
    """
    if is_tensor(value):
        array = as_array(value)
        if array.dtype.kind == "f":
            array = np.where(np.isnan(array), array.dtype.type(np.nan), array)
        return type(value).__name__, array.dtype.name, array.shape, array.tobytes(), value.requires_grad
    if isinstance(value, str):
        return re.sub(r"0x[0-9a-f]+", "0x…", value.replace("microtorch.", "torch."))
    if isinstance(value, dict):
        return type(value).__name__, {name: plain(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(v) for v in value]
    if isinstance(value, (int, float, bool, bytes, type(None))):
        return type(value).__name__, str(value)
    return plain(repr(value))


def assert_same(case: Case) -> Outcome:
    """The case gives the same on both sides: value and warnings, or type and text of the error. Returns torch's."""
    theirs, ours = outcomes(case)
    if theirs.error is None:
        if ours.error is not None:
            raise ours.error
    else:
        assert ours.error is not None, f"microtorch does not fail, torch: {theirs.error!r}"
        for error in (theirs.error, ours.error):
            error.args = tuple(plain(a) if isinstance(a, str) else a for a in error.args)
        assert_same_error(theirs.error, ours.error)
    assert plain(ours.value) == plain(theirs.value)
    assert ours.warnings == theirs.warnings
    return theirs


# -- kernels that round as torch's -------------------------------------------------------------------------------------


@contextmanager
def torch_rounding() -> Iterator[None]:
    """Kernels that round as torch's, and its own square root, which differs from brand to brand of CPU."""
    with kernels.use("torch_cpu"), pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        for module in (kernels, torch_cpu):  # there it takes roots for powers of one half
            patch.setattr(module, "sqrt", lambda x: torch.sqrt(torch.from_numpy(np.asarray(x))).numpy())
        yield
