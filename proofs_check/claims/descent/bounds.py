"""Propositions 6 and 7: lower bounds on the squared length of a class's summed gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from types import ModuleType

from proofs_check.claims.descent._objects import (
    COMPATIBLE,
    NOT_ALL_ZERO,
    TAUS,
    Vector,
    compatible,
    conflict_ratio,
    dot,
    draw_vectors,
    integer_sets,
    squares,
    total,
    vectors_of,
)
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every
from proofs_check.methods.search import search_rationals
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import (
    Check,
    CheckContext,
    Claim,
    Finding,
    Method,
    Source,
    VacuityFinding,
)

__all__ = ["CLAIMS", "proposition_6_checks", "proposition_7_checks"]

_SIZES = (1, 2, 3, 4)


def _sets(context: CheckContext) -> Iterator[tuple[tuple[Vector, ...], Fraction]]:
    most = 3 if context.profile == "full" else 2
    shapes = ((2, 2, most), (3, 2, most), (3, 1, 4), (4, 1, 3))
    for size, dim, entries in shapes:
        for vectors in integer_sets(size, dim, entries):
            for tau in TAUS:
                yield vectors, tau


def _six_holds(vectors: Sequence[Vector], tau: Fraction, factor: Fraction) -> bool:
    joint = total(vectors)
    return dot(joint, joint) >= (1 - factor * tau * (len(vectors) - 1)) * squares(vectors)


def proposition_6_checks(factor: Fraction = Fraction(1)) -> tuple[Check, ...]:
    """Return the checks of ‖Σ g‖² ≥ (1 - factor τ (|S| - 1)) Σ ‖g‖²; the paper's factor is 1."""

    def proof(_: CheckContext) -> Finding:
        import sympy

        a, b, p, q = sympy.symbols("a b p q")
        names = sympy.symbols("a1:5")
        t = sympy.Rational(factor.numerator, factor.denominator)
        return WrittenProof(
            "‖Σ g‖² ≥ (1 - τ(|S| - 1)) Σ ‖g‖² for every number of tasks and every dimension",
            (
                Step("‖Σ g‖² = Σ ‖g_k‖² + 2 Σ_{i<j} ⟨g_i, g_j⟩, by bilinearity (eq. 78)."),
                Step("Each inner product is at least -τ‖g_i‖‖g_j‖ (eq. 76), so eq. 80."),
                Step(
                    "2ab = a² + b² - (a - b)² ≤ a² + b²; with a = ‖g_i‖, b = ‖g_j‖ that bounds "
                    "every mixed term.",
                    lambda: is_zero(a**2 + b**2 - (a - b) ** 2 - 2 * a * b),
                ),
                Step(
                    "A task stands in |S| - 1 pairs, so Σ_{i<j} (a_i² + a_j²) is (|S| - 1) Σ a_k² "
                    "(eq. 85); the count, for |S| = 4:",
                    lambda: is_zero(
                        sum(x**2 + y**2 for x, y in combinations(names, 2))
                        - 3 * sum(x**2 for x in names)
                    ),
                ),
                Step(
                    "Together: ‖Σ g‖² ≥ Σ a² - τ (|S| - 1) Σ a² (eq. 87).",
                    lambda: is_zero((1 - t * p * q) - (1 - p * q)),
                ),
            ),
        ).finding()

    def solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            found = []
            for size in (2, 3):
                a = [z3.Real(f"a{i}") for i in range(size)]
                pairs = list(combinations(range(size), 2))
                p = {pair: z3.Real(f"p{pair[0]}{pair[1]}") for pair in pairs}
                tau = z3.Real("tau")
                given = [x >= 0 for x in a] + [tau >= 0, tau < 1]
                given += [p[i, j] >= -tau * a[i] * a[j] for i, j in pairs]
                total_ = sum(x * x for x in a)
                joint = total_ + 2 * sum(p.values())
                scale = z3.Q(factor.numerator, factor.denominator)
                found.append(
                    smt.Obligation(
                        f"|S| = {size}, norms and inner products free",
                        given,
                        joint >= (1 - scale * tau * (size - 1)) * total_,
                    )
                )
            return found

        return smt.prove(build, "eq. 77 for |S| = 2 and 3", "up_to", timeout_ms=20_000)

    def exactly(context: CheckContext) -> Finding:
        return for_every(
            ((v, tau) for v, tau in _sets(context) if compatible(v, tau)),
            lambda case: _six_holds(*case, factor),
            lambda case: f"g = {case[0]}, τ = {case[1]}",
            "all multisets of 2 or 3 small integer vectors in the plane and 3 or 4 on the line "
            "that are compatible, 5 values of τ",
        )

    def attack(context: CheckContext) -> Finding:
        def violates(point: Sequence[Fraction]) -> bool:
            tau, vectors = point[0], vectors_of(point[1:], 3)
            return (
                0 <= tau < 1 and compatible(vectors, tau) and not _six_holds(vectors, tau, factor)
            )

        return search_rationals(
            lambda rng: [float(rng.uniform(0, 1)), *draw_vectors(rng, int(rng.integers(2, 6)), 3)],
            violates,
            context.seed,
            20_000 if context.profile == "full" else 400,
        )

    return (
        Check("polarisation and counting pairs", Method.WRITTEN_PROOF, proof),
        Check("norms and inner products by z3", Method.SMT, solver),
        Check("small integer gradients", Method.EXACT, exactly),
        Check("attack with random rationals", Method.SEARCH, attack),
    )


