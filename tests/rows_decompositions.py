"""Rows for what LAPACK does: inverses, solutions, determinants, decompositions; and for norms and powers of matrices.

What has free signs, as singular vectors have, is tested by what they do not touch, in `test_decompositions.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from rows import Array, Case, Draw, Row, T, call

LAPACK = "numpy's LAPACK is not torch's: another order of operations"
KINDS = ["float32", "float64", "float16", "int64"]


def sound(d: Draw, *shape: int) -> Array:
    """Matrices that are far from singular."""
    return np.asarray((d(*shape) + 5 * np.eye(shape[-1])).astype(d.dtype))


def definite(d: Draw, *shape: int) -> Array:
    """Symmetric matrices that are positive definite."""
    x = d(*shape)
    return np.asarray((x @ x.swapaxes(-1, -2) + np.eye(shape[-1])).astype(d.dtype))


def of(*shapes: tuple[int, ...], draw: Any = sound, **named: Any) -> list[Case]:
    """A case for every shape of one matrix."""
    return [lambda d, s=s: call(draw(d, *s), **named) for s in shapes]


def plain(d: Draw, *shape: int) -> Array:
    return d(*shape)


SQUARE = of((3, 3), (2, 3, 3))
BAD = [
    lambda d: call(d(2, 3)),
    lambda d: call(d(3)),
    lambda d: call(3),
    lambda d: call(np.zeros((3, 3), np.float32)),
    lambda d: call(np.zeros((2, 2, 2), np.float32)),
]
REGULAR = BAD[:3]  # where a singular matrix is as good as any


def lapack(name: str, cases: list[Case], once: list[Case], bad: list[Any], **more: Any) -> Row:
    """A row of one of LAPACK's functions; `out=`, which it would lay out by columns, is tested apart."""
    defaults: dict[str, Any] = {"dtypes": KINDS, "forms": "function method", "layouts": ("transposed", "sliced")}
    tolerance = {"ulp": 256, "grad_ulp": 2048, "largest": True, "zeros": False, "reason": LAPACK}
    return Row(name, cases, once=once, bad=bad, **{**defaults, **tolerance, **more})


def pair(a: tuple[int, ...], b: tuple[int, ...], draw: Any = sound, /, **named: Any) -> Case:
    return lambda d: call(draw(d, *a), d(*b), **named)


INVERSES = [
    *[lapack(name, SQUARE, of((0, 0), (1, 1)), BAD) for name in ("linalg.inv", "inverse")],
    lapack("linalg.inv_ex", SQUARE, [], [*BAD[:3], lambda d: call(np.zeros((2, 2), np.float32), check_errors=True)]),
    lapack(
        "linalg.solve",
        [pair((3, 3), (3, 2)), pair((2, 3, 3), (3, 2))],
        [
            pair((3, 3), (3,)),
            pair((2, 3, 3), (2, 3)),
            pair((2, 3, 3), (3,)),
            pair((3, 3), (2, 3), left=False),
            pair((2, 3, 3), (2, 3, 1)),
            pair((0, 0), (0, 2)),
        ],
        [
            pair((3, 3), (4, 2)),
            pair((3, 3), (2, 4), left=False),
            lambda d: call(d(4, 3), d(4, 2)),
            pair((3, 3), (2,)),
            pair((3, 3), ()),
            pair((2, 3, 3), (5, 3, 2)),
            lambda d: call(d(3), d(3)),
            lambda d: call(d(3, 3), d.typed("float64", 3, 2)),
            lambda d: call(np.zeros((2, 2), np.float32), d(2)),
            lambda d: call(np.zeros((3, 2, 2), np.float32), d(2, 1)),
            lambda d: call(d(3, 3), 3),
        ],
    ),
    lapack("linalg.solve_ex", [pair((3, 3), (3, 2))], [pair((3, 3), (3,), check_errors=True)], []),
    lapack(
        "linalg.solve_triangular",
        [pair((3, 3), (3, 2), upper=True), pair((2, 3, 3), (3, 2), upper=False)],
        [
            pair((3, 3), (2, 3), upper=False, left=False),
            pair((3, 3), (3, 2), upper=True, unitriangular=True),
            pair((3, 3), (2, 3), upper=True, left=False, unitriangular=True),
        ],
        [
            pair((3, 3), (3,), upper=True),
            pair((3, 3), (2, 2), upper=True),
            lambda d: call(d(4, 3), d(3, 2), upper=True),
        ],
    ),
    lapack(
        "linalg.lstsq",
        [pair((4, 3), (4, 2), plain), pair((2, 4, 3), (2, 4, 2), plain)],
        [
            pair((3, 4), (3, 2), plain),
            pair((4, 3), (4,), plain),
            pair((2, 4, 3), (2, 4), plain),
            pair((4, 3), (4, 2), plain, driver="gels"),
            pair((4, 3), (4, 2), plain, driver="gelsd"),
            pair((3, 3), (3, 2), rcond=0.01),
        ],
        [
            pair((4, 3), (3, 2), plain),
            pair((3,), (3,), plain),
            pair((4, 3), (2, 4, 2), plain),
            pair((2, 4, 3), (3, 4, 2), plain),
            pair((4, 3), (4, 2), plain, driver="x"),
            lambda d: call(d(4, 3), d.typed("float64", 4, 2)),
            lambda d: call(d(4, 3), d()),
        ],
    ),
    lapack(
        "linalg.pinv",
        of((4, 3), (2, 3, 4), draw=plain),
        [
            *of((3, 3), draw=definite, hermitian=True),
            *of((4, 3), draw=plain, rtol=0.5),
            *of((4, 3), draw=plain, atol=1.5),
            *of((4, 3), draw=plain, rcond=0.1),
            *of((0, 3), draw=plain),
            lambda d: call(np.ones((3, 3), d.dtype)),
        ],
        [*of((3,), draw=plain), *of((2, 3), draw=plain, hermitian=True)],
    ),
    lapack("pinverse", of((4, 3), draw=plain), [], of((3,), draw=plain)),
    *[lapack(name, SQUARE, of((0, 0), (1, 1)), REGULAR) for name in ("linalg.det", "det")],
    *[lapack(name, SQUARE, of((1, 1)), REGULAR) for name in ("linalg.slogdet", "slogdet")],
    lapack("logdet", SQUARE, [lambda d: call(-sound(d, 3, 3))], REGULAR, forms="function method"),
    lapack("lstsq", [], [], [lambda d: call(d(3, 3), d(3, 3))]),
]

