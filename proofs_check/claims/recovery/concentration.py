"""Lemma 1 (eq. 20, 21): how far an EMA strays from its mean in a given direction.

As printed the noise is sub-Gaussian step by step ("sub-Gaussian with parameter sigma²"), and
phi-mixing or a martingale difference besides. That does not give eq. 20 with a constant that
depends on the mixing only: noise that is rarely large, and large for several steps in a row, is
sub-Gaussian at each step with a parameter that its average does not respect. If each step is
sub-Gaussian *given the past*, eq. 20 holds with c = 1/2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.ema.objects import sample_size, window_weights
from proofs_check.claims.recovery._assumptions import CONDITIONAL_NOISE, NO_DRIFT, NOISE
from proofs_check.claims.recovery._checks import (
    Step,
    appendix_b,
    identities,
    is_zero,
    look,
    ours,
    proof,
    replayed,
    some,
)
from proofs_check.claims.recovery._exact import (
    exp_minus,
    is_sub_gaussian,
    rare_probability,
    three_points,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Check, CheckContext, Claim, Method

__all__ = ["CLAIMS", "tail_checks"]


def _claimed(constant: Fraction, size: Fraction, squared: Fraction, proxy: Fraction) -> Fraction:
    """Return an upper bound of eq. 20's right-hand side, 2 exp(-c n_eff eps²/sigma²)."""
    return 2 * exp_minus(constant * size * squared / proxy).high


@replayer("recovery-sticky-noise")
def replay_sticky(data: Mapping[str, Any]) -> Replay:
    """Noise that is rarely large, and then large for the whole window, against eq. 20.

    ``mixing``: each step keeps the last value with probability q, else draws a new one from the
    law, so phi(k) <= q^k. ``martingale``: one hidden size for the window, a fresh sign each step.
    """
    kind, stay = data["dependence"], rational(data["stay"])
    lines, violated = [], kind in ("mixing", "martingale")
    for case in data["cases"]:
        constant, size = rational(case["c"]), rational(case["size"])
        window, beta = int(case["window"]), rational(case["beta"])
        rare = rare_probability(size * size)
        law = three_points(size, rare)
        average = sample_size(window_weights(window, beta))
        # All values +a, or all -a: the average is +-a whatever the weights are, as they sum to 1.
        if kind == "mixing":
            chance = rare * stay ** (window - 1)
        else:
            chance = rare * Fraction(1, 2 ** (window - 1))
        # eps just below a: P(|average| > eps) >= chance for each, and the bound tends to eps = a's
        allowed = _claimed(constant, average, size * size, Fraction(1))
        valid = is_sub_gaussian(law, Fraction(1)) and 0 < stay < 1 and 0 <= beta < 1
        violated = violated and valid and chance > allowed
        lines.append(
            f"c = {constant}: values +-{size} with probability {rare} together, else 0; "
            f"sub-Gaussian with sigma² = 1: {valid}; R = {window}, beta = {beta}, n_eff = {average}"
        )
        lines.append(
            f"  P(|EMA - mu| = {size}) >= {float(chance):.3g}; eq. 20 at eps -> {size} allows less "
            f"than {float(allowed):.3g}"
        )
    lines.append(
        "For any c: take n_eff > 1/c, then a so large that exp(-a²/2) (the probability) beats "
        "exp(-c n_eff a²)."
    )
    return Replay(tuple(lines), violated)