def _steps_of_e1(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
        found: list[tuple[str, object, object]] = []
        for size in (2, 3, 4):
            g = [sympy.symbols(f"g{i}x g{i}y") for i in range(size)]
            a = sympy.symbols(f"a0:{size}")
            pairs = list(combinations(range(size), 2))
            norm = sum(x * x + y * y for x, y in g)
            joint = sum(x for x, _ in g) ** 2 + sum(y for _, y in g) ** 2
            cross = sum(g[i][0] * g[j][0] + g[i][1] * g[j][1] for i, j in pairs)
            mixed = sum(a[i] * a[j] for i in range(size) for j in range(size) if i != j)
            found += [
                (f"eq. 78, |S| = {size}", joint, norm + 2 * cross),
                (f"eq. 81, |S| = {size}", sum(a[i] * a[j] for i, j in pairs), mixed / 2),
                (f"eq. 84, |S| = {size}", mixed, sum(a) ** 2 - sum(x**2 for x in a)),
                (
                    f"eq. 83 and 85: |S| Σ a² - (Σ a)² is a sum of squares, |S| = {size}",
                    size * sum(x**2 for x in a) - sum(a) ** 2,
                    sum((a[i] - a[j]) ** 2 for i, j in pairs),
                ),
            ]
        return found

    return prove_identities(build, "each equality of E.1 and the square behind eq. 83")


def _chain_exactly(context: CheckContext) -> Finding:
    """Eq. 80, 82, 86 and 87 in order, each no larger than the one before: with norms that are
    integers, so that the mixed terms are exact."""
    units = [
        tuple(Fraction(x) for x in v) for v in ((3, 4), (4, -3), (-3, 4), (5, 0), (0, -5), (0, 0))
    ]
    lengths = (5, 5, 5, 5, 5, 0)

    def holds(case: tuple[tuple[int, ...], tuple[int, ...], Fraction]) -> bool:
        places, factors, tau = case
        vectors = [tuple(f * x for x in units[p]) for p, f in zip(places, factors, strict=True)]
        norms = [Fraction(f * lengths[p]) for p, f in zip(places, factors, strict=True)]
        if not compatible(vectors, tau):
            return True
        joint = total(vectors)
        mixed = sum((x * y for x, y in combinations(norms, 2)), Fraction(0))
        size, squared = len(vectors), squares(vectors)
        chain = (
            dot(joint, joint),
            squared - 2 * tau * mixed,  # eq. 80 and 82
            squared - tau * (size - 1) * squared,  # eq. 86 and 87
        )
        return chain[0] >= chain[1] >= chain[2]

    from itertools import product

    cases = (
        (places, factors, tau)
        for places in product(range(len(units)), repeat=3)
        for factors in product((1, 2), repeat=3)
        for tau in TAUS
    )
    return for_every(
        cases,
        holds,
        lambda case: f"directions {case[0]}, factors {case[1]}, τ = {case[2]}",
        "three gradients with integer norms from six directions, 5 values of τ",
    )


def proposition_7_checks(ordered: int = 2) -> tuple[Check, ...]:
    """Return the checks of eq. 89; `ordered` is 2 if eq. 88 sums over ordered pairs, as printed
    (i ≠ j), and 1 for the sum over i < j, with which the statement is false."""

    def ratio(vectors: Sequence[Vector]) -> Fraction:
        return conflict_ratio(vectors) * ordered / 2

    def holds(vectors: Sequence[Vector]) -> bool:
        joint = total(vectors)
        return dot(joint, joint) >= (1 - ratio(vectors)) * squares(vectors)

    def proof(_: CheckContext) -> Finding:
        import sympy

        p, n = sympy.symbols("p n")
        return WrittenProof(
            "‖Σ g‖² ≥ (1 - τ_eff) Σ ‖g‖² with no hypothesis but Σ ‖g‖² > 0",
            (
                Step("‖Σ g‖² = Σ ‖g_k‖² + Σ_{i≠j} ⟨g_i, g_j⟩ (eq. 78, both orders of a pair)."),
                Step(
                    "x = x_+ - (-x)_+ ≥ -(-x)_+ for every number x: the positive part only helps.",
                    lambda: is_zero((p - n) - p + n),
                ),
                Step(
                    "So ‖Σ g‖² ≥ Σ ‖g_k‖² - Σ_{i≠j} (-⟨g_i, g_j⟩)_+, which is (1 - τ_eff) Σ ‖g_k‖² "
                    "when eq. 88 counts ordered pairs.",
                    lambda: is_zero(sympy.Integer(ordered) - 2),
                ),
            ),
        ).finding()

    def exactly(context: CheckContext) -> Finding:
        return for_every(
            (v for v, tau in _sets(context) if tau == 0),
            holds,
            lambda v: f"g = {v}",
            "all multisets of 2 or 3 small integer vectors in the plane and 3 or 4 on the line",
        )

    def attack(context: CheckContext) -> Finding:
        def violates(point: Sequence[Fraction]) -> bool:
            vectors = vectors_of(point, 3)
            return squares(vectors) > 0 and not holds(vectors)

        return search_rationals(
            lambda rng: draw_vectors(rng, int(rng.integers(2, 7)), 3),
            violates,
            context.seed,
            20_000 if context.profile == "full" else 400,
        )

    return (
        Check("positive and negative parts", Method.WRITTEN_PROOF, proof),
        Check("small integer gradients", Method.EXACT, exactly),
        Check("attack with random rationals", Method.SEARCH, attack),
    )


def _ratio_below_proof(_: CheckContext) -> Finding:
    import sympy

    a, b = sympy.symbols("a b")
    return WrittenProof(
        "under τ-compatibility τ_eff ≤ τ(|S| - 1)",
        (
            Step("(-⟨g_i, g_j⟩)_+ ≤ τ‖g_i‖‖g_j‖, from eq. 76 and τ ≥ 0."),
            Step(
                "2‖g_i‖‖g_j‖ ≤ ‖g_i‖² + ‖g_j‖².",
                lambda: is_zero(a**2 + b**2 - 2 * a * b - (a - b) ** 2),
            ),
            Step(
                "Summed over ordered pairs: at most τ (|S| - 1) Σ ‖g_k‖². Divide by Σ ‖g_k‖² > 0."
            ),
        ),
    ).finding()


def _ratio_below_exactly(context: CheckContext) -> Finding:
    return for_every(
        ((v, tau) for v, tau in _sets(context) if compatible(v, tau)),
        lambda case: conflict_ratio(case[0]) <= case[1] * (len(case[0]) - 1),
        lambda case: f"g = {case[0]}, τ = {case[1]}",
        "all compatible multisets of small integer vectors, 5 values of τ",
    )


def _ratio_below_attack(context: CheckContext) -> Finding:
    def violates(point: Sequence[Fraction]) -> bool:
        tau, vectors = point[0], vectors_of(point[1:], 3)
        return (
            0 <= tau < 1
            and squares(vectors) > 0
            and compatible(vectors, tau)
            and conflict_ratio(vectors) > tau * (len(vectors) - 1)
        )

    return search_rationals(
        lambda rng: [float(rng.uniform(0, 1)), *draw_vectors(rng, int(rng.integers(2, 6)), 3)],
        violates,
        context.seed,
        20_000 if context.profile == "full" else 400,
    )


def _says_more_exactly(_: CheckContext) -> Finding:
    """Two gradients at a right angle: eq. 77 gives (1 - τ) of what eq. 89 gives."""
    vectors = ((Fraction(1), Fraction(0)), (Fraction(0), Fraction(1)))
    return for_every(
        [tau for tau in TAUS if tau > 0],
        lambda tau: compatible(vectors, tau) and conflict_ratio(vectors) < tau,
        lambda tau: f"τ = {tau}",
        "an orthogonal pair, where τ_eff = 0 < τ(|S| - 1), for every τ > 0 of the grid",
    )


def _says_more_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "eq. 89 implies eq. 77, not the other way round",
        (
            Step("Under τ-compatibility τ_eff ≤ τ(|S| - 1) (DES-P7-BELOW), so eq. 89 implies 77."),
            Step(
                "For g = (1, 0), (0, 1) and τ > 0: τ_eff = 0 and eq. 89 is an equality, while eq. "
                "77 guarantees only 1 - τ of it."
            ),
            Step("Eq. 89 also speaks of sets that are not compatible for any τ < 1."),
        ),
    ).finding()