DECOMPOSED = [
    lapack(
        "linalg.cholesky",
        of((3, 3), (2, 3, 3), draw=definite),
        of((3, 3), draw=definite, upper=True),
        [*BAD, lambda d: call(-definite(d, 2, 2)), lambda d: call(np.array([[1, 2], [2, 1]], np.float32))],
    ),
    lapack(
        "linalg.cholesky_ex",
        of((3, 3), draw=definite),
        of((2, 3, 3), draw=definite, upper=True),
        [*BAD[:3], lambda d: call(-definite(d, 2, 2), check_errors=True)],
    ),
    lapack(
        "cholesky",
        of((3, 3), draw=definite),
        of((3, 3), draw=definite, upper=True),
        [*BAD[:3], lambda d: call(-definite(d, 2, 2, 2))],
    ),
    lapack("linalg.svdvals", of((4, 3), (2, 3, 4), draw=plain), of((0, 3), (3, 3), draw=plain), BAD[1:3]),
    lapack("linalg.eigvalsh", of((3, 3), draw=definite), of((2, 3, 3), draw=definite, UPLO="U"), BAD[:3]),
    *[
        lapack(name, [], of((0, 3) if name != "linalg.eigh" else (0, 0), draw=plain), [*BAD[1:3], *more])
        for name, more in (
            ("linalg.qr", [lambda d: call(d(3, 3), "x")]),
            ("linalg.svd", [lambda d: call(d(3, 3), driver="gesvd"), lambda d: call(d(2, 2) * np.float32("nan"))]),
            ("linalg.eigh", [lambda d: call(d(3, 3), UPLO="X"), BAD[0]]),
        )
    ],
]

