"""Products summed over chosen dimensions: einsum, tensordot, bilinear forms."""

from __future__ import annotations

import math
import string
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import kernels
from ..arguments import type_name
from ..op import compose_into, composite, only_function, op, write_into
from ..tensor import Tensor, wrap_real_dim
from .arithmetic import mul, require_tensor
from .linalg import bmm, mm
from .shape import reshape

LABELS = string.ascii_uppercase + string.ascii_lowercase
ELLIPSIS = "."  # what stands for "..." among the labels of an operand

# -- einsum: the equation ----------------------------------------------------------------------------------------------


def _labels(text: str, offset: int, where: str, twice: str) -> Iterator[str]:
    """The labels of one operand, or of the output; `offset`: where its text begins in the equation."""
    position, seen = 0, False
    while position < len(text):
        label = text[position]
        if label == ".":
            if seen:
                raise RuntimeError(f"einsum(): found '.' for {where} {twice}")
            if text[position : position + 3] != "...":
                mark = " (...)" if where == "output" else ""
                raise RuntimeError(f"einsum(): found '.' for {where} that is not part of any ellipsis{mark}")
            seen = True
            position += 2
            yield ELLIPSIS
        elif label in LABELS:
            yield label
        elif label != " ":
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {offset + position} in the equation string, subscripts must "
                "be in [a-zA-Z]"
            )
        position += 1


def _parsed(equation: str, count: int) -> tuple[list[list[str]], list[str] | None]:
    """The labels of every operand, and of the output unless it is left open."""
    left, arrow, right = equation.partition("->")
    parts, offset = left.split(","), 0
    inputs: list[list[str]] = []
    for i, part in enumerate(parts):
        if i == count:
            raise RuntimeError("einsum(): fewer operands were provided than specified in the equation")
        inputs.append(list(_labels(part, offset, f"operand {i}", "for which an ellipsis was already found")))
        offset += len(part) + 1
    if len(inputs) < count:
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    if not arrow:
        return inputs, None
    return inputs, list(_labels(right, len(left) + 2, "output", "but an ellipsis (...) was already found"))


def _from_sublists(args: Sequence[Any]) -> tuple[str, list[Any]]:
    """The equation and the operands of einsum(a, [0, 1], b, [1, 2], [0, 2])."""

    def labels(sublist: Any) -> str:
        text = ""
        for subscript in sublist:
            if subscript is Ellipsis:
                text += "..."
            elif 0 <= subscript < len(LABELS):
                text += LABELS[subscript]
            else:
                raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
        return text

    pairs = len(args) // 2
    equation = ",".join(labels(args[2 * i + 1]) for i in range(pairs))
    if len(args) % 2:
        equation += "->" + labels(args[-1])
    return equation, [args[2 * i] for i in range(pairs)]


# -- einsum: the sum ---------------------------------------------------------------------------------------------------


