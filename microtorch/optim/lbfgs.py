"""L-BFGS: Newton's method with an inverse Hessian that is known by the last steps and the gradients' changes along them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.grad_mode import enable_grad, no_grad
from ..ops.joining import cat
from ..tensor import Tensor
from .arithmetic import zero_dimensional
from .counted import check_signs
from .optimizer import Optimizer, Params, check_learning_rate

Evaluate = Callable[[Any], tuple[float, Tensor]]  # of a length along a direction: the loss there, and its gradient


class LBFGS(Optimizer):
    """Steps along −H·g, where H is the inverse Hessian as the last `history_size` steps show it; see `direction`.

    A call of `step` takes up to `max_iter` of them and evaluates the closure up to `max_eval` times, 5/4 as often by
    default; it stops where no gradient is above `tolerance_grad`, or no change of weights or loss above
    `tolerance_change`. Each is `lr` long, or as long as `line_search_fn="strong_wolfe"` finds. There is one group of
    parameters; its state belongs to the first of them.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_learning_rate(lr)
        check_signs({"learning rate": lr})
        options = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, options)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take steps; `closure` computes the loss and its gradients anew. Returns the loss before the first."""
        if len(self.param_groups) != 1:
            raise AssertionError(f"Expected exactly one param_group, but got {len(self.param_groups)}")
        group = self.param_groups[0]
        lr, small = zero_dimensional(group["lr"]), group["tolerance_change"]
        params = group["params"]
        state = self.state[params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        def evaluated() -> Any:
            with enable_grad():
                return closure()

        first_loss = evaluated()
        loss, g = float(first_loss), flat_gradient(params)
        evaluations = 1
        state["func_evals"] += 1
        flat = g.abs().max() <= group["tolerance_grad"]
        if flat:
            return first_loss
        known: dict[str, Any] = {name: state.get(name) for name in KEPT}
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            newest = state["n_iter"] == 1
            if newest:
                known |= {"d": g.neg(), "old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1}
            else:
                known["d"] = direction(g, known, state, group["history_size"])
            d = known["d"]
            if known["prev_flat_grad"] is None:
                known["prev_flat_grad"] = g.clone()
            else:
                known["prev_flat_grad"].copy_(g)
            before = known["prev_loss"] = loss
            known["t"] = t = min(1.0, 1.0 / g.abs().sum()) * lr if newest else lr
            slope = g.dot(d)
            if slope > -small:
                break
            calls = 0
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                start = [p.clone() for p in params]

                def there(t: Any, d: Tensor = d, start: list[Tensor] = start) -> tuple[float, Tensor]:
                    move(params, d, t)
                    loss = float(evaluated())
                    g = flat_gradient(params)
                    for p, kept in zip(params, start, strict=True):
                        p.copy_(kept)
                    return loss, g

                most = group["max_eval"] - evaluations
                loss, g, t, calls = strong_wolfe(there, t, d, loss, g, slope, small, most)
                known["t"] = t
                move(params, d, t)
                flat = g.abs().max() <= group["tolerance_grad"]
            else:
                move(params, d, t)
                if iteration != group["max_iter"]:  # else nobody asks for the loss there
                    loss, g = float(evaluated()), flat_gradient(params)
                    flat = g.abs().max() <= group["tolerance_grad"]
                    calls = 1
            evaluations += calls
            state["func_evals"] += calls
            if evaluations >= group["max_eval"] or flat:
                break
            if iteration == group["max_iter"] or d.mul(t).abs().max() <= small or abs(loss - before) < small:
                break
        state.update(known)
        return first_loss


KEPT = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")


def flat_gradient(params: list[Tensor]) -> Tensor:
    """The gradients of all parameters in one row; 0 where there is none."""
    return cat([p.new_zeros(p.numel()) if p.grad is None else p.grad.view(-1) for p in params], 0)


def move(params: list[Tensor], d: Tensor, t: Any) -> None:
    """x ← x + t·d, for all parameters."""
    offset = 0
    for p in params:
        p.add_(d[offset : offset + p.numel()].view_as(p), alpha=t)
        offset += p.numel()


def direction(g: Tensor, known: dict[str, Any], state: dict[str, Any], history: int) -> Tensor:
    """−H·g, by two loops over the last steps s and the changes y of the gradient along them; notes the newest pair.

    Each pair says H·y = s. Where there is no pair, H is s·y/y·y for the newest one.
    """
    changes, steps, ro = known["old_dirs"], known["old_stps"], known["ro"]
    y, s = g.sub(known["prev_flat_grad"]), known["d"].mul(known["t"])
    ys = y.dot(s)
    if ys > 1e-10:
        if len(changes) == history:
            for old in (changes, steps, ro):
                old.pop(0)
        changes.append(y)
        steps.append(s)
        ro.append(1.0 / ys)
        known["H_diag"] = ys / y.dot(y)
    along = state.setdefault("al", [None] * history)
    q = g.neg()
    for i in reversed(range(len(changes))):
        along[i] = steps[i].dot(q) * ro[i]
        q.add_(changes[i], alpha=-along[i])
    d: Tensor = q.mul(known["H_diag"])
    for i in range(len(changes)):
        d.add_(steps[i], alpha=along[i] - changes[i].dot(d) * ro[i])
    return d


def strong_wolfe(
    there: Evaluate, t: Any, d: Tensor, loss: float, g: Tensor, slope: Any, small: float, most: int
) -> tuple[float, Tensor, Any, int]:
    """A length t along d at which the loss fell by 10⁻⁴·t·slope at least, and the slope is 0.9 of what it was at most.

    Goes ahead until such lengths must lie between two (a bracket), then narrows that; evaluates about `most` times.
    Returns loss, gradient and t, and how often it evaluated.
    """

    def point(t: Any) -> list[Any]:
        loss, g = there(t)
        return [t, loss, g, g.dot(d)]

    def high(new: list[Any]) -> bool:
        return bool(new[1] > loss + 1e-4 * new[0] * slope)

    def level(new: list[Any]) -> bool:
        return bool(abs(new[3]) <= -0.9 * slope)

    start = [0, loss, g.clone(), slope]
    old, new = start, point(t)
    calls, tries, done = 1, 0, False
    bracket: list[list[Any]] = []
    while tries < most:
        if high(new) or (tries > 1 and new[1] >= old[1]):
            bracket = [old, new]
            break
        if level(new):
            bracket, done = [new], True
            break
        if new[3] >= 0:
            bracket = [old, new]
            break
        t = new[0]
        t = cubic_minimum(old, new, t + 0.01 * (t - old[0]), t * 10)
        old, new = new, point(t)
        calls += 1
        tries += 1
    if tries == most:
        bracket = [start, new]
    stuck = False
    low, top = (0, 1) if bracket[0][1] <= bracket[-1][1] else (1, 0)
    while not done and tries < most:
        ends = [end[0] for end in bracket]
        if abs(ends[1] - ends[0]) * d.abs().max() < small:
            break
        t = cubic_minimum(*bracket, *sorted(ends))
        least, largest = min(ends), max(ends)
        margin = 0.1 * (largest - least)
        if min(largest - t, t - least) >= margin:
            stuck = False
        elif stuck or t >= largest or t <= least:  # too near to an end for the second time, or beyond it
            t = largest - margin if abs(t - largest) < abs(t - least) else least + margin
            stuck = False
        else:
            stuck = True
        new = point(t)
        calls += 1
        tries += 1
        if high(new) or new[1] >= bracket[low][1]:
            bracket[top] = new
            low, top = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
            continue
        if level(new):
            done = True
        elif new[3] * (bracket[top][0] - bracket[low][0]) >= 0:
            bracket[top] = bracket[low]
        bracket[low] = new
    t, loss, g, _ = bracket[low]
    return loss, g, t, calls


def cubic_minimum(a: list[Any], b: list[Any], least: Any, largest: Any) -> Any:
    """Where the cubic that has the losses and slopes of two points is least, within limits; else in their middle."""
    (x1, f1, _, g1), (x2, f2, _, g2) = a, b
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if not square >= 0:
        return (least + largest) / 2.0
    root = square.sqrt()
    if x1 <= x2:
        found = x2 - (x2 - x1) * ((g2 + root - d1) / (g2 - g1 + 2 * root))
    else:
        found = x1 - (x1 - x2) * ((g1 + root - d1) / (g1 - g2 + 2 * root))
    return min(max(found, least), largest)
