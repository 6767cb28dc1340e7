"""Parameters, buffers and modules on both sides: how they are registered, found, changed and printed."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections import OrderedDict
from typing import Any

import pytest
from nn_scripts import Script, Scripts, linear, name, network, plain, said, tells_the_same, values

import microtorch

script = Scripts()

# -- parameters and buffers --------------------------------------------------------------------------------------------


@script
def parameter(torch: Any) -> Any:
    nn = torch.nn
    data = values(torch, 2, 3)
    made = nn.Parameter(data)
    data.add_(1)
    transposed = nn.Parameter(values(torch, 2, 3).t())
    transposed.grad = transposed.detach() * 2
    transposed.note = "kept"
    deep, shallow, sent = copy.deepcopy(transposed), copy.copy(transposed), pickle.loads(pickle.dumps(transposed))
    known = {id(transposed): "memo"}
    product = values(torch, 3).requires_grad_() * 2
    return [
        [repr(made), made._version, data._version, made.is_leaf, made._is_view(), made.data_ptr() == data.data_ptr()],
        [repr(nn.Parameter(made, requires_grad=False)), repr(nn.Parameter()), repr([nn.Parameter(product)])],
        [repr(nn.Parameter(torch.tensor([1, 2]), requires_grad=False)), repr(made[0]), str(made.data)],
        [type(t).__name__ for t in (made.data, made.detach(), made.clone(), made + 0, made.requires_grad_(False))],
        [deep, deep.grad is None, hasattr(deep, "note"), type(deep).__name__, deep.data_ptr() == transposed.data_ptr()],
        [shallow, shallow.grad is None, shallow.note, shallow.data_ptr() == transposed.data_ptr()],
        [sent, sent.note, type(sent).__name__, copy.deepcopy(transposed, known)],
        [isinstance(made, torch.Tensor), isinstance(made, nn.Parameter), isinstance(data, nn.Parameter)],
        said(lambda: nn.Parameter(torch.tensor([1, 2]))),
        said(lambda: nn.Parameter([1.0])),
        said(lambda: nn.Parameter(2.0)),
        said(lambda: nn.Parameter(data, None)),
        said(lambda: f"{nn.Parameter(torch.tensor(2.0))}"),
        said(lambda: f"{nn.Parameter(torch.tensor(2.0)):.3f}"),
        nn.parameter.Parameter is nn.Parameter,
    ]


@script
def parameter_in_modes(torch: Any) -> Any:
    with torch.no_grad():
        made = torch.nn.Parameter(torch.ones(1))
    with torch.inference_mode():
        inferred = torch.nn.Parameter(torch.ones(1))
    return [made.requires_grad, made.is_leaf, inferred.requires_grad, inferred.is_inference()]


@script
def buffer(torch: Any) -> Any:
    nn = torch.nn
    made = nn.Buffer(torch.ones(2), persistent=False)
    module = nn.Module()
    module.kept = nn.Buffer(torch.zeros(1))
    module.dropped = made
    module.register_buffer("late", None)
    seen = [[name for name, _ in module.named_buffers()], list(module.state_dict())]
    module.late = torch.ones(3)
    module.dropped = torch.ones(4)  # remains what it was: not persistent
    return [
        [
            repr(made),
            isinstance(made, nn.Buffer),
            isinstance(torch.ones(1), nn.Buffer),
            made.persistent,
            repr(nn.Buffer()),
        ],
        [seen, list(module.state_dict()), [n for n, _ in module.named_buffers()]],
        said(lambda: setattr(module, "kept", 3)),
        said(lambda: setattr(module, "kept", None)),
        [n for n, _ in module.named_buffers()],
        said(lambda: delattr(module, "dropped")),
        said(lambda: module.dropped),
        [n for n, _ in module.named_buffers()],
    ]


# -- members -----------------------------------------------------------------------------------------------------------


@script
def members(torch: Any) -> Any:
    net = network(torch)
    return [
        [[n, p] for n, p in net.named_parameters()],
        [n for n, _ in net.named_parameters(prefix="net", recurse=False)],
        [n for n, _ in net.named_parameters(remove_duplicate=False)],
        [[n, b] for n, b in net.named_buffers("net")],
        [[n, type(m).__name__] for n, m in net.named_modules()],
        [n for n, _ in net.named_modules(prefix="net", remove_duplicate=False)],
        [n for n, _ in net.inner.named_children()],
        [type(m).__name__ for m in net.children()],
        [type(m).__name__ for m in net.modules()],
        [len(list(net.parameters())), len(list(net.parameters(recurse=False))), len(list(net.buffers()))],
        [type(net.parameters()).__name__, type(net.named_modules()).__name__],
        [list(net._parameters), list(net._buffers), list(net._modules), net._parameters["absent"], net.absent],
        [net.inner.nothing, net.inner.empty, net.inner.first is net.inner.again, net._non_persistent_buffers_set],
        said(lambda: net.missing),
        hasattr(net, "missing"),
        [name in dir(net) for name in ("scale", "mean", "inner", "forward", "training", "absent", "missing")],
        [name in dir(net.layers) for name in ("0", "forward")],
    ]


@script
def paths(torch: Any) -> Any:
    net = network(torch)
    net.set_submodule("inner.again", torch.nn.Identity())
    net.set_submodule("extra", torch.nn.Tanh())
    return [
        plain(net.get_submodule("layers.2")),
        net.get_submodule("") is net,
        net.get_parameter("inner.first.weight"),
        net.get_buffer("mean"),
        said(lambda: net.get_submodule("inner.third")),
        said(lambda: net.get_submodule("scale")),
        said(lambda: net.get_parameter("inner.first")),
        said(lambda: net.get_parameter("inner.nowhere")),
        said(lambda: net.get_buffer("scale")),
        said(lambda: net.get_buffer("nowhere")),
        [plain(net.inner), plain(net.extra)],
        said(lambda: net.set_submodule("", torch.nn.Tanh())),
        said(lambda: net.set_submodule("a.b", torch.nn.Tanh())),
        said(lambda: net.set_submodule("scale", torch.nn.Tanh())),
        said(lambda: net.set_submodule("fresh", torch.nn.Tanh(), strict=True)),
        said(lambda: net.set_submodule("inner", 3)),
    ]


@script
def registration_errors(torch: Any) -> Any:
    nn = torch.nn

    class Early(nn.Module):
        def __init__(self, what: str) -> None:
            self.fine = 3
            if what == "register_buffer":
                self.register_buffer("x", None)
            elif what == "register_parameter":
                self.register_parameter("x", None)
            elif what == "call":
                self(1)
            elif what == "parameters":
                list(self.parameters())
            else:
                self.x = {"parameter": lambda: nn.Parameter(torch.ones(1)), "module": nn.Identity}[what]()

        def forward(self, x: Any) -> Any:
            return x

    net = network(torch)
    product = torch.nn.Parameter(torch.ones(1))
    other = product * 2
    other.__class__ = type(other)
    actions = {
        "early": [
            lambda w=w: Early(w)
            for w in ["parameter", "module", "register_buffer", "register_parameter", "call", "parameters"]
        ],
        "init": [lambda: nn.Module(3), lambda: nn.Module(a=3), lambda: nn.Identity(3, a=4).training],
        "parameter": [
            lambda: setattr(net, "scale", torch.ones(3)),
            lambda: setattr(net, "scale", "text"),
            lambda: setattr(net, "absent", nn.Linear(1, 1)),
            lambda: net.register_parameter("a.b", None),
            lambda: net.register_parameter("", None),
            lambda: net.register_parameter(3, None),
            lambda: net.register_parameter("forward", product),
            lambda: net.register_parameter("inner", product),
            lambda: net.register_parameter("x", torch.ones(1)),
            lambda: net.register_parameter("x", "text"),
            lambda: setattr(net, "training_", product),
            lambda: setattr(net, "eval", product),
        ],
        "module": [
            lambda: setattr(net, "inner", torch.ones(3)),
            lambda: setattr(net, "inner", product.dtype),
            lambda: net.add_module("a.b", None),
            lambda: net.add_module("", None),
            lambda: net.add_module(3, None),
            lambda: net.add_module("forward", nn.Tanh()),
            lambda: net.add_module("scale", nn.Tanh()),
            lambda: net.add_module("x", torch.ones(1)),
            lambda: net.add_module("x", nn.Tanh),
            lambda: net.register_module("y", nn.Tanh()),
        ],
        "buffer": [
            lambda: net.register_buffer("a.b", None),
            lambda: net.register_buffer("", None),
            lambda: net.register_buffer(3, None),
            lambda: net.register_buffer("scale", None),
            lambda: net.register_buffer("x", [1]),
            lambda: setattr(net, "mean", nn.Tanh),
        ],
        "missing": [lambda: net(), lambda: nn.Module()(3), lambda: delattr(net, "nowhere"), lambda: net.train("yes")],
    }
    seen = [[kind, [said(action) for action in attempts]] for kind, attempts in actions.items()]
    return [seen, list(net._parameters), list(net._buffers), list(net._modules)]


@script
def members_change_their_kind(torch: Any) -> Any:
    nn = torch.nn
    net = nn.Module()
    seen: list[Any] = []

    def look() -> None:
        kinds = [list(net._parameters), list(net._buffers), list(net._modules), "thing" in vars(net)]
        seen.append([*kinds[:3], plain(getattr(net, "thing", "gone")), list(net.state_dict())])
        seen.append(sorted(net._non_persistent_buffers_set))

    for value in (
        3,
        nn.Parameter(torch.ones(1)),
        nn.Parameter(torch.zeros(2)),
        None,
        nn.Parameter(torch.ones(1)),
    ):
        net.thing = value
        net.other = nn.Parameter(torch.ones(1))
        look()
    for value in (nn.Tanh(), nn.ReLU(), None, nn.Tanh(), nn.Parameter(torch.ones(1)), nn.Buffer(torch.ones(2))):
        seen.append(said(lambda: setattr(net, "thing", value)))  # noqa: B023
        look()
    del net.thing
    look()
    net.register_buffer("thing", torch.ones(1), persistent=False)
    look()
    net.thing = nn.Parameter(torch.ones(1))
    look()
    del net.thing
    net.thing = "plain"
    look()
    del net.thing
    look()
    return seen_without_vars(seen)


def seen_without_vars(seen: list[Any]) -> list[Any]:
    """Where members are kept in `vars(module)` is the libraries' own affair."""
    return [[part for part in line if not isinstance(part, bool)] if isinstance(line, list) else line for line in seen]


