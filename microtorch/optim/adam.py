"""Adam: gradient descent along a moving average of the gradients, in which every weight has its own pace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from .arithmetic import zero_dimensional
from .counted import Counted, Kept, check_betas, check_signs
from .optimizer import Params, check_fused, check_learning_rate


def update(do: Any, options: Sequence[Any], now: Any, g: Any, x: Any, m: Any, v: Any, largest: Any) -> Any:
    """Step t = `now` for the parameter x with gradient g, exp_avg m, exp_avg_sq v and max_exp_avg_sq `largest`.

    g ← g + weight_decay·x                     decoupled: x ← x − lr·weight_decay·x
    m ← beta1·m + (1 − beta1)·g
    v ← beta2·v + (1 − beta2)·g²               amsgrad: v's largest value so far takes its place below
    s ← √v/√(1 − beta2ᵗ) + eps
    x ← x − lr/(1 − beta1ᵗ)·m/s
    """
    lr, beta1, beta2, eps, weight_decay, decoupled, maximize, differentiable = options
    if maximize:
        g = do.neg(g)
    if weight_decay != 0:
        if decoupled:
            x = do.mul_(x, 1 - lr * weight_decay)
        elif differentiable and learned(weight_decay):
            g = do.addcmul_(g, x.clone(), weight_decay)
        else:
            g = do.add(g, x, alpha=weight_decay)
    m = do.lerp_(m, g, 1 - (beta1.to(x.dtype) if isinstance(beta1, Tensor) else beta1))
    if differentiable and learned(beta2):
        v = do.lerp_(v, g.square(), 1 - beta2)
    else:
        v = do.addcmul_(do.mul_(v, beta2), g, g, value=1 - beta2)
    variance = v
    if largest is not None:
        largest = variance = do.copy_(largest, do.maximum(do.clone(largest), v))
    if differentiable:  # then t is a tensor, and the quotients are taken in torch's other order
        first, second = (1 - beta ** (now.clone() if learned(beta) else now) for beta in (beta1, beta2))
        negative = (lr / first).neg()
        s = do.add(do.sqrt(variance) / (second.sqrt() * negative), eps / negative)
        x = do.addcdiv_(x, m.clone(), s)
    else:
        s = do.add(do.div(do.sqrt(variance), (1 - beta2**now) ** 0.5), eps)
        x = do.addcdiv_(x, m, s, value=-(lr / (1 - beta1**now)))
    return x, m, v, largest


def learned(option: Any) -> bool:
    """Whether an option has a gradient."""
    return isinstance(option, Tensor) and option.requires_grad


class Adam(Counted):
    """Adam, or with `amsgrad` AMSGrad, with weight decay in the gradient or decoupled from it; see `update`.

    `lr` and both `betas` may be tensors of one element. `maximize` ascends. With `differentiable`, the steps are recorded
    by autograd, for parameters that are no leaves. `foreach` and `fused` choose between implementations in torch; here
    there is one. `capturable` is for GPUs: a step refuses it.
    """

    update = staticmethod(update)
    OLDER = {
        "amsgrad": False,
        "maximize": False,
        "foreach": None,
        "capturable": False,
        "differentiable": False,
        "decoupled_weight_decay": False,
        "fused": None,
    }

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        by_loop = foreach and not capturable
        if isinstance(lr, Tensor) and by_loop:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_learning_rate(lr)
        check_signs({"learning rate": lr, "epsilon value": eps})
        check_betas(betas)
        check_signs({"weight_decay value": weight_decay})
        if not any(all(isinstance(beta, kind) for beta in betas[:2]) for kind in (float, Tensor)):
            raise ValueError("betas must be either both floats or both Tensors")
        for index, beta in enumerate(betas[:2]):
            if isinstance(beta, Tensor) and by_loop:
                raise ValueError(f"betas[{index}] as a Tensor is not supported for capturable=False and foreach=True")
            if isinstance(beta, Tensor) and beta.numel() != 1:
                raise ValueError(f"Tensor betas[{index}] must be 1-element")
        options = {
            "lr": lr,
            "betas": tuple(map(zero_dimensional, betas)),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, options)
        check_fused(fused, foreach, differentiable)

    def _options(self, group: dict[str, Any]) -> Sequence[Any]:
        beta1, beta2 = group["betas"]
        of_g = group["lr"], beta1, beta2, group["eps"], group["weight_decay"], group["decoupled_weight_decay"]
        return *of_g, group["maximize"], group["differentiable"]

    def _kept(self, group: dict[str, Any]) -> Kept:
        decays = bool(group["decoupled_weight_decay"] and group["weight_decay"] != 0)
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq" if group["amsgrad"] else None), (1 + decays, 1, 2, 1)

    def _now(self, t: float, state: dict[str, Any], options: Sequence[Any]) -> Any:
        return state["step"] if options[-1] else t

    def _refuse(self, group: dict[str, Any]) -> None:
        if group["fused"] and group["differentiable"]:
            raise RuntimeError("Adam with fused=True does not support differentiable=True")
        if group["foreach"] and not group["capturable"] and not group["fused"]:
            if isinstance(group["lr"], Tensor):
                raise RuntimeError("lr as a Tensor is not supported for capturable=False and foreach=True")
            for number, beta in enumerate(group["betas"], 1):
                if isinstance(beta, Tensor):
                    raise ValueError(f"beta{number} as a Tensor is not supported for capturable=False and foreach=True")
        super()._refuse(group)
