"""Rows for new tensors, copies in another dtype, and values written into memory that exists."""

from __future__ import annotations

from rows import Row, T, call

FILLED = [
    Row("zeros", [lambda d: call(2, 3), lambda d: call((2, 3), dtype=T("int64")), lambda d: call([])], once=[lambda d: call(2, requires_grad=True)], bad=[lambda d: call(-1), lambda d: call(2.5), lambda d: call(2, dtype=T("int64"), requires_grad=True)]),
    Row("ones", [lambda d: call(2, 3), lambda d: call((2, 0), dtype=T("bool")), lambda d: call(())], bad=[lambda d: call(2, -1), lambda d: call("a")]),
    Row("full", [lambda d: call((2, 3), 2.5), lambda d: call((2,), 2), lambda d: call((), True), lambda d: call((2,), 2.7, dtype=T("int32"))], bad=[lambda d: call(2, 3), lambda d: call((2,), "a"), lambda d: call((2,), 300, dtype=T("uint8")), lambda d: call((2, -1), 1)]),
    Row("eye", [lambda d: call(3), lambda d: call(2, 3), lambda d: call(0), lambda d: call(2, dtype=T("bool"))], bad=[lambda d: call(-1), lambda d: call(2.5)]),
    Row("arange", [lambda d: call(5), lambda d: call(1, 8, 3), lambda d: call(0.5, 9, 0.1), lambda d: call(5, 0, -2, dtype=T("float64"))], bad=[lambda d: call(0, 5, 0), lambda d: call(5, 0), lambda d: call("a")]),
    Row("linspace", [lambda d: call(-1, 1, 7), lambda d: call(0, 10, 4, dtype=T("int64")), lambda d: call(3, -2.5, 41, dtype=T("float64"))], bad=[lambda d: call(0, 1, -1)]),
    Row("logspace", [lambda d: call(-1, 2, 7), lambda d: call(0, 3, 4, 2.0)], ulp=2, reason="the power is the C library's there and numpy's here", bad=[lambda d: call(0, 1, -1)]),
    Row("tril_indices", [lambda d: call(3, 4), lambda d: call(3, 4, -1, dtype=T("int32"))]),
    Row("triu_indices", [lambda d: call(3, 4), lambda d: call(3, 4, offset=1)]),
    Row("scalar_tensor", [lambda d: call(3), lambda d: call(2.5, dtype=T("float64")), lambda d: call(True)], bad=[lambda d: call("a")]),
    Row("tensor", [lambda d: call([1, 2]), lambda d: call([[1.5], [2]]), lambda d: call(True), lambda d: call([[]])], once=[lambda d: call([1, 2.5], requires_grad=True)], bad=[lambda d: call([[1], [2, 3]]), lambda d: call("a"), lambda d: call(None)]),
    Row("as_tensor", [lambda d: call(d(2, 3)), lambda d: call(d(2, 3), dtype=T("float64")), lambda d: call([1, 2.5])]),
    Row("asarray", [lambda d: call(d(2, 3), copy=True), lambda d: call(d(2, 3), dtype=T("float64")), lambda d: call([1, 2.5])], bad=[lambda d: call([1], copy=False)]),
]  # fmt: skip

LIKE = [
    Row("zeros_like", [lambda d: call(d(2, 3)), lambda d: call(d(2, 3, 2), dtype=T("int64"))], once=[lambda d: call(d(2), requires_grad=True), lambda d: call(d(2, 3), memory_format=T("contiguous_format"))], bad=[lambda d: call(3)]),
    Row("ones_like", [lambda d: call(d(2, 3)), lambda d: call(d(2, 3, 2), dtype=T("float64"))], bad=[lambda d: call(3)]),
    Row("full_like", [lambda d: call(d(2, 3), 1), lambda d: call(d(2, 3, 2), 2.5, dtype=T("float16"))], bad=[lambda d: call(d(2), "a"), lambda d: call(d(2), 1e300)]),
    Row("new_zeros", [lambda d: call(d(2), 2, 3), lambda d: call(d(2), (2,), dtype=T("int8"))], bad=[lambda d: call(d(2), -1), lambda d: call(d(2), "a")]),
    Row("new_ones", [lambda d: call(d(2), (2, 3)), lambda d: call(d(2), 0)]),
    Row("new_full", [lambda d: call(d(2), (2, 3), 1), lambda d: call(d(2), (), 2, dtype=T("float64"))], bad=[lambda d: call(d(2), 2, 1)]),
    Row("new_tensor", [lambda d: call(d(2), [0, 1]), lambda d: call(d(2), 1, dtype=T("int64"))]),
]  # fmt: skip

CONVERTED = [
    *(Row(name, [lambda d: call(d(2, 3)), lambda d: call(d(2, 3, 2))], once=[lambda d: call(d.special())], forms="method") for name in ["float", "double", "half", "int", "long", "short", "char", "byte", "bool"]),
    Row("to", [lambda d: call(d(2, 3), T("float64")), lambda d: call(d(2, 3), T("int32")), lambda d: call(d(2, 3), d(1)), lambda d: call(d(2, 3), dtype=T("float16"), copy=True)], once=[lambda d: call(d(2), "cpu"), lambda d: call(d(2), T("float32"), memory_format=T("contiguous_format"))], bad=[lambda d: call(d(2), "cuda"), lambda d: call(d(2), [1]), lambda d: call(d(2), "nowhere")]),
    Row("type", [lambda d: call(d(2, 3)), lambda d: call(d(2, 3), T("float64")), lambda d: call(d(2, 3), "torch.LongTensor")], bad=[lambda d: call(d(2), "LongTensor"), lambda d: call(d(2), 3)]),
    Row("type_as", [lambda d: call(d(2, 3), d(1)), lambda d: call(d(2, 3), d.typed("int64", 1))], bad=[lambda d: call(d(2), 3)]),
    Row("cpu", [lambda d: call(d(2, 3))], forms="method", lacks="function", reason="torch.cpu is a module"),
    Row("fill", [lambda d: call(d(2, 3), 1), lambda d: call(d(2, 3), d())], once=[lambda d: call(d(2), 2.5)], bad=[lambda d: call(d(2), d(2)), lambda d: call(d(2), "a"), lambda d: call(d(2), 1e300)], layouts=("transposed", "sliced")),
    Row("fill_", [lambda d: call(d(2, 3), 1), lambda d: call(d(2, 3), d())], bad=[lambda d: call(d(2), d(2)), lambda d: call(d(2), [1])]),
    Row("zero_", [lambda d: call(d(2, 3)), lambda d: call(d())]),
    Row("copy_", [lambda d: call(d(2, 3), d(2, 3)), lambda d: call(d(2, 3), d(3)), lambda d: call(d(2, 3), d(1, 1))], once=[lambda d: call(d(2), 2.5), lambda d: call(d(2, 3), d.typed("float64", 2, 3)), lambda d: call(d(2), d.typed("int64", 2))], bad=[lambda d: call(d(2, 3), d(2)), lambda d: call(d(2), d(3, 2)), lambda d: call(d(2), "a")]),
    Row("detach_", [lambda d: call(d(2, 3))]),
    Row("resize_", [lambda d: call(d(2, 3), 3, 2), lambda d: call(d(2, 3), (4,)), lambda d: call(d(2), ())], layouts=("transposed",)),
    Row("resize_as_", [lambda d: call(d(2, 3), d(4))], layouts=("transposed",)),
]  # fmt: skip

ROWS = [*FILLED, *LIKE, *CONVERTED]
