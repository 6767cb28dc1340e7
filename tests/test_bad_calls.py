"""Bad calls beyond single operations: the same error in the same words as torch's, and nothing is changed by it.

(Those of the operations are in the column `bad` of their rows.) Each is made in a little world of its own.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from alike import plain
from sides import SIDES, Outcome, Side, assert_same_error


class World:
    """A model that has taken a step, tensors in all sorts of places in graphs, data."""

    def __init__(self, side: Side) -> None:
        self.t = t = side.module
        t.manual_seed(1)
        self.x = t.tensor([1.0, 2.0, 3.0], requires_grad=True)
        self.y = self.x * 2
        self.view = self.x[1:]
        self.z = t.ones(2, 3)
        self.freed = (self.x * self.x).sum()
        self.freed.backward()
        self.saved = self.y.exp()
        self.whole = t.arange(3)
        self.net = t.nn.Sequential(t.nn.Linear(3, 2), t.nn.ReLU())
        self.sgd = t.optim.SGD(self.net.parameters(), lr=0.1, momentum=0.9)
        self.net(self.z).sum().backward()
        self.sgd.step()
        self.data = t.utils.data.TensorDataset(t.arange(6.0).reshape(3, 2), t.arange(3))
        self.frozen = t.nn.Parameter(t.ones(2), requires_grad=False)

    def state(self) -> dict[str, Any]:
        """All that a bad call might change."""
        tensors = {name: getattr(self, name) for name in ("x", "y", "view", "z", "saved", "whole", "frozen")}
        found = {name: [t.detach(), t._version, t.requires_grad, t.is_leaf] for name, t in tensors.items()}
        found |= {
            "gradients": [self.x.grad, [p.grad for p in self.net.parameters()]],
            "net": [str(self.net), self.net.state_dict(), self.net.training],
            "sgd": self.sgd.state_dict(),
            "modes": [self.t.get_rng_state(), self.t.is_grad_enabled(), self.t.get_default_dtype()],
        }
        return {name: plain(value) for name, value in found.items()}


def function(w: World, forward: Callable[..., Any], backward: Callable[..., Any]) -> Any:
    """A custom Function."""
    return type(
        "Mine", (w.t.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    )


BAD: list[Callable[[World], Any]] = [
    # backward
    lambda w: w.y.backward(),
    lambda w: w.z.backward(),
    lambda w: w.z.sum().backward(),
    lambda w: w.freed.backward(),
    lambda w: w.y.backward(w.t.ones(2)),
    lambda w: w.y.backward(w.t.ones(3, 1)),
    lambda w: w.y.backward("x"),
    lambda w: w.y.sum().backward(inputs=[]),
    lambda w: w.y.sum().backward(inputs=[w.z]),
    lambda w: w.y.sum().backward(inputs="x"),
    lambda w: w.t.autograd.backward(w.y),
    lambda w: w.t.autograd.backward([w.y], [None]),
    lambda w: w.t.autograd.grad(w.y, w.x),
    lambda w: w.t.autograd.grad(w.y.sum(), w.z),
    lambda w: w.t.autograd.grad(w.y.sum(), [w.x, w.net[0].weight]),
    lambda w: w.t.autograd.grad(w.y.sum(), []),
    lambda w: w.t.autograd.grad(w.z.sum(), w.x),
    lambda w: w.t.autograd.grad(w.freed, w.x),
    lambda w: w.t.autograd.grad(w.y, w.x, w.t.ones(4)),
    lambda w: w.t.autograd.grad(w.y.sum(), w.frozen, allow_unused=True),
    # leaves, views, versions
    lambda w: w.x.add_(1),
    lambda w: w.view.mul_(2),
    lambda w: w.x.zero_(),
    lambda w: w.x.__setitem__(0, 1.0),
    lambda w: w.view.fill_(3),
    lambda w: w.y.requires_grad_(False),
    lambda w: w.whole.requires_grad_(),
    lambda w: setattr(w.y, "requires_grad", False),
    lambda w: setattr(w.whole, "requires_grad", True),
    lambda w: setattr(w.x, "grad", w.t.ones(2)),
    lambda w: setattr(w.x, "grad", w.t.ones(3, dtype=w.t.float64)),
    lambda w: setattr(w.x, "grad", 3),
    lambda w: setattr(w.x, "data", 3),
    lambda w: w.z.retain_grad(),
    lambda w: w.z.register_hook(print),
    lambda w: w.y.register_post_accumulate_grad_hook(print),
    lambda w: w.view.detach_(),
    lambda w: w.x.unbind()[0].add_(1),
    lambda w: w.x.expand(2, 3).add_(1),
    lambda w: w.z.expand(2, 2, 3).add_(w.z),
    lambda w: w.x.numpy(),
    lambda w: w.x.item(),
    lambda w: w.z.item(),
    lambda w: float(w.x),
    lambda w: bool(w.x),
    lambda w: int(w.z),
    lambda w: [1, 2][w.x],
    lambda w: range(w.x.sum()),
    lambda w: list(w.t.tensor(1.0)),
    lambda w: len(w.t.tensor(1.0)),
    lambda w: w.t.tensor(1.0)[0],
    lambda w: w.x[3],
    lambda w: w.x[0, 0],
    lambda w: w.x["a"],
    lambda w: w.x[1.5],
    lambda w: w.x[::-1],
    lambda w: w.x[[0, 3]],
    lambda w: w.x[w.t.tensor([True, False])],
    lambda w: w.z.__setitem__(5, 0),
    lambda w: w.z.__setitem__(0, w.t.ones(4)),
    lambda w: w.z.__setitem__(w.z > 0, w.t.ones(5)),
    lambda w: w.x + "a",
    lambda w: w.x + None,
    lambda w: w.x + w.t.ones(2),
    lambda w: w.x @ w.z,
    lambda w: w.x & w.x,
    lambda w: ~w.x,
    lambda w: w.x == "a" or w.x < "a",
    lambda w: w.x.inexistent,
    lambda w: w.x(),
    lambda w: hash([w.x]),
    lambda w: w.x.view(2, 2),
    lambda w: w.z.t().view(6),
    lambda w: w.z.reshape(-1, -1),
    lambda w: w.t.cat([w.z, w.x]),
    lambda w: w.t.stack([w.z, w.x]),
    lambda w: w.t.tensor([[1.0], [1.0, 2.0]]),
    lambda w: w.t.tensor("x"),
    lambda w: w.t.tensor([1, "x"]),
    lambda w: w.t.tensor([1.5], dtype=w.t.int64, requires_grad=True),
    lambda w: w.t.zeros(2, -1),
    lambda w: w.t.zeros("a"),
    lambda w: w.t.ones(2, dtype="float32"),
    lambda w: w.t.arange(3, 1),
    lambda w: w.t.arange(1, 3, 0),
    lambda w: w.t.manual_seed("x"),
    lambda w: w.t.randint(3, 3, (2,)),
    lambda w: w.t.randperm(-1),
    lambda w: w.t.normal(0.0, -1.0, (2,)),
    lambda w: w.t.bernoulli(w.t.tensor([2.0])),
    lambda w: w.t.multinomial(w.t.tensor([-1.0, 2.0]), 1),
    lambda w: w.t.set_default_dtype(w.t.int32),
    lambda w: w.t.set_default_dtype("float32"),
    lambda w: w.t.set_rng_state(w.z),
    lambda w: w.t.set_grad_enabled("x"),
    # layers
    lambda w: w.net(w.t.ones(4)),
    lambda w: w.net(w.whole),
    lambda w: w.net("x"),
    lambda w: w.net(),
    lambda w: w.net.load_state_dict({}),
    lambda w: w.net.load_state_dict({"0.weight": w.t.ones(2, 3), "0.bias": w.t.ones(3)}),
    lambda w: w.net.load_state_dict({**w.net.state_dict(), "more": w.x}),
    lambda w: w.net.load_state_dict(3),
    lambda w: w.net[2],
    lambda w: w.net["0"],
    lambda w: w.net.nowhere,
    lambda w: w.net.get_parameter("0.nothing"),
    lambda w: w.net.get_submodule("5"),
    lambda w: w.net.register_parameter("a.b", None),
    lambda w: w.net.register_parameter("p", w.x.detach()),
    lambda w: w.net.register_parameter("p", w.y),
    lambda w: w.net.register_buffer("", w.z),
    lambda w: w.net.register_buffer("b", 3),
    lambda w: w.net.add_module("m", 3),
    lambda w: setattr(w.net[0], "weight", w.z),
    lambda w: setattr(w.net[0], "weight", 3),
    lambda w: w.net.append(3),
    lambda w: w.net.insert(9, w.t.nn.ReLU()),
    lambda w: w.net.train("x"),
    lambda w: w.net.to(3),
    lambda w: w.net.to(w.t.int64),
    lambda w: w.t.nn.Linear(3, -1),
    lambda w: w.t.nn.Linear("a", 2),
    lambda w: w.t.nn.Linear(3),
    lambda w: w.t.nn.Linear(3, 2, dtype=w.t.int64),
    lambda w: w.t.nn.Sequential(3),
    lambda w: w.t.nn.ModuleList([3]),
    lambda w: w.t.nn.ModuleDict({"a.b": w.t.nn.ReLU()}),
    lambda w: w.t.nn.Parameter(w.whole),
    lambda w: w.t.nn.Parameter("x"),
    lambda w: w.t.nn.Dropout(2),
    lambda w: w.t.nn.MSELoss(reduction="x")(w.x, w.x),
    lambda w: w.t.nn.HuberLoss(delta=-1)(w.x, w.x),
    lambda w: w.t.nn.Module()(w.x),
    lambda w: w.t.nn.utils.clip_grad_norm_(w.net.parameters(), "x"),
    # optimizers
    lambda w: w.t.optim.SGD([], lr=0.1),
    lambda w: w.t.optim.SGD(w.x, lr=0.1),
    lambda w: w.t.optim.SGD([w.y], lr=0.1),
    lambda w: w.t.optim.SGD([3], lr=0.1),
    lambda w: w.t.optim.SGD([w.x], lr=-1),
    lambda w: w.t.optim.SGD([w.x], lr=0.1, momentum=-1),
    lambda w: w.t.optim.SGD([w.x], lr=0.1, nesterov=True),
    lambda w: w.t.optim.SGD([w.x], lr=0.1, weight_decay=-1),
    lambda w: w.t.optim.SGD([w.x], lr=0.1, unknown=1),
    lambda w: w.t.optim.SGD([{"params": [w.x]}, {"params": [w.x]}], lr=0.1),
    lambda w: w.t.optim.SGD([{"lr": 0.1}], lr=0.1),
    lambda w: w.t.optim.RMSprop([w.x], alpha=-1),
    lambda w: w.t.optim.RMSprop([w.x], eps=-1),
    lambda w: w.sgd.add_param_group({"params": w.net[0].weight}),
    lambda w: w.sgd.add_param_group([w.x]),
    lambda w: w.sgd.add_param_group({"params": [w.y]}),
    lambda w: w.sgd.load_state_dict({}),
    lambda w: w.sgd.load_state_dict({"state": {}, "param_groups": []}),
    lambda w: w.sgd.load_state_dict({"state": {}, "param_groups": [{"params": [0]}]}),
    lambda w: w.sgd.step(3),
    # data
    lambda w: w.t.utils.data.TensorDataset(w.x, w.z),
    lambda w: w.data[3],
    lambda w: w.t.utils.data.DataLoader(w.data, batch_size=0),
    lambda w: w.t.utils.data.DataLoader(w.data, batch_size=-1),
    lambda w: w.t.utils.data.DataLoader(w.data, shuffle=True, sampler=[0, 1]),
    lambda w: w.t.utils.data.DataLoader(w.data, batch_size=None, drop_last=True),
    lambda w: w.t.utils.data.DataLoader(w.data, num_workers=-1),
    lambda w: w.t.utils.data.RandomSampler(w.data, num_samples=0),
    lambda w: w.t.utils.data.RandomSampler(w.data, replacement=3),
    lambda w: w.t.utils.data.random_split(w.data, [1, 1]),
    lambda w: w.t.utils.data.random_split(w.data, [0.5, 0.7]),
    lambda w: w.t.utils.data.WeightedRandomSampler([1.0], 0),
    lambda w: list(w.t.utils.data.DataLoader([1, "a"], batch_size=2)),
    lambda w: list(w.t.utils.data.DataLoader([w.x.detach(), w.z], batch_size=2)),
    lambda w: list(w.t.utils.data.DataLoader([object()])),
    # custom functions
    lambda w: function(w, lambda ctx, x: x * 2, lambda ctx, g: (g, g)).apply(w.x).sum().backward(),
    lambda w: function(w, lambda ctx, x: x * 2, lambda ctx, g: g[:2]).apply(w.x).sum().backward(),
    lambda w: function(w, lambda ctx, x: x * 2, lambda ctx, g: "x").apply(w.x).sum().backward(),
    lambda w: function(w, lambda ctx, x: 3 / 0, lambda ctx, g: g).apply(w.x),
    lambda w: function(w, lambda ctx, x: ctx.save_for_backward(3), lambda ctx, g: g).apply(w.x),
    lambda w: function(w, lambda ctx, x: ctx.mark_dirty(3), lambda ctx, g: g).apply(w.x),
    lambda w: function(w, lambda ctx, x: x.clone(), lambda ctx, g: g)()(w.x),
    lambda w: w.t.autograd.Function.apply(w.x),
    # files
    lambda w: w.t.load("no such file"),
    # what is no tensor in its place
    lambda w: w.t.nn.ReLU()(np.ones(2)),
    lambda w: w.t.nn.ReLU(inplace=True)([1.0]),
    lambda w: w.t.nn.Sigmoid()(None),
    lambda w: w.t.nn.Tanh()(1.0),
    lambda w: w.t.nn.Dropout()([1.0]),
    lambda w: w.t.nn.Dropout(inplace=True).eval()([1.0]),
    lambda w: w.t.nn.functional.relu(None),
    lambda w: w.t.nn.functional.relu_(np.ones(2)),
    lambda w: w.t.nn.functional.dropout([1.0], 0.0),
    lambda w: w.t.dropout([1.0], 2.0, True),
    lambda w: w.t.nn.Bilinear(2, 2, 2)(w.t.ones(2, 2), [1.0]),
    lambda w: w.t.nn.functional.bilinear(None, w.z, w.z),
    lambda w: w.t.allclose(w.z, 1.0),
    lambda w: w.t.isclose(1.0, w.z),
    lambda w: w.t.isclose(w.z, None),
    lambda w: w.t.equal(1.0, w.z),
    lambda w: w.z.allclose(1),
    lambda w: w.z.isclose(1),
    # an index beyond the end
    lambda w: w.z.index_select(0, w.t.tensor([3])),
    lambda w: w.z.index_select(1, w.t.tensor([0, -1, 7])),
    lambda w: w.z.t().index_select(-1, w.t.tensor(3, dtype=w.t.int32)),
    lambda w: w.t.ones(2, 3, 4).index_select(1, w.t.tensor([3])),
    lambda w: w.t.ones(2, 3, 4).index_select(2, w.t.tensor([4])),
    # tensors among numbers
    lambda w: w.t.tensor([w.t.tensor([1, 2])]),
    lambda w: w.t.tensor([w.t.tensor([1.0, 2.0])]),
    lambda w: w.t.tensor([[1, w.t.tensor([True, False])]]),
    lambda w: w.t.tensor([w.t.tensor(1.5)], dtype=w.t.int64),
    lambda w: w.t.tensor([w.t.tensor([1.5])], dtype=w.t.bool),
    # bounds and rates of random numbers
    lambda w: w.z.uniform_("a"),
    lambda w: w.z.uniform_(0, w.whole),
    lambda w: w.z.normal_(None),
    lambda w: w.z.normal_(w.x[0]),
    lambda w: w.z.normal_(0, "a"),
    lambda w: w.z.exponential_("a"),
    lambda w: w.z.cauchy_(0, [1]),
    lambda w: w.z.log_normal_("a"),
    lambda w: w.z.geometric_("a"),
    lambda w: w.z.bernoulli_("a"),
    lambda w: w.z.random_("a"),
    lambda w: w.z.random_(0.5),
    lambda w: w.z.random_(2, 5.0),
    # a size twice
    lambda w: w.t.zeros(2, size=(3,)),
    lambda w: w.t.ones((2,), size=(3,)),
    lambda w: w.t.empty(2, 3, size=(3,)),
    lambda w: w.t.rand(2, size=(3,)),
    lambda w: w.t.randn(2, 3, size=(3,)),
    lambda w: w.z.new_ones(2, size=(3,)),
    # devices
    *(
        lambda w, name=name: w.t.device(name)
        for name in (
            "float32",
            "float",
            "cpu1",
            "cpu_0",
            "32",
            "a b",
            ":0",
            "foo:",
            "foo:0",
            "cpu:01",
            "cpu:x",
            "Ä",
            "foo:0:1",
        )
    ),
    lambda w: w.t.device("cpu:0", 1),
    lambda w: w.t.device("cpu32:0", 1),
    lambda w: w.z.to("float32"),
    lambda w: w.t.ones(2, device="float32"),
]

# Where torch has the words of C for attributes and methods, and ours are Python's; or no words at all.
IN_OTHER_WORDS: list[Callable[[World], Any]] = [
    lambda w: w.t.load(io.BytesIO(b"")),
    lambda w: setattr(w.x, "shape", (3, 1)),
    lambda w: setattr(w.x, "_version", 3),
    lambda w: w.x.tolist(1),
]


@pytest.mark.parametrize("bad", BAD + IN_OTHER_WORDS, ids=lambda bad: f"line {bad.__code__.co_firstlineno}")
def test_refused_and_nothing_changed(bad: Callable[[World], Any]) -> None:
    worlds = [World(side) for side in SIDES]
    before = [world.state() for world in worlds]
    theirs, ours = (Outcome(lambda w=w: bad(w)) for w in worlds)  # type: ignore[misc]
    assert theirs.error is not None, f"torch accepts it: {theirs.value!r}"
    assert ours.error is not None, f"microtorch does not fail, torch: {theirs.error!r}"
    for error in (theirs.error, ours.error):
        error.args = tuple(plain(a) if isinstance(a, str) else a for a in error.args)
    if bad in IN_OTHER_WORDS:
        assert type(ours.error) is type(theirs.error)
    else:
        assert_same_error(theirs.error, ours.error)
    assert ours.warnings == theirs.warnings
    changed = [
        [name for name, value in world.state().items() if value != old[name]]
        for world, old in zip(worlds, before, strict=True)
    ]
    assert changed[1] == changed[0]
