"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict on both sides."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest
from nn_scripts import Script, Scripts, name, plain, said, tells_the_same, values

script = Scripts()


@script
def sequential(torch: Any) -> Any:
    nn = torch.nn
    make = lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False))
    net = make()
    named = nn.Sequential(OrderedDict([("first", nn.Tanh()), ("second", nn.Sigmoid())]))
    seen: list[Any] = [plain(m) for m in (net, named, nn.Sequential(), net[1], net[-1], net[0:2], net[::-1], named[:1])]
    seen += [len(net), [type(m).__name__ for m in net], plain(named.first), net.append(nn.Tanh()) is net, plain(net)]
    net[1] = nn.Tanh()
    net[-1] = nn.Identity()
    seen += [plain(net), said(lambda: net.__setitem__(9, nn.Tanh())), said(lambda: net.__setitem__(0, 3))]
    del net[0]
    seen += [plain(net), list(net._modules)]
    del net[::2]
    seen += [plain(net), plain(make() + named), plain(make().extend([nn.Tanh(), nn.ReLU()]))]
    seen += [
        plain(make().insert(1, nn.Tanh())),
        plain(make().insert(-1, nn.Tanh())),
        plain(make().insert(3, nn.Tanh())),
    ]
    longer = make()
    longer += named
    seen += [plain(longer), plain(longer.pop(1)), plain(longer.pop(slice(0, 2))), plain(longer)]
    doubled = named * 2
    tripled = 2 * nn.Sequential(nn.Tanh())
    tripled *= 2
    seen += [plain(doubled), plain(tripled), doubled[0] is doubled[2]]
    errors: list[Callable[[], Any]] = [
        lambda: make()[3],
        lambda: make()[-4],
        lambda: make()["x"],
        lambda: make()[0.5],
        lambda: make() + [nn.Tanh()],
        lambda: make().__iadd__(3),
        lambda: make() * 0,
        lambda: make() * 1.5,
        lambda: make().__imul__("a"),
        lambda: make().__imul__(-1),
        lambda: make().insert(4, nn.Tanh()),
        lambda: make().insert(0, 3),
        lambda: make().append(3),
        lambda: nn.Sequential(nn.Tanh(), "x"),
        lambda: nn.Sequential([nn.Tanh()]),
        lambda: nn.Sequential(OrderedDict([("a.b", nn.Tanh())])),
        lambda: nn.Sequential(nn.Tanh())(),
        lambda: nn.Sequential()(3),
        lambda: nn.Sequential(nn.Tanh())(1, 2),
    ]
    return [*seen, *map(said, errors)]


@script
def module_list(torch: Any) -> Any:
    nn = torch.nn
    make = lambda: nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU()])
    some = make()
    seen: list[Any] = [plain(some), plain(nn.ModuleList()), plain(some[0]), plain(some[-1]), plain(some[1:]), len(some)]
    some.insert(0, nn.Tanh())
    some.append(nn.Tanh()).extend(nn.Sequential(nn.ReLU(), nn.ReLU()))
    seen += [plain(some), [type(m).__name__ for m in some], list(some._modules), nn.Tanh() in some, some[0] in some]
    some[0] = nn.Sigmoid()
    del some[1]
    del some[-2:]
    some += [nn.Identity()]
    seen += [
        plain(some),
        plain(some + [nn.Tanh()]),
        plain(some.pop(0)),
        plain(some),
        [n for n, _ in some.named_parameters()],
    ]
    seen += [plain(nn.ModuleList([nn.Sequential(nn.Tanh(), nn.ReLU())] * 3)), plain(nn.Sequential(make()))]
    errors: list[Callable[[], Any]] = [
        lambda: make()[3],
        lambda: make()["x"],
        lambda: make()(3),
        lambda: make().extend(3),
        lambda: make().append(3),
        lambda: nn.ModuleList(3),
        lambda: make().__setitem__(7, nn.Tanh()),
        lambda: make().__delitem__(7),
    ]
    return [*seen, *map(said, errors)]


