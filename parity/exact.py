"""`parity --exact`: identical or not, to the last bit, on two grounds that are always named.

Under shared mathematics torch has microtorch's products and elementary functions and all else of its own: then every
bit must be the same, on any CPU. Unmodified torch is asked as well, in the environment in which its products are
chains (`probes`): there every bit must be the same if each product that the script makes was tried and found to be
such a chain (`products`) and no elementary function is called, for these are the CPU vendor's. What a script reaches
that microtorch does not follow is named; then nothing is demanded on either ground, and the ordinary verdict is added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from parity import session
from parity.backends import SHARED, TORCH, Backend, computing_with
from parity.judge import DIFFERENT, IDENTICAL, NOT_DEMANDED, UNABLE, Judgement
from parity.launch import Outcome, launch
from parity.mathematics import PRODUCTS
from parity.probes import FUSED, Probed
from parity.products import CHAINS
from parity.session import TO_UNMODIFIED, Result, Settings
from parity.worker import Job

UNDER_SHARED = "under shared mathematics"
SHOWN = 3  # products whose order is shown


def examine(script: str, argv: Sequence[str], settings: Settings, probed: Probed) -> list[Result]:
    """Run a script on both sides, on both grounds in each float type; two results for each, or three."""

    def run(jobs: list[Job]) -> list[Outcome]:
        return launch(jobs, at_once=settings.at_once, timeout=settings.timeout, tell=settings.tell)

    def job(backend: Backend, dtype: str, products: tuple[Any, ...] = ()) -> Job:
        return Job(backend, script, tuple(argv), dtype, settings.seed, products=products)

    dtypes = settings.dtypes
    plain = computing_with(settings.candidate, SHARED.mathematics)
    outcomes = run([job(side, dtype) for dtype in dtypes for side in (SHARED, plain)])
    shared, ours = outcomes[::2], outcomes[1::2]
    asked = [tuple(_reached(outcome, "products")) for outcome in shared]
    unmodified = replace(TORCH, variables=probed.variables)
    jobs = [job(unmodified, dtype, products) for dtype, products in zip(dtypes, asked, strict=True)]
    if probed.chains == FUSED:  # then torch's products are not those of shared mathematics
        fused = computing_with(settings.candidate, CHAINS[FUSED])
        outcomes = run(jobs + [job(fused, dtype) for dtype in dtypes])
        theirs, followers = outcomes[: len(jobs)], outcomes[len(jobs) :]
    else:
        theirs, followers = run(jobs), ours

    results: list[Result] = []
    for place, dtype in enumerate(dtypes):
        outside = _outside(shared[place])
        pairs = [
            _judged(shared[place], ours[place], UNDER_SHARED, outside),
            _judged(
                theirs[place], followers[place], TO_UNMODIFIED, outside + _vendors(shared[place], theirs[place], probed)
            ),
        ]
        results += [_located(result, run) for result in pairs]
        if outside and all(result.judgement.word == NOT_DEMANDED for result in pairs):
            results += session.examine(script, argv, replace(settings, dtypes=(dtype,)))
    return results


def _judged(reference: Outcome, candidate: Outcome, ground: str, excuses: tuple[str, ...]) -> Result:
    """Identical, or different, or not demanded if there is an excuse."""
    looked = session.first_look(reference.job.script, reference.job.argv, reference, candidate)
    judgement = Judgement(looked.judgement.word, looked.judgement.reasons)
    if judgement.word not in (IDENTICAL, UNABLE):
        judgement = Judgement(NOT_DEMANDED, excuses) if excuses else Judgement(DIFFERENT, (f"not identical {ground}",))
    return replace(looked, ground=ground, judgement=judgement)


def _located(result: Result, run: Callable[[list[Job]], list[Outcome]]) -> Result:
    return session.located(result, run, None) if result.judgement.word == DIFFERENT else result


def _outside(shared: Outcome) -> tuple[str, ...]:
    """What microtorch does not follow, as a sentence."""
    names = [f"{name} ({count}×)" for name, count in dict(_reached(shared, "outside")).items()]
    return (f"it reaches what is neither shared nor followed to the last bit: {', '.join(names)}",) if names else ()


def _vendors(shared: Outcome, unmodified: Outcome, probed: Probed) -> tuple[str, ...]:
    """What unmodified torch takes from the CPU's vendor that is no chain of ours, as sentences."""
    sentences = []
    if names := [name for name in dict(_reached(shared, "shared")) if name not in PRODUCTS]:
        sentences.append(f"it calls {', '.join(names)}, whose last bits are the CPU vendor's")
    chain = "fused" if probed.chains == FUSED else "plain"
    others = [p for p in unmodified.trace.about.get("products", ()) if chain not in p["chains"]]
    sentences += [_in_other_order(product) for product in others[:SHOWN]]
    if len(others) > SHOWN:
        sentences.append(f"and {len(others) - SHOWN} more products in other shapes or layouts")
    return tuple(sentences)


def _in_other_order(product: dict[str, Any]) -> str:
    if product["chains"]:
        return f"{product['product']} is a {product['chains'][0]} chain in torch"
    if "order" not in product:
        return f"{product['product']} is no chain in torch ({product['terms']} terms)"
    if product["order"] == product["ours"]:
        return f"{product['product']} is rounded in another way in torch, in our order {product['ours']}"
    return f"{product['product']} is added up as {product['order']} in torch, as {product['ours']} by us"


def _reached(outcome: Outcome, what: str) -> Any:
    """What shared mathematics has told about a run."""
    return outcome.trace.about.get("mathematics", {}).get(what, ())


def called(results: Sequence[Result]) -> list[tuple[str, str, dict[str, int]]]:
    """Of each script and float type, which functions were shared and how often each was called."""
    return [
        (" ".join([r.script, *r.argv]), r.dtype, dict(_reached(r.reference, "shared")))
        for r in results
        if r.ground == UNDER_SHARED
    ]