@only_function
def einsum(*args: Any) -> Tensor:
    """Σ of products over the labels that the output lacks: einsum("ij,jk->ik", a, b) is a·b.

    Without "->" the output has the labels that occur once, in the order of the alphabet; "..." stands for dimensions that
    broadcast. The labels may also be given as numbers: einsum(a, [0, 1], b, [1, 2], [0, 2]).
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    equation, operands = _from_sublists(args) if isinstance(args[0], Tensor) else (args[0], args[1:])
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = operands[0]
    for i, operand in enumerate(operands):
        if not isinstance(operand, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type_name(operand)}")
    if not operands:
        raise RuntimeError("einsum(): must provide at least one operand")
    inputs, output = _parsed(equation, len(operands))
    covered = 0  # the most dimensions that an ellipsis stands for
    for i, (labels, operand) in enumerate(zip(inputs, operands, strict=True)):
        named = len(labels) - labels.count(ELLIPSIS)
        if ELLIPSIS in labels:
            covered = max(covered, operand.ndim - named)
        if named > operand.ndim if ELLIPSIS in labels else named != operand.ndim:
            more = ") is more than the number of dimensions (" if ELLIPSIS in labels else ""
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({named}"
                + (more or ") does not match the number of dimensions (")
                + f"{operand.ndim}) for operand {i}"
                + ("" if more else " and no ellipsis was given")
            )
    places, kept = _places(inputs, output, covered)
    aligned, used = _aligned(operands, inputs, places, covered)
    if len(aligned) == 2 and _comes_last(aligned[0], aligned[1], kept):  # so that the result lies in memory in order
        aligned.reverse()
    whole = aligned.pop(0)
    for other in aligned:
        whole = _contracted(whole, other, used, kept)
    if len(places) == kept:
        return whole
    if aligned:  # all that was left to sum over has length 1 by now
        return whole.view(whole.shape[:kept])
    return whole.sum(tuple(range(kept, len(places))))


def _places(inputs: list[list[str]], output: list[str] | None, covered: int) -> tuple[dict[Any, int], int]:
    """For every label, and every number of a dimension under the ellipsis, its dimension; and how many are kept."""
    everything = [label for labels in inputs for label in labels]
    dots: list[Any] = list(range(covered))
    order: list[Any] = []
    if output is None:
        order = dots + [label for label in LABELS if everything.count(label) == 1]
    else:
        for label in output:
            if label == ELLIPSIS:
                order += dots
                continue
            if label in order or label not in everything:
                fault = (
                    "appears more than once in the output"
                    if label in order
                    else ("does not appear in the equation for any input operand")
                )
                raise RuntimeError(f"einsum(): output subscript {label} {fault}")
            order.append(label)
    kept = len(order)
    if output is not None and ELLIPSIS not in output:
        order += dots
    order += [label for label in LABELS if label in everything and label not in order]
    return {label: dim for dim, label in enumerate(order)}, kept


def _aligned(
    operands: Sequence[Tensor], inputs: list[list[str]], places: dict[Any, int], covered: int
) -> tuple[list[Tensor], list[int]]:
    """The operands with all dimensions in order, length 1 where they lack one; and how many have more along each."""
    sizes = [1] * len(places)
    used = [0] * len(places)
    aligned = []
    for i, (operand, labels) in enumerate(zip(operands, inputs, strict=True)):
        order = [-1] * len(places)
        dim = 0
        under = operand.ndim - (len(labels) - labels.count(ELLIPSIS))
        for label in labels:
            for name in range(covered - under, covered) if label == ELLIPSIS else [label]:
                place, size = places[name], operand.shape[dim]
                if order[place] != -1:
                    earlier = operand.shape[order[place]]
                    if size != earlier:
                        raise RuntimeError(
                            f"einsum(): subscript {name} is repeated for operand {i} but the sizes don't match, {size} != "
                            f"{earlier}"
                        )
                    operand = operand.diagonal(0, order[place], dim).movedim(-1, order[place])
                    continue
                if size != 1:
                    if sizes[place] not in (1, size):
                        raise RuntimeError(_mismatch(name, dim, i, size, sizes[place]))
                    sizes[place] = size
                    used[place] += 1
                order[place] = dim
                dim += 1
        for place, found in enumerate(order):
            if found == -1:
                operand = operand.unsqueeze(dim)
                order[place] = dim
                dim += 1
        aligned.append(operand.permute(order))
    return aligned, used


def _mismatch(name: Any, dim: int, operand: int, size: int, before: int) -> str:
    if isinstance(name, int):
        return (
            f"einsum(): dimension {dim} covered by ellipsis in operand {operand}has size {size} which does not broadcast "
            f"with previously seen ellipsis with size {before} for the respective dimension"
        )
    return (
        f"einsum(): subscript {name} has size {size} for operand {operand} which does not broadcast with previously seen "
        f"size {before}"
    )


def _comes_last(a: Tensor, b: Tensor, kept: int) -> bool:
    """Whether two operands are summed over, and `a` has the last dimensions of the output, `b` those before."""
    summed = any(a.shape[dim] != 1 and b.shape[dim] != 1 for dim in range(kept, a.ndim))
    only_a = [dim for dim in range(kept) if a.shape[dim] != 1 and b.shape[dim] == 1]
    not_a = [dim for dim in range(kept) if a.shape[dim] == 1]
    return summed and bool(only_a and not_a) and max(not_a) < min(only_a)


def _contracted(a: Tensor, b: Tensor, used: list[int], kept: int) -> Tensor:
    """The product of two operands, summed over what no other needs; `used`: how many operands still do."""
    together: list[int] = []
    alone_a: list[int] = []
    alone_b: list[int] = []
    for dim in range(kept, len(used)):
        in_a, in_b = a.shape[dim] != 1, b.shape[dim] != 1
        if in_a and in_b:
            used[dim] -= 1
            if used[dim] == 1:
                together.append(dim)
                used[dim] = 0
        elif used[dim] == 1 and (in_a or in_b):
            (alone_a if in_a else alone_b).append(dim)
            used[dim] = 0
    a = a.sum(alone_a, True) if alone_a else a
    b = b.sum(alone_b, True) if alone_b else b
    return product_sum(a, b, together)


def product_sum(left: Tensor, right: Tensor, dims: Sequence[int]) -> Tensor:
    """Σ left·right over `dims`, which stay with length 1, of two tensors that broadcast: by one product of batches."""
    if not dims:
        return left * right
    both: list[int] = []
    only_left: list[int] = []
    only_right: list[int] = []
    for dim in range(left.ndim):
        in_left, in_right = left.shape[dim] != 1, right.shape[dim] != 1
        if dim in dims:
            if in_left and not in_right:
                left = left.sum(dim, True)
            elif in_right and not in_left:
                right = right.sum(dim, True)
        elif in_left and in_right:
            both.append(dim)
        else:
            (only_left if in_left else only_right).append(dim)

    def size(of: Tensor, some: Sequence[int]) -> int:
        return math.prod([of.shape[dim] for dim in some])

    shape = [left.shape[dim] for dim in [*both, *only_left]] + [1] * len(dims) + [right.shape[d] for d in only_right]
    order = [*both, *only_left, *dims, *only_right]
    a = left.permute(order).reshape(size(left, both), size(left, only_left), size(left, dims))
    b = right.permute([*both, *dims, *only_right, *only_left])
    b = b.reshape(a.shape[0], a.shape[2], size(right, only_right))
    return bmm(a, b).view(shape).permute([order.index(dim) for dim in range(left.ndim)])


# -- tensordot ---------------------------------------------------------------------------------------------------------


@only_function
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Σ of products over the dimensions of `a` in the first list of `dims` and those of `b` in the second.

    Given a number, the last so many dimensions of `a` and the first of `b`.
    """
    dims_a, dims_b = _lists(a, b, dims)
    if out is None:
        return _tensordot(a, b, dims_a, dims_b)
    words = "tensordot: Expected the output tensor to have dtype {0}, but got an output tensor with dtype {1}"
    return write_into(out, "tensordot", (a, b), lambda: _tensordot(a, b, dims_a, dims_b)._array, words)


