"""What was asked of the solver before must not change how the next query goes."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from proofs_check.claims.coloring.greedy import COL_P9_FN
from proofs_check.methods.smt import Obligation, prove
from proofs_check.model import CheckContext, Method, Outcome


def test_every_query_has_a_context_of_its_own() -> None:
    seen: list[Any] = []

    def build(z3: ModuleType) -> list[Obligation]:
        seen.append(z3.main_ctx())
        x = z3.Int("x")
        return [Obligation("order", [x > 1], x > 0)]

    assert [prove(build, "x > 0").outcome for _ in range(2)] == [Outcome.SUPPORTS] * 2
    assert seen[0] is not seen[1]


def test_a_proof_with_quantifiers_survives_thousands_of_earlier_terms() -> None:
    """This one gave up when enough other claims had been checked in the same process."""
    (proof,) = (c for c in COL_P9_FN.checks if c.method is Method.WRITTEN_PROOF)

    def crowd(z3: ModuleType) -> list[Obligation]:
        numbers = z3.Ints(" ".join(f"n{i}" for i in range(3000)))
        return [Obligation("sum", [n >= 0 for n in numbers], z3.Sum(numbers) >= 0)]

    assert prove(crowd, "a sum of 3,000 terms").outcome is Outcome.SUPPORTS
    assert proof.run(CheckContext()).outcome is Outcome.SUPPORTS
