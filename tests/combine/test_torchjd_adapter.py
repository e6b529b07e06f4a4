"""Any TorchJD aggregator as a combiner over the active tasks."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torchjd import aggregation

from songoku_theory.combine import NoState, Status, TorchJDCombiner, combine_gradients
from songoku_theory.errors import InvalidInputError

ACTIVE = (0, 2, 3)


def gradients() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((5, 8)))


@pytest.mark.parametrize(
    "aggregator",
    [
        aggregation.MGDA(),
        aggregation.Mean(),
        aggregation.Sum(),
        aggregation.IMTLG(),
        aggregation.AlignedMTL(),
        aggregation.CAGrad(c=0.4),
        aggregation.FairGrad(alpha=2.0),
    ],
    ids=str,
)
def test_weights_are_the_aggregators_on_the_active_rows(
    aggregator: aggregation.Aggregator,
) -> None:
    rows = gradients()
    rule = TorchJDCombiner(aggregator)
    answer = rule.combine(rows @ rows.T, rule.init(5), ACTIVE)
    assert answer.status is Status.UNVERIFIED
    assert np.isnan(answer.residual)
    expected = aggregator(rows[list(ACTIVE)])
    torch.testing.assert_close(answer.weights @ rows, expected, rtol=1e-4, atol=1e-4)
    assert (answer.weights[[1, 4]] == 0).all()
    torch.testing.assert_close(rule.aggregate(rows, ACTIVE), expected)


def test_aggregators_without_weights_work_on_gradients_only() -> None:
    rows = gradients()
    rule = TorchJDCombiner(aggregation.TrimmedMean(trim_number=1))
    with pytest.raises(InvalidInputError, match="aggregate"):
        rule.combine(rows @ rows.T, rule.init(5))
    expected = aggregation.TrimmedMean(trim_number=1)(rows[list(ACTIVE)])
    torch.testing.assert_close(rule.aggregate(rows, ACTIVE), expected)


def test_randomised_aggregators_are_reproducible_and_leave_torchs_generator_alone() -> None:
    rows = gradients()
    rule = TorchJDCombiner(aggregation.PCGrad())
    before = torch.random.get_rng_state()
    one = rule.combine(rows @ rows.T, rule.init(5), rng=np.random.default_rng(1))
    two = rule.combine(rows @ rows.T, rule.init(5), rng=np.random.default_rng(1))
    assert torch.equal(one.weights, two.weights)
    assert torch.equal(before, torch.random.get_rng_state())


def test_it_serves_combine_gradients() -> None:
    rows = gradients().numpy()
    rule = TorchJDCombiner(aggregation.MGDA())
    found = combine_gradients(rule, rows, NoState(), ACTIVE)
    assert found.update.shape == (8,)
    assert found.combined.status is Status.UNVERIFIED


def test_a_batch_is_a_loop() -> None:
    rows = gradients()
    grams = torch.stack([rows @ rows.T, 2 * rows @ rows.T])
    rule = TorchJDCombiner(aggregation.MGDA())
    batch = rule.combine_batch(grams, ACTIVE)
    for n in range(2):
        one = rule.combine(grams[n], rule.init(5), ACTIVE)
        assert torch.equal(batch.weights[n], one.weights)
        assert batch.status[n] is Status.UNVERIFIED
    assert torch.isnan(batch.residual).all()


def test_what_it_cannot_serve_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="Aggregator"):
        TorchJDCombiner(np.mean)
    with pytest.raises(InvalidInputError, match="not per task"):
        TorchJDCombiner(aggregation.GradVac())
    rows = gradients()
    rows[2, 1] = float("nan")
    rule = TorchJDCombiner(aggregation.MGDA())
    with pytest.raises(InvalidInputError, match="task 2"):
        rule.aggregate(rows, ACTIVE)
    with pytest.raises(InvalidInputError, match="not finite"):
        rule.combine(rows @ rows.T, rule.init(5), ACTIVE)
    with pytest.raises(InvalidInputError, match="shape"):
        rule.aggregate(rows[0])


def test_without_torchjd_the_error_says_what_to_install() -> None:
    code = (
        "import sys\n"
        "sys.modules['torchjd'] = None\n"
        "from songoku_theory.combine import TorchJDCombiner\n"
        "from songoku_theory.errors import DependencyMissingError\n"
        "try:\n"
        "    TorchJDCombiner(object())\n"
        "except DependencyMissingError as error:\n"
        "    sys.stdout.write(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install torchjd" in done.stdout