def _lists(a: Tensor, b: Tensor, dims: Any) -> tuple[list[int], list[int]]:
    if isinstance(dims, Tensor):
        if dims.numel() > 1:
            return dims[0].tolist(), dims[1].tolist()
        dims = int(dims)
    if isinstance(dims, (tuple, list)):
        found_a, found_b = dims
        for name, found, position in (("dims_self", found_a, 3), ("dims_other", found_b, 4)):
            if not isinstance(found, (tuple, list)):
                raise TypeError(
                    f"tensordot(): argument '{name}' (position {position}) must be tuple of ints, not {type_name(found)}"
                )
        return list(found_a), list(found_b)
    if not isinstance(dims, int):
        raise RuntimeError(
            "tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] containing two lists, but "
            f"got dims={dims}"
        )
    if dims < 0:
        raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
    if dims > min(a.dim(), b.dim()):
        raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
    return list(range(-dims, 0)), list(range(dims))


def _tensordot(a: Tensor, b: Tensor, dims_a: list[int], dims_b: list[int]) -> Tensor:
    if len(dims_a) != len(dims_b):
        raise RuntimeError("both dimension lists should have same length")
    if a.dtype is not b.dtype:
        raise RuntimeError("both inputs should have same dtype")
    size = 1
    left, right = a, b
    for i, j in zip(dims_a, dims_b, strict=True):
        m, n = a.shape[wrap_real_dim(i, a.ndim)], b.shape[wrap_real_dim(j, b.ndim)]
        if n == 1:
            left = left.sum(i, True, dtype=a.dtype)
        elif m == 1:
            right = right.sum(j, True, dtype=a.dtype)
        elif m != n:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {m} in dim {i} and second has size {n} in dim {j}"
            )
        else:
            size *= m
    summed_a, summed_b = _distinct(dims_a, a.ndim), _distinct(dims_b, b.ndim)
    rest_a = [dim for dim in range(a.ndim) if dim not in summed_a]
    rest_b = [dim for dim in range(b.ndim) if dim not in summed_b]
    shape = [left.shape[dim] for dim in rest_a] + [right.shape[dim] for dim in rest_b]
    left, right = left.permute([*rest_a, *dims_a]), right.permute([*dims_b, *rest_b])
    if math.prod(shape) == 1:
        if left.is_contiguous() and right.is_contiguous():
            return left.flatten().dot(right.flatten()).reshape(shape)
        return (left.squeeze() * right.squeeze()).sum().reshape(shape)
    rows, columns = (math.prod(shape[: len(rest_a)]), math.prod(shape[len(rest_a) :]))
    return mm(left.reshape(rows, size), right.reshape(size, columns)).reshape(shape)


