"""Hooks of modules on both sides."""

from __future__ import annotations

from typing import Any

import pytest
from nn_scripts import Script, Scripts, linear, name, said, tells_the_same, values
from sides import graph

script = Scripts()


@script
def forward_hooks(torch: Any) -> Any:
    log: list[Any] = []
    layer = linear(torch, 2, 1)
    x = values(torch, 3, 2)

    def pre(name: str, change: bool = False) -> Any:
        def hook(module: Any, args: Any) -> Any:
            log.append([name, module is layer, len(args)])
            return args[0] * 2 if change else None

        return hook

    def post(name: str, change: bool = False) -> Any:
        def hook(module: Any, args: Any, output: Any) -> Any:
            log.append([name, module is layer, args[0], output])
            return output + 1 if change else None

        return hook

    handles = [
        layer.register_forward_pre_hook(pre("pre 1")),
        layer.register_forward_pre_hook(pre("pre 2", change=True)),
        layer.register_forward_pre_hook(pre("pre 0"), prepend=True),
        layer.register_forward_hook(post("post 1", change=True)),
        layer.register_forward_hook(post("post 2")),
        layer.register_forward_hook(post("post 0"), prepend=True),
    ]
    results = [layer(x)]
    handles[1].remove()
    handles[3].remove()
    results.append(layer(x))
    for handle in handles:
        handle.remove()
    seen = [results, log, layer(x), len(log), len(layer._forward_hooks)]
    layer.register_forward_hook(post("post 3"))
    seen += [len(layer._forward_hooks), len(layer._forward_pre_hooks), len(layer._backward_hooks)]
    layer._forward_hooks.clear()
    return [*seen, layer(x), len(log)]


@script
def forward_hooks_with_keywords(torch: Any) -> Any:
    nn = torch.nn
    log: list[Any] = []

    class Scale(nn.Module):
        def forward(self, x: Any, *, by: Any = 1) -> Any:
            return x * by

    net = Scale()

    def pre(module: Any, args: Any, kwargs: Any) -> Any:
        log.append(["pre", list(args), sorted(kwargs)])
        return args, {**kwargs, "by": kwargs.get("by", 1) + 1}

    def post(module: Any, args: Any, kwargs: Any, output: Any) -> Any:
        log.append(["post", list(args), sorted(kwargs), output])

    net.register_forward_pre_hook(pre, with_kwargs=True)
    net.register_forward_hook(post, with_kwargs=True)
    results = [net(values(torch, 2)), net(values(torch, 2), by=4), net(x=values(torch, 2))]
    net.register_forward_pre_hook(lambda m, a, k: a, with_kwargs=True)
    return [results, log, said(lambda: net(values(torch, 2)))]


