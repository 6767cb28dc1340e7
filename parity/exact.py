"""`parity --exact`: identical or not, to the last bit, on two grounds that are always named.

Under shared mathematics torch has microtorch's products and elementary functions and all else of its own: then every
bit must be the same, on any CPU. Unmodified torch is asked as well, in the environment in which its products are
chains (`probes`), and microtorch computes with the chains that the script's products were found to be (`products`):
there every bit must be the same if they are all of one kind and no elementary function is called, for these are the
CPU vendor's. What a script reaches that microtorch does not follow is named; then nothing is demanded on either ground,
and the ordinary verdict is added.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from parity import session
from parity.backends import SHARED, TORCH, Backend, computing_with
from parity.compare import Comparison, differs
from parity.judge import DIFFERENT, IDENTICAL, NOT_DEMANDED, Judgement
from parity.launch import Outcome, launch
from parity.mathematics import PRODUCTS
from parity.probes import Probed
from parity.products import CHAINS, most
from parity.session import TO_UNMODIFIED, Result, Settings
from parity.trace import FORWARD
from parity.worker import Job

Sentences = tuple[str, ...]

UNDER_SHARED = "under shared mathematics"
NO_DEMAND = ", not demanded"
BUT_OUTPUTS = "is learned and printed"  # but what layers return is not
SHOWN = 3  # products whose order is shown


def examine(script: str, argv: Sequence[str], settings: Settings, probed: Probed) -> list[Result]:
    """Run a script on both sides, on both grounds in each float type; two results for each, or three."""

    def run(jobs: list[Job]) -> list[Outcome]:
        return launch(jobs, at_once=settings.at_once, timeout=settings.timeout, tell=settings.tell)

    def job(backend: Backend, dtype: str, products: tuple[Any, ...] = ()) -> Job:
        return Job(backend, script, tuple(argv), dtype, settings.seed, products=products)

    def judged(ground: str, theirs: list[Outcome], ours: list[Outcome], excuses: list[Sentences]) -> list[Result]:
        found = zip(theirs, ours, excuses, strict=True)
        return session.explained([_located(_judged(ground, *pair), run) for pair in found], run)

    dtypes = settings.dtypes
    sides = (SHARED, computing_with(settings.candidate, SHARED.mathematics))
    outcomes = run([job(side, dtype) for dtype in dtypes for side in sides])
    shared, ours = outcomes[::2], outcomes[1::2]
    unmodified = replace(TORCH, variables=probed.variables)
    asked = [tuple(_reached(outcome, "products")) for outcome in shared]
    theirs = run([job(unmodified, dtype, products) for dtype, products in zip(dtypes, asked, strict=True)])
    chains = [most(outcome.trace.about.get("products", ())) for outcome in theirs]
    others = {dtype: chain for dtype, chain in zip(dtypes, chains, strict=True) if CHAINS[chain] != SHARED.mathematics}
    outcomes = run([job(computing_with(settings.candidate, CHAINS[chain]), dtype) for dtype, chain in others.items()])
    followers = dict(zip(dtypes, ours, strict=True)) | dict(zip(others, outcomes, strict=True))

    outside = [_outside(outcome) + _unlike(probed) for outcome in shared]
    vendors = [_vendors(*found) for found in zip(shared, theirs, chains, strict=True)]
    under_shared = judged(UNDER_SHARED, shared, ours, outside)
    to_unmodified = judged(TO_UNMODIFIED, theirs, [*followers.values()], [*map(operator.add, outside, vendors)])
    results: list[Result] = []
    for dtype, excuses, *pair in zip(dtypes, outside, under_shared, to_unmodified, strict=True):
        results += pair
        if excuses and all(result.judgement.word == NOT_DEMANDED for result in pair):
            results += session.examine(script, argv, replace(settings, dtypes=(dtype,)))
    return results


def _judged(ground: str, reference: Outcome, candidate: Outcome, excuses: Sentences) -> Result:
    """Identical or different; with an excuse nothing is demanded, and the excuse is told whatever is found."""
    looked = session.first_look(reference.job.script, reference.job.argv, reference, candidate)
    if looked.comparison is None:
        return replace(looked, ground=ground)
    if excuses and _parts_in_outputs_only(looked.comparison):
        return replace(looked, ground=f"{ground} in all that {BUT_OUTPUTS}", judgement=Judgement(IDENTICAL, excuses))
    if looked.judgement.word == IDENTICAL:
        return replace(looked, ground=ground + NO_DEMAND * bool(excuses), judgement=Judgement(IDENTICAL, excuses))
    judgement = Judgement(NOT_DEMANDED, excuses) if excuses else Judgement(DIFFERENT, (f"not identical {ground}",))
    return replace(looked, ground=ground, judgement=judgement)


def _parts_in_outputs_only(comparison: Comparison) -> bool:
    """Whether all is the same but what layers return, at every step, and nothing comes of that."""
    told = comparison.text.same and comparison.same_error and comparison.same_warnings
    steps = {trace.steps for trace in (comparison.reference, comparison.candidate)}
    kept = {len(trace.events) - 1 for trace in (comparison.reference, comparison.candidate)}
    parted = {key[0] for key, point in comparison.points() if differs(key, point)}
    return told and steps == kept and len(steps) == 1 and parted == {FORWARD}


def _located(result: Result, run: Callable[[list[Job]], list[Outcome]]) -> Result:
    return session.located(result, run) if result.judgement.word == DIFFERENT else result


def _outside(shared: Outcome) -> Sentences:
    """What microtorch does not follow, as a sentence."""
    names = [f"{name} ({count}×)" for name, count in dict(_reached(shared, "outside")).items()]
    return (f"it reaches what is neither shared nor followed to the last bit: {', '.join(names)}",) if names else ()


def _unlike(probed: Probed) -> Sentences:
    """That this torch has other kernels than those which microtorch follows, as a sentence."""
    return (f"not as in the torch that microtorch follows: {', '.join(probed.unlike)}",) if probed.unlike else ()


def _vendors(shared: Outcome, unmodified: Outcome, chain: str) -> Sentences:
    """What unmodified torch takes from the CPU's vendor that is no chain of ours, as sentences."""
    sentences = []
    if names := [name for name in dict(_reached(shared, "shared")) if name not in PRODUCTS]:
        sentences.append(f"it calls {', '.join(names)}, whose last bits are the CPU vendor's")
    found = unmodified.trace.about.get("products", ())
    others = [product for product in found if chain not in product["chains"]]
    if len(others) < len(found) and any(product["chains"] for product in others):
        count = len(found) - len(others)
        sentences.append(f"torch adds up {count} of its {len(found)} products in {chain} chains, others not")
    sentences += [_in_other_order(product) for product in others[:SHOWN]]
    if len(others) > SHOWN:
        sentences.append(f"and so on, {len(others)} products in all, by shapes and layouts")
    return tuple(sentences)


