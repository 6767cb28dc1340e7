"""Rows of a table looked up by their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import to_bool, to_float, to_int, wrong_type
from ..engine import mode
from ..op import check_writable, only_function, op
from ..tensor import Tensor, wrap
from ..views import check_inplace
from .arithmetic import require_tensor

INDICES = {"int64": "Long", "int32": "Int"}


@op(
    weight=lambda g, weight_shape, indices, padding_idx, scale_grad_by_freq: embedding_dense_backward(
        g, indices, weight_shape[0], padding_idx, scale_grad_by_freq
    ),
    indices=None,
    node="EmbeddingBackward0",
    shows={"weight_sym_argsize_0": lambda weight_shape: weight_shape[0], "sparse": lambda: False},
    out=False,
    public=False,
)
def rows_of(weight, indices, padding_idx, scale_grad_by_freq):
    """The rows that the indices name."""
    if indices.size and (indices.min() < 0 or indices.max() >= len(weight)):
        raise IndexError("index out of range in self")
    return np.ascontiguousarray(weight[indices])


@op(
    grad_output=lambda g, indices, padding_idx: _without_padding(rows_of(g, indices, -1, False), indices, padding_idx),
    indices=None,
    out=False,
    public=False,
)
def embedding_dense_backward(grad_output, indices, num_weights, padding_idx, scale_grad_by_freq):
    """Each row's gradients added up, divided by their number with `scale_grad_by_freq`; 0 for the padding."""
    flat = indices.reshape(-1)
    gradients = grad_output.reshape(flat.size, grad_output.shape[-1])
    if scale_grad_by_freq:
        counts = np.bincount(flat, minlength=num_weights)[flat]
        gradients = gradients * (1 / counts).astype(gradients.dtype)[:, None]
    result = np.zeros((num_weights, grad_output.shape[-1]), grad_output.dtype)
    kept = flat != padding_idx
    np.add.at(result, flat[kept], gradients[kept])
    return result


def _without_padding(g, indices, padding_idx):
    return g if padding_idx < 0 else g.masked_fill((indices == padding_idx).unsqueeze(-1), 0)


@only_function
def embedding(
    weight: Tensor, indices: Tensor, padding_idx: Any = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Tensor:
    """The rows of a table, shape (n, d), that `indices`, of any shape s, name: shape (*s, d).

    The row `padding_idx` gets no gradient. `sparse` gradients are lacking.
    """
    require_tensor("weight", 1, weight)
    require_tensor("indices", 2, indices)
    padding_idx = to_int("padding_idx", 3, padding_idx)
    scale_grad_by_freq = to_bool("scale_grad_by_freq", 4, scale_grad_by_freq)
    if to_bool("sparse", 5, sparse):
        raise NotImplementedError(
            "microtorch does not have sparse tensors, which embedding(sparse=True) has for gradients"
        )
    if weight.dim() != 2:
        if not weight.dim() and weight.requires_grad and mode.grad:
            raise IndexError("Dimension specified as 0 but tensor has no dimensions")
        raise RuntimeError("'weight' must be 2-D")
    _check_indices("embedding", 1, indices)
    return rows_of(weight, indices, padding_idx, scale_grad_by_freq)


def _check_indices(name: str, number: int, indices: Tensor) -> None:
    if indices.dtype.name not in INDICES:
        given = "CPUBoolType" if indices.dtype.name == "bool" else f"torch.{indices.dtype.legacy_name}Tensor"
        raise RuntimeError(
            f"Expected tensor for argument #{number} 'indices' to have one of the following scalar types: Long, Int; "
            f"but got {given} instead (while checking arguments for {name})"
        )


@only_function
def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: Any, norm_type: Any) -> Tensor:
    """Scale the rows that the indices name, in place, to a norm of at most `max_norm`."""
    require_tensor("input", 1, input)
    require_tensor("indices", 2, indices)
    limit, order = to_float("max_norm", 3, max_norm), to_float("norm_type", 4, norm_type)
    if mode.grad and input.requires_grad:
        check_inplace(input)
    check_writable(input)
    if input.dim() != 2:
        raise RuntimeError(
            f"Expected 2-dimensional tensor, but got {input.dim()}-dimensional tensor for argument #1 'self' (while "
            "checking arguments for embedding_renorm_)"
        )
    _check_indices("embedding_renorm_", 2, indices)
    table = input._array
    for row in np.unique(indices._array):
        if not -len(table) <= row < len(table):
            shape = list(table.shape)
            raise IndexError(f"select(): index {row} out of range for tensor of size {shape} at dimension 0")
        norm = float(wrap(table[row]).norm(order).item())
        if norm > limit:
            table[row] *= table.dtype.type(limit / (norm + 1e-7))
    input._counter[0] += 1
    return input


def one_hot(input: Tensor, num_classes: Any = -1) -> Tensor:
    """1 at the place that each number names, 0 elsewhere: shape (*, num_classes), one more than the largest if it is −1."""
    require_tensor("input", 1, input)
    if isinstance(num_classes, bool) or not isinstance(num_classes, (int, np.integer)):
        raise wrong_type("num_classes", 2, "int", num_classes)
    numbers = input._array
    if numbers.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if not numbers.size:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
    elif numbers.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    elif num_classes == -1:
        num_classes = int(numbers.max()) + 1
    elif numbers.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return wrap((np.ascontiguousarray(numbers).reshape(*numbers.shape, 1) == np.arange(num_classes)).astype(np.int64))