@script
def members_changed_directly(torch: Any) -> Any:
    nn = torch.nn
    net = nn.Module()
    net._parameters["weight"] = nn.Parameter(torch.ones(2))
    net._modules["child"] = nn.Tanh()
    net._buffers["count"] = torch.zeros(1)
    seen = [plain(net), net.weight, net.count, plain(net.child), list(net.state_dict())]
    seen += [net._parameters.get("x"), "weight" in net._parameters, len(net._modules), plain(net._modules)]
    seen += [plain(net._parameters), plain(net._parameters.copy()), [*reversed(net._parameters)]]
    taken = net._parameters.pop("weight")
    seen += [taken, hasattr(net, "weight"), said(lambda: net._parameters["weight"])]
    del net._modules["child"]
    net.child = 3
    net.weight = taken.detach()  # a plain attribute now
    layers = nn.Sequential(nn.Tanh(), nn.ReLU())
    layers._modules = OrderedDict((name + name, layer) for name, layer in layers._modules.items())
    seen += [plain(layers), plain(getattr(layers, "11")), hasattr(layers, "1")]
    return [*seen, net.child, net.weight, list(net.parameters()), list(net.children())]


def test_a_member_is_of_one_kind() -> None:
    """Entered directly under a name that another kind has, a member replaces it; torch would keep both."""
    net = microtorch.nn.Module()
    net._parameters["thing"] = microtorch.nn.Parameter(microtorch.ones(1))
    net._modules["thing"] = microtorch.nn.Tanh()
    assert [*net._parameters, *net._modules] == ["thing"]
    assert type(net.thing) is microtorch.nn.Tanh