def _simplex(size: int, off: Fraction) -> tuple[tuple[Fraction, ...], ...]:
    """A Gram matrix with ones on the diagonal and `off` elsewhere."""
    return tuple(tuple(Fraction(1) if i == j else off for j in range(size)) for i in range(size))


def _sharp_exactly(_: CheckContext) -> Finding:
    """The Gram matrix with all cosines -τ exists (is positive semidefinite) and attains eq. 77."""
    cases = [
        (size, Fraction(1, k)) for size in range(2, 9) for k in range(2, 12) if (size - 1) <= k
    ]

    def holds(case: tuple[int, Fraction]) -> bool:
        size, tau = case
        gram = _simplex(size, -tau)
        # Eigenvalues: 1 - τ(s-1) on the all-ones vector, 1 + τ on its complement.
        ones = sum((sum(row) for row in gram), Fraction(0))
        return ones == (1 - tau * (size - 1)) * size and ones >= 0 and 1 + tau > 0

    return for_every(
        cases, holds, lambda c: f"|S| = {c[0]}, τ = {c[1]}", "|S| ≤ 8 and τ = 1/k, τ(|S| - 1) ≤ 1"
    )


def _sharp_proof(_: CheckContext) -> Finding:
    import sympy

    s, tau = sympy.symbols("s tau")
    return WrittenProof(
        "eq. 77 is attained whenever τ(|S| - 1) ≤ 1, and beyond that only ‖Σ g‖² ≥ 0 is true",
        (
            Step(
                "(1 + τ) I - τ J has the eigenvalue 1 - τ(s - 1) on the all-ones vector and 1 + τ "
                "elsewhere: positive semidefinite iff τ(s - 1) ≤ 1, so it is the Gram matrix of s "
                "unit vectors with all cosines -τ.",
                lambda: is_zero((1 + tau) - tau * s - (1 - tau * (s - 1))),
            ),
            Step(
                "For them ‖Σ g‖² = s + s(s - 1)(-τ) = (1 - τ(s - 1)) s: equality in eq. 77.",
                lambda: is_zero(s - s * (s - 1) * tau - (1 - tau * (s - 1)) * s),
            ),
            Step(
                "If τ(s - 1) ≥ 1, the same with cosines -1/(s - 1) ≥ -τ is compatible and sums to "
                "zero: no bound above 0 is true.",
                lambda: is_zero((s - s * (s - 1) * tau).subs(tau, 1 / (s - 1))),
            ),
        ),
    ).finding()


