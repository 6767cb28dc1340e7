"""Decompositions, whose factors may have other signs than torch's: what signs do not touch must be the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sides import OURS, SIDES, THEIRS, Side, as_array, assert_close, assert_same_error, graph, outcomes

rng = np.random.default_rng(3)
SHAPES = {"square": (3, 3), "high": (4, 3), "wide": (3, 4), "batch": (2, 4, 3)}
MATRICES = {name: rng.uniform(-2, 2, shape) for name, shape in SHAPES.items()}
SQUARE = {"one": rng.uniform(-2, 2, (3, 3)), "batch": rng.uniform(-2, 2, (2, 3, 3))}


def rebuilt(u: Any, s: Any, vh: Any) -> Any:
    return (u * s.unsqueeze(-2)) @ vh


# What is compared of (torch.linalg, x): the result must not depend on the signs of vectors.
INVARIANTS: dict[str, Callable[[Any, Any], Any]] = {
    "svd": lambda linalg, x: rebuilt(*linalg.svd(x, full_matrices=False)),
    "svd, squares of S": lambda linalg, x: rebuilt(*[p**2 for p in linalg.svd(x, full_matrices=False)]),
    "svd, U alone": lambda linalg, x: linalg.svd(x, full_matrices=False)[0] ** 2,
    "svd, Vh alone": lambda linalg, x: linalg.svd(x, full_matrices=False).Vh ** 2,
    "svd, full": lambda linalg, x: linalg.svd(x)[0][..., : min(x.shape[-2:])] ** 2,
    "qr": lambda linalg, x: linalg.qr(x).Q @ linalg.qr(x).R,
    "qr, Q alone": lambda linalg, x: linalg.qr(x).Q ** 2,
    "qr, R alone": lambda linalg, x: linalg.qr(x).R ** 2,
    "qr, complete": lambda linalg, x: linalg.qr(x[..., :3, :], "complete").R ** 2,
}
SYMMETRIC: dict[str, Callable[[Any, Any], Any]] = {
    "eigh": lambda linalg, x: rebuilt(linalg.eigh(x)[1], linalg.eigh(x)[0] ** 2, linalg.eigh(x)[1].mT),
    "eigh, upper": lambda linalg, x: linalg.eigh(x, UPLO="U").eigenvectors ** 2,
    "eigh, values": lambda linalg, x: linalg.eigh(x).eigenvalues,
}
CASES = [(n, f, m) for n, f in INVARIANTS.items() for m in MATRICES.values()]
CASES += [(n, f, m + m.swapaxes(-1, -2)) for n, f in SYMMETRIC.items() for m in SQUARE.values()]


@pytest.mark.parametrize(("name", "function", "matrix"), CASES, ids=[f"{c[0]}, {c[2].shape}" for c in CASES])
def test_what_signs_do_not_touch(name: str, function: Callable[[Any, Any], Any], matrix: Any) -> None:
    """Value, graph, gradient and second gradient."""

    def compute(side: Side) -> Any:
        x = side.tensor(matrix, True)
        result = function(side.module.linalg, x)
        seed = np.random.default_rng(1).uniform(-1, 1, tuple(result.shape))
        grad = side.module.autograd.grad
        (plain,) = grad(result, x, side.tensor(seed), retain_graph=True)
        (first,) = grad(result, x, side.tensor(seed), create_graph=True)
        (second,) = grad((first * first).sum(), x)
        return graph(result), [as_array(t) for t in (result, plain, first, second)]

    theirs, ours = outcomes(compute)
    assert theirs.error is None, theirs.error
    if ours.error is not None:
        raise ours.error
    assert ours.value[0] == theirs.value[0]
    for a, b in zip(theirs.value[1], ours.value[1], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9)  # another LAPACK; gaps between singular values divide


FACTORS = {
    "svd": lambda linalg, x: linalg.svd(x),
    "svd, reduced": lambda linalg, x: linalg.svd(x, full_matrices=False),
    "qr": lambda linalg, x: linalg.qr(x),
    "qr, complete": lambda linalg, x: linalg.qr(x, mode="complete"),
    "qr, r": lambda linalg, x: linalg.qr(x, "r"),
    "eigh": lambda linalg, x: linalg.eigh(x[..., :3, :3]),
    "inv_ex": lambda linalg, x: linalg.inv_ex(x[..., :3, :3]),
}


@pytest.mark.parametrize("name", FACTORS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_factors(name: str, dtype: str) -> None:
    """Type and names, shapes, strides, dtypes and grad_fns of the results."""

    def described(side: Side, matrix: Any) -> Any:
        found = FACTORS[name](side.module.linalg, side.tensor(matrix.astype(dtype), True))
        return [
            (type(found).__name__, [field for field in dir(found) if field[0] not in "_cin"]),
            *[(tuple(t.shape), t.stride(), str(t.dtype), t.requires_grad, t.output_nr) for t in found],
        ]

    for matrix in MATRICES.values():
        assert described(OURS, matrix) == described(THEIRS, matrix)


@pytest.mark.parametrize(
    "name",
    ["inv", "det", "pinv", "cholesky", "svdvals", "eigvalsh", "matrix_norm", "cond", "matrix_rank", "matrix_power"],
)
def test_out(name: str) -> None:
    """`out=` of the right shape is written to; of another dtype, or where a gradient is due, it is refused."""
    matrix = (SQUARE["one"] @ SQUARE["one"].T + np.eye(3)).astype(np.float32)
    more = {"matrix_power": (2,), "matrix_norm": (2,)}.get(name, ())

    def into(side: Side, dtype: str) -> Any:
        function = getattr(side.module.linalg, name)
        plain = function(side.tensor(matrix), *more)
        out = side.tensor(np.zeros(tuple(plain.shape), dtype or as_array(plain).dtype))
        assert function(side.tensor(matrix), *more, out=out) is out
        return as_array(out).copy()

    theirs, ours = (into(side, "") for side in SIDES)
    assert_close(theirs, ours, 1000, of_largest=True)
    wrong, also_wrong = outcomes(lambda side: into(side, "int32"))
    assert (wrong.error is None) == (also_wrong.error is None)
    if wrong.error is not None and also_wrong.error is not None:
        assert_same_error(wrong.error, also_wrong.error)


def test_singular() -> None:
    """LinAlgError, and that the functions with `_ex` tell by `info`."""
    singular = np.array([[1, 2, 3], [2, 4, 6], [1, 0, 1]], np.float64)
    batch = np.stack([np.eye(3), singular, np.eye(3)])

    def attempts(side: Side) -> Any:
        linalg = side.module.linalg
        words = []
        for function in (linalg.inv, lambda x: linalg.solve(x, x), linalg.cholesky, side.module.inverse):
            for x in (singular, batch, -np.eye(2)[None] * 0):
                with pytest.raises(linalg.LinAlgError) as caught:
                    function(side.tensor(x))
                assert isinstance(caught.value, RuntimeError)
                words.append((type(caught.value).__name__, str(caught.value)))
        x = side.tensor(batch)
        infos = [linalg.inv_ex(x).info, linalg.solve_ex(x, x).info, linalg.cholesky_ex(x).info]
        return words, [i.tolist() for i in infos]

    assert attempts(OURS) == attempts(THEIRS)


def test_gradient_of_a_singular_determinant() -> None:
    """The cofactors, where backward is recorded."""

    def gradient(side: Side) -> Any:
        x = side.tensor(np.array([[1, 2, 3], [2, 4, 6], [1, 0, 1.0]]), True)
        (found,) = side.module.autograd.grad(side.module.det(x), x, create_graph=True)
        return as_array(found)

    np.testing.assert_allclose(gradient(OURS), gradient(THEIRS), atol=1e-12)


def test_what_has_no_gradient() -> None:
    """qr without Q, and complete with more rows than columns."""

    def attempt(side: Side, mode: str) -> Any:
        x = side.tensor(MATRICES["high"], True)
        return side.module.linalg.qr(x, mode).R.sum().backward()

    for mode in ("r", "complete"):
        theirs, ours = outcomes(lambda side: attempt(side, mode))  # noqa: B023
        assert theirs.error is not None
        assert ours.error is not None
        assert_same_error(theirs.error, ours.error)


def test_names() -> None:
    """What torch.linalg has and microtorch does not."""
    theirs = {n for n in dir(THEIRS.module.linalg) if not n.startswith("_")} - {"common_notes", "Tensor"}
    left_out = "eig eigvals householder_product ldl_factor ldl_factor_ex ldl_solve lu lu_factor lu_factor_ex lu_solve"
    assert theirs - set(dir(OURS.module.linalg)) == set(left_out.split())
    with pytest.raises(AttributeError, match=r"does not have torch\.linalg\.eig "):
        OURS.module.linalg.eig  # noqa: B018
