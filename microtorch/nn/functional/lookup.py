"""Rows of a table by their numbers."""

from __future__ import annotations

from ...op import unpublished
from ...ops import embedding as table
from ...tensor import Tensor

one_hot = unpublished(table.one_hot)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that the indices in `input` name.

    With `max_norm` these rows are first scaled, in place, to a norm of at most that; the row `padding_idx` gets no
    gradient; with `scale_grad_by_freq` a row's gradient is divided by how often it is named.
    """
    if padding_idx is None:
        padding_idx = -1
    elif not -weight.size(0) <= padding_idx < weight.size(0):
        raise AssertionError("Padding_idx must be within num_embeddings")
    elif padding_idx < 0:
        padding_idx += weight.size(0)
    if max_norm is not None:
        input = input.contiguous()
        table.embedding_renorm_(weight.detach(), input, max_norm, norm_type)
    return table.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)