def tail_checks(constant: Fraction = Fraction(1, 2)) -> tuple[Check, ...]:
    """Return the checks of eq. 20 with this constant in its exponent."""

    def chernoff(sympy: ModuleType) -> list[Identity]:
        eps, proxy, squares = sympy.symbols("eps sigma2 S", positive=True)
        rate = eps / (proxy * squares)
        exponent = -rate * eps + rate**2 * proxy * squares / 2
        return [
            (
                "at l = eps/(sigma² S): -l eps + l² sigma² S/2 = -c eps²/(sigma² S)",
                exponent,
                -sympy.Rational(constant.numerator, constant.denominator)
                * eps**2
                / (proxy * squares),
            )
        ]

    def closes() -> bool:
        import sympy

        return all(is_zero(left - right) for _, left, right in chernoff(sympy))

    def holds(case: tuple[int, Fraction, Fraction, bool]) -> bool:
        window, beta, level, adaptive = case
        weights = window_weights(window, beta)
        size = sample_size(weights)
        beyond = 0
        for signs in product((-1, 1), repeat=window):
            scale, total = Fraction(1), Fraction(0)
            for weight, sign in zip(weights, signs, strict=True):
                total += weight * scale * sign
                # Martingale differences whose size follows the past: halved after a minus.
                scale = Fraction(1, 2) if adaptive and sign < 0 else Fraction(1)
            beyond += abs(total) > level
        return Fraction(beyond, 2**window) <= 2 * exp_minus(constant * size * level**2).low

    def cases(context: CheckContext) -> Iterator[tuple[int, Fraction, Fraction, bool]]:
        longest = 10 if context.profile == "full" else 7
        for window in range(1, longest + 1):
            for beta in (Fraction(0), Fraction(1, 3), Fraction(2, 3), Fraction(9, 10)):
                for eighths in range(1, 9):
                    for adaptive in (False, True):
                        yield window, beta, Fraction(eighths, 8), adaptive

    return (
        proof(
            "Pr(|<EMA - mu, u>| > eps) <= 2 exp(-n_eff eps²/(2 sigma²))",
            (
                Step(
                    "X_t = <xi_t, u>. E[exp(l w_t X_t) | past] <= exp(l² w_t² sigma²/2). Take the "
                    "steps' expectations from the last to the first: E exp(l sum w_t X_t) <= "
                    "exp(l² sigma² S/2), S = sum w_t² = 1/n_eff (eq. 19)."
                ),
                Step(
                    "Markov: Pr(sum w_t X_t > eps) <= exp(-l eps + l² sigma² S/2). At l = "
                    "eps/(sigma² S) that is exp(-n_eff eps²/(2 sigma²)).",
                    closes,
                ),
                Step("The same for -u; the two together give the factor 2."),
            ),
        ),
        identities("Chernoff's exponent", chernoff, "the exponent of eq. 20", doc="By sympy."),
        some(
            "all signs of short windows",
            cases,
            holds,
            "signs and signs of adapted size, R <= 7 (full: 10), four beta, eps = 1/8 ... 1",
            doc="Exact probabilities against an enclosure of the exponential.",
        ),
    )


def _joint(context: CheckContext) -> Iterator[tuple[int, int, Fraction]]:
    del context
    for directions in (1, 2, 3):
        for window in (1, 2, 3):
            for level in (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4)):
                yield directions, window, level


def _union_holds(case: tuple[int, int, Fraction]) -> bool:
    """Exact: P(some direction beyond) <= sum over directions of P(beyond), in the plane."""
    directions, window, level = case
    units = [
        (Fraction(1), Fraction(0)),
        (Fraction(3, 5), Fraction(4, 5)),
        (Fraction(0), Fraction(1)),
    ]
    weights = window_weights(window, Fraction(1, 2))
    counts, some_beyond = [0] * directions, 0
    for signs in product((-1, 1), repeat=2 * window):
        point = [
            sum((w * s for w, s in zip(weights, signs[axis::2], strict=True)), Fraction(0))
            for axis in (0, 1)
        ]
        beyond = [abs(u[0] * point[0] + u[1] * point[1]) > level for u in units[:directions]]
        some_beyond += any(beyond)
        counts = [count + hit for count, hit in zip(counts, beyond, strict=True)]
    return some_beyond <= sum(counts)


# --- m-dependent noise: a constant, and that it has to know the mixing ---------------------------


def _block_noise(context: CheckContext) -> Iterator[tuple[int, int, Fraction, Fraction]]:
    del context
    for block in (1, 2, 3):
        for window in range(1, 7):
            for beta in (Fraction(0), Fraction(1, 2), Fraction(4, 5)):
                for eighths in (2, 5, 7):
                    yield block, window, beta, Fraction(eighths, 8)


