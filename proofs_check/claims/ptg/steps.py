"""What the proof of Proposition 1 says on its way (appendix A): the updates, and a sign."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations, product
from types import ModuleType
from typing import Any

from proofs_check.claims.ptg._evidence import limited
from proofs_check.claims.ptg._losses import LEARNING_RATE, Task, gain, read_tasks, step
from proofs_check.claims.ptg.definition import small_tasks
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.symbolic import Expression, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "sign_checks"]

_ZERO = (Fraction(0),)


@replayer("ptg-update")
def _replay_update(data: Mapping[str, Any]) -> Replay:
    """The printed update for A and j against training the set A ∪ {j}."""
    tasks = read_tasks(data["tasks"])
    phi, eta = tuple(map(rational, data["phi"])), rational(data["eta"])
    sources, target = [int(i) for i in data["sources"]], int(data["target"])
    printed = step(tasks, (*sources, target), phi, eta, "repeated")
    trained = step(tasks, (*sources, target), phi, eta, "sum")
    return Replay(
        (
            f"A = {[i + 1 for i in sources]}, j = {target + 1}",
            f"φ - η(Σ_A G_k + G_j) = {', '.join(map(str, printed))}",
            f"one step on the tasks of the set A ∪ {{j}}: {', '.join(map(str, trained))}",
        ),
        printed != trained,
    )


def _update_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "for j outside A the printed update is one step on the set A ∪ {j}",
        (
            Step("The gradient of the summed loss of A ∪ {j} is Σ_{k in A ∪ {j}} G_k."),
            Step("For j outside A that sum is Σ_A G_k + G_j; for j in A it is Σ_A G_k."),
        ),
    ).finding()


def _update_exactly(_: CheckContext) -> Finding:
    tasks = small_tasks()

    def holds(case: tuple[tuple[int, ...], int]) -> bool:
        sources, target = case
        eta = Fraction(1, 4)
        printed = step(tasks, (*sources, target), _ZERO, eta, "repeated")
        trained = step(tasks, (*sources, target), _ZERO, eta, "sum")
        return (printed == trained) == (target not in sources)

    return for_every(
        (
            (sources, target)
            for size in (1, 2, 3)
            for sources in combinations(range(3), size)
            for target in range(4)
        ),
        holds,
        str,
        "four tasks: equal exactly where j is not in A",
    )


@replayer("ptg-sign")
def _replay_sign(data: Mapping[str, Any]) -> Replay:
    """S_{i→j} against the printed -η ∇f(ξ)ᵀG_i / L_j; a linear f has one gradient everywhere."""
    tasks = read_tasks(data["tasks"])
    phi, eta = tuple(map(rational, data["phi"])), rational(data["eta"])
    found = gain(tasks, (0,), 1, phi, eta)
    alone = step(tasks, (1,), phi, eta, "sum")
    product_ = sum(
        (a * b for a, b in zip(tasks[1].slope, tasks[0].gradient(phi), strict=True)), Fraction(0)
    )
    printed = -eta * product_ / tasks[1].loss(alone)
    linear = not any(tasks[1].curvature)
    return Replay(
        (
            f"L_j is linear with gradient {tasks[1].slope[0]}; G_i = {tasks[0].gradient(phi)[0]}",
            f"eq. 3: S_i→j = {found}",
            f"appendix A: -η ∇L_jᵀG_i / L_j(φ_{{j}}) = {printed}",
        ),
        linear and found != printed,
    )


def sign_checks(sign: int) -> tuple[Check, ...]:
    """Return the checks of S_{A→j} = sign · η ∇f(ξ)ᵀ Σ_A G_k / D; the right sign is 1."""

    def symbolic(_: CheckContext) -> Finding:
        def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
            c, b, h, g, eta, s = sympy.symbols("c b h g eta s")

            def f(x: Expression) -> Expression:
                return c + b * x + h * x**2 / 2

            there = s - eta * g
            middle = (s + there) / 2
            drop = (f(s) - f(there)) / f(s)
            return [("quadratic f, ξ the midpoint", drop, sign * eta * (b + h * middle) * g / f(s))]

        found = prove_identities(
            build, "φ_{j} - φ_{A,j} = +η Σ_A G_k, so the drop is +η ∇f(ξ)ᵀ Σ_A G_k"
        )
        return limited(found, "quadratic f on a line")

    def proof(_: CheckContext) -> Finding:
        return WrittenProof(
            "S_{A→j} = η ∇f(ξ)ᵀ Σ_A G_k / f(φ_{j}) for some ξ between the two points",
            (
                Step("f(φ_{j}) - f(φ_{A,j}) = ∇f(ξ)ᵀ(φ_{j} - φ_{A,j}), by the mean value theorem."),
                Step(
                    "φ_{j} - φ_{A,j} = +η Σ_A G_k: appendix A's own differences, with the sign "
                    "turned.",
                    lambda: sign == 1,
                ),
            ),
        ).finding()

    def exactly(_: CheckContext) -> Finding:
        def holds(case: tuple[int, ...]) -> bool:
            slope, move, constant = case
            tasks = (
                Task(Fraction(1), (Fraction(move),), _ZERO),
                Task(Fraction(constant), (Fraction(slope),), _ZERO),
            )
            eta = Fraction(1, 2)
            alone = constant - eta * slope * slope
            return gain(tasks, (0,), 1, _ZERO, eta) == sign * eta * slope * move / alone

        return for_every(
            product((-2, -1, 0, 1, 2), (-2, -1, 0, 1, 2), (3, 5)), holds, str, "50 linear pairs"
        )

    return (
        Check("the difference of the two points", Method.WRITTEN_PROOF, proof),
        Check("quadratic f", Method.SYMBOLIC, symbolic),
        Check("linear pairs", Method.EXACT, exactly),
    )


_OWN_HEADS = Assumption(
    "heads", "θ_j is updated on L_j alone, so θ_j^{t+1} is the same in every scenario"
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="PTG-A-UPDATE",
        family="ptg",
        title="the update of the proof is training the group A ∪ {j}",
        statement=r"$\phi_{A\cup\{j\}}^{t+1}=\phi^t-\eta_t\bigl(\sum_{k\in A}G_k^t+G_j^t\bigr)$.",
        plain="For every A and j, φ - η(Σ_A G_k + G_j) is one summed step on the tasks of A ∪ {j}.",
        source=Source("PTG", "App. A; 4.1, Proposition 1", ("4",)),
        assumptions=(LEARNING_RATE, _OWN_HEADS),
        used_for="Proposition 1 for the groups of Formulation 8, which contain j",
        checks=(
            Check("j among its sources", Method.EXACT, lambda _: refuted_by("PTG-A-UPDATE")),
            Check("two sums", Method.WRITTEN_PROOF, _update_proof, under_condition=True),
            Check("four tasks", Method.EXACT, _update_exactly, under_condition=True),
        ),
        condition="j is not in A",
        repaired_by="PTG-A-UPDATE-R",
        notes="4.1 allows any A ⊆ T. The bound of Proposition 1 survives in both readings "
        "(PTG-P1). Averaged gradients, 'other aggregation schemes are possible', are judged in "
        "EXT-13-MEAN.",
    ),
    Claim(
        id="PTG-A-UPDATE-R",
        family="ptg",
        title="for targets outside the group it is",
        statement=r"$\phi^t-\eta_t\bigl(\sum_{k\in A}G_k^t+G_j^t\bigr)$ is one summed step on "
        r"$A\cup\{j\}$ for $j\notin A$, and counts $G_j^t$ twice for $j\in A$.",
        plain="For j outside A the printed update is one summed step on A ∪ {j}.",
        source=Source("songoku", "repair of PTG's appendix A", ("4",)),
        assumptions=(LEARNING_RATE, _OWN_HEADS),
        used_for="Proposition 1, EXT-13",
        checks=(
            Check("two sums", Method.WRITTEN_PROOF, _update_proof),
            Check("four tasks", Method.EXACT, _update_exactly),
        ),
        repairs="PTG-A-UPDATE",
    ),
    Claim(
        id="PTG-A-SIGN",
        family="ptg",
        title="the gains by the mean value theorem carry a minus",
        statement=r"$\mathcal S_{i\to j}^t=\frac{-\eta_t\nabla\tilde L_j(\xi_i)^TG_i^t}{\tilde L_j("
        r"\phi_{\{j\}}^{t+1})}$ and $\mathcal S_{A\to j}^t=\frac{-\eta_t\nabla\tilde L_j(\xi_A)^T("
        r"\sum_{k\in A}G_k^t)}{\tilde L_j(\phi_{\{j\}}^{t+1})}$.",
        plain="S_{i→j} = -η ∇f(ξ)ᵀG_i / f(φ_{j}).",
        source=Source("PTG", "App. A", ("3", "4")),
        assumptions=(LEARNING_RATE, _OWN_HEADS),
        used_for="the difference that appendix A then bounds",
        checks=(Check("a linear loss", Method.EXACT, lambda _: refuted_by("PTG-A-SIGN")),),
        reading="may be a slip of the pen: φ_{j} - φ_{i,j} is put equal to φ_{i,j} - φ_{j}",
        repaired_by="PTG-A-SIGN-R",
        notes="Harmless for eq. 6, which takes absolute values of both. Read alone it says that "
        "sources aligned with j have a negative gain.",
    ),
    Claim(
        id="PTG-A-SIGN-R",
        family="ptg",
        title="they carry a plus",
        statement=r"$\mathcal S_{A\to j}^t=\frac{+\eta_t\nabla\tilde L_j(\xi_A)^T(\sum_{k\in A}"
        r"G_k^t)}{\tilde L_j(\phi_{\{j\}}^{t+1})}$ for $j\notin A$.",
        plain="S_{A→j} = +η ∇f(ξ)ᵀ Σ_A G_k / f(φ_{j}): aligned sources have a positive gain.",
        source=Source("songoku", "repair of PTG's appendix A", ("3", "4")),
        assumptions=(LEARNING_RATE, _OWN_HEADS),
        used_for="the first-order law, EXT-13",
        checks=sign_checks(1),
        repairs="PTG-A-SIGN",
    ),
)