def _distinct(dims: list[int], ndim: int) -> list[int]:
    found: list[int] = []
    for dim in dims:
        wrapped = wrap_real_dim(dim, ndim)
        if wrapped in found:
            raise RuntimeError(f"dim {wrapped} appears multiple times in the list of dims")
        found.append(wrapped)
    return found


@composite
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Products summed over the last dimension of both; of two vectors, their inner product."""
    if out is not None and input.ndim and other.ndim:
        words = "tensordot: Expected the output tensor to have dtype {0}, but got an output tensor with dtype {1}"
        return compose_into(out, "inner", inner, input, other, strict=words)
    if input.ndim and other.ndim and input.dtype is not other.dtype:
        raise RuntimeError("both inputs should have same dtype")
    if input.ndim == 0 or other.ndim == 0:
        return mul(input, other, out=out)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            "inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    return _tensordot(input, other, [-1], [-1])


# -- bilinear forms ----------------------------------------------------------------------------------------------------


@op(
    i1=lambda g, i2, i3: einsum("bo,oij,bj->bi", g, i2, i3),
    i2=lambda g, i1, i3: einsum("bo,bi,bj->oij", g, i1, i3),
    i3=lambda g, i1, i2: einsum("bo,bi,oij->bj", g, i1, i2),
    node="TrilinearBackward0",
    shows={  # torch's has other forms besides, told apart by where dimensions are put in and which are summed over
        "expand1": lambda: (1, 3),
        "expand2": lambda: (0,),
        "expand3": lambda: (1, 2),
        "sumdim": lambda: (2, 3),
    },
    out=False,
    public=False,
)
def trilinear(i1, i2, i3):
    """out[b, o] = Σ x[b, i]·W[o, i, j]·y[b, j]."""
    result = np.zeros((len(i1), len(i2)), i1.dtype)
    if i1.size and i2.size and i3.size:
        for o, form in enumerate(i2):
            result[:, o] = kernels.matmul(kernels.matmul(i1, form)[:, None, :], i3[:, :, None])[:, 0, 0]
    return result


@only_function
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """xᵀ·W·y + b for each of the matrices in W (out, in1, in2): (…, in1), (…, in2) → (…, out)."""
    tensors = {"input1": input1, "input2": input2, "weight": weight, "bias": bias}
    for position, (argument, tensor) in enumerate(tensors.items(), 1):
        if tensor is not None or argument != "bias":
            require_tensor(argument, position, tensor)
    names = {name: tensor.dtype for name, tensor in tensors.items() if tensor is not None}
    if len(set(names.values())) > 1:
        raise RuntimeError(
            "All tensors must have the same dtype, got " + ", ".join(f"{n}: {d.cpp_name}" for n, d in names.items())
        )
    if input1.ndim != input2.ndim:
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {input1.ndim} and {input2.ndim}")
    for dim, (m, n) in enumerate(zip(input1.shape[:-1], input2.shape[:-1], strict=True)):
        if m != n:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {dim}: got {m} and {n}")
    for number, (given, of) in enumerate(((input1, 1), (input2, 2)), 1):
        if given.shape[-1] != weight.shape[of]:
            raise RuntimeError(
                f"bilinear(): input{number} size does not match weight size: got {given.shape[-1]} but expected "
                f"{weight.shape[of]}"
            )
    if bias is not None and bias.shape[0] != weight.shape[0]:
        raise RuntimeError(
            f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected {weight.shape[0]}"
        )
    flat = [reshape(x, (math.prod(x.shape[:-1]), x.shape[-1])) for x in (input1, input2)]
    result = reshape(trilinear(flat[0], weight, flat[1]), (*input1.shape[:-1], weight.shape[0]))
    return result if bias is None else result + bias