@script
def forward_hooks_that_are_always_called(torch: Any) -> Any:
    nn = torch.nn
    log: list[Any] = []

    class Fails(nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("no")

    def hook(name: str, fails: bool = False) -> Any:
        def call(module: Any, args: Any, output: Any) -> Any:
            log.append([name, output])
            if fails:
                raise KeyError(name)
            return "result"

        return call

    net, fine = Fails(), nn.Identity()
    net.register_forward_hook(hook("never"))
    net.register_forward_hook(hook("always"), always_call=True)
    net.register_forward_hook(hook("silenced", fails=True), always_call=True)
    net.register_forward_hook(lambda m, a, k, o: log.append([sorted(k), o]), always_call=True, with_kwargs=True)
    fine.register_forward_hook(hook("ran"), always_call=True)
    fine.register_forward_hook(hook("fails", fails=True))
    fine.register_forward_hook(hook("after"), always_call=True)
    return [said(lambda: net(1)), said(lambda: fine(1)), log]


@script
def hooks_of_all_modules(torch: Any) -> Any:
    log: list[Any] = []
    place = torch.nn.modules.module
    net = torch.nn.Sequential(linear(torch, 2, 2), torch.nn.ReLU())
    kind = lambda m: type(m).__name__
    net[0].register_forward_hook(lambda m, a, o: log.append(["own", kind(m)]))
    handles = [
        place.register_module_forward_pre_hook(lambda m, a: log.append(["pre", kind(m)])),
        place.register_module_forward_hook(lambda m, a, o: log.append(["post", kind(m)])),
        place.register_module_forward_hook(lambda m, a, k, o: log.append(["kwargs", len(k)]), with_kwargs=True),
        place.register_module_full_backward_pre_hook(lambda m, g: log.append(["backward pre", kind(m)])),
        place.register_module_full_backward_hook(lambda m, i, o: log.append(["backward", kind(m), *o])),
    ]
    try:
        x = values(torch, 1, 2).requires_grad_()
        net(x).sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    count = len(log)
    net(x)
    return [log, len(log) - count, x.grad]


@script
def backward_hooks(torch: Any) -> Any:
    log: list[Any] = []
    layer = linear(torch, 2, 2)

    def hook(name: str, change: bool = False) -> Any:
        def call(module: Any, grad_input: Any, grad_output: Any) -> Any:
            log.append([name, module is layer, list(grad_input), list(grad_output)])
            return (grad_input[0] * 2,) if change else None

        return call

    def pre(name: str, change: bool = False) -> Any:
        def call(module: Any, grad_output: Any) -> Any:
            log.append([name, list(grad_output)])
            return (grad_output[0] * 3,) if change else None

        return call

    layer.register_full_backward_hook(hook("1"))
    layer.register_full_backward_hook(hook("2", change=True))
    layer.register_full_backward_hook(hook("0"), prepend=True)
    layer.register_full_backward_pre_hook(pre("pre 1", change=True))
    layer.register_full_backward_pre_hook(pre("pre 0"), prepend=True)
    x = values(torch, 3, 2).requires_grad_()
    output = layer(x * 1)
    seen = [graph(output), output]
    output.backward(torch.ones(3, 2))
    seen += [x.grad, layer.weight.grad, layer.bias.grad, log]
    still = layer(values(torch, 3, 2))  # no input requires a gradient
    return [*seen, said(lambda: still.sum().backward()), len(log)]


@script
def backward_hooks_of_modules_with_many_ends(torch: Any) -> Any:
    log: list[Any] = []

    class Two(torch.nn.Module):
        def forward(self, a: Any, text: str, b: Any) -> Any:
            return a * 2, text, b * 3, a.detach()

    two = Two()
    two.register_full_backward_hook(lambda m, i, o: log.append([list(i), list(o)]))
    a, b = values(torch, 2).requires_grad_(), values(torch, 2)
    first, text, second, third = two(a, "text", b)
    seen = [graph(first), text, second.requires_grad, third.requires_grad]
    first.sum().backward()
    seen += [a.grad, log]
    with torch.no_grad():
        seen += [two(a, "text", b)[0]]

    bad = torch.nn.Identity()
    bad.register_full_backward_hook(lambda m, i, o: (None, None))
    seen += [said(lambda: bad(a).sum().backward())]
    bad = torch.nn.Identity()
    bad.register_full_backward_pre_hook(lambda m, o: (None, None))
    seen += [said(lambda: bad(a).sum().backward())]
    bad = torch.nn.Identity()
    bad.register_full_backward_hook(lambda m, i, o: None)
    seen += [said(lambda: type(bad([a])).__name__), said(lambda: bad(3))]
    constant = Constant(torch)
    constant.register_full_backward_hook(lambda m, i, o: (torch.ones(1),))
    seen += [said(lambda: constant(values(torch, 2)).sum().backward())]
    return seen


@script
def backward_hooks_of_second_gradients(torch: Any) -> Any:
    """The second backward comes to the inputs without passing the outputs."""
    log: list[Any] = []

    class Square(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x**2

    square = Square()
    square.register_full_backward_pre_hook(lambda m, o: log.append(["pre", *o]))
    square.register_full_backward_hook(lambda m, i, o: log.append(["post", *i, *o]))
    x = values(torch, 2).requires_grad_()
    (first,) = torch.autograd.grad(square(x).sum(), x, create_graph=True)
    count = len(log)
    (first**2).sum().backward()
    return [first, x.grad, count, log]


def Constant(torch: Any) -> Any:
    class Constant(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(2))

        def forward(self, x: Any) -> Any:
            return self.weight * 2

    return Constant()


@pytest.mark.parametrize("script", script, ids=name)
def test_tells_the_same(script: Script) -> None:
    tells_the_same(script)