@script
def class_attributes_hide_members(torch: Any) -> Any:
    nn = torch.nn

    class Net(nn.Module):
        child = None

        def __init__(self) -> None:
            super().__init__()
            self.child = nn.Tanh()
            self.half = nn.ReLU()

        @property
        def derived(self) -> str:
            return "computed"

    net = Net()
    seen = [net.child, [n for n, _ in net.named_children()], plain(net), callable(net.half), type(net.half).__name__]
    net.derived = nn.Tanh()
    seen += [
        net.derived,
        plain(net._modules["derived"]),
        said(lambda: setattr(net, "child", nn.Parameter(torch.ones(1)))),
    ]
    del net.half
    return [*seen, list(net._modules), type(net.half).__name__]


@script
def wrappers_that_look_further(torch: Any) -> Any:
    nn = torch.nn

    class Wrapper(nn.Module):
        def __init__(self, inside: Any) -> None:
            super().__init__()
            self.inside = inside

        def __getattr__(self, name: str) -> Any:
            return getattr(super().__getattr__("inside"), name) if name != "inside" else super().__getattr__(name)

    net = Wrapper(linear(torch, 2, 1))
    return [net.weight, net.in_features, said(lambda: net.nowhere), [n for n, _ in net.named_parameters()]]


@script
def apply_and_modes(torch: Any) -> Any:
    net = network(torch)
    order: list[str] = []
    returned = net.apply(lambda m: order.append(type(m).__name__))
    seen = [order, returned is net, net.training]
    seen += [
        net.eval() is net,
        [m.training for m in net.modules()],
        net.train() is net,
        all(m.training for m in net.modules()),
    ]
    net.inner.eval()
    seen += [[m.training for m in net.modules()]]
    net.requires_grad_(False)
    seen += [[p.requires_grad for p in net.parameters()], net.requires_grad_() is net]
    net(values(torch, 4, 2)).sum().backward()
    gradients = [p.grad for p in net.parameters()]
    net.zero_grad(set_to_none=False)
    seen += [gradients, [p.grad is g for p, g in zip(net.parameters(), gradients, strict=True)]]
    net.scale.grad = (net.scale * 2).sum().reshape(1).expand(3)
    net.zero_grad(set_to_none=False) if False else net.zero_grad()
    return [*seen, [p.grad for p in net.parameters()]]


