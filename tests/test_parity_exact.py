"""`parity --exact`: what it demands, what it only names, and what it finds out about torch before."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from parity_harness import BY_HAND, patched, run
from planted import microtorch_with
from rich.console import Console

import microtorch
from parity import cli, environment, exact, probes, products, session
from parity.backends import TORCH
from parity.cause import ROUNDING
from parity.exact import UNDER_SHARED
from parity.judge import DIFFERENT, IDENTICAL, NOT_DEMANDED, Judgement
from parity.launch import Outcome
from parity.mathematics import Outside, Shared
from parity.probes import NEITHER, Probed
from parity.products import FUSED, PLAIN
from parity.report import terminal
from parity.session import TO_UNMODIFIED, Result, Settings
from parity.trace import FORWARD, GRADIENT, LOSS, WEIGHT, Keep, Trace
from parity.worker import Job

Around = Callable[[], contextlib.AbstractContextManager[Any]]

FLOATS = ("float32", "float64")
NOTHING = contextlib.nullcontext

TRAINING = """
torch.manual_seed(2)
layer = torch.nn.Linear({inputs}, {outputs})
optimizer = torch.optim.SGD(layer.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
x, y = torch.randn({rows}, {inputs}), torch.randn({rows}, {outputs})
for step in range(6):
    optimizer.zero_grad()
    loss = torch.nn.functional.huber_loss({model}, y, delta=0.7)
    loss.backward()
    optimizer.step()
print(loss)
"""


def training(rows: int = 12, inputs: int = 5, outputs: int = 3, model: str = "layer(x)") -> str:
    return TRAINING.format(rows=rows, inputs=inputs, outputs=outputs, model=model)


# -- torches whose products are known on every CPU ---------------------------------------------------------------------

PLAINLY, FUSEDLY = (products.functions(products.kernels().SETS[name]) for name in products.CHAINS.values())


def torch_with(**functions: Callable[..., Any]) -> Around:
    """torch with all of our functions, and these in place of some."""

    def changed() -> Shared:
        shared = Shared(torch)
        shared._functions.update(functions)
        return shared

    return changed


def backwards(bias: Any, a: Any, b: Any, **factors: float) -> Any:
    """addmm, added up from right to left."""
    return PLAINLY["addmm"](bias, a[:, ::-1], b[::-1], **factors)


def bias_first(bias: Any, a: Any, b: Any) -> Any:
    """addmm as a chain that begins with the bias."""
    total = bias
    for k in range(a.shape[1]):
        total = total + a[:, k, None] * b[None, k]
    return total


def in_parts(bias: Any, a: Any, b: Any) -> Any:
    """addmm whose first column is a plain chain, the others fused ones."""
    total = FUSEDLY["addmm"](bias, a, b)
    total[:, 0] = PLAINLY["addmm"](bias, a, b)[:, 0]
    return total


def unlike_all(bias: Any, a: Any, b: Any) -> Any:
    """addmm, rounded otherwise."""
    return (bias + a.astype(np.longdouble) @ b.astype(np.longdouble)).astype(a.dtype)


def other_tanh(x: Any) -> Any:
    return np.nextafter(PLAINLY["tanh"](x), x.dtype.type(1))


# -- verdicts ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Result]]:
    """`exact.examine` on a script's source, run in this process.

    `unmodified` is entered where torch is asked as it is, `engine` gives what runs in microtorch's place.
    """

    def execute(job: Job, unmodified: Around, engine: Around) -> Outcome:
        backend, about = job.backend, dict[str, Any]()
        keep = Keep() if job.window is None else Keep(*job.window, head=0, most=4096)
        with contextlib.ExitStack() as stack:
            if backend.module == "microtorch":
                module = stack.enter_context(engine())
                stack.enter_context(module.backends.kernels.use(backend.variables.get("MICROTORCH_KERNELS", "numpy")))
            elif backend.mathematics:
                module, shared = torch, stack.enter_context(Shared(torch, backend.mathematics))
                outside = stack.enter_context(Outside(torch))
            else:
                module = torch
                stack.enter_context(unmodified())
                about["products"] = products.tried(torch, job.products)
            trace, _ = run(Path(job.script).read_text(), keep=keep, dtype=getattr(torch, job.dtype), engine=module)
            if backend.mathematics:
                told = {"shared": shared.calls, "outside": +outside.calls, "products": list(shared.products)}
                about["mathematics"] = told
        trace.about |= about | {"backend": backend.name}
        return Outcome(job, trace, 0)

    def examined(
        source: str,
        unmodified: Around = torch_with(),
        engine: Around = lambda: NOTHING(microtorch),
        dtypes: tuple[str, ...] = ("float32",),
        **found: Any,
    ) -> list[Result]:
        def launch(jobs: Sequence[Job], **_: Any) -> list[Outcome]:
            return [execute(job, unmodified, engine) for job in jobs]

        monkeypatch.setattr(exact, "launch", launch)
        monkeypatch.setattr(session, "launch", launch)
        monkeypatch.setattr(session.noise, "KERNELS", ())
        script = tmp_path / "script.py"
        script.write_text(source)
        return exact.examine(str(script), (), Settings(dtypes=dtypes), Probed(found=found))

    return examined


def said(results: Sequence[Result]) -> list[tuple[str, str]]:
    return [(result.judgement.word, result.ground) for result in results]


@pytest.mark.parametrize(("unmodified", "kernels"), [("torch_cpu", "torch_cpu"), ("torch_cpu:fma", "torch_cpu:fma")])
def test_identical_on_both_grounds(examine: Any, unmodified: str, kernels: str) -> None:
    """Whichever chain torch's products are, the script's own products tell, and microtorch follows."""
    results = examine(training(), unmodified=lambda: Shared(torch, unmodified), dtypes=FLOATS)
    assert said(results) == 2 * [(IDENTICAL, UNDER_SHARED), (IDENTICAL, TO_UNMODIFIED)]
    assert [r.dtype for r in results] == ["float32", "float32", "float64", "float64"]
    assert [r.candidate.job.backend.variables["MICROTORCH_KERNELS"] for r in results] == 2 * ["torch_cpu", kernels]
    assert not any(r.judgement.reasons for r in results)
    assert exact.called(results) == [(results[0].script, dtype, {"addmm": 6, "mm": 6}) for dtype in FLOATS]


@pytest.mark.parametrize(
    ("functions", "reasons"),
    [
        (
            {"mm": FUSEDLY["mm"]},
            ["torch adds up 1 of its 2 products in plain chains, others not", "mm 3×12 · 12×5 is a fused chain in torch"],
        ),
        (
            {"addmm": backwards},
            [
                "addmm 3 · 12×5 · 5×3 is added up as [0 [1 [2 [3 4]]] bias] in torch, which gives its bits, "
                "as [0 1 2 3 4 bias] by us"
            ],
        ),
        (
            {"addmm": bias_first},
            [
                "addmm 3 · 12×5 · 5×3 is added up as [0 bias 1 2 3 4] in torch, which gives its bits, "
                "as [0 1 2 3 4 bias] by us"
            ],
        ),
        (
            {"addmm": in_parts},
            ["addmm 3 · 12×5 · 5×3 is a plain chain in torch in some of its elements, a fused one in others"],
        ),
        (
            {"addmm": unlike_all},
            ["addmm 3 · 12×5 · 5×3 is rounded in another way in torch, in our order [0 1 2 3 4 bias]"],
        ),
    ],
    ids=["mixed", "backwards", "bias first", "in parts", "rounded otherwise"],
)  # fmt: skip
def test_products_that_are_not_ours_are_named(examine: Any, functions: Any, reasons: list[str]) -> None:
    """Nothing is demanded of unmodified torch then, and under shared mathematics it is."""
    results = examine(training(), unmodified=torch_with(**functions))
    assert said(results) == [(IDENTICAL, UNDER_SHARED), (NOT_DEMANDED, TO_UNMODIFIED)]
    assert list(results[1].judgement.reasons) == reasons
    assert results[1].cause is not None
    assert results[1].cause.word == ROUNDING


def test_what_only_prints_the_same_is_said(examine: Any) -> None:
    """What is learned, drawn and printed is `identical`; that what layers return is not, is told with the reason."""
    source = """
torch.manual_seed(1)
layer = torch.nn.Linear(5, 3)
{}print(layer(torch.rand(4, 5)).shape)
"""
    results = examine(source.format(""), unmodified=torch_with(addmm=backwards))
    assert said(results) == [
        (IDENTICAL, UNDER_SHARED),
        (IDENTICAL, f"{TO_UNMODIFIED} in all that is learned and printed"),
    ]
    assert "is added up as [0 [1 [2 [3 4]]] bias] in torch" in results[1].judgement.reasons[0]
    assert results[1].first is not None
    learned = examine(
        source.format("layer(torch.rand(4, 5)).pow(2).sum().backward()\n"), unmodified=torch_with(addmm=backwards)
    )
    assert said(learned)[1] == (NOT_DEMANDED, TO_UNMODIFIED)


def test_functions_of_the_vendor_are_named(examine: Any) -> None:
    why = ("it calls tanh, whose last bits are the CPU vendor's",)
    shared, unmodified = examine(training(model="layer(x).tanh()"), unmodified=torch_with(tanh=other_tanh))
    assert said([shared]) == [(IDENTICAL, UNDER_SHARED)]
    assert not shared.judgement.reasons
    assert said([unmodified]) == [(NOT_DEMANDED, TO_UNMODIFIED)]
    assert unmodified.judgement.reasons == why
    assert cli._status([shared, unmodified]) == cli.OK
    _, alike = examine(training(model="layer(x).tanh()"))
    assert said([alike]) == [(IDENTICAL, f"{TO_UNMODIFIED}, not demanded")]
    assert alike.judgement.reasons == why


def test_what_is_outside_is_not_demanded(examine: Any) -> None:
    """It is named, and the ordinary verdict is added; the same bits are no promise, and it is said."""
    source = training(model="layer(x) + x[:1, :1].prod()")
    why = ("it reaches what is neither shared nor followed to the last bit: prod (6×)",)
    results = examine(source)
    assert said(results) == [(IDENTICAL, f"{g}, not demanded") for g in (UNDER_SHARED, TO_UNMODIFIED)]
    assert [r.judgement.reasons for r in results] == [why, why]
    assert len(exact.called(results)) == 1

    def engine() -> Any:
        return microtorch_with("ops/reduction.py", "in_order(np.asarray(product))", "np.nextafter(product, 9)")

    results = examine(source, engine=engine)
    assert said(results)[:2] == [(NOT_DEMANDED, UNDER_SHARED), (NOT_DEMANDED, TO_UNMODIFIED)]
    assert [r.judgement.reasons for r in results[:2]] == [why, why]
    assert [r.dtype for r in results] == 3 * ["float32"]


@pytest.mark.parametrize(
    ("change", "phase"),
    [
        (("fma(y, alpha, x))", "x + y * x.dtype.type(alpha))"), WEIGHT),
        (("width * (z - half * width)", "width * z - half * width * width"), LOSS),
        (("factor * near * g", "factor * near * np.nextafter(g, 9)"), GRADIENT),
        (("self._chain(bias, a, b)", "np.nextafter(self._chain(bias, a, b), 9)"), FORWARD),
    ],
    ids=["update", "loss", "gradient", "product"],
)
def test_a_wrong_last_bit_is_different(examine: Any, change: tuple[str, str], phase: str) -> None:
    """With the place at which it begins, both values, and that it is a rounding."""
    results = examine(training(), engine=lambda: microtorch_with("kernels/torch_cpu.py", *change))
    assert said(results) == [(DIFFERENT, UNDER_SHARED), (DIFFERENT, TO_UNMODIFIED)]
    assert cli._status(results) == cli.DIFFERENCE
    for result in results:
        assert result.fault is not None
        assert (result.fault.exact, result.fault.key[0]) == (True, phase)
        assert result.judgement.reasons == (f"not identical {result.ground}",)
        one, two = result.fault.values()
        assert one != two
        assert 0 < result.fault.gap.ulp < 10
        assert result.cause is not None
        assert result.cause.word == ROUNDING


def test_another_torch_is_not_demanded(examine: Any) -> None:
    """A torch whose own kernels round otherwise is named."""
    why = "not as in the torch that microtorch follows: multiply-add, sums"
    results = examine(training(), **{"multiply-add": PLAIN, "sums": False})
    assert said(results) == [(IDENTICAL, f"{ground}, not demanded") for ground in (UNDER_SHARED, TO_UNMODIFIED)]
    assert all(result.judgement.reasons == (why,) for result in results)


# -- the command ------------------------------------------------------------------------------------------------------


def test_a_verdict_about_identity_names_its_ground(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = Outcome(Job(TORCH, "script.py"), Trace(), 0)
    words = {
        IDENTICAL: f"identical {UNDER_SHARED}",
        NOT_DEMANDED: f"not identical {UNDER_SHARED}, not demanded",
        DIFFERENT: "different",
    }
    for word, told in words.items():
        result = Result("script.py", (), "float32", nothing, nothing, Judgement(word), ground=UNDER_SHARED)
        terminal.table(Console(width=200, color_system=None), [result], "torch", "microtorch")
        (row,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("script.py"))
        assert row.rpartition("│")[2].strip() == told


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A regression of two features is identical under shared mathematics on any CPU, and to unmodified torch where its
    products are the chains that were found; all that was found is told and kept.
    """
    script, kept = tmp_path / "script.py", tmp_path / "found.json"
    script.write_text(BY_HAND.replace("STEPS", "6"))
    words = ["--exact", "--float32", "--json", str(kept)]
    assert cli.main([*words, str(script)]) == cli.OK
    out, found = capsys.readouterr().out, json.loads(kept.read_text())
    assert "probes" in out
    assert f"{script}, float32: mm 13" in out
    assert found["probes"].items() >= environment.KERNELS.items()
    assert found["probes"]["unlike"] == []
    assert found["probes"]["products"] in (PLAIN, FUSED, NEITHER)
    shared, unmodified = (result["sides"][0] for result in found["results"])
    assert shared["mathematics"]["shared"] == {"mm": 13}
    assert shared["mathematics"]["outside"] == {}
    assert [p["product"] for p in unmodified["products"]] == ["mm 20×2 · 2×1", "mm 2×20 · 20×1"]
    kinds = [set(p["chains"]) for p in unmodified["products"]]
    word = IDENTICAL if set.intersection(*kinds) else NOT_DEMANDED
    assert [(r["verdict"], r["ground"]) for r in found["results"]] == [(IDENTICAL, UNDER_SHARED), (word, TO_UNMODIFIED)]


@pytest.mark.parametrize(
    ("words", "beside"),
    [
        (["--device", "cuda"], "--device"),
        (["--kernels", "torch_cpu:fma"], "--kernels"),
        (["--golden", "file"], "--golden"),
    ],
)
def test_what_does_not_go_together_is_refused(
    words: list[str], beside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--exact", *words, __file__]) == cli.COULD_NOT
    assert capsys.readouterr().err.rstrip().endswith(f"it does not go with {beside}")


# -- probes ------------------------------------------------------------------------------------------------------------


def test_probes_of_torch_without_vector_instructions() -> None:
    """torch's plainest kernels multiply and add in two roundings."""
    found = probes._ask({"ATEN_CPU_CAPABILITY": "default"})
    assert found["multiply-add"] == PLAIN
    assert "multiply-add" in Probed(found=found).unlike


@pytest.mark.parametrize(
    ("other", "name", "found"),
    [
        (torch_with(), "products", PLAIN),
        (lambda: Shared(torch, "torch_cpu:fma"), "products", FUSED),
        (torch_with(mm=FUSEDLY["mm"]), "products", NEITHER),
        (torch_with(addmm=backwards), "products", NEITHER),
        (torch_with(sqrt=lambda x: np.nextafter(np.sqrt(x), x)), "sqrt not correctly rounded", 1.0),
        (torch_with(sqrt=np.sqrt), "sqrt not correctly rounded", 0.0),
        (lambda: patched(torch.Tensor, "sum", lambda own: lambda x: own(x.double()).float()), "sums", False),
        (lambda: patched(torch, "randn", lambda own: lambda n: own(n).flip(0)), "normal", False),
        (lambda: patched(torch, "rand", lambda own: lambda n: own(n) * 0.999), "multiply-add", NEITHER),
        (lambda: patched(torch.nn.init, "trunc_normal_", lambda own: lambda x: x.uniform_()), "trunc_normal words", 4),
    ],
)
def test_probes_tell_another_torch(other: Around, name: str, found: Any) -> None:
    state = torch.get_rng_state()
    with other():
        probed = Probed(found=probes.ask(torch))
    torch.set_rng_state(state)
    assert probed.found[name] == found
    assert (name in probed.unlike) == (name in environment.KERNELS)


@pytest.mark.parametrize(
    ("answers", "own", "asked", "variables", "chains"),
    [
        ([PLAIN], "", 1, {}, PLAIN),
        ([NEITHER, FUSED], "", 2, {"MKL_CBWR": "AVX2,STRICT"}, FUSED),
        ([NEITHER, NEITHER, PLAIN], "", 3, {"MKL_CBWR": "COMPATIBLE"}, PLAIN),
        ([NEITHER, NEITHER, NEITHER], "", 3, {}, NEITHER),
        ([NEITHER], "AVX512", 1, {}, NEITHER),
    ],
)
def test_the_environment_is_that_in_which_products_are_chains(
    monkeypatch: pytest.MonkeyPatch, answers: list[str], own: str, asked: int, variables: Any, chains: str
) -> None:
    calls = []

    def ask(variables: Any) -> dict[str, Any]:
        calls.append(variables)
        return {"products": answers[len(calls) - 1]}

    monkeypatch.setattr(probes, "_ask", ask)
    monkeypatch.delenv("MKL_CBWR", raising=False)
    if own:
        monkeypatch.setenv("MKL_CBWR", own)
    probed = probes.probe()
    assert (len(calls), dict(probed.variables), probed.found["products"]) == (asked, variables, chains)


@pytest.mark.parametrize(
    ("version", "known"), [("2.13.0+cpu", True), ("2.13.7", True), ("2.14.1", False), ("2.130", False)]
)
def test_other_versions_of_torch_are_named(monkeypatch: pytest.MonkeyPatch, version: str, known: bool) -> None:
    monkeypatch.setattr(environment, "_version", lambda package: version)
    assert (environment.unlike() == "") == known


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("title", "shapes"),
    [
        ("mm", [(4, 6), (6, 3)]),
        ("addmm", [(3,), (4, 6), (6, 3)]),
        ("addmm", [(4, 3), (4, 6), (6, 3)]),
        ("addmv", [(4,), (4, 6), (6,)]),
        ("dot", [(6,), (6,)]),
        ("bmm", [(2, 4, 6), (2, 6, 3)]),
        ("baddbmm", [(2, 4, 3), (2, 4, 6), (2, 6, 3)]),
    ],
)
def test_orders_of_all_products(title: str, shapes: list[tuple[int, ...]], dtype: str) -> None:
    """Added up from right to left, in whatever layout, also where one of the factors repeats its numbers."""

    def turned(*arrays: Any, **factors: float) -> Any:
        *start, a, b = arrays
        return PLAINLY[title](*start, a[..., ::-1], b[::-1] if b.ndim < 3 else b[:, ::-1], **factors)

    bias = " bias" * (len(shapes) == 3)
    expected = ["[0 [1 [2 [3 [4 5]]]]" + (bias + "]" if bias else "]")]
    arrays = [np.empty(shape, dtype) for shape in shapes]
    layouts = [arrays, [x.T.copy().T for x in arrays]]
    for place in (-2, -1):
        layouts.append(list(arrays))
        layouts[-1][place] = np.broadcast_to(arrays[place].ravel()[0], arrays[place].shape)
    asked = [[title, {}, *((x.shape, x.strides, x.dtype.char) for x in layout)] for layout in layouts]
    with torch_with(**{title: turned})():
        found = products.tried(torch, asked)
    for product in found:
        assert not product["chains"]
        assert product["orders"] == expected
        assert product["explained"]
