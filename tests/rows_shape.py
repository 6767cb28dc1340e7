"""Rows for views and for rearrangements of elements."""

from __future__ import annotations

import numpy as np
from rows import Row, T, call

VIEWS = [
    Row(
        "view",
        [lambda d: call(d(3, 4), 12), lambda d: call(d(3, 4), (2, -1)), lambda d: call(d(2, 6, 1), [3, 1, 4])],
        once=[
            lambda d: call(d(), ()),
            lambda d: call(d(0, 3), -1, 3),
            lambda d: call(d(1, 6), 6),
            lambda d: call(d(4), T("int32")),
        ],
        bad=[lambda d: call(d(3, 4), 5), lambda d: call(d(3, 4), -1, -1), lambda d: call(d(3, 4), (2.5,))],
    ),
    Row("view_as", [lambda d: call(d(3, 4), d(2, 6))], bad=[lambda d: call(d(3, 4), d(5))]),
    Row(
        "reshape",
        [lambda d: call(d(3, 4), (2, 6)), lambda d: call(d(2, 3, 2), (6, -1)), lambda d: call(d(2, 3, 2), (2, 1, 6))],
        once=[
            lambda d: call(d(), (1, 1)),
            lambda d: call(d(0), (2, 0)),
            lambda d: call(d(1, 3), [3, 1]),
            lambda d: call(d(1, 3), np.int64(3)),
        ],
        bad=[lambda d: call(d(3, 4), (5,)), lambda d: call(d(3, 4), (-1, 0)), lambda d: call(d(3, 4), (2, -3))],
    ),
    Row("reshape_as", [lambda d: call(d(3, 4), d(2, 6))]),
    Row(
        "flatten",
        [lambda d: call(d(2, 3, 2)), lambda d: call(d(2, 3, 2), 1), lambda d: call(d(2, 3, 2), 0, -2)],
        once=[lambda d: call(d()), lambda d: call(d(3)), lambda d: call(d(2, 3), start_dim=1, end_dim=1)],
        bad=[lambda d: call(d(2, 3), 1, 0), lambda d: call(d(2), 3)],
    ),
    Row(
        "unflatten",
        [lambda d: call(d(2, 6), 1, (2, 3)), lambda d: call(d(6, 2), 0, (-1, 2))],
        bad=[lambda d: call(d(2, 6), 1, (4, 2)), lambda d: call(d(2, 6), 1, ())],
    ),
    Row("ravel", [lambda d: call(d(2, 3)), lambda d: call(d())]),
    Row(
        "squeeze",
        [lambda d: call(d(2, 1, 3, 1)), lambda d: call(d(2, 1, 3, 1), 1), lambda d: call(d(2, 1, 3, 1), (0, 1, -1))],
        once=[lambda d: call(d()), lambda d: call(d(1), 0), lambda d: call(d(2, 3), -1), lambda d: call(d(), 0)],
        bad=[lambda d: call(d(2, 1), 2), lambda d: call(d(1, 1), (0, 0)), lambda d: call(d(1), 1.5)],
    ),
    Row(
        "unsqueeze",
        [lambda d: call(d(2, 3), 0), lambda d: call(d(2, 3), 1), lambda d: call(d(2, 3), -1)],
        once=[lambda d: call(d(), 0)],
        bad=[lambda d: call(d(2, 3), 3), lambda d: call(d(2, 3), "a")],
    ),
    Row(
        "transpose",
        [lambda d: call(d(2, 3), 0, 1), lambda d: call(d(2, 3, 4), -1, 0)],
        once=[lambda d: call(d(), 0, -1)],
        bad=[lambda d: call(d(2, 3), 0, 2)],
    ),
    Row("swapaxes", [lambda d: call(d(2, 3), 0, 1)], bad=[lambda d: call(d(2, 3), 0, "a")]),
    Row("swapdims", [lambda d: call(d(2, 3, 2), 0, -1)]),
    Row(
        "t",
        [lambda d: call(d(2, 3)), lambda d: call(d(3))],
        once=[lambda d: call(d())],
        bad=[lambda d: call(d(2, 3, 4))],
    ),
    Row(
        "permute",
        [lambda d: call(d(2, 3, 4), (2, 0, 1)), lambda d: call(d(2, 3), (-1, 0))],
        once=[lambda d: call(d(), ())],
        bad=[lambda d: call(d(2, 3), (0,)), lambda d: call(d(2, 3), (0, 0)), lambda d: call(d(2, 3), (0, 2))],
    ),
    Row(
        "movedim",
        [lambda d: call(d(2, 3, 4), 0, 2), lambda d: call(d(2, 3, 4), (0, 1), (-1, 0))],
        bad=[lambda d: call(d(2, 3), (0, 1), (1,)), lambda d: call(d(2, 3), (0, 0), (0, 1))],
    ),
    Row("moveaxis", [lambda d: call(d(2, 3, 4), 0, 2)]),
    Row("adjoint", [lambda d: call(d(2, 3)), lambda d: call(d(2, 3, 4))], bad=[lambda d: call(d(3))]),
    Row(
        "expand",
        [lambda d: call(d(3, 1), 3, 4), lambda d: call(d(3), (2, -1)), lambda d: call(d(1, 3, 1), 2, 3, 2)],
        once=[
            lambda d: call(d(), 3),
            lambda d: call(d(2, 3), 2, 3),
            lambda d: call(d(3), (1, 3)),
            lambda d: call(d(1, 2), 0, 2),
        ],
        bad=[lambda d: call(d(3, 4), 4), lambda d: call(d(3, 4), 3, 5), lambda d: call(d(3), -1, 3)],
    ),
    Row("expand_as", [lambda d: call(d(3, 1), d(2, 3, 4))]),
    Row("broadcast_to", [lambda d: call(d(3, 1), (3, 4))], bad=[lambda d: call(d(3), (4,))]),
    Row(
        "broadcast_tensors",
        [lambda d: call(d(3, 1), d(1, 4)), lambda d: call(d(3), d(), d(2, 1))],
        bad=[lambda d: call(d(3), d(4))],
    ),
    Row(
        "select",
        [lambda d: call(d(2, 3), 0, 1), lambda d: call(d(2, 3, 2), -1, -2)],
        bad=[lambda d: call(d(2, 3), 0, 2), lambda d: call(d(), 0, 0), lambda d: call(d(2), 1, 0)],
    ),
    Row(
        "narrow",
        [lambda d: call(d(4, 3), 0, 1, 2), lambda d: call(d(4, 3), -1, -2, 1)],
        once=[lambda d: call(d(4), 0, 4, 0)],
        bad=[
            lambda d: call(d(4), 0, 3, 2),
            lambda d: call(d(4), 0, 5, 0),
            lambda d: call(d(), 0, 0, 0),
            lambda d: call(d(4), 0, 1, -1),
        ],
    ),
    Row(
        "split",
        [lambda d: call(d(5, 3), 2), lambda d: call(d(5, 3), [1, 4]), lambda d: call(d(5, 3), 2, -1)],
        once=[
            lambda d: call(d(4), 4),
            lambda d: call(d(4), (1, 0, 3)),
            lambda d: call(d(2, 3), 1, dim=1),
            lambda d: call(d(3), np.array(2)),
        ],
        bad=[
            lambda d: call(d(5), 0),
            lambda d: call(d(5), np.int64(2)),
            lambda d: call(d(5), [1, 1]),
            lambda d: call(d(), 1),
            lambda d: call(d(2), -1),
        ],
    ),
    Row(
        "split_with_sizes",
        [lambda d: call(d(5, 3), [1, 4]), lambda d: call(d(5, 3), (2, 1), 1)],
        bad=[lambda d: call(d(5), [2]), lambda d: call(d(5), [6, -1])],
    ),
    Row(
        "chunk",
        [lambda d: call(d(5, 3), 2), lambda d: call(d(5, 3), 2, 1), lambda d: call(d(2, 2), 5)],
        once=[lambda d: call(d(0, 2), 3)],
        bad=[lambda d: call(d(5), 0), lambda d: call(d(), 2), lambda d: call(d(5), np.array([2]))],
    ),
    Row(
        "tensor_split",
        [lambda d: call(d(5, 3), 2), lambda d: call(d(5, 3), (1, 3)), lambda d: call(d(5, 3), 2, 1)],
        once=[
            lambda d: call(d(5), (4, 2)),
            lambda d: call(d(5), (1, 9)),
            lambda d: call(d(5, 3), sections=2, dim=1),
            lambda d: call(d(5), indices=(1, 3)),
            lambda d: call(d(5), tensor_indices_or_sections=np.array([1, 3])),
        ],
        bad=[
            lambda d: call(d(5), 0),
            lambda d: call(d(), 2),
            lambda d: call(d(5), sections=[1]),
            lambda d: call(d(5), 2, indices=[1]),
        ],
    ),
    Row(
        "hsplit",
        [lambda d: call(d(3, 4), 2), lambda d: call(d(4), [1])],
        once=[lambda d: call(d(3, 4), sections=2), lambda d: call(d(4), indices=[1])],
        bad=[lambda d: call(d(3, 4), 3), lambda d: call(d(), 1), lambda d: call(d(4)), lambda d: call(d(4), indices=2)],
    ),
    Row("vsplit", [lambda d: call(d(4, 3), 2)], bad=[lambda d: call(d(4), 2), lambda d: call(d(4, 3), 3)]),
    Row(
        "unbind",
        [lambda d: call(d(3, 2)), lambda d: call(d(3, 2), 1), lambda d: call(d(3))],
        bad=[lambda d: call(d()), lambda d: call(d(2), 1)],
    ),
    Row(
        "diagonal",
        [lambda d: call(d(3, 4)), lambda d: call(d(3, 4), 1), lambda d: call(d(2, 3, 4), -1, 2, 0)],
        once=[lambda d: call(d(2, 2), 5)],
        bad=[lambda d: call(d(3, 4), 0, 1, 1), lambda d: call(d(3))],
    ),
    Row(
        "as_strided",
        [lambda d: call(d(3, 4), (2, 2), (4, 1)), lambda d: call(d(12), (3, 3), (2, 1), 1)],
        once=[lambda d: call(d(4), (), (), 2), lambda d: call(d(6), (2, 3), (0, 2))],
        bad=[
            lambda d: call(d(4), (3,), (2,)),
            lambda d: call(d(4), (2, 2), (1,)),
            lambda d: call(d(4), (2,), (-1,)),
            lambda d: call(d(4), (2,), (1,), -1),
        ],
        layouts=("transposed",),  # of the others not all memory is the same on both sides
    ),
    Row(
        "unfold",
        [lambda d: call(d(5, 2), 0, 3, 1), lambda d: call(d(2, 6), -1, 2, 2), lambda d: call(d(6), 0, 2, 3)],
        once=[lambda d: call(d(), 0, 1, 1)],
        bad=[lambda d: call(d(3), 0, 4, 1), lambda d: call(d(3), 0, 2, 0), lambda d: call(d(3), 1, 1, 1)],
    ),
    Row("detach", [lambda d: call(d(2, 3))]),
    Row("contiguous", [lambda d: call(d(2, 3)), lambda d: call(d(2, 3, 2))]),
]

