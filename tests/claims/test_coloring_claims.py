"""The claims on colouring: their verdicts, and that a wrong statement does not get through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pytest
import z3

from proofs_check.claims.coloring import (
    CLAIMS,
    _graphs,
    chromatic,
    coverage,
    crown,
    greedy,
    interpretation,
    order,
    refresh,
    sparsity,
    staleness,
    threshold,
)
from proofs_check.claims.coloring._evidence import Obligation, Step, proof
from proofs_check.claims.coloring._kernels import first_fit_world
from proofs_check.methods.smt import prove
from proofs_check.model import Check, CheckContext, Claim, Method, Outcome, VerdictKind
from proofs_check.runner import ClaimResult, run_claims

REFUTED = {
    "COL-P8-WINDOW",  # eq. 100 is off by one
    "COL-P8-RUN",  # a refresh adds the two cycles up
    "COL-P9-LENGTH",  # the bound is an invariant, the length is not
    "COL-4.2b",  # fewer edges can mean more Welsh-Powell colours
    "COL-4.3b",  # an average does not bound a maximum
    "COL-4.4.1a",  # a singleton has no compatible slot
    "COL-4.4.1b",  # two duplicates may conflict with each other
    "COL-5.5f-CANCEL",  # pairs below the threshold add up
    "COL-G1a-OWN",  # a clique of Delta + 1 has gaps of Delta + 1
    "COL-G1b",  # a cycle is not an unbiased full gradient
    "COL-H2b-HEADS",  # few classes are large classes
}
CONDITIONAL = {"COL-7.3.2b", "COL-4.4.1c"}
PROVED_UP_TO = {"COL-4.2c"}

CONTEXT = CheckContext()


@pytest.fixture(scope="module")
def results() -> dict[str, ClaimResult]:
    return {result.claim.id: result for result in run_claims(CLAIMS, CONTEXT)}


def check_named(claim: Claim, name: str) -> Check:
    (found,) = [check for check in claim.checks if check.name == name]
    return found


def test_verdicts(results: dict[str, ClaimResult]) -> None:
    by_kind: dict[VerdictKind, set[str]] = {}
    for claim_id, result in results.items():
        by_kind.setdefault(result.verdict.kind, set()).add(claim_id)
    proved = by_kind.pop(VerdictKind.PROVED)
    assert by_kind == {
        VerdictKind.REFUTED: REFUTED,
        VerdictKind.CONDITIONAL: CONDITIONAL,
        VerdictKind.PROVED_UP_TO: PROVED_UP_TO,
    }
    assert len(proved) == len(CLAIMS) - len(REFUTED | CONDITIONAL | PROVED_UP_TO)


def test_every_row_has_two_methods_and_no_check_gives_up(
    results: dict[str, ClaimResult],
) -> None:
    for claim_id, result in results.items():
        assert len({item.method for item in result.evidence}) >= 2, claim_id
        quiet = [e.name for e in result.evidence if e.outcome is Outcome.INCONCLUSIVE]
        assert not quiet, (claim_id, quiet)


def test_what_is_refuted_is_repaired_and_the_repair_holds(
    results: dict[str, ClaimResult],
) -> None:
    for claim_id in REFUTED | CONDITIONAL:
        repaired_by = results[claim_id].claim.repaired_by
        assert repaired_by is not None, claim_id
        assert results[repaired_by].verdict.kind is VerdictKind.PROVED, repaired_by


def test_only_the_singleton_rule_is_vacuous(results: dict[str, ClaimResult]) -> None:
    vacuous = {claim_id for claim_id, r in results.items() if r.vacuous.is_vacuous}
    assert vacuous == {"COL-4.4.1a"}


def test_every_section_of_the_paper_that_colors_has_a_row() -> None:
    sources = " ".join(
        f"{claim.source.section} {' '.join(f'eq{e}.' for e in claim.source.equations)}"
        for claim in CLAIMS
    )
    for place in (
        "Proposition 1",
        "Theorem 1",
        "Proposition 8",
        "Proposition 9",
        "footnote 1",
        "4.2",
        "4.3",
        "4.4.1",
        "5.5 (1)",
        "5.5 (2)",
        "7.3.2",
        "G.1",
        "H.2",
        "eq11.",
        "eq99.",
        "eq100.",
        "eq101.",
    ):
        assert place in sources, place


# --- planted mistakes: the check has to say no -----------------------------------------------

Patch = Callable[[pytest.MonkeyPatch], None]


def one_less(module: ModuleType, name: str) -> Patch:
    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        right = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *arguments: right(*arguments) - 1)

    return patch


def replaced(module: ModuleType, name: str, value: object) -> Patch:
    return lambda monkeypatch: monkeypatch.setattr(module, name, value)


def _almost_multipartite(part_of: tuple[int, ...]) -> _graphs.Graph:
    """One cross edge missing, if there are at least two."""
    edges = _graphs.edges_of(_graphs.complete_multipartite(part_of))
    return _graphs.from_edges(len(part_of), edges[1:] if len(edges) > 1 else edges)


def _skips_last_class(
    rounds: Sequence[Sequence[int]], period: int, phase: str
) -> list[frozenset[int]]:
    run: list[frozenset[int]] = []
    for colors in rounds:
        length = max(1, *colors)
        for _ in range(period):
            slot = len(run) % length
            run.append(frozenset(t for t, color in enumerate(colors) if color == slot))
    return run


def _everything_together(colors: Sequence[int], steps: int) -> list[frozenset[int]]:
    return [frozenset(range(len(colors)))] * steps


def _second_free_color(graph: _graphs.Graph, order: Sequence[int]) -> tuple[int, ...]:
    """Not first-fit: begins with colour 1, so that classes lack neighbours below."""
    return tuple(color + 1 for color in _graphs.first_fit(graph, order))


CYCLE_ERROR = interpretation.cycle_error

MUTANTS = [
    pytest.param(
        chromatic.COL_P1,
        "all part sizes",
        one_less(chromatic, "chromatic_number"),
        id="chi = m - 1",
    ),
    pytest.param(
        chromatic.EXT_6,
        "all orders",
        replaced(chromatic, "complete_multipartite", _almost_multipartite),
        id="one cross edge missing",
    ),
    pytest.param(greedy.COL_P9, "all orders", one_less(greedy, "max_degree"), id="at most Delta"),
    pytest.param(
        greedy.COL_P9, "worst order by recursion", one_less(greedy, "max_degree"), id="Delta again"
    ),
    pytest.param(
        greedy.COL_43A,
        "Welsh-Powell on all named graphs",
        one_less(greedy, "max_degree"),
        id="Welsh-Powell at most Delta",
    ),
    pytest.param(
        greedy.COL_P9_SHARP,
        "all orders",
        one_less(greedy, "sharper_bound"),
        id="sharper than sharp",
    ),
    pytest.param(
        greedy.COL_P9_FN,
        "all orders",
        replaced(greedy, "first_fit", _second_free_color),
        id="another colouring procedure",
    ),
    pytest.param(
        crown.EXT_6_CROWN,
        "exact gradients",
        replaced(crown, "crown_scale", lambda tau: tau),
        id="crown's gradients scaled wrongly",
    ),
    pytest.param(
        order.COL_P9_LENGTH_R, "all orders", one_less(order, "grundy_number"), id="less than Grundy"
    ),
    pytest.param(
        staleness.COL_P8_WINDOW_R,
        "every graph, every window",
        one_less(staleness, "number_of_colors"),
        id="every m - 1 steps",
    ),
    pytest.param(
        staleness.COL_P8_WAIT,
        "every graph, every wait",
        one_less(staleness, "max_degree"),
        id="waits at most Delta - 1",
    ),
    pytest.param(
        staleness.COL_55B,
        "every sequence of updates",
        one_less(staleness, "longest_wait"),
        id="waits counted one short",
    ),
    pytest.param(
        refresh.COL_P8_RUN_R,
        "two rounds",
        one_less(refresh, "number_of_colors"),
        id="m + n - 3 across a refresh",
    ),
    pytest.param(
        refresh.COL_732B_R,
        "two rounds",
        replaced(refresh, "active_classes", _skips_last_class),
        id="last class skipped",
    ),
    pytest.param(
        refresh.COL_PHASE,
        "run",
        replaced(refresh, "active_classes", _skips_last_class),
        id="phase rules ignored",
    ),
    pytest.param(
        coverage.COL_44B,
        "every graph",
        replaced(coverage, "cyclic_steps", _everything_together),
        id="all tasks together",
    ),
    pytest.param(
        coverage.COL_441A_R,
        "every first-fit colouring",
        replaced(coverage, "first_fit", lambda graph, order: tuple(range(len(graph)))),
        id="one class a task is not first-fit",
    ),
    pytest.param(
        coverage.COL_441C_R,
        "every first-fit colouring",
        replaced(coverage, "first_fit", lambda graph, order: tuple(range(len(graph)))),
        id="last class of a colouring that is not first-fit",
    ),
    pytest.param(
        threshold.COL_42B_R,
        "one edge less",
        replaced(
            threshold, "chromatic_number", lambda graph: len(graph) - threshold.max_degree(graph)
        ),
        id="something that rises when edges go",
    ),
    pytest.param(
        threshold.COL_REALISE,
        "every graph",
        replaced(threshold, "max_degree", lambda graph: 1),
        id="tau up to 1",
    ),
    pytest.param(
        sparsity.COL_43B_R,
        "worst order of every graph",
        replaced(sparsity, "grundy_number", lambda graph: _graphs.grundy_number(graph) + 1),
        id="one class more than the edges allow",
    ),
    pytest.param(
        interpretation.COL_G1B_R,
        "affine class gradients",
        replaced(
            interpretation,
            "cycle_error",
            lambda classes, start, eta: (
                CYCLE_ERROR(classes, start, eta)[0],
                CYCLE_ERROR(classes, start, eta)[1] / 3,
            ),
        ),
        id="a third of the error bound",
    ),
]


@pytest.mark.parametrize(("claim", "name", "patch"), MUTANTS)
def test_a_mutated_statement_is_refuted(
    claim: Claim, name: str, patch: Patch, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = check_named(claim, name)
    assert check.run(CONTEXT).outcome is Outcome.SUPPORTS
    patch(monkeypatch)
    assert check.run(CONTEXT).outcome is Outcome.REFUTES


def test_the_solver_refutes_degree_minus_one() -> None:
    def build(_: ModuleType) -> list[Obligation]:
        mutated = []
        for degree, obligation in enumerate(greedy._degree_pigeonhole(z3)):
            color, v = obligation.conclusion.arg(0).decl(), obligation.conclusion.arg(0).arg(0)
            mutated.append(Obligation("-", obligation.hypotheses, color(v) <= degree - 1))
        return mutated

    assert prove(build, "colour below the degree").outcome is Outcome.REFUTES


def test_the_solver_refutes_a_shorter_gap_across_a_refresh() -> None:
    def build(_: ModuleType) -> list[Obligation]:
        gap = refresh._boundary(z3)[-1]
        m, n, a, a_new, q, q_new = z3.Ints("m n a a' Q Q'")
        return [Obligation("-", gap.hypotheses, a_new + q_new - a - q <= m + n - 2)]

    assert prove(build, "gap at most m + n - 2").outcome is Outcome.REFUTES


def test_the_solver_refutes_the_singleton_fact_without_first_fit() -> None:
    """Proper alone is not enough: it is the second fact of first-fit that closes the slots."""

    def build(_: ModuleType) -> list[Obligation]:
        world = first_fit_world(z3)
        (singleton,) = coverage._singleton_kernel(z3)
        without = [h for h in singleton.hypotheses if "blocks" not in str(h)]
        assert len(without) == len(singleton.hypotheses) - 1
        assert len(world.axioms) >= 3
        return [Obligation("-", without, singleton.conclusion)]

    assert prove(build, "a singleton conflicts with every class").outcome is Outcome.REFUTES


def test_a_proof_whose_step_fails_is_no_proof() -> None:
    broken = proof("something", (Step("a step", lambda: False),))
    assert broken.method is Method.WRITTEN_PROOF
    assert broken.run(CONTEXT).outcome is Outcome.INCONCLUSIVE


def test_predicates_of_assumptions_tell_right_from_wrong() -> None:
    path = _graphs.from_edges(3, [(0, 1), (1, 2)])
    checked = {
        assumption.name: assumption.predicate
        for claim in CLAIMS
        for assumption in claim.assumptions
        if assumption.predicate is not None
    }
    cases: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
        "model (B)": ((path, (0, 1, 0)), (path, (0, 1, 1))),
        "parts not empty": (((0, 1, 0), 2), ((0, 0), 2)),
        "simple graph": ((path,), ((2, 0),)),
        "fixed cycle": ((((0, 1), (0, 1)),), (((0, 1), (1, 0)),)),
        "R >= m_r": ((2, [(0, 1)]), (2, [(0, 1, 2)])),
        "Delta >= 1": ((path,), ((0, 0),)),
    }
    assert set(checked) == set(cases)
    for name, (good, bad) in cases.items():
        assert checked[name](*good), name
        assert not checked[name](*bad), name
