"""Rows for products summed over chosen dimensions, and for products of other kinds."""

from __future__ import annotations

from rows import Case, Row, call
from rows_linalg import INNER, NO_BOOL, ZERO, exact, rough, sizes

FEW = ["float32", "int64", "float64", "bool"]


def labelled(equation: str, *shapes: tuple[int, ...], draw: str = "positive") -> Case:
    return lambda d: call(equation, *[getattr(d, draw)(*s) for s in shapes])


EQUATIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "ij,jk": ((2, 3), (3, 4)),
    "ij->ji": ((2, 3),),
    "ii->i": ((3, 3),),
    "ii": ((3, 3),),
    "iij->j": ((2, 2, 3),),
    "...ij,...jk": ((5, 2, 3), (3, 4)),
    "b...,c->...c": ((2, 3), (4,)),
    "ij , jk -> ik": ((2, 3), (3, 4)),
    "i,j->ij": ((2,), (3,)),
    "i,i": ((3,), (3,)),
    "i,i->i": ((3,), (1,)),
    "ij->": ((2, 3),),
    "ij->j": ((2, 3),),
    "ab,cd->": ((2, 3), (4, 2)),
    "bij,ij,jk->bk": ((2, 3, 4), (3, 4), (4, 2)),
    "bn,anm,bm->ba": ((2, 3), (5, 3, 4), (2, 4)),
    "bij,bjk->bik": ((2, 3, 4), (2, 4, 5)),
    "cab->abc": ((2, 3, 4),),
    "ij,jk->ki": ((2, 3), (3, 4)),
    "ijk,kl->ilj": ((2, 3, 4), (4, 5)),
    "kl,ijk->ijl": ((4, 5), (2, 3, 4)),
    "ij,jk,kl->li": ((2, 3), (3, 4), (4, 2)),
    "B,a->aB": ((2,), (3,)),
    "...->...": ((2, 3),),
    ",": ((), ()),
    "...i,...i->...": ((2, 1, 3), (4, 3)),
    "ij,ij->": ((0, 3), (0, 3)),
}

