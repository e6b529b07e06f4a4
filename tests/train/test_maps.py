"""Maps: outputs at each pixel of images of any size, and benchmarks that need them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from simulations.training.architectures import build_network, get_architecture
from simulations.training.architectures.base import Features
from simulations.training.architectures.decoder import MapDecoder, Resize, bilinear
from simulations.training.architectures.heads import build_head
from simulations.training.architectures.initial import built
from simulations.training.benchmarks.base import Head
from simulations.training.benchmarks.nyuv2 import NyuV2
from simulations.training.train_command import train
from songoku_theory.errors import InvalidInputError

SMALL = {"width": 0.0625, "decoder": 16}
OUTPUTS = {
    Head.PIXEL_CLASS: (5, (2, 5, 21, 35)),
    Head.PIXEL_VALUES: (3, (2, 3, 21, 35)),
    Head.CLASS: (4, (2, 4)),
    Head.MANY_LABELS: (6, (2, 6)),
    Head.VALUES: (2, (2, 2)),
    Head.SERIES: (9, (2, 9)),
}
sides = st.integers(1, 70)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n, height, width, seed=1):
    return torch.randn(n, 3, height, width, generator=generator(seed))


def trunk_for(height, width, **options):
    architecture = get_architecture("resnet18_maps", {**SMALL, **options})
    return built(lambda: architecture.trunk({"image": (3, height, width)}, 1), generator())


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    """NYUv2's tasks on a few rendered views."""
    benchmark = NyuV2(train_images=6, validation_images=2, test_images=3, size=(13, 17))
    return benchmark.load(tmp_path_factory.mktemp("empty"), np.random.default_rng(0))


def test_every_kind_of_head_has_a_case():
    assert set(OUTPUTS) == set(Head)


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("kind", list(OUTPUTS))
def test_each_head_gives_outputs_of_its_shape_and_every_weight_a_gradient(kind, stride):
    number, shape = OUTPUTS[kind]
    trunk = trunk_for(21, 35, stem_stride=stride)
    head = built(lambda: build_head(kind, number, trunk.features), generator(1))
    outputs = head(trunk({"image": images(2, 21, 35)}, 0))
    assert outputs.shape == shape
    outputs.square().mean().backward()
    for name, parameter in [*trunk.named_parameters(), *head.named_parameters()]:
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@settings(max_examples=25, deadline=None)
@given(height=sides, width=sides, stride=st.sampled_from([1, 2, 4]))
def test_the_promised_grid_and_the_images_own_size_whatever_the_size(height, width, stride):
    trunk = trunk_for(height, width, stem_stride=stride).train()
    with torch.no_grad():
        # Two images, so that a map of one pixel still has statistics.
        features = trunk({"image": images(2, height, width)}, 0)
        assert features.shape[2:] == trunk.features.grid
        decoder = built(lambda: MapDecoder(trunk.features, 2), generator())
        assert decoder(features).shape == (2, 2, height, width)


@settings(max_examples=40, deadline=None)
@given(before=st.tuples(sides, sides), after=st.tuples(sides, sides))
def test_resizing_is_bilinear_interpolation(before, after):
    resize = built(lambda: Resize(before, after), generator())
    x = images(1, *before).double()
    expected = functional.interpolate(x, size=after, mode="bilinear", align_corners=False)
    torch.testing.assert_close(resize.double()(x), expected, rtol=0, atol=1e-6)


@given(before=sides, after=sides)
def test_weights_of_an_interpolation_sum_to_one(before, after):
    matrix = bilinear(before, after)
    assert matrix.shape == (after, before)
    assert bool((matrix >= 0).all())
    torch.testing.assert_close(matrix.sum(1), torch.ones(after), rtol=0, atol=2e-5)


