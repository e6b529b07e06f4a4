"""All groupings at once: counted, averaged, and the best judged where it was not chosen."""

from __future__ import annotations

import itertools

import pytest

from simulations.training.grouping.census import census_of, census_text, partitions
from simulations.training.grouping.rows import row

SETS = [g for size in (1, 2, 3) for g in itertools.combinations(range(3), size)]


def _rows(errors, enumerated=1.0):
    """Rows of three tasks; `errors` from seed and set to the error of each task in it."""
    rows = [row("task_name", i=i, label=f"t{i}") for i in range(3)]
    rows.append(row("enumerated", enumerated))
    for (seed, group), value in errors.items():
        label = " ".join(map(str, group))
        rows += [
            row("set_error", value, method="together", seed=seed, label=label, i=i) for i in group
        ]
        # networks of the schedule are no part of it
        rows += [row("set_error", 0.0, method="son_goku", seed=seed, label=label, i=group[0])]
    return rows


@pytest.mark.parametrize("n", range(1, 8))
def test_every_partition_once(n):
    found = list(partitions(range(n)))
    assert len(found) == (1, 2, 5, 15, 52, 203, 877)[n - 1]  # Bell's numbers
    assert len(set(found)) == len(found)
    for groups in found:
        assert sorted(i for group in groups for i in group) == list(range(n))


def test_groupings_below_together_are_counted_and_averaged():
    errors = {(s, g): 1.0 for s in range(3) for g in SETS}
    for s in range(3):
        errors[s, (0, 1)] = 0.5  # beside 2 alone: 2.5 in all, where together has 3
        errors[s, (2,)] = 1.5  # so all three alone have 3.5
    found = census_of(_rows(errors))
    assert (found.groupings, found.below) == (5, 1)
    assert found.mean_of == pytest.approx({1: 3.0, 2: (2.5 + 3 + 3) / 3, 3: 3.5})
    assert (found.left_out.mean, found.left_out.low) == pytest.approx((-100 / 6, -100 / 6))


def test_the_best_is_judged_on_the_seed_that_it_was_not_chosen_on():
    errors = {(s, g): 1.0 for s in range(3) for g in SETS}
    errors[0, (0,)] = 0.0  # task 0 alone was lucky with one seed
    found = census_of(_rows(errors))
    # Chosen and judged on all seeds that is a gain of a third of one seed. With seed 0 left out
    # nothing is better than together; with seed 1 or 2 left out {0} is chosen and gains nothing.
    assert found.below == 2
    assert found.left_out.mean == pytest.approx(0.0)
    errors |= {(s, (0,)): 0.0 for s in range(3)}  # on every seed: it is no luck
    assert census_of(_rows(errors)).left_out.mean == pytest.approx(-100 / 3)


def test_without_every_set_or_with_two_seeds_less_is_said():
    errors = {(s, g): 1.0 for s in range(2) for g in SETS}
    assert census_of(_rows(errors, enumerated=0.0)) is None
    assert census_text(_rows(errors, enumerated=0.0)) == ""
    said = census_text(_rows(errors))
    assert said.startswith("Of all 5 groupings 0 have less mean total test error")
    assert "left out" not in said
    three = census_text(_rows({(s, g): 1.0 for s in range(3) for g in SETS}))
    assert "differs from all together by +0.00% [+0.00, +0.00]" in three
