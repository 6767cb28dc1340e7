"""What the graph holds and when it lets go, how long it may be, and several threads at work on it."""

from __future__ import annotations

import gc
import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import microtorch as t
from microtorch import Tensor

References = dict[str, "weakref.ref[Any]"]


class Cube(t.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = x * x * x
        ctx.save_for_backward(x, y)
        ctx.note = [1, 2, 3]
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        x, _ = ctx.saved_tensors
        return 3 * g * x * x


class Double_(t.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return 2 * g


def leaf() -> Tensor:
    return t.tensor([1.0, 2.0, 4.0], requires_grad=True)


def watch(*tensors: Tensor) -> References:
    """References to tensors, their arrays, and all the nodes that made them."""
    found: References = {}
    stack = [tensor.grad_fn for tensor in tensors]
    for i, tensor in enumerate(tensors):
        found[f"tensor {i}"] = weakref.ref(tensor)
        found[f"array {i}"] = weakref.ref(tensor._array)
    while stack:
        node = stack.pop()
        if node is not None and type(node).__name__ != "AccumulateGrad":
            found[f"{node.name()} {id(node)}"] = weakref.ref(node)
            stack += [following for following, _ in node.next_functions]
    return found


# -- a graph that nobody holds is gone at once -------------------------------------------------------------------------


def never_run() -> References:
    y = (leaf() * 2).sum()
    return watch(y)


def run_once() -> References:
    y = (leaf() * 2).sum()
    y.backward()
    return watch(y)


def run_and_retained() -> References:
    y = (leaf().reciprocal() * 2).sum()
    y.backward(retain_graph=True)
    return watch(y)


def run_in_vain() -> References:
    y = leaf().relu().sum()
    y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.backward()
    return watch(y)


def saves_outputs() -> References:
    x = leaf()
    y = x.reciprocal()
    z = y.relu()
    return watch(y, z, (y * z).sqrt())


def saves_itself() -> References:
    x = leaf() * 1
    return watch(x * x)


def retains_gradients() -> References:
    y = leaf() * 2
    z = y * 3
    y.retain_grad()
    z.retain_grad()
    z.sum().backward()
    return watch(y, z)


def has_hooks() -> References:
    x = leaf()
    y = x.relu()
    x.register_hook(lambda g: g * 2)
    y.register_hook(lambda g: None)
    assert y.grad_fn is not None
    y.grad_fn.register_hook(lambda a, b: None)
    y.grad_fn.register_prehook(lambda a: None)
    x.register_post_accumulate_grad_hook(lambda v: None)
    z = y.sum()
    z.backward()
    return watch(y, z)


def views_and_bases() -> References:
    y = leaf() * 2
    v = y[1:]
    w = v.unsqueeze(0)
    return watch(y, v, w)


def changed_in_place() -> References:
    y = leaf() * 2
    y.mul_(y.detach().clone())
    y.relu_()
    y += 1
    return watch(y)


def changed_through_views() -> References:
    y = leaf() * 2
    v = y[1:]
    v.retain_grad()
    y.retain_grad()
    v.mul_(3)
    y[:1].add_(1)
    v.neg_()
    (v.sum() + y.sum()).backward()
    return watch(y, v)


def assigned() -> References:
    y = t.zeros(4)
    x = leaf()
    for i in range(3):
        y[i] = x[i] * x[i]
    return watch(y)


def custom_function() -> References:
    y = Cube.apply(leaf())
    z = Cube.apply(y)
    return watch(y, z)


def custom_function_after_backward() -> References:
    y = Cube.apply(leaf())
    y.sum().backward()
    return watch(y)


def custom_function_in_place() -> References:
    y = leaf() * 1
    Double_.apply(y)
    z = leaf() * 1
    v = z[1:]
    Double_.apply(v)
    return watch(y, z, v)


def twice_differentiable() -> References:
    x = leaf()
    y = Cube.apply(x).sum()
    (g,) = t.autograd.grad(y, x, create_graph=True)
    (h,) = t.autograd.grad(g.sum(), x, create_graph=True)
    return watch(y, g, h)


def several_outputs() -> References:
    x = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    a, b = (x * 2).unbind(0)
    values, _ = (x * 3).max(0)
    return watch(a, b, values)


def joined() -> References:
    parts = [leaf() * i for i in range(3)]
    return watch(t.stack(parts), t.cat(parts))


def unpacked_by_hand() -> References:
    y = leaf().reciprocal()
    result = y.grad_fn._saved_result  # type: ignore[union-attr]
    return watch(y, result)


DROPPED: list[Callable[[], References]] = [
    never_run,
    run_once,
    run_and_retained,
    run_in_vain,
    saves_outputs,
    saves_itself,
    retains_gradients,
    has_hooks,
    views_and_bases,
    changed_in_place,
    changed_through_views,
    assigned,
    custom_function,
    custom_function_after_backward,
    custom_function_in_place,
    twice_differentiable,
    several_outputs,
    joined,
    unpacked_by_hand,
]


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("build", DROPPED, ids=lambda build: build.__name__)
@pytest.mark.usefixtures("no_garbage_collection")
def test_a_dropped_graph_is_freed(build: Callable[[], References]) -> None:
    references = build()
    assert len(references) > 2
    assert [name for name, reference in references.items() if reference() is not None] == []


# -- what backward lets go ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize("retain", [False, True])
def test_saved_tensors_are_released_by_backward(retain: bool) -> None:
    x = leaf()
    intermediate = x * 2
    array = weakref.ref(intermediate._array)
    y = (intermediate * intermediate).sum()
    del intermediate
    assert array() is not None
    y.backward(retain_graph=retain)
    assert (array() is not None) is retain


@pytest.mark.usefixtures("no_garbage_collection")
def test_gradients_on_the_way_are_not_kept() -> None:
    x, seen = leaf(), []
    y = x * 2
    y.register_hook(lambda g: seen.append(weakref.ref(g._array)))
    (y * y).sum().backward()
    assert [reference() for reference in seen] == [None]


@pytest.mark.usefixtures("no_garbage_collection")
def test_the_gradient_of_a_dead_tensor_is_not_kept() -> None:
    x = leaf()
    y = x * 2
    y.retain_grad()
    z = (y * 3).sum()
    reference = weakref.ref(y)
    del y
    assert reference() is None
    z.backward()
    assert x.grad is not None


@pytest.mark.usefixtures("no_garbage_collection")
def test_a_leaf_holds_no_node() -> None:
    x = leaf()
    x.register_hook(lambda g: None)
    y = x * 2
    assert y.grad_fn is not None
    accumulate = weakref.ref(y.grad_fn.next_functions[0][0])
    assert accumulate() is not None
    del y
    assert accumulate() is None


# -- a long graph ------------------------------------------------------------------------------------------------------


def in_place(x: Tensor) -> Tensor:
    return x.mul_(1.0)


def through_a_view(x: Tensor) -> Tensor:
    x[:1].add_(1.0)
    return x


class Same(t.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * 1

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        return g


LINKS: list[tuple[str, Callable[[Tensor], Tensor], int]] = [
    ("add", lambda x: x + 1.0, 200_000),
    ("saves inputs", lambda x: x * x.detach(), 20_000),
    ("saves outputs", lambda x: x.relu(), 20_000),
    ("view", lambda x: x.view(2), 20_000),
    ("in place", in_place, 20_000),
    ("through a view", through_a_view, 4_000),
    ("function", Same.apply, 10_000),
]


@pytest.mark.parametrize(("link", "length"), [row[1:] for row in LINKS], ids=[row[0] for row in LINKS])
def test_a_long_chain_needs_no_deep_stack(link: Callable[[Tensor], Tensor], length: int) -> None:
    """Neither Python's stack nor, when the graph is freed, C's: in a thread that has little of it."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            x = t.tensor([1.0, 1.0], requires_grad=True)
            y = x * 1.0
            for _ in range(length):
                y = link(y)
            (g,) = t.autograd.grad(y.sum(), x, retain_graph=True)
            assert g.tolist() == [1.0, 1.0]
            y.sum().backward()
            assert x.grad is not None
            del y
        except BaseException as error:
            failures.append(error)

    limit, size = sys.getrecursionlimit(), threading.stack_size(512 * 1024)
    try:
        sys.setrecursionlimit(len(inspect.stack()) + 80)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    assert failures == []


# -- several threads ---------------------------------------------------------------------------------------------------


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_threads(number: int, work: Callable[[int], None]) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(number)

    def guarded(i: int) -> None:
        try:
            start.wait()
            work(i)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.usefixtures("hasty_threads")
def test_threads_lose_no_gradient() -> None:
    """Leaves are shared and fresh each time, so that the first gradients of all threads meet, too."""
    for _ in range(20):
        shared = [t.ones(200_000, requires_grad=True) for _ in range(3)]

        def work(i: int, shared: list[Tensor] = shared) -> None:
            for _ in range(10):
                a, b, c = shared
                (a * 2 + b + a * b.detach() + c * (i + 1)).sum().backward()

        in_threads(4, work)
        a, b, c = [leaf.grad for leaf in shared]
        assert a is not None
        assert b is not None
        assert c is not None
        assert (a == 3 * 40).all()
        assert (b == 40).all()
        assert (c == 10 * (1 + 2 + 3 + 4)).all()


@pytest.mark.usefixtures("hasty_threads")
def test_threads_share_a_graph() -> None:
    x = t.ones(100, requires_grad=True)
    y = x * 2
    z = (y * y).sum()
    in_threads(4, lambda i: [z.backward(retain_graph=True) for _ in range(50)] and None)
    assert x.grad is not None
    assert (x.grad == 8 * 200).all()


@pytest.mark.usefixtures("hasty_threads")
def test_threads_have_their_own_mode() -> None:
    def work(i: int) -> None:
        for _ in range(200):
            with t.set_grad_enabled(i % 2 == 0):
                assert (leaf() * 2).requires_grad is (i % 2 == 0)
                assert t.is_grad_enabled() is (i % 2 == 0)
            with t.inference_mode(i % 2 == 1):
                assert leaf().is_inference() is (i % 2 == 1)

    in_threads(4, work)