def _block_bound_holds(case: tuple[int, int, Fraction, Fraction]) -> bool:
    """One sign for each block of L steps: L-dependent noise, enumerated."""
    block, window, beta, level = case
    weights = window_weights(window, beta)
    size = sample_size(weights)
    blocks = -(-window // block)
    beyond = sum(
        abs(sum((w * signs[t // block] for t, w in enumerate(weights)), Fraction(0))) > level
        for signs in product((-1, 1), repeat=blocks)
    )
    allowed = 2 * exp_minus(size * level**2 / (2 * block)).low
    return Fraction(beyond, 2**blocks) <= allowed


def _hoelder() -> bool:
    """(sum over L classes of a_r)² <= L sum a_r², for L = 3."""
    import sympy

    a, b, c = sympy.symbols("a b c")
    squares = (a - b) ** 2 + (a - c) ** 2 + (b - c) ** 2
    return is_zero(3 * (a**2 + b**2 + c**2) - (a + b + c) ** 2 - squares)


_LEMMA = (
    r"There exists a constant $c>0$ depending only on the mixing parameters such that for any "
    r"fixed unit vector $u$ and any $\varepsilon>0$: $\Pr(|\langle\tilde "
    r"g_i-\mu_i,u\rangle|>\varepsilon)\le 2\exp(-c\,n_{\rm eff}\varepsilon^2/\sigma^2)$."
)


def _under_condition() -> tuple[Check, ...]:
    return tuple(
        replace(
            check, name=f"{check.name}, noise sub-Gaussian given the past", under_condition=True
        )
        for check in tail_checks()
        if check.method is not Method.EXACT  # those run for REC-L1-R
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="REC-L1",
        family="recovery",
        title="An EMA concentrates in a fixed direction: phi-mixing noise",
        statement=_LEMMA,
        plain="For phi-mixing noise, each step of it sub-Gaussian with parameter sigma², eq. 20 "
        "holds with a c > 0 that depends only on the mixing coefficients.",
        source=appendix_b("B.4, Lemma 1 and Assumption 2", "17", "18", "20"),
        assumptions=(NOISE, NO_DRIFT),
        used_for="Proposition 3, and through it every recovery statement.",
        checks=(
            replayed("rec_l1_mixing", "phi(k) <= 2^-k, and every c fails."),
            *_under_condition(),
        ),
        reading="'sub-Gaussian with parameter sigma²' of each xi_(i,t) by itself, as printed; the "
        "clause 'ensuring concentration' is not read as assuming the lemma",
        condition="the noise is sub-Gaussian given the past (independent steps, or martingale "
        "differences)",
        repaired_by="REC-L1-R",
        notes="The proof calls on 'Hoeffding-Azuma/Bernstein-type' bounds; Azuma's needs steps "
        "that are bounded or sub-Gaussian given the past.",
    ),
    Claim(
        id="REC-L1-MDS",
        family="recovery",
        title="An EMA concentrates in a fixed direction: martingale differences",
        statement=_LEMMA,
        plain="For martingale differences, each of them sub-Gaussian with parameter sigma², eq. 20 "
        "holds with one c > 0.",
        source=appendix_b("B.4, Lemma 1 and Assumption 2", "17", "20"),
        assumptions=(NOISE, NO_DRIFT),
        used_for="Proposition 3, and through it every recovery statement.",
        checks=(
            replayed("rec_l1_martingale", "A hidden size for the window: every c fails."),
            *_under_condition(),
        ),
        reading="as REC-L1, the other alternative of Assumption 2",
        condition="the noise is sub-Gaussian given the past (independent steps, or martingale "
        "differences)",
        repaired_by="REC-L1-R",
    ),
    Claim(
        id="REC-L1-R",
        family="recovery",
        title="Lemma 1 for noise that is sub-Gaussian given the past, with c = 1/2",
        statement=r"If $E[e^{\lambda\langle\xi_{i,t},u\rangle}\mid\text{past}]\le "
        r"e^{\lambda^2\sigma^2/2}$, then $\Pr(|\langle\tilde g_i-\mu_i,u\rangle|>\varepsilon)\le "
        r"2\exp(-n_{\rm eff}\varepsilon^2/(2\sigma^2))$.",
        plain="With every step sub-Gaussian given the past, eq. 20 holds with c = 1/2.",
        source=ours("repair of Lemma 1"),
        assumptions=(CONDITIONAL_NOISE, NO_DRIFT),
        used_for="REC-P3-R and REC-C1-R; independent mini-batches are of this kind.",
        checks=tail_checks(),
        repairs="REC-L1",
    ),
    Claim(
        id="REC-L1-BLOCKS",
        family="recovery",
        title="Noise that remembers L steps: c = 1/(2L), and no c works for all L",
        statement=r"If $\xi_s$ and $\xi_t$ are independent for $|s-t|\ge L$, eq. 20 holds with "
        r"$c=1/(2L)$; for noise constant on blocks of length $L$ no $c>1/L$ does for all $n_{\rm "
        r"eff}$.",
        plain="L-dependent sub-Gaussian noise (phi(k) = 0 for k >= L) has eq. 20 with c = 1/(2L). "
        "So a constant exists that depends on the mixing, and it has to.",
        source=ours(
            "on Lemma 1 and the 'absolute' constants of Proposition 3 and Corollaries 1, 2"
        ),
        assumptions=(NO_DRIFT,),
        used_for="The constants of Corollaries 1 and 2 can't be absolute if the noise is mixing.",
        checks=(
            proof(
                "c = 1/(2L)",
                (
                    Step(
                        "Split the steps into L classes by t mod L. Within a class the steps are "
                        "at least L apart, so independent: class r has the variance proxy sigma² "
                        "S_r, sum S_r = S = 1/n_eff. (Pairwise distance L gives joint "
                        "independence for blocks that do not overlap.)"
                    ),
                    Step(
                        "Hölder: the sum of the classes has the proxy sigma² (sum of sqrt(S_r))² "
                        "<= L sigma² S (shown for L = 3; for any L it is Cauchy-Schwarz).",
                        _hoelder,
                    ),
                    Step("Chernoff as in REC-L1-R: 2 exp(-n_eff eps²/(2 L sigma²))."),
                    Step(
                        "Conversely let one value serve a whole window of R = L steps: the average "
                        "is that value, whatever n_eff <= L is. With values +-1, eps -> 1: the "
                        "probability is 1 <= 2 exp(-c n_eff) only if c <= log(2)/n_eff, and "
                        "n_eff comes as close to L as one likes (EMA-C2-BETA-R)."
                    ),
                ),
            ),
            some(
                "one sign a block",
                _block_noise,
                _block_bound_holds,
                "blocks of 1 to 3 steps, R <= 6, three beta, three eps",
                doc="All signs of the blocks, exactly.",
            ),
        ),
        reading="m-dependence: for |s-t| >= L not pairs only but the steps before s and from t on "
        "are independent",
    ),
    Claim(
        id="REC-21",
        family="recovery",
        title="A union bound over directions",
        statement=r"$\Pr(\max_{1\le j\le M}|\langle\tilde g_i-\mu_i,u_j\rangle|>\varepsilon)\le "
        r"2M\exp(-c\,n_{\rm eff}\varepsilon^2/\sigma^2)$.",
        plain="If eq. 20 holds for each of M fixed directions, eq. 21 holds for their maximum.",
        source=appendix_b("B.4, Lemma 1", "21"),
        assumptions=(CONDITIONAL_NOISE, NO_DRIFT),
        used_for="Proposition 3's 'union bound over the O(K²) pairs'.",
        checks=(
            proof(
                "eq. 20 for each direction gives eq. 21",
                (
                    Step(
                        "max > eps is the union of M events, each of probability at most eq. 20's."
                    ),
                    Step("The probability of a union is at most the sum: M times 2 exp(...)."),
                    Step(
                        "For all K tasks and the K directions mu_j/|mu_j|: K² events (i, j), so 2 "
                        "K² exp(...). That is the K² of eq. 35; four directions a pair, as the "
                        "proof of Proposition 3 counts, are the same K² events."
                    ),
                ),
            ),
            look(
                "three directions in the plane",
                _joint,
                _union_holds,
                str,
                "1 to 3 directions, R <= 3, three eps, all signs",
                doc="The joint probability and the three single ones, exactly.",
                method=Method.EXHAUSTIVE,
                kind="instances",
            ),
        ),
        reading="given eq. 20; where eq. 20 fails (REC-L1), eq. 21 with M = 1 fails with it",
    ),
)