@script
def module_dict(torch: Any) -> Any:
    nn = torch.nn
    named = nn.ModuleDict({"b": nn.Tanh(), "a": nn.ReLU()})
    seen: list[Any] = [plain(named), plain(nn.ModuleDict()), len(named), list(named), "a" in named, plain(named["a"])]
    named["c"] = nn.Linear(1, 1)
    named.update([("d", nn.Tanh()), ["a", nn.Sigmoid()]])
    named.update(nn.ModuleDict({"e": nn.Identity()}))
    seen += [
        plain(named),
        list(named.keys()),
        [k for k, _ in named.items()],
        [type(m).__name__ for m in named.values()],
    ]
    seen += [plain(named.pop("b")), list(named), [n for n, _ in named.named_parameters()]]
    del named["a"]
    seen += [list(named), named.clear(), len(named)]
    errors: list[Callable[[], Any]] = [
        lambda: named["z"],
        lambda: named.pop("z"),
        lambda: named.__setitem__("x", 3),
        lambda: named.__setitem__("type", nn.Tanh()),
        lambda: named.__setitem__("a.b", nn.Tanh()),
        lambda: named.__setitem__(3, nn.Tanh()),
        lambda: named.update(3),
        lambda: named.update([3]),
        lambda: named.update([(1, 2, 3)]),
        lambda: named(3),
        lambda: nn.ModuleDict([("x", nn.Tanh())]) and None,
    ]
    return [*seen, *map(said, errors)]


@script
def parameter_list(torch: Any) -> Any:
    nn = torch.nn
    some = nn.ParameterList([nn.Parameter(values(torch, 2)), values(torch, 2, 3), 5])
    seen: list[Any] = [
        plain(some),
        len(some),
        [n for n, _ in some.named_parameters()],
        some[1],
        some[-1],
        plain(some[:2]),
    ]
    some[0] = values(torch, 1)
    some.append(torch.tensor(2.0)).extend([nn.Parameter(values(torch, 3))])
    some += [values(torch, 4)]
    seen += [plain(some), list(some.state_dict()), [type(p).__name__ for p in some], plain(nn.ParameterList())]
    other = nn.ParameterList(nn.Parameter(values(torch, i)) for i in (1, 2))
    seen += [list(other.parameters()), "0" in dir(other)]
    errors: list[Callable[[], Any]] = [
        lambda: some[9],
        lambda: some(3),
        lambda: some.extend(3),
        lambda: some.extend(torch.ones(2)),
        lambda: nn.ParameterList(3),
        lambda: some.__setitem__(9, torch.ones(1)),
        lambda: some.append(torch.tensor([1])),
    ]
    return [*seen, *map(said, errors)]


@script
def parameter_dict(torch: Any) -> Any:
    nn = torch.nn
    named = nn.ParameterDict({"b": nn.Parameter(values(torch, 2)), "a": values(torch, 2, 3), "c": 5})
    seen: list[Any] = [
        plain(named),
        len(named),
        list(named),
        "a" in named,
        named["a"],
        [n for n, _ in named.named_parameters()],
    ]
    named["d"] = torch.ones(1)
    named.update([("e", torch.zeros(1)), ["a", values(torch, 1)]])
    seen += [plain(named), list(named.state_dict()), list(reversed(named)), named.get("z"), named.get("e")]
    seen += [
        named.pop("e"),
        named.popitem(),
        named.setdefault("f", torch.ones(2)),
        plain(named.copy()),
        list(named.keys()),
    ]
    seen += [
        plain(named | nn.ParameterDict({"x": torch.ones(1)})),
        plain(named.fromkeys(["p", "q"], 1)),
        list(named.values()),
    ]
    named |= nn.ParameterDict({"y": torch.ones(1)})
    del named["y"]
    seen += [plain(named), [k for k, _ in named.items()], named.clear(), plain(named)]
    errors: list[Callable[[], Any]] = [
        lambda: named["z"],
        lambda: named(3),
        lambda: named.update(3),
        lambda: named.update([3]),
        lambda: named.update([(1, 2, 3)]),
        lambda: named.popitem(),
        lambda: named.__getitem__(3),
    ]
    return [*seen, *map(said, errors)]


@pytest.mark.parametrize("script", script, ids=name)
def test_tells_the_same(script: Script) -> None:
    tells_the_same(script)