@script
def zero_grad_of_recorded_gradients(torch: Any) -> Any:
    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(values(torch, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (module.weight**2).sum().backward(create_graph=True)
    gradient = module.weight.grad
    module.zero_grad(set_to_none=False)
    return [module.weight.grad is gradient, gradient, gradient.grad_fn, gradient.requires_grad]


# -- as text -----------------------------------------------------------------------------------------------------------


@script
def texts(torch: Any) -> Any:
    nn = torch.nn

    class Note(nn.Module):
        def __init__(self, text: str, child: Any = None) -> None:
            super().__init__()
            self.text = text
            if child is not None:
                self.child = child
            self.empty = None

        def extra_repr(self) -> str:
            return self.text

    class Named(nn.Module):
        def _get_name(self) -> str:
            return "Other"

    modules = [
        network(torch),
        Note(""),
        Note("one line"),
        Note("one line", nn.Tanh()),
        Note("two\nlines"),
        Note("two\nlines", Note("three\n\nmore", nn.Sequential(nn.Tanh()))),
        nn.ModuleList([Note("two\nlines"), Note("two\nlines"), Note("a\n\nb")]),
        nn.Sequential(nn.Sequential(nn.Sequential())),
        Named(),
        nn.ModuleDict({"x": nn.ModuleList([nn.Linear(1, 2)] * 2)}),
    ]
    with_none = nn.Module()
    with_none.add_module("none", None)
    return [repr(m) for m in (*modules, with_none)] + [str(modules[0]), f"{modules[2]}"]


@pytest.mark.parametrize("script", script, ids=name)
def test_tells_the_same(script: Script) -> None:
    tells_the_same(script)