JOINING = [
    Row(
        "cat",
        [lambda d: call([d(2, 3), d(1, 3)]), lambda d: call((d(2, 3), d(2, 1)), 1), lambda d: call([d(2, 1, 2)], -1)],
        once=[
            lambda d: call([d(2, 3), d(0), d(1, 3)]),
            lambda d: call([d(0), d(0)]),
            lambda d: call([d(2), d.typed("int64", 3)]),
            lambda d: call([d.typed("float16", 2), d.typed("float64", 2), d(1)]),
        ],
        bad=[
            lambda d: call([]),
            lambda d: call([d(), d()]),
            lambda d: call([d(2, 3), d(2)]),
            lambda d: call([d(2, 3), d(3, 2)]),
            lambda d: call([d(2), 1]),
            lambda d: call([d(2)], 1),
        ],
    ),
    Row("concat", [lambda d: call([d(2, 3), d(1, 3)])]),
    Row("concatenate", [lambda d: call([d(2, 3), d(2, 3)], 1)]),
    Row(
        "stack",
        [lambda d: call([d(2, 3), d(2, 3)]), lambda d: call((d(2), d(2), d(2)), 1), lambda d: call([d(), d()], -1)],
        once=[lambda d: call([d(2), d.typed("int64", 2)])],
        bad=[lambda d: call([]), lambda d: call([d(2), d(3)]), lambda d: call([d(2)], 2), lambda d: call([d(2), 1])],
    ),
    Row(
        "hstack",
        [lambda d: call([d(2), d(3)]), lambda d: call([d(2, 1), d(2, 3)]), lambda d: call([d(), d()])],
        bad=[lambda d: call([])],
    ),
    Row("vstack", [lambda d: call([d(2), d(2)]), lambda d: call([d(2, 3), d(1, 3)])]),
    Row("dstack", [lambda d: call([d(2), d(2)]), lambda d: call([d(2, 3), d(2, 3)]), lambda d: call([d()])]),
    Row("column_stack", [lambda d: call([d(2), d(2)]), lambda d: call([d(2, 3), d(2)]), lambda d: call([d(), d()])]),
    Row("atleast_1d", [lambda d: call(d()), lambda d: call(d(2)), lambda d: call(d(), d(2))]),
    Row("atleast_2d", [lambda d: call(d()), lambda d: call(d(2)), lambda d: call([d(), d(2, 3)])]),
    Row("atleast_3d", [lambda d: call(d()), lambda d: call(d(2)), lambda d: call(d(2, 3)), lambda d: call(d(2, 1, 1))]),
    Row(
        "meshgrid",
        [lambda d: call(d(2), d(3), indexing="ij"), lambda d: call(d(2), d(3), d(), indexing="xy")],
        once=[lambda d: call(d(2), indexing="xy")],
        bad=[
            lambda d: call(d(2), d.typed("int8", 2), indexing="ij"),
            lambda d: call(d(2), indexing="no"),
            lambda d: call(),
        ],
    ),
    Row("cartesian_prod", [lambda d: call(d(2), d(3)), lambda d: call(d(2))], bad=[lambda d: call(d(2, 2), d(1))]),
]