@pytest.mark.parametrize("scale", [4, 8])  # one doubling, two: two mirrors undo each other
def test_outputs_stand_where_their_pixels_are(scale):
    """A bright spot in the map lights up the same place of the image, not a mirrored one."""
    features = Features("map", 1, grid=(3, 4), image=(3 * scale, 4 * scale), decoder=16)
    decoder = built(lambda: MapDecoder(features, 1), generator())
    # Each convolution copies its middle, so that what is left is where things go.
    for layer in decoder.modules():
        if isinstance(layer, torch.nn.Conv2d):
            middle = torch.zeros_like(layer.weight)
            middle[..., layer.kernel_size[0] // 2, layer.kernel_size[1] // 2] = 1
            layer.weight.data = middle
    spot = torch.zeros(1, 1, 3, 4)
    spot[0, 0, 2, 1] = 1
    with torch.no_grad():
        found = decoder(spot)[0, 0]
    bright = torch.nonzero(found > (found.max() + found.min()) / 2).float().mean(0)
    expected = torch.tensor([2.5, 1.5]) * scale - 0.5
    torch.testing.assert_close(bright, expected, rtol=0, atol=1.0)


def test_a_network_for_rooms_starts_from_the_seed_alone(rooms):
    architecture = get_architecture("resnet18_maps", SMALL)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = build_network(architecture, rooms, np.random.SeedSequence(3))
    again = build_network(architecture, rooms, np.random.SeedSequence(3))
    depth = build_network(architecture, rooms, np.random.SeedSequence(3), ("depth",))
    other = build_network(architecture, rooms, np.random.SeedSequence(4))
    assert torch.equal(torch.get_rng_state(), before)
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    for a, b in zip(
        depth.heads["depth"].parameters(), first.heads["depth"].parameters(), strict=True
    ):
        assert torch.equal(a, b)
    assert not torch.equal(first.trunk.stem.weight, other.trunk.stem.weight)


def test_losses_and_metrics_of_rooms_take_what_the_heads_give(rooms):
    network = build_network(
        get_architecture("resnet18_maps", SMALL), rooms, np.random.SeedSequence(0)
    )
    for task in rooms.tasks:
        inputs, labels = task.splits["train"].at(torch.arange(6))
        outputs = network(inputs, 0, (task.name,))[task.name]
        task.loss(outputs, labels).backward()
        for metric in task.metrics:
            assert np.isfinite(metric.measure(outputs.detach(), labels))
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_every_task_learns_a_few_views_by_heart(rooms):
    """Outputs that were turned, mirrored or of another task's shape could not be fitted."""
    network = build_network(
        get_architecture("resnet18_maps", {**SMALL, "stem_stride": 1, "decoder": 32}),
        rooms, np.random.SeedSequence(0),
    )  # fmt: skip
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    upright = [task for task in rooms.tasks if task.view == "upright"]

    def losses():
        inputs, _ = upright[0].splits["train"].at(torch.arange(6))
        found = network(inputs, 0, [task.name for task in upright])
        return [task.loss(found[task.name], task.splits["train"].labels[:6]) for task in upright]

    start = [loss.item() for loss in losses()]
    for _ in range(40):
        optimiser.zero_grad()
        sum(losses()).backward()
        optimiser.step()
    for task, first, last in zip(upright, start, losses(), strict=True):
        assert last.item() < 0.5 * first, task.name


def test_an_architecture_that_does_not_fit_is_one_error_that_names_both_and_what_fits(rooms):
    with pytest.raises(
        InvalidInputError,
        match=r"resnet18 does not fit benchmark nyuv2: task 'segmentation' asks for .*vector.*"
        r"that fit it: resnet18_maps\.$",
    ):
        build_network(get_architecture("resnet18"), rooms, np.random.SeedSequence(0))
    with pytest.raises(
        InvalidInputError, match=r"transformer does not fit benchmark nyuv2: this n"
    ):
        build_network(get_architecture("patch_transformer"), rooms, np.random.SeedSequence(0))


def test_rooms_train_by_the_command_and_a_stopped_run_ends_with_the_same_bits(tmp_path):
    """A method of each kind: a schedule, one with a rule inside it, weights of gradients, one task
    alone; the matrices of a resize stand in no checkpoint.
    """
    methods = ("son_goku", "son_goku_adatask", "mgda", "single_task")

    def run(out, *more):
        line = [part for name in methods for part in ("--method", name)]
        done = CliRunner().invoke(
            train,
            ["nyuv2", *line, "--preset", "smoke", "--data-root", str(tmp_path / "none"), "--out",
             str(tmp_path / out), *more],
            catch_exceptions=False,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
        return done.output

    def metrics(out):
        found = {}
        for path in sorted((tmp_path / out).rglob("metrics.csv")):
            found[str(path.relative_to(tmp_path / out))] = path.read_text()
        return found

    assert "son_goku/seed-0 (SYNTH): finished, 3 steps" in run("straight")
    run("stopped", "--max-steps", "1")
    run("stopped")
    assert len(metrics("straight")) == 3 + 4
    after = {name: text.splitlines()[-1] for name, text in metrics("stopped").items()}
    assert after == {name: text.splitlines()[-1] for name, text in metrics("straight").items()}
    result = json.loads((tmp_path / "stopped/nyuv2/mgda/seed-0/result.json").read_text())
    assert list(result["tasks"]) == ["segmentation", "depth", "normals", "temperature"]


def test_an_image_of_another_size_is_refused(rooms):
    network = build_network(
        get_architecture("resnet18_maps", SMALL), rooms, np.random.SeedSequence(0)
    )
    with pytest.raises(InvalidInputError, match="13 x 17 pixels; found 17 x 13"):
        network({"image": images(2, 17, 13)}, 0, ("depth",))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"decoder": 0}, "decoder should be a whole number >= 1; found 0"),
        ({"width": 9.0}, "width should lie"),
        ({"stem_stride": 8}, "stem_stride should be one of 1, 2, 4; found 8"),
        ({"decoders": 8}, "Did you mean 'decoder'"),
    ],
)
def test_bad_options_are_errors(options, match):
    with pytest.raises(InvalidInputError, match=match):
        get_architecture("resnet18_maps", options)