ORDERS: list[Any] = ["fro", "nuc", 2, -2, 1, -1, float("inf"), -float("inf")]
FUNCTIONS = [
    lapack(
        "linalg.matrix_norm",
        [lambda d: call(d(2, 4, 3)), lambda d: call(d(4, 3), "nuc"), lambda d: call(d(4, 3), 1)],
        once=[
            *[lambda d, o=o: call(d(2, 4, 3), o) for o in ORDERS],
            *[lambda d, o=o: call(d(2, 4, 3), o, (2, 0), True) for o in ORDERS[1:]],
            lambda d: call(d(4, 3), 1, dtype=T("float64")),
            lambda d: call(d(2, 4, 3), "nuc", (-1, 0)),
        ],
        bad=[
            *[lambda d, o=o: call(d(4, 3), o) for o in (3, "x", 0)],
            lambda d: call(d(3)),
            lambda d: call(d(4, 3), 2, (1, 1)),
            lambda d: call(d(4, 3), 2, (1,)),
            lambda d: call(d(4, 3), 2, (0, 2)),
        ],
    ),
    lapack(
        "linalg.norm",
        [lambda d: call(d(4, 3)), lambda d: call(d(4, 3), 2), lambda d: call(d(4), 3)],
        once=[
            lambda d: call(d(2, 4, 3)),
            lambda d: call(d(2, 4, 3), None, 1),
            lambda d: call(d(2, 4, 3), None, (0, 1), True),
            lambda d: call(d(2, 4, 3), 1, 1),
            lambda d: call(d(2, 4, 3), 1, (0, 1)),
            lambda d: call(d(2, 4, 3), "nuc", (0, 2)),
            lambda d: call(d(3), 0),
        ],
        bad=[
            lambda d: call(d(2, 4, 3), 2),
            lambda d: call(d(2, 4, 3), "fro"),
            lambda d: call(d(3), "fro"),
            lambda d: call(d(3), "x"),
            lambda d: call(d(2, 4, 3), 2, (0, 1, 2)),
            lambda d: call(3),
        ],
    ),
    lapack(
        "norm",
        [lambda d: call(d(4, 3), "nuc")],
        once=[lambda d: call(d(2, 4, 3), "nuc", (0, 1)), lambda d: call(d(4, 3), "nuc", keepdim=True)],
        bad=[lambda d: call(d(4, 3), "nuc", dim=1), lambda d: call(d(4, 3), "x"), lambda d: call(d(2, 4, 3), "nuc")],
    ),
    *[
        lapack(
            name,
            [lambda d: call(sound(d, 3, 3), 3)],
            once=[
                *[lambda d, n=n: call(sound(d, 2, 2), n) for n in (0, 1, 2, 5, 6, -1, -3)],
                lambda d: call(sound(d, 2, 2, 2), 2),
            ],
            bad=[lambda d: call(d(4, 3), 2), lambda d: call(d(3), 2), lambda d: call(d(3, 3), 1.5)],
        )
        for name in ("linalg.matrix_power", "matrix_power")
    ],
    *[
        lapack(
            name,
            of((3, 3), (2, 2, 2), draw=plain),
            of((0, 0), draw=plain) + [lambda d: call(d(3, 3) * 10), lambda d: call(d(3, 3) / 100)],
            REGULAR,
            dtypes=["float32", "float64", "int64"],
        )
        for name in ("linalg.matrix_exp", "matrix_exp")
    ],
    lapack(
        "linalg.matrix_rank",
        of((4, 3), (2, 3, 3), draw=plain),
        [
            *of((3, 3), draw=plain, tol=1.5),
            *of((3, 3), draw=definite, hermitian=True),
            *of((3, 3), draw=plain, atol=0.5, rtol=0.5),
            lambda d: call(np.ones((3, 3), d.dtype)),
            lambda d: call(np.ones((0, 3), np.float32)),
        ],
        BAD[1:2],
    ),
    lapack(
        "linalg.cond",
        [lambda d: call(sound(d, 3, 3)), lambda d: call(sound(d, 2, 3, 3), 1)],
        [
            *[lambda d, o=o: call(sound(d, 3, 3), o) for o in ORDERS],
            lambda d: call(np.zeros((2, 2), np.float32), 1),
            lambda d: call(d(4, 3)),
        ],
        [
            lambda d: call(d(3, 3), 3),
            lambda d: call(d(4, 3), "fro"),
            lambda d: call(d(3)),
            lambda d: call(d(3, 3), "x"),
        ],
    ),
    lapack(
        "linalg.tensorinv",
        [lambda d: call(d(2, 3, 6)), lambda d: call(d(4, 2, 2), ind=1)],
        [],
        [lambda d: call(d(4, 6), ind=0), lambda d: call(d(4, 6), ind=1), lambda d: call(d(4, 4), ind=1.5)],
    ),
    lapack(
        "linalg.tensorsolve",
        [lambda d: call(d(2, 3, 6), d(2, 3))],
        [lambda d: call(d(2, 6, 3), d(2, 3), dims=(1,)), lambda d: call(d(2, 3, 3, 2), d(2, 3))],
        [lambda d: call(d(2, 3, 5), d(2, 3)), lambda d: call(d(2, 3), 3)],
    ),
    Row(
        "linalg.diagonal",
        [lambda d: call(d(2, 4, 3)), lambda d: call(d(2, 4, 3), offset=1, dim1=0, dim2=1)],
        bad=[lambda d: call(d(3))],
    ),
    Row(
        "linalg.vander",
        [lambda d: call(d.whole(3)), lambda d: call(d.whole(2, 2), N=4)],
        bad=[lambda d: call(d()), lambda d: call(d(3), N=1), lambda d: call(d.typed("bool", 2))],
        forms="function",
    ),
    Row(
        "vander",
        [lambda d: call(d.whole(3)), lambda d: call(d.whole(3), 2, True)],
        once=[lambda d: call(d(3), 0), lambda d: call(d(3), N=1), lambda d: call(d(0))],
        bad=[lambda d: call(d(2, 2)), lambda d: call(d(3), -1), lambda d: call(3)],
    ),
]

ROWS = [*INVERSES, *DECOMPOSED, *FUNCTIONS]