ROWS = [
    Row(
        "einsum",
        [labelled("ij,jk", (2, 3), (3, 4)), labelled("...ij,jk->...k", (2, 3, 4), (4, 2)), labelled("ii->i", (3, 3))],
        once=[
            *[labelled(equation, *shapes) for equation, shapes in EQUATIONS.items()],
            lambda d: call("ij,jk", [d.positive(2, 3), d.positive(3, 2)]),
            lambda d: call(d.positive(2, 3), [0, 1], d.positive(3, 2), [1, 2], [2, 0]),
            lambda d: call(d.positive(2, 3), [0, 30], d.positive(3, 2), [30, 2]),
            lambda d: call(d.positive(2, 3), [Ellipsis, 1], [1, Ellipsis]),
        ],
        bad=[
            *[
                lambda d, e=e: call(e, d(3, 2))  # type: ignore[misc]
                for e in (
                    [
                        "ij,jk",
                        "ijk",
                        "i...j...",
                        "i..j",
                        "i1",
                        "ij->ik",
                        "ij->ii",
                        "ij->...i...",
                        "ij->.i",
                        "ij->i1",
                        "ii",
                        "...ijk",
                        "ij->i,j",
                    ]
                )
            ],
            labelled("ij", (2, 2), (2, 2)),
            labelled("ij,ij", (4, 3), (3, 3)),
            labelled("...i,...i", (2, 3), (4, 3)),
            lambda d: call("ij"),
            lambda d: call("ij,jk", d(2, 2), 3),
            lambda d: call(d(2, 2), [0, 60]),
            lambda d: call(d(2, 2), [0]),
            lambda d: call("ij,jk", d.typed("int64", 2, 2), d(2, 2)),
        ],
        dtypes=FEW,
        ulp=8,
        grad_ulp=16,
        reason=INNER,
    ),
    Row(
        "tensordot",
        [rough((2, 3), (3, 4), dims=1), rough((2, 3, 4), (4, 3, 2), dims=([1, 2], [1, 0]))],
        once=[
            rough((2, 3), (2, 3)),
            rough((2, 3), (3, 2), dims=0),
            rough((2, 3), (1, 4), dims=([0], [0])),
            rough((1, 3), (2, 4), dims=([0], [0])),
            rough((2, 3), (4, 3), dims=([-1], [1])),
            rough((0, 3), (3, 2), dims=1),
            rough((3,), (3,), dims=1),
        ],
        bad=[
            *[
                lambda d, dims=dims: call(d(3, 3), d(3, 2), dims)  # type: ignore[misc]
                for dims in (-1, 3, ([0], [0, 1]), ([1], [1]), 1.5, (0, 1), ([2], [0]), ([0, 0], [0, 1]))
            ],
            lambda d: call(d(3, 3), d.typed("int64", 3, 2), 1),
        ],
        dtypes=FEW,
        ulp=8,
        grad_ulp=16,
        reason=INNER,
    ),
    Row(
        "bilinear",
        [],
        once=[
            lambda d: call(d.positive(5, 2), d.positive(5, 3), d.positive(4, 2, 3), d.positive(4)),
            lambda d: call(d.positive(2), d.positive(3), d.positive(4, 2, 3), None),
            lambda d: call(d.positive(2, 5, 2), d.positive(2, 5, 3), d.positive(4, 2, 3)),
            lambda d: call(d(0, 2), d(0, 3), d(4, 2, 3), d(4)),
        ],
        bad=[
            sizes((2, 3), (2, 3), (4, 3, 2)),
            sizes((2, 3), (3, 3), (4, 3, 3)),
            sizes((2, 3), (1, 2, 3), (4, 3, 3)),
            sizes((2, 3), (2, 3), (4, 2, 3)),
            sizes((2, 3), (2, 3), (4, 3, 3), (3,)),
            lambda d: call(d.typed("int64", 2, 3), d(2, 3), d(4, 3, 3)),
        ],
        dtypes=["float32", "float64", "int64"],
        ulp=16,
        grad_ulp=32,
        reason=INNER,
    ),
    Row(
        "kron",
        [exact((2, 3), (3, 2)), exact((2,), (2, 3)), exact((), (3,))],
        once=[exact((2, 1, 2), (3, 2)), exact((0, 2), (2, 2))],
        bad=[lambda d: call(d(2), 3)],
        layouts=("sliced", "transposed"),
        forms="function method",
    ),
    Row(
        "cross",
        [exact((2, 3), (2, 3), dim=1), exact((3, 2), (3, 1), dim=0)],
        once=[exact((2, 3), (2, 3)), exact((3,), (3,), dim=-1)],
        bad=[
            sizes((4, 5), (4, 5)),
            lambda d: call(d(4, 3), d(4, 3), dim=0),
            lambda d: call(d(3, 4), d(3, 5), dim=0),
            sizes((3,), (2, 3)),
            lambda d: call(d(3), d(3), dim=1),
            lambda d: call(d(3), d.typed("int64", 3), dim=0),
            lambda d: call(d(3), 3),
        ],
        exact=True,
        forms="function method out",
    ),
    Row(
        "linalg.cross",
        [exact((2, 3), (1, 3))],
        once=[exact((3, 2), (3, 2), dim=0)],
        bad=[sizes((4,), (4,)), sizes((3,), (2, 3)), lambda d: call(d(3), 3)],
        exact=True,
    ),
    Row(
        "linalg.vecdot",
        [rough((2, 3), (2, 3))],
        once=[rough((2, 3), (3,)), rough((2, 3), (2, 1), dim=0)],
        bad=[sizes((2, 3), (2,)), lambda d: call(d(3), d.typed("int64", 3)), lambda d: call(d(2, 3), d(3), dim=2)],
        dtypes=["float32", "float64", "int64"],
        forms="function",
    ),
    Row(
        "linalg.multi_dot",
        [lambda d: call([d.positive(2, 3), d.positive(3, 4), d.positive(4, 2)])],
        once=[
            lambda d: call([d.positive(3), d.positive(3, 4), d.positive(4)]),
            lambda d: call([d.positive(2, 2), d.positive(2, 2), d.positive(2, 2)]),
            lambda d: call([d.positive(2, 3), d.positive(3, 4), d.positive(4, 5), d.positive(5, 2)]),
            lambda d: call([d.positive(2, 3), d.positive(3)]),
            lambda d: call((d.positive(3), d.positive(3, 2))),
        ],
        bad=[
            lambda d: call([d(2, 3)]),
            lambda d: call([d(2, 3), d(2, 3)]),
            lambda d: call([d(2, 3), d(3), d(3, 2)]),
            lambda d: call([d(2, 3, 4), d(3, 2)]),
            lambda d: call([d(2, 3), d.typed("float64", 3, 2)]),
            lambda d: call([d(2, 3), d()]),
        ],
        dtypes=["float32", "float64", "int64"],
        ulp=8,
        grad_ulp=16,
        reason=INNER,
        forms="function",
    ),
    Row(
        "chain_matmul",
        [lambda d: call(d.positive(2, 3), d.positive(3, 4), d.positive(4, 2))],
        once=[lambda d: call(d(2, 3))],
        bad=[lambda d: call(d(2, 3), d(3)), lambda d: call(d(2, 3), d(2, 3))],
        dtypes=["float32"],
        ulp=8,
        grad_ulp=16,
        reason=INNER,
        forms="function",
    ),
    Row(
        "block_diag",
        [lambda d: call(d(2, 3), d(), d(2)), lambda d: call(d(2, 3), d.typed("int64", 1, 2))],
        once=[lambda d: call(d(0, 2), d(2, 2))],
        bad=[lambda d: call(d(2), d(1, 2, 3)), lambda d: call(d(2), 3)],
    ),
    Row(
        "addbmm",
        [exact((2, 4), (5, 2, 3), (5, 3, 4)), exact((2, 4), (5, 2, 3), (5, 3, 4), beta=2, alpha=-1)],
        dtypes=NO_BOOL,
        layouts=("transposed", "sliced"),
        forms="function method in_place",
        exact=True,
        zeros=False,
        reason=ZERO,
    ),
    Row(
        "addbmm",
        [exact((4,), (5, 2, 3), (5, 3, 4))],
        bad=[
            sizes((3,), (2, 3, 4), (2, 4, 2)),
            sizes((2,), (2, 3, 4), (3, 4, 2)),
            sizes((2,), (2, 3, 4), (2, 3, 2)),
            sizes((2,), (3, 4), (2, 3, 2)),
            lambda d: call(d.typed("int64", 2), d(2, 3, 4), d(2, 4, 2)),
            lambda d: call(d(3, 2), d(2, 3, 4), d.typed("int64", 2, 4, 2)),
            lambda d: call(d.typed("bool", 2, 2), *[d.typed("bool", 2, 2, 2)] * 2),
        ],
        dtypes=NO_BOOL,
        layouts=("transposed", "sliced"),
        forms="function method",
        exact=True,
        zeros=False,
        reason=ZERO,
    ),
]
