"""What nodes show of what they saved: `_saved_other`, `_saved_dim`, …, as torch's nodes do."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from programs import Say, same
from rows import Call, Draw, Row, all_rows
from sides import SIDES, THEIRS, Side, as_array, is_tensor, tensors_in

# What torch's nodes save and ours need not, by node: the formula asks for something else, most often only a shape.
LACKS = {
    "AddmmBackward0": {"mat1_sym_sizes", "mat1_sym_strides", "mat2_sym_sizes", "mat2_sym_strides"},
    "DivBackward2": {"other", "rounding_mode", "self"},
    "ExpandBackward0": {"self_sym_sizes"},
    "GatherBackward0": {"self", "sparse_grad"},
    "IndexAddBackward0": {"source", "source_dim"},
    "IndexCopyBackward0": {"source", "source_dim"},
    "MaskedSelectBackward0": {"self"},
    "MeanBackward0": {"self_sym_numel"},
    "MeanBackward1": {"self_sym_numel"},
    "MmBackward0": {"mat2_sym_sizes", "mat2_sym_strides", "self_sym_sizes", "self_sym_strides"},
    "PutBackward0": {"source"},
    "SgnBackward0": {"result", "self"},
    "StdMeanBackward0": {"result0"},
    "TakeBackward0": {"self"},
}
# What is there and not written the same: a number for a tuple of it, an argument after its default was filled in, a
# dimension counted from the other end.
OTHERWISE = {
    "AsStridedBackward0": {"storage_offset"},
    "LinalgVectorNormBackward0": {"ord"},
    "LogsumexpBackward0": {"dim"},
    "MeanBackward1": {"dim"},
    "PermuteBackward0": {"dims"},
    "RollBackward0": {"dims", "shifts"},
    "SliceBackward0": {"dim"},
    "StdBackward0": {"correction"},
    "StdMeanBackward0": {"correction"},
    "VarBackward0": {"correction"},
    "VarMeanBackward0": {"correction"},
}


def nodes(row: Row, call: Call, side: Side) -> list[Any] | None:
    """The nodes above the result of a call, as they are met; None if the call is refused."""
    found: list[Any] = []

    def walk(node: Any) -> None:
        if node is not None and node not in found:
            found.append(node)
            for following, _ in node.next_functions:
                walk(following)

    def leaf(array: Any) -> Any:
        return side.tensor(array, array.dtype.kind == "f")

    args, kwargs = side.arguments(call, leaf)
    if row.mutates:
        args[0] = args[0] * 1
    function = side.find(row, "function") or side.find(row, "method")
    try:
        out = function(*args, **kwargs) if function is not None else None
    except (RuntimeError, TypeError):
        return None
    for tensor in tensors_in(args[0] if row.mutates else out):
        walk(tensor.grad_fn)
    return found


def names(node: Any) -> set[str]:
    return {name.removeprefix("_saved_") for name in dir(node) if name.startswith("_saved_")}


def plain(value: Any, exact: bool) -> Any:
    """A value for comparison: of tensors, which operations may round differently, numbers only where they are inputs."""
    if is_tensor(value):
        array = as_array(value)
        return str(array.dtype), array.shape, str(array.tolist()) if exact else None
    if isinstance(value, (tuple, list)):
        return type(value), [plain(v, exact) for v in value]
    return type(value).__name__, str(value)


def pairs(row: Row) -> Iterator[tuple[Any, Any]]:
    for case in row.every[:3]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs, ours = (nodes(row, case(Draw()), side) for side in SIDES)
        if theirs is not None and ours is not None and [n.name() for n in theirs] == [n.name() for n in ours]:
            yield from zip(theirs, ours, strict=True)


# Whose nodes, or those of what they are made of, do not show all that torch's do, or show it otherwise.
NOT_YET = {
    "addbmm",
    "bilinear",
    "cdist",
    "chain_matmul",
    "constant_pad_nd",
    "corrcoef",
    "cov",
    "cummax",
    "cummin",
    "cumulative_trapezoid",
    "det",
    "diff",
    "expand_copy",
    "inverse",
    "linalg.cholesky",
    "linalg.cholesky_ex",
    "linalg.cond",
    "linalg.det",
    "linalg.eigvalsh",
    "linalg.inv",
    "linalg.inv_ex",
    "linalg.lstsq",
    "linalg.matrix_norm",
    "linalg.matrix_power",
    "linalg.multi_dot",
    "linalg.norm",
    "linalg.slogdet",
    "linalg.solve",
    "linalg.solve_ex",
    "linalg.solve_triangular",
    "linalg.svd",
    "linalg.svdvals",
    "linalg.tensorinv",
    "linalg.tensorsolve",
    "linalg.vecdot",
    "logdet",
    "matrix_power",
    "nanmean",
    "nanquantile",
    "nn.functional.batch_norm",
    "nn.functional.cosine_embedding_loss",
    "nn.functional.cross_entropy",
    "nn.functional.elu_",
    "nn.functional.embedding",
    "nn.functional.group_norm",
    "nn.functional.hardtanh_",
    "nn.functional.instance_norm",
    "nn.functional.kl_div",
    "nn.functional.layer_norm",
    "nn.functional.logsigmoid",
    "nn.functional.multilabel_soft_margin_loss",
    "nn.functional.nll_loss",
    "nn.functional.normalize",
    "nn.functional.pad",
    "nn.functional.poisson_nll_loss",
    "nn.functional.rms_norm",
    "nn.functional.rrelu",
    "nn.functional.rrelu_",
    "nn.functional.triplet_margin_loss",
    "nn.functional.triplet_margin_with_distance_loss",
    "norm",
    "pairwise_distance",
    "pdist",
    "quantile",
    "slice_scatter",
    "slogdet",
    "special.ndtr",
    "trapezoid",
    "unsafe_chunk",
    "unsafe_split",
    "vander",
}
ROWS = [
    row
    for row in all_rows()
    if row.name not in NOT_YET and (THEIRS.find(row, "function") or THEIRS.find(row, "method"))
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_same_is_shown(row: Row) -> None:
    for theirs, ours in pairs(row):
        name = theirs.name()
        known = names(theirs) & names(ours)
        assert names(theirs) - known <= LACKS.get(name, set()), name
        for attribute in known - OTHERWISE.get(name, set()):
            exact = not attribute.startswith("result")
            shown = [plain(getattr(node, f"_saved_{attribute}"), exact) for node in (theirs, ours)]
            assert shown[1] == shown[0], f"{name}._saved_{attribute}"


def test_the_list_is_no_longer_than_it_must_be() -> None:
    lacking = {
        (theirs.name(), name) for row in ROWS for theirs, ours in pairs(row) for name in names(theirs) - names(ours)
    }
    assert lacking == {(node, name) for node, lacks in LACKS.items() for name in lacks}


@same
def test_after_backward(t: Any, say: Say) -> None:
    x = t.tensor([1.0, 4.0], requires_grad=True)
    y = x * x
    z = y.sqrt()
    say(y.grad_fn._saved_self is x, z.grad_fn._saved_result)
    z.sum().backward()
    for node, name in ((y.grad_fn, "self"), (y.grad_fn, "other"), (z.grad_fn, "result")):
        say.outcome(getattr, node, f"_saved_{name}")


@same
def test_numbers(t: Any, say: Say) -> None:
    x = t.tensor([[1.0, 4.0]], requires_grad=True)
    for node in ((x * 2).grad_fn, (x * -2.5).grad_fn, (x * True).grad_fn, (x / 3).grad_fn):
        say(node._saved_other)
    say((x**-2).grad_fn._saved_exponent, x.add(x, alpha=-3).grad_fn._saved_alpha)
    say(x.transpose(-1, -2).grad_fn._saved_dim0, x.flip(-1).grad_fn._saved_dims, x[0].grad_fn._saved_dim)
    node = x[:, 1:].grad_fn
    say(node._saved_start, node._saved_end, node._saved_dim, node._saved_step, node._saved_self_sym_sizes)
    say(np.asarray(x.sum((0, -1)).grad_fn._saved_dim).tolist())
    y = x * 1
    v = y.view(-1)
    y.mul_(2)
    say(v.grad_fn._saved_size, v.grad_fn._saved_stride, v.grad_fn._saved_storage_offset)