def _in_other_order(product: dict[str, Any]) -> str:
    """How torch adds up a product, beside how we do."""
    name, ours = product["product"], product.get("ours", "")
    if product["chains"]:
        return f"{name} is a {product['chains'][0]} chain in torch"
    if product["in parts"]:
        return f"{name} is a plain chain in torch in some of its elements, a fused one in others"
    if "orders" not in product:
        return f"{name} is no chain in torch ({product['terms']} terms)"
    others = [order for order in product["orders"] if order != ours]
    if not others:
        return f"{name} is rounded in another way in torch, in our order {ours}"
    partly = "in part " if len(others) < len(product["orders"]) else ""
    proof = ", which gives its bits" if product["explained"] else ""
    return f"{name} is {partly}added up as {' or '.join(others[:SHOWN])} in torch{proof}, as {ours} by us"


def _reached(outcome: Outcome, what: str) -> Any:
    """What shared mathematics has told about a run."""
    return outcome.trace.about.get("mathematics", {}).get(what, ())


def called(results: Sequence[Result]) -> list[tuple[str, str, dict[str, int]]]:
    """Of each script and float type, which functions were shared and how often each was called."""
    return [
        (" ".join([r.script, *r.argv]), r.dtype, dict(_reached(r.reference, "shared")))
        for r in results
        if r.ground.startswith(UNDER_SHARED)
    ]
