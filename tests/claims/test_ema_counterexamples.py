"""Every counterexample of the EMA family, computed a second time from its file alone.

Nothing here uses the code that replays them: plain fractions, written out by hand, so that a slip
in the replayer and a slip here would have to agree.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from proofs_check.counterexamples import load
from songoku_theory.ema import ema_weights


def data_of(stem: str) -> dict[str, Any]:
    return dict(load(stem).data)


def test_carried_buffer_with_windows_of_one_step() -> None:
    data = data_of("EMA-18-CARRIED")
    (first, second), beta = data["gradients"], Fraction(data["beta"])
    buffers = []
    for old, new in ((path[0][0], path[1][0]) for path in (first, second)):
        after_one = (1 - beta) * old
        buffers.append(beta * after_one + (1 - beta) * new)
    assert buffers == [Fraction(-1, 9), Fraction(5, 9)]
    last_window = [first[-1][0], second[-1][0]]
    assert buffers[0] * buffers[1] < 0 < last_window[0] * last_window[1]
    assert data["window"] == 1
    assert Fraction(data["tau"]) < 1  # on a line opposite signs are cosine -1, so rho = 1 > tau


def test_carried_buffer_with_windows_of_two_steps() -> None:
    data = data_of("EMA-18-CARRIED-two-steps")
    beta = Fraction(data["beta"])
    weights = [(1 - beta) * beta**age for age in (3, 2, 1, 0)]
    buffers = [
        sum(w * g[0] for w, g in zip(weights, path, strict=True)) for path in data["gradients"]
    ]
    window = [path[-data["window"] :] for path in data["gradients"]]
    assert buffers[0] < 0 < buffers[1]
    assert all(g == [1] for path in window for g in path)


def test_history_before_the_window_changes_the_edge() -> None:
    data = data_of("EMA-3.1")
    beta = Fraction(data["beta"])
    (a_old,), (a_new,) = data["histories"][0]
    (b_old,), (b_new,) = data["histories"][1]
    assert a_new == b_new
    assert data["window"] == 1
    buffers = [beta * (1 - beta) * old + (1 - beta) * a_new for old in (a_old, b_old)]
    assert buffers[0] < 0 < buffers[1]
    assert data["other_task"][0] > 0


def test_one_buffer_program() -> None:
    program = data_of("EMA-8-BUF-MIN")["program"]
    assert program == [["scale", "current", "beta"], ["add", "current", "g", "1-beta"]]
    buffer, beta = Fraction(0), Fraction(2, 7)
    trace = Fraction(0)
    for gradient in (Fraction(3), Fraction(-1, 2), Fraction(5)):
        trace = beta * trace + (1 - beta) * gradient
        buffer *= beta
        buffer += (1 - beta) * gradient
    assert buffer == trace


def test_zero_weight_removes_an_edge() -> None:
    data = data_of("EMA-SCALE-0")
    (u,), (v,) = data["gradients"]
    assert u * v < 0  # cosine -1: an edge for every tau below 1
    assert data["weights"][0] * u == 0
    assert min(data["weights"]) >= 0


def test_changing_factors_flip_the_sign() -> None:
    data = data_of("EMA-SCALE-T")
    beta = Fraction(data["beta"])
    weights = [beta / (1 + beta), 1 / (1 + beta)]  # eq. 18 at R = 2
    gradients = [g[0] for g in data["gradients"]]
    plain = sum(w * g for w, g in zip(weights, gradients, strict=True))
    changed = sum(w * a * g for w, a, g in zip(weights, data["factors"], gradients, strict=True))
    assert plain == Fraction(1, 3)
    assert changed == Fraction(-1, 3)
    assert min(data["factors"]) > 0


def test_printed_equation_nine_is_not_symmetric() -> None:
    (u,), (v,) = data_of("EMA-9")["buffers"]
    assert Fraction(-u * v, u * u) == 2
    assert Fraction(-v * u, v * v) == Fraction(1, 2)


def test_average_of_two_is_wrong_more_often_than_one_gradient() -> None:
    data = data_of("EMA-STAB")
    (good, p), (bad, q) = ((Fraction(x), Fraction(prob)) for x, prob in data["law"])
    beta = Fraction(data["beta"])
    assert p + q == 1
    assert p * good + q * bad == 1
    older, newer = beta / (1 + beta), 1 / (1 + beta)
    wrong = sum(
        probability
        for probability, average in (
            (p * p, older * good + newer * good),
            (p * q, older * good + newer * bad),
            (q * p, older * bad + newer * good),
            (q * q, older * bad + newer * bad),
        )
        if average < 0
    )
    assert wrong == Fraction(19, 100)
    assert 4 * wrong * (1 - wrong) > 4 * q * (1 - q)


def test_algorithm_gives_two_of_four_gradients() -> None:
    # Round 0 activates both tasks at steps 0-3; the graph then has its one edge, the classes are
    # {1}, {2}, and steps 4-7 alternate: 2 updates each. With beta = 1/2 and w = (1, 2, 4, ...):
    data = data_of("EMA-19-A1")
    assert (data["window"], data["beta"], data["constant_gradients"]) == (4, "1/2", [[1], [-1]])
    assert size_of([1, 2]) == Fraction(9, 5)
    assert size_of([1, 2, 4, 8, 16, 32]) == Fraction(189, 65)
    assert size_of([1, 2, 4, 8]) == Fraction(45, 17)
    assert len({Fraction(9, 5), Fraction(189, 65), Fraction(45, 17)}) == 3


def test_probe_makes_three_or_five_of_four() -> None:
    assert data_of("EMA-19-A1-PROBE")["window"] == 4
    # 4 + 1 probe, then 2 + 1 probe: 8 in all, 3 of this window; eq. 19 counts 4.
    assert size_of([1, 2, 4]) == Fraction(7, 3) != size_of([1, 2, 4, 8])
    assert size_of([2**k for k in range(8)]) != size_of([1, 2, 4, 8])
    # Aligned tasks, R = 2: 2 + 1 probe.
    assert data_of("EMA-19-A1-PROBE-aligned")["window"] == 2
    assert size_of([1, 2, 4]) != size_of([1, 2]) == Fraction(9, 5)


def size_of(weights: list[Any]) -> Fraction:
    total = sum((Fraction(w) for w in weights), Fraction(0))
    return total * total / sum((Fraction(w) * w for w in weights), Fraction(0))


def test_budget_forms_differ_for_every_pair_of_constants() -> None:
    data = data_of("EMA-36")
    n_eff = Fraction(9, 5)
    assert (data["window"], data["beta"]) == (2, "1/2")
    for big, small in ((Fraction(a), Fraction(b)) for a, b in data["constants"]):
        s = n_eff / big
        log_term = small * big + 1
        assert n_eff >= big * s
        assert 1 / n_eff > small / (s * log_term)


def test_no_beta_is_worth_two_samples_in_a_window_of_two() -> None:
    data = data_of("EMA-C2-BETA")
    assert (data["window"], data["budget"]) == (2, 2)
    for beta in (Fraction(0), Fraction(1, 2), Fraction(99, 100), 1 - Fraction(1, 10**9)):
        # 2 - n_eff = (1 - beta)^2 / (1 + beta^2)
        assert 2 - (1 + beta) ** 2 / (1 + beta**2) == (1 - beta) ** 2 / (1 + beta**2) > 0


def test_rate_of_the_advice() -> None:
    data = data_of("EMA-C2-MEETS")
    beta = 1 - Fraction(1, data["log_term"])
    assert (1 + beta) / (1 - beta) == 7 < data["ratio"] * data["log_term"]


def test_normalisation_does_not_change_the_sample_size() -> None:
    data = data_of("EMA-C2-UNNORM")
    beta = float(Fraction(data["beta"]))
    for window in (1, 3, 50):
        raw = ema_weights(window, beta, "carried")
        assert raw.sum() ** 2 / (raw**2).sum() < data["budget"] - 0.5