def _sharp_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        tau, s = z3.Reals("tau s")
        given = [s >= 2, tau >= 0, tau < 1]
        return [
            smt.Obligation(
                "with all cosines -τ the squared length is eq. 77's right side",
                given,
                s + s * (s - 1) * (-tau) == (1 - tau * (s - 1)) * s,
            ),
            smt.Obligation(
                "it is a Gram matrix exactly when the bound is not negative",
                given,
                (1 - tau * (s - 1) >= 0) == (tau * (s - 1) <= 1),
            ),
        ]

    return smt.prove(build, "the simplex attains eq. 77")


def _where_vacuous(_: CheckContext) -> VacuityFinding:
    return VacuityFinding(
        False,
        "eq. 77 says nothing where τ(|S| - 1) ≥ 1: from 3 tasks in a class on at τ = 1/2, from 5 "
        "at 1/4, from 11 at 1/10. The paper does not give the τ of its experiments.",
    )


_E1 = ("76", "77")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="DES-P6",
        family="descent",
        title="a compatible class keeps a share of its squared step lengths",
        statement=r"If $\langle g_i,g_j\rangle\ge-\tau\|g_i\|\|g_j\|$ for all $i\ne j\in S$, "
        r"$0\le\tau<1$, then $\|\sum_{k\in S}g_k\|^2\ge(1-\tau(|S|-1))\sum_{k\in S}\|g_k\|^2$.",
        plain="If no two gradients of S have a cosine below -τ, the squared length of their sum is "
        "at least 1 - τ(|S| - 1) times the sum of their squared lengths.",
        source=Source(
            "SON-GOKU", "5.1; App. E.1, Proposition 6; first sentence of E.2", ("12", *_E1)
        ),
        assumptions=(COMPATIBLE,),
        used_for="every statement of section 5.1 about safe steps, E.2, eq. 98",
        checks=proposition_6_checks(),
        vacuous=_where_vacuous,
        notes="The bound is about the length of the sum. What that has to do with descent, and of "
        "which objective, is judged in DES-12-DIR and the rows after it.",
    ),
    Claim(
        id="DES-E1-STEPS",
        family="descent",
        title="each step of Proposition 6's proof",
        statement=r"(78)-(87): polarization, $\sum_{i<j}=\frac12\sum_{i\ne j}$, Cauchy-Schwarz, "
        r"$\sum_{i\ne j}\|g_i\|\|g_j\|\le(|S|-1)\sum_k\|g_k\|^2$.",
        plain="Equations 78 to 87 hold as printed, each following from the ones before.",
        source=Source(
            "SON-GOKU",
            "App. E.1.1 to E.1.4",
            ("78", "79", "80", "81", "82", "83", "84", "85", "86", "87"),
        ),
        assumptions=(COMPATIBLE,),
        used_for="Proposition 6",
        checks=(
            Check("equalities by algebra", Method.SYMBOLIC, _steps_of_e1),
            Check("the chain in fractions", Method.EXACT, _chain_exactly),
            *proposition_6_checks()[:1],
        ),
        notes="Eq. 78 to 84 are identities, 85 is the square behind Cauchy-Schwarz; 'using ... "
        "(84)' before eq. 84 refers forward, which changes nothing.",
    ),
    Claim(
        id="DES-P6-SHARP",
        family="descent",
        title="Proposition 6 is attained, and says nothing beyond τ(|S| - 1) = 1",
        statement=r"For every $s\ge2$ and $\tau\in[0,1)$ with $\tau(s-1)\le1$ there are $s$ unit "
        r"vectors with equality in (77); for $\tau(s-1)\ge1$ there are compatible unit vectors "
        r"whose sum is $0$.",
        plain="For τ(s - 1) ≤ 1 some s unit vectors attain eq. 77; for τ(s - 1) ≥ 1 some "
        "compatible unit vectors sum to zero, so no positive share is guaranteed.",
        source=Source("songoku", "on App. E, Proposition 6", ("77",)),
        assumptions=(),
        used_for="where the guarantee ends: the largest class that a τ can vouch for",
        checks=(
            Check("eigenvalues of the simplex", Method.WRITTEN_PROOF, _sharp_proof),
            Check("the same by z3", Method.SMT, _sharp_by_solver),
            Check("Gram matrices in fractions", Method.EXACT, _sharp_exactly),
        ),
    ),
    Claim(
        id="DES-P7",
        family="descent",
        title="the aggregate conflict ratio bounds the summed gradient",
        statement=r"With $\tau_{\mathrm{eff}}(S)=\sum_{i\ne j}(-\langle g_i,g_j\rangle)_+/\sum_k"
        r"\|g_k\|^2$: $\|\sum_{k\in S}g_k\|^2\ge(1-\tau_{\mathrm{eff}}(S))\sum_{k\in S}\|g_k\|^2$ "
        r"without additional assumptions.",
        plain="The squared length of the sum is at least 1 - τ_eff(S) times the sum of squared "
        "lengths, for any gradients that are not all zero.",
        source=Source("SON-GOKU", "App. E.2, Proposition 7; App. F", ("88", "89", "93", "94")),
        assumptions=(NOT_ALL_ZERO,),
        used_for="eq. 94 and 95, the data-dependent constant of appendix F",
        checks=proposition_7_checks(),
        reading="the sum over i ≠ j takes both orders of a pair, as in eq. 81",
        notes="With every gradient zero eq. 88 is 0/0; the proposition then has no content. Read "
        "with a sum over i < j it would be false: (1), (-1) would have τ_eff = 1/2.",
    ),
    Claim(
        id="DES-P7-BELOW",
        family="descent",
        title="the conflict ratio of a compatible class is at most τ(|S| - 1)",
        statement=r"Under $\tau$-compatibility we always have $\tau_{\mathrm{eff}}(S)\le\tau(|S|-1)"
        r"$, so (89) is never weaker than (77).",
        plain="If S is τ-compatible, τ_eff(S) ≤ τ(|S| - 1).",
        source=Source("SON-GOKU", "App. E.2, Proposition 7; App. F", ("88", "89", "98")),
        assumptions=(COMPATIBLE, NOT_ALL_ZERO),
        used_for="eq. 98's uniform constant 1/(1 - ρ)",
        checks=(
            Check("pair by pair", Method.WRITTEN_PROOF, _ratio_below_proof),
            Check("small integer gradients", Method.EXACT, _ratio_below_exactly),
            Check("attack with random rationals", Method.SEARCH, _ratio_below_attack),
        ),
    ),
    Claim(
        id="DES-P7-STRICT",
        family="descent",
        title="Proposition 7 is strictly stronger than Proposition 6",
        statement=r"Below, we provide a strictly stronger version that is assumption free.",
        plain="Eq. 89 implies eq. 77 for compatible sets and sometimes says more.",
        source=Source("SON-GOKU", "App. E.2, Proposition 7", ("89",)),
        assumptions=(NOT_ALL_ZERO,),
        used_for="preferring eq. 89 in E.2 (ii)",
        checks=(
            Check("implication and a strict case", Method.WRITTEN_PROOF, _says_more_proof),
            Check("an orthogonal pair", Method.EXACT, _says_more_exactly),
            Check("attack on the implication", Method.SEARCH, _ratio_below_attack),
        ),
        reading="stronger as a statement: never says less, and somewhere says more. (Both are "
        "equalities for unit vectors with all cosines -τ, so it is not strict everywhere.)",
    ),
)
