"""Losses and metrics, against plain loops."""

from __future__ import annotations

import math

import pytest
import torch

from simulations.training.benchmarks import kinds, pixel_kinds
from simulations.training.benchmarks.base import SPLITS, Head, Role, Samples
from songoku_theory.errors import InvalidInputError


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(3)


def splits(labels):
    return {s: Samples({"x": torch.zeros(len(labels), 1)}, labels) for s in SPLITS}


def task(kind, labels, *more):
    return kind("t", Role.MAIN, "d", "v", splits(labels), *more)


def test_mean_iou_is_that_of_a_plain_loop(generator):
    said = torch.randint(0, 5, (3, 8, 8), generator=generator)
    meant = torch.randint(-1, 4, (3, 8, 8), generator=generator)  # class 4 is said, never meant
    known = meant >= 0
    each = []
    for k in range(6):  # class 5 is neither said nor meant, so it does not count
        both = int(((said == k) & (meant == k) & known).sum())
        either = int((((said == k) | (meant == k)) & known).sum())
        if either:
            each.append(both / either)
    assert len(each) == 5
    assert pixel_kinds.mean_iou(said, meant, 6) == pytest.approx(sum(each) / 5)


def test_f1_counts_hits(generator):
    labels = torch.randint(0, 2, (40, 6), generator=generator).float()
    outputs = torch.randn(40, 6, generator=generator)
    said = outputs > 0
    hits = int((said & (labels > 0)).sum())
    expected = 2 * hits / (int(said.sum()) + int(labels.sum()))
    assert kinds.micro_f1(outputs, labels) == pytest.approx(expected)
    assert kinds.micro_f1(labels * 2 - 1, labels) == 1.0


def test_a_loss_of_labels_is_that_of_as_many_coins(generator):
    labels = torch.randint(0, 2, (40, 6), generator=generator).float()
    each = task(kinds.many_labels, labels, 6)
    outputs = torch.randn(40, 6, generator=generator)
    right = torch.where(labels > 0, outputs, -outputs).sigmoid()
    assert float(each.loss(outputs, labels)) == pytest.approx(float(-right.log().sum()) / 40)


def test_perfect_answers_are_perfect_and_metrics_have_a_direction(generator):
    depth = torch.rand(2, 1, 4, 4, generator=generator) + 1
    depth[0, 0, 0, 0] = 0  # not measured
    normals = torch.randn(2, 3, 4, 4, generator=generator)
    classes = torch.randint(0, 3, (2, 4, 4), generator=generator)
    one_hot = torch.nn.functional.one_hot(classes, 3).permute(0, 3, 1, 2).float()
    perfect = [
        (task(pixel_kinds.depth_map, depth), torch.where(depth > 0, depth, 99.0), 0.0),
        (task(pixel_kinds.normals_map, normals), 3 * normals, 0.0),
        (task(pixel_kinds.pixel_classes, classes, 3), one_hot, 1.0),
        (task(kinds.classes, classes[:, 0, 0], 3), one_hot[:, :, 0, 0], 1.0),
        (task(kinds.values, depth[:, 0, 1], "m"), depth[:, 0, 1], 0.0),
    ]
    for each, outputs, best in perfect:
        labels = each.splits["test"].labels
        assert each.metrics[0].measure(outputs, labels) == pytest.approx(best, abs=0.05)
        better = each.metrics[0].higher_is_better
        assert (each.chance < best) if better else (each.chance > best)
        assert torch.isfinite(each.loss(outputs, labels))


def test_an_angle_is_in_degrees():
    labels = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
    outputs = torch.tensor([1.0, 1.0, 0.0]).reshape(1, 3, 1, 1)
    normals = task(pixel_kinds.normals_map, labels)
    assert normals.metrics[0].measure(outputs, labels) == pytest.approx(45)
    assert float(normals.loss(outputs, labels)) == pytest.approx(1 - math.sqrt(0.5))


