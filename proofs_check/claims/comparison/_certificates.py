"""Worst cases over whole classes of functions, in every dimension, by performance estimation."""

from __future__ import annotations

from types import ModuleType

from proofs_check.methods.certificate import worst_case_below
from proofs_check.model import Check, CheckContext, Finding, Method

__all__ = ["contraction_certificate", "drift_certificate", "path_certificate"]


def _solved(problem: ModuleType) -> float:
    return float(problem.solve(verbose=0, wrapper="cvxpy", solver="CLARABEL"))


def _path(pepit: ModuleType, groups: int, eta: float) -> float:
    """Worst F(x_m) minus the telescoped bound plus 1, over 1-smooth functions and any steps."""
    from PEPit.functions import SmoothFunction

    problem = pepit.PEP()
    function = problem.declare_function(SmoothFunction, L=1.0)
    point = problem.set_initial_point()
    bound = function(point)
    energy = 0.0
    for _ in range(groups):
        move = problem.set_initial_point()
        bound = bound - eta * function.gradient(point) * move + eta**2 / 2 * move**2
        energy = energy + move**2
        point = point - eta * move
    problem.set_initial_condition(energy <= 1)
    problem.set_performance_metric(function(point) - bound + 1)
    return _solved(problem)


def _contraction(pepit: ModuleType, mu: float, eta: float) -> float:
    """Worst F(x_agg) - F* over 1-smooth functions with PL constant mu and F(x) - F* <= 1."""
    from PEPit.functions import SmoothQuadraticLojasiewiczFunctionExpensive

    problem = pepit.PEP()
    function = problem.declare_function(SmoothQuadraticLojasiewiczFunctionExpensive, L=1.0, mu=mu)
    lowest = function.stationary_point()
    point = problem.set_initial_point()
    problem.set_initial_condition(function(point) - function(lowest) <= 1)
    after = point - eta * function.gradient(point)
    problem.set_performance_metric(function(after) - function(lowest))
    return _solved(problem)


def _drift(pepit: ModuleType, eta: float) -> float:
    """Worst |G_3(x_2)|^2 with three convex 1-smooth groups of |G_r(x)| <= 1."""
    from PEPit.functions import SmoothConvexFunction

    problem = pepit.PEP()
    functions = [problem.declare_function(SmoothConvexFunction, L=1.0) for _ in range(3)]
    start = problem.set_initial_point()
    for function in functions:
        problem.set_initial_condition(function.gradient(start) ** 2 <= 1)
    point = start
    for function in functions[:2]:
        point = point - eta * function.gradient(point)
    problem.set_performance_metric(functions[2].gradient(point) ** 2)
    return _solved(problem)


def path_certificate() -> Check:
    """Make a check that certifies the bound along the path for m = 1, 2, 3."""

    def run(context: CheckContext) -> Finding:
        del context
        return worst_case_below(
            lambda pepit: [
                (f"m = {m}, eta = {eta}/L", _path(pepit, m, eta), 1.0)
                for m, eta in ((1, 1.0), (2, 1.0), (3, 0.5))
            ],
            "1 + F(x_sch) - (bound along the path) is at most 1, over all L-smooth F and any steps",
        )

    return Check("worst case", Method.CERTIFICATE, run, "full", "Over all L-smooth functions.")


def contraction_certificate() -> Check:
    """Make a check that certifies eq. 61's factor over PL functions."""

    def run(context: CheckContext) -> Finding:
        del context
        return worst_case_below(
            lambda pepit: [
                (
                    f"mu = {mu}L, eta = {eta}/L",
                    _contraction(pepit, mu, eta),
                    1 - 2 * mu * eta * (1 - eta / 2),
                )
                for mu, eta in ((0.1, 1.0), (0.5, 0.5))
            ],
            "one gradient step over all L-smooth functions that meet PL",
        )

    return Check("worst case", Method.CERTIFICATE, run, "full", "Over all PL functions.")


def drift_certificate() -> Check:
    """Make a check that certifies eq. 48 for three convex groups."""

    def run(context: CheckContext) -> Finding:
        del context
        return worst_case_below(
            lambda pepit: [
                (f"eta = {eta}/L", _drift(pepit, eta), (1 + 2 * eta) ** 2)
                for eta in (0.25, 1.0, 2.0)
            ],
            "the third gradient's squared norm over all convex groups with |G_r(x)| <= 1",
        )

    return Check(
        "worst case under the condition",
        Method.CERTIFICATE,
        run,
        "full",
        "Over all convex L-smooth groups, in every dimension.",
        under_condition=True,
    )