REARRANGING = [
    Row(
        "clone",
        [
            lambda d: call(d(2, 3)),
            lambda d: call(d(2, 3, 2)),
            lambda d: call(d(2, 3), memory_format=T("contiguous_format")),
        ],
    ),
    Row(
        "repeat",
        [lambda d: call(d(2, 3), 2, 1), lambda d: call(d(2), (3, 2)), lambda d: call(d(2, 1), 2, 3, 2)],
        once=[
            lambda d: call(d(), 3),
            lambda d: call(d(2), 0),
            lambda d: call(d(), ()),
            lambda d: call(d(2), np.array(3)),
        ],
        bad=[lambda d: call(d(2, 3), 2), lambda d: call(d(2), -1)],
    ),
    Row("tile", [lambda d: call(d(2, 3), (2,)), lambda d: call(d(2), (3, 2)), lambda d: call(d(2, 3), ())]),
    Row(
        "repeat_interleave",
        [lambda d: call(d(2, 3), 2), lambda d: call(d(2, 3), 2, 1), lambda d: call(d(3), d.index(3, below=3), 0)],
        once=[
            lambda d: call(d(), 3),
            lambda d: call(d(2), d.index(2, below=3), output_size=None),
            lambda d: call(d(2, 2), d.index(1, below=3) + 1, dim=-1),
        ],
        bad=[lambda d: call(d(3), -1), lambda d: call(d(3), d.index(2, below=3), 0), lambda d: call(d(3), d(3), 0)],
    ),
    Row(
        "flip",
        [lambda d: call(d(2, 3), (0,)), lambda d: call(d(2, 3, 2), (0, -1)), lambda d: call(d(2, 3), ())],
        once=[lambda d: call(d(), (0,)), lambda d: call(d(2, 3), np.int64(1))],
        bad=[lambda d: call(d(2), (1,)), lambda d: call(d(2, 2), (0, 0))],
    ),
    Row("fliplr", [lambda d: call(d(2, 3))], bad=[lambda d: call(d(2))]),
    Row("flipud", [lambda d: call(d(2, 3))], bad=[lambda d: call(d())]),
    Row(
        "roll",
        [lambda d: call(d(2, 3), 1), lambda d: call(d(2, 3), 1, 0), lambda d: call(d(2, 3), (1, -2), (0, 1))],
        once=[lambda d: call(d(), 2), lambda d: call(d(3), 4, 0), lambda d: call(d(0), 1)],
        bad=[lambda d: call(d(2, 3), (1, 2), 0), lambda d: call(d(2), 1, 1), lambda d: call(d(2), ())],
    ),
    Row(
        "rot90",
        [
            lambda d: call(d(2, 3)),
            lambda d: call(d(2, 3), 2),
            lambda d: call(d(2, 3, 2), -1, (0, 2)),
            lambda d: call(d(2, 3), 4),
        ],
        bad=[
            lambda d: call(d(2)),
            lambda d: call(d(2, 2), 1, (0, 0)),
            lambda d: call(d(2, 2), 1, (0,)),
            lambda d: call(d(2, 2), 1, (0, 3)),
        ],
    ),
    Row(
        "tril",
        [lambda d: call(d(3, 4)), lambda d: call(d(3, 4), 1), lambda d: call(d(2, 3, 3), -1)],
        bad=[lambda d: call(d(3)), lambda d: call(d(2, 2), "a")],
        layouts=("transposed", "sliced"),  # in place, torch cuts all rows of an expanded matrix out of one
    ),
    Row(
        "triu",
        [lambda d: call(d(3, 4)), lambda d: call(d(3, 4), 1), lambda d: call(d(2, 3, 3), -1)],
        bad=[lambda d: call(d(3))],
        layouts=("transposed", "sliced"),
    ),
    Row("trace", [lambda d: call(d(3, 4)), lambda d: call(d(0, 2))], bad=[lambda d: call(d(3))]),
    Row(
        "diag",
        [lambda d: call(d(3)), lambda d: call(d(3, 4)), lambda d: call(d(2), 1), lambda d: call(d(3, 4), -1)],
        bad=[lambda d: call(d(2, 2, 2))],
    ),
    Row(
        "diag_embed",
        [lambda d: call(d(3)), lambda d: call(d(2, 3), 1), lambda d: call(d(2, 3), -1, 0, 2)],
        bad=[lambda d: call(d(2), 0, 1, 1)],
    ),
    Row("fill_diagonal_", [lambda d: call(d(3, 4), 2), lambda d: call(d(4, 3), 0)], bad=[lambda d: call(d(3), 1)]),
    Row("resolve_conj", [lambda d: call(d(3))]),
    Row("resolve_neg", [lambda d: call(d(3))]),
    Row("conj", [lambda d: call(d(3))]),
]

ROWS = [*VIEWS, *JOINING, *REARRANGING]