def test_unmeasured_pixels_do_not_move_loss_or_metric(generator):
    depth = torch.rand(2, 1, 4, 4, generator=generator) + 1
    depth[:, :, :2] = 0
    each = task(pixel_kinds.depth_map, depth)
    outputs = torch.rand(2, 1, 4, 4, generator=generator)
    changed = outputs.clone()
    changed[:, :, :2] += 100
    assert each.loss(outputs, depth) == each.loss(changed, depth)
    assert each.metrics[0].measure(outputs, depth) == each.metrics[0].measure(changed, depth)
    gap = (outputs - depth)[:, :, 2:].square().mean().sqrt()
    assert each.metrics[0].measure(outputs, depth) == pytest.approx(float(gap), rel=1e-5)


def test_an_all_unknown_batch_has_a_finite_gradient():
    for kind, channels in ((pixel_kinds.depth_map, 1), (pixel_kinds.normals_map, 3)):
        labels = torch.ones(2, channels, 2, 2)
        each = task(kind, labels)
        outputs = torch.ones(2, channels, 2, 2, requires_grad=True)
        each.loss(outputs, torch.zeros_like(labels)).backward()
        assert bool(outputs.grad.isfinite().all())


def test_class_distance_is_the_papers_mae():
    outputs = torch.eye(3)
    each = task(lambda *a: kinds.classes(*a, ordered=True), torch.tensor([0, 1, 2]), 3)
    assert [m.name for m in each.metrics] == ["accuracy", "MAE of classes", "log loss (nats)"]
    assert each.metrics[1].measure(outputs, torch.tensor([2, 2, 2])) == 1.0
    assert each.head is Head.CLASS


def test_ordered_classes_by_chance_are_as_often_as_in_training():
    labels = {"train": [0, 0, 1, 2], "validation": [0], "test": [1, 2, 0]}
    each = {s: Samples({"x": torch.zeros(len(y), 1)}, torch.tensor(y)) for s, y in labels.items()}
    _, distance, loss = kinds.classes("t", Role.MAIN, "", "v", each, 3, ordered=True).metrics
    assert distance.chance == 1.0  # class 0 is said; |1-0|, |2-0|, |0-0|
    expected = -(2 * math.log(0.25) + math.log(0.5)) / 3
    assert loss.chance == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "labels", "more"),
    [
        (kinds.classes, torch.tensor([0, 3]), (3,)),
        (kinds.classes, torch.tensor([-1, 2]), (3,)),
        (pixel_kinds.pixel_classes, torch.tensor([[[-2]]]), (3,)),
        (pixel_kinds.pixel_classes, torch.tensor([[[3]]]), (3,)),
        (kinds.many_labels, torch.tensor([[0.0, 0.5]]), (2,)),
        (kinds.many_labels, torch.tensor([[0.0, 1.0]]), (3,)),
        (kinds.values, torch.tensor([[math.nan]]), ("m",)),
        (kinds.values, torch.tensor([1.0]), ("m",)),
    ],
)
def test_labels_out_of_range_are_refused(kind, labels, more):
    with pytest.raises(InvalidInputError, match="should"):
        task(kind, labels, *more)


def test_samples_check_lengths_and_apply_the_affine_map(generator):
    with pytest.raises(InvalidInputError, match="as many labels"):
        Samples({"a": torch.zeros(3), "b": torch.zeros(2)}, torch.zeros(3))
    with pytest.raises(InvalidInputError, match="at least one"):
        Samples({"a": torch.zeros(0)}, torch.zeros(0))
    pixels = torch.arange(6, dtype=torch.uint8).reshape(3, 2)
    samples = Samples({"a": pixels}, torch.arange(3), {"a": (torch.tensor(1.0), torch.tensor(2.0))})
    inputs, labels = samples.at(torch.tensor([2, 0]))
    assert inputs["a"].tolist() == [[1.5, 2.0], [-0.5, 0.0]]
    assert labels.tolist() == [2, 0]
    inputs, labels = samples.batch(50, generator)
    assert torch.equal((inputs["a"][:, 0] * 2 + 1) / 2, labels.float())
    assert set(labels.tolist()) == {0, 1, 2}
