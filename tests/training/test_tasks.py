"""Examples, tasks and the two label makers that any data set can use."""

from __future__ import annotations

import pytest
import torch

from simulations.training.tasks import (
    Examples,
    accuracy,
    classification,
    permute_labels,
    quarter_turns,
)
from songoku_theory.errors import InvalidInputError


def test_each_quarter_turn_is_rot90_of_the_one_before():
    images = torch.arange(2 * 3 * 3, dtype=torch.float32).reshape(2, 3, 3)
    turned, turns = quarter_turns(images)
    by_angle = turned.reshape(4, 2, 3, 3)
    assert torch.equal(by_angle[0], images)
    for k in range(3):
        assert torch.equal(by_angle[k + 1], torch.rot90(by_angle[k], 1, (-2, -1)))
    assert torch.equal(torch.rot90(by_angle[3], 1, (-2, -1)), images)
    assert turns.reshape(4, 2).tolist() == [[0, 0], [1, 1], [2, 2], [3, 3]]


def test_a_quarter_turn_is_counter_clockwise():
    turned, _ = quarter_turns(torch.tensor([[[1, 2], [3, 4]]]))
    assert turned[1].tolist() == [[2, 4], [1, 3]]


def test_permuted_labels_keep_class_sizes_and_follow_the_generator():
    labels = torch.arange(200) % 7
    first = permute_labels(labels, torch.Generator().manual_seed(3))
    again = permute_labels(labels, torch.Generator().manual_seed(3))
    other = permute_labels(labels, torch.Generator().manual_seed(4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(first.sort().values, labels.sort().values)
    # Not a renaming of the classes, which a head could undo: one class gets many labels.
    assert len(first[labels == 0].unique()) > 1


def test_a_batch_keeps_inputs_with_their_labels():
    examples = Examples(torch.arange(50, dtype=torch.float32)[:, None], torch.arange(50))
    inputs, labels = examples.batch(500, torch.Generator().manual_seed(0))
    assert torch.equal(inputs[:, 0].long(), labels)
    assert set(labels.tolist()) == set(range(50))


def test_accuracy_counts_the_largest_output():
    outputs = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.6, 0.4]])
    assert accuracy(outputs, torch.tensor([1, 0, 1])) == pytest.approx(2 / 3)


def test_chance_is_the_share_of_the_commonest_class():
    inputs = torch.zeros(4, 1)
    task = classification(
        "t",
        "",
        Examples(inputs, torch.arange(4) % 2),
        Examples(inputs, torch.tensor([0, 1, 1, 1])),
        2,
    )
    assert task.chance == 0.75


@pytest.mark.parametrize("bad", [[0, 2], [-1, 0]])
def test_labels_out_of_range_are_refused(bad):
    good = Examples(torch.zeros(2, 1), torch.tensor([0, 1]))
    with pytest.raises(InvalidInputError, match=r"task 'odd': test labels should lie in 0\.\.1"):
        classification("odd", "", good, Examples(torch.zeros(2, 1), torch.tensor(bad)), 2)


@pytest.mark.parametrize(("inputs", "labels"), [(3, 2), (0, 0)])
def test_examples_need_a_label_each(inputs, labels):
    with pytest.raises(InvalidInputError, match=f"{inputs} inputs and {labels} labels"):
        Examples(torch.zeros(inputs, 1), torch.zeros(labels, dtype=torch.int64))
