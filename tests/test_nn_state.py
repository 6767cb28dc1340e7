"""Modules on both sides: converted, saved and loaded, copied and freed."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from nn_scripts import Script, Scripts, linear, name, network, plain, said, tells_the_same, values
from sides import SIDES

script = Scripts()

# -- conversion --------------------------------------------------------------------------------------------------------


@script
def conversion(torch: Any) -> Any:
    seen = []
    actions: list[Callable[[Any], Any]] = [
        lambda net: net.double(),
        lambda net: net.half(),
        lambda net: net.double().float(),
        lambda net: net.to(torch.float64),
        lambda net: net.to("cpu"),
        lambda net: net.to("cpu", torch.float64),
        lambda net: net.to(torch.device("cpu"), dtype=torch.float16),
        lambda net: net.to(dtype=torch.float64, non_blocking=True),
        lambda net: net.to(torch.ones(1, dtype=torch.float64)),
        lambda net: net.to(device=None),
        lambda net: net.type(torch.float64),
        lambda net: net.cpu(),
        lambda net: net.to_empty(device="cpu") and None,
        lambda net: net.to(torch.int64),
        lambda net: net.to(dtype=torch.bool),
        lambda net: net.cuda(),
        lambda net: net.to("cuda"),
        lambda net: net.to("nowhere"),
        lambda net: net.to([1]),
        lambda net: net.to(),
    ]
    for action in actions:
        net = network(torch)
        net.register_buffer("flag", torch.tensor([True]))
        net.scale.grad = torch.ones(3)
        parameter, gradient = net.scale, net.scale.grad
        result = said(lambda: action(net))  # noqa: B023
        if isinstance(result, str):
            result = result.split("got (")[0]  # the list of forms that follows is torch's parser's
        seen.append(
            [result if isinstance(result, str) else result is net, net.scale is parameter, net.scale.grad is gradient]
        )
        if result is not None:
            seen[-1] += [net.scale, net.scale.grad, net.mean, net.scratch, net.flag]
    return seen


# -- state -------------------------------------------------------------------------------------------------------------


@script
def state_dict(torch: Any) -> Any:
    net = network(torch)
    state, kept = net.state_dict(), net.state_dict(keep_vars=True)
    target: OrderedDict[str, Any] = OrderedDict(first=1)
    state["scale"].mul_(2)
    return [
        [[k, v] for k, v in state.items()],
        [type(state).__name__, plain(state._metadata)],
        [state["scale"].data_ptr() == net.scale.data_ptr(), type(kept["scale"]).__name__, kept["scale"] is net.scale],
        list(net.state_dict(prefix="a.")),
        net.state_dict(destination=target) is target,
        list(target),
        said(lambda: list(net.state_dict(OrderedDict(), "b.", True))),
        plain(net.state_dict()["inner.first.weight"]),
    ]


@script
def load_state_dict(torch: Any) -> Any:
    state = network(torch).double().state_dict()
    for value in state.values():
        value.mul_(-1)
    net = network(torch)
    weight = net.scale
    seen = [said(lambda: repr(net.load_state_dict(state))), net.scale, net.mean, net.scale is weight]
    assigned = network(torch)
    seen += [repr(assigned.load_state_dict(state, assign=True)), assigned.scale, assigned.mean]
    seen += [assigned.mean is state["mean"], assigned.scale is state["scale"], assigned.scale.requires_grad]

    def attempt(change: Callable[[Any], Any], **options: Any) -> Any:
        net, changed = network(torch), OrderedDict(state)
        changed._metadata = state._metadata  # type: ignore[attr-defined]
        change(changed)
        result = said(lambda: net.load_state_dict(changed, **options))
        return [plain(result), list(getattr(result, "missing_keys", [])), net.scale, net.inner.first.bias]

    def misshape(changed: Any) -> None:
        changed["scale"] = torch.ones(4)
        changed["inner.first.bias"] = torch.ones(3, 1)
        changed["layers.2.weight"] = [1.0]
        changed["mean"] = np.ones(3)

    def both(changed: Any) -> None:
        del changed["scale"], changed["inner.again.bias"]
        changed["what.is.this"] = changed["other"] = changed["inner.x"] = torch.ones(1)
        changed["scratch"] = torch.ones(2)
        misshape(changed)

    seen += [attempt(misshape), attempt(misshape, strict=False), attempt(both), attempt(both, strict=False)]
    seen += [
        attempt(lambda c: c.clear()),
        attempt(lambda c: c.clear(), strict=False),
        attempt(lambda c: None, assign=True),
    ]
    seen += [said(lambda: net.load_state_dict([1])), said(lambda: net.load_state_dict({"scale": 1}))]
    scalar = torch.nn.Module()
    scalar.x = torch.nn.Parameter(torch.tensor(1.0))
    return [*seen, repr(scalar.load_state_dict({"x": torch.tensor([5.0])})), scalar.x]


@script
def state_of_subclasses(torch: Any) -> Any:
    log: list[Any] = []

    class Versioned(torch.nn.Module):
        _version = 3

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))
            self.steps = 7

        def get_extra_state(self) -> Any:
            return {"steps": self.steps}

        def set_extra_state(self, state: Any) -> None:
            self.steps = state["steps"]

        def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any) -> None:
            log.append([prefix, sorted(local_metadata.items())])
            if local_metadata.get("version") is None:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "old")
            super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    net = torch.nn.Sequential(Versioned(), torch.nn.Tanh())
    state = net.state_dict()
    net[0].steps = 0
    seen = [[[k, v] for k, v in state.items()], plain(state._metadata), repr(net.load_state_dict(state)), net[0].steps]
    seen += [
        repr(net.load_state_dict({"0.old": torch.zeros(1), "0._extra_state": {"steps": 2}})),
        net[0].weight,
        net[0].steps,
    ]
    seen += [said(lambda: net.load_state_dict({"0.old": torch.zeros(1)}))]
    plain_net = torch.nn.Sequential(torch.nn.Tanh())
    seen += [said(lambda: plain_net.load_state_dict({"0._extra_state": 1})), said(plain_net.get_extra_state)]
    return [*seen, said(lambda: plain_net.set_extra_state(1)), log]


@script
def state_hooks(torch: Any) -> Any:
    log: list[Any] = []
    net = torch.nn.Sequential(linear(torch, 1, 1), torch.nn.Sequential(linear(torch, 1, 1)))

    def post(module: Any, state: Any, prefix: str, metadata: Any) -> None:
        log.append(["post", type(module).__name__, list(state), prefix, sorted(metadata)])
        state[prefix + "added"] = 1

    def load_pre(module: Any, state: Any, prefix: str, metadata: Any, strict: bool, *lists: Any) -> None:
        log.append(["load pre", type(module).__name__, prefix, strict, [list(x) for x in lists]])
        state.pop(prefix + "added", None)

    def load_post(module: Any, keys: Any) -> None:
        log.append(["load post", type(module).__name__, plain(keys)])
        keys.missing_keys.clear()

    net[1].register_state_dict_post_hook(post)
    net[1].register_state_dict_pre_hook(lambda m, p, k: log.append(["pre", type(m).__name__, p, k]))
    net._register_state_dict_hook(lambda m, s, p, d: OrderedDict(s, more=2))
    net[1].register_load_state_dict_pre_hook(load_pre)
    net[1]._register_load_state_dict_pre_hook(lambda state, *rest: log.append(["private", len(rest)]))
    net[1].register_load_state_dict_post_hook(load_post)
    state = net.state_dict()
    seen = [list(state), said(lambda: net._register_state_dict_hook(post))]
    del state["more"], state["1.0.bias"]
    twin = copy.deepcopy(net)  # its hooks get the copy, not the original
    seen += [repr(net.load_state_dict(state)), repr(twin.load_state_dict(state))]
    net[1].register_state_dict_post_hook(lambda *a: 1)
    seen += [said(net.state_dict)]
    net[0].register_load_state_dict_post_hook(lambda *a: 1)
    return [*seen, said(lambda: net.load_state_dict(state)), log]


# -- copies ------------------------------------------------------------------------------------------------------------


@script
def copies(torch: Any) -> Any:
    net = network(torch)
    net(values(torch, 4, 2)).sum().backward()
    deep = copy.deepcopy(net)
    net.scale.data.zero_()
    seen = [deep(values(torch, 4, 2)), [p.grad for p in deep.parameters()], deep.inner.first is deep.inner.again]
    seen += [[[k, v] for k, v in deep.state_dict().items()], deep.training, plain(deep) == plain(net)]
    shallow = copy.copy(net)
    seen += [shallow.scale is net.scale, shallow.inner is net.inner, [n for n, _ in shallow.named_parameters()]]
    layers = torch.nn.Sequential(OrderedDict(a=linear(torch, 2, 2), b=torch.nn.Tanh())).eval()
    layers.register_buffer("b1", torch.ones(2), persistent=False)
    file = io.BytesIO(pickle.dumps(layers))
    sent = pickle.load(file)
    seen += [sent.a(values(torch, 1, 2)), plain(sent), sent.training, list(sent.state_dict()), sent.b1]
    sent.c = torch.nn.ReLU()
    return [*seen, list(sent._modules), list(layers._modules)]


def test_modules_are_freed_at_once() -> None:
    gc.disable()
    try:
        for side in SIDES:
            net = network(side.module)
            net.register_forward_hook(lambda *a: None)
            net(values(side.module, 1, 2))
            gone = [weakref.ref(net), weakref.ref(net.scale), weakref.ref(net.inner)]
            del net
            assert [ref() for ref in gone] == [None] * 3
    finally:
        gc.enable()


@pytest.mark.parametrize("script", script, ids=name)
def test_tells_the_same(script: Script) -> None:
    tells_the_same(script)
