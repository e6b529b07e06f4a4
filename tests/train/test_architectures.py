"""Networks: shapes, initial weights that depend on the seed alone, statistics a view."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from simulations.training.architectures import (
    available_architectures,
    build_network,
    get_architecture,
)
from simulations.training.architectures.heads import build_head
from simulations.training.architectures.initial import built
from simulations.training.architectures.norm import ViewNorm2d, measuring
from simulations.training.benchmarks.base import Head
from songoku_theory.errors import InvalidInputError, UnknownNameError

SHAPES = {
    "resnet18": ({"width": 0.0625}, {"image": (3, 32, 32)}),
    "cnn_fusion": ({"channels": 2}, {"image": (1, 28, 28), "audio": (1, 30, 22)}),
    "cnn_bilstm": ({"channels": 3, "recurrent": 4}, {"prices": (4, 2, 50)}),
    "resnet18_maps": ({"width": 0.0625, "decoder": 16, "stem_stride": 2}, {"image": (3, 21, 29)}),
    "patch_transformer": ({"width": 8, "heads": 2}, {"series": (7, 50)}),
    "vector_fusion": ({"encoder": 5}, {"image": (11,), "text": (7,)}),
}


def trunk_of(name, seed=0, views=2):
    options, shapes = SHAPES[name]
    architecture = get_architecture(name, options)
    generator = torch.Generator().manual_seed(seed)
    return built(lambda: architecture.trunk(shapes, views), generator), shapes


def batch(shapes, n=3):
    generator = torch.Generator().manual_seed(9)
    return {m: torch.randn(n, *shape, generator=generator) for m, shape in shapes.items()}


def test_all_architectures_are_tried():
    assert set(SHAPES) == set(available_architectures())


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_features_are_as_promised_and_every_weight_has_a_gradient(name):
    trunk, shapes = trunk_of(name)
    features = trunk(batch(shapes), 1)
    expected = (3, trunk.features.width)
    if trunk.features.kind == "tokens":
        expected = (3, trunk.features.length, trunk.features.width)
    if trunk.features.kind == "map":
        expected = (3, trunk.features.width, *trunk.features.grid)
    assert features.shape == expected
    head = built(
        lambda: build_head(Head.CLASS, 4, trunk.features), torch.Generator().manual_seed(1)
    )
    torch.nn.functional.cross_entropy(head(features), torch.tensor([0, 1, 2])).backward()
    for parameter_name, parameter in trunk.named_parameters():
        # A constant added to every key changes no attention weight, so this one's gradient is 0.
        if not parameter_name.endswith("key.bias"):
            assert parameter.grad.abs().max() > 0, parameter_name


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_weights_follow_from_the_generator_alone(name):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, _ = trunk_of(name, seed=0)
    again, _ = trunk_of(name, seed=0)
    other, _ = trunk_of(name, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    pairs = list(zip(first.parameters(), again.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert any(
        not torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True)
    )


def test_the_full_resnet_is_resnet_18():
    architecture = get_architecture("resnet18")
    with torch.device("meta"):
        trunk = architecture.trunk({"image": (3, 32, 32)}, 1)
    # The published network has 11,689,512 weights; without the 1000-way layer (513,000) and with a
    # stem of 3 x 3 for 7 x 7 (1,728 for 9,408).
    count = sum(p.numel() for p in trunk.parameters())
    assert count == 11_689_512 - 513_000 - 9_408 + 1_728


def test_with_the_published_stem_every_weight_is_counted():
    with torch.device("meta"):
        trunk = get_architecture("resnet18", {"stem_stride": 4}).trunk({"image": (3, 224, 224)}, 1)
    assert sum(p.numel() for p in trunk.parameters()) == 11_689_512 - 513_000


@pytest.mark.parametrize(("stride", "shape"), [(1, (3, 4)), (2, (2, 2)), (4, (1, 1))])
def test_a_stem_shrinks_the_map_by_its_stride(stride, shape):
    architecture = get_architecture("resnet18", {"width": 0.0625, "stem_stride": stride})
    trunk = built(
        lambda: architecture.trunk({"image": (3, 21, 29)}, 1), torch.Generator().manual_seed(0)
    )
    x = torch.randn(2, 3, 21, 29, generator=torch.Generator().manual_seed(1))
    assert trunk.encoded(x, 0).shape == (2, trunk.features.width, *shape)
    assert trunk({"image": x}, 0).shape == (2, trunk.features.width)


def test_the_stem_that_was_there_before_has_not_changed():
    """Published runs name no stride; a trunk that drew or computed otherwise would break them."""
    trunk, shapes = trunk_of("resnet18", seed=3)
    x = batch(shapes)["image"]
    plain = torch.nn.functional.conv2d(x, trunk.stem.weight, stride=1, padding=1)
    torch.testing.assert_close(trunk.stem(x), plain)
    drawn = torch.empty(4, 3, 3, 3).normal_(
        0.0, (2 / 27) ** 0.5, generator=torch.Generator().manual_seed(3)
    )
    assert torch.equal(trunk.stem.weight, drawn)


@pytest.mark.parametrize("name", ["resnet18", "resnet18_maps"])
def test_the_order_in_memory_changes_rounding_only(name):
    options, shapes = SHAPES[name]
    found = []
    for last in (False, True):
        architecture = get_architecture(name, {**options, "channels_last": last})
        trunk = built(lambda: architecture.trunk(shapes, 1), torch.Generator().manual_seed(0))  # noqa: B023
        trunk.double()
        orders = []
        trunk.blocks[0].conv1.register_forward_pre_hook(
            lambda _, args: orders.append(args[0].stride(1))  # noqa: B023
        )
        features = trunk({m: x.double() for m, x in batch(shapes).items()}, 0)
        assert (orders[0] == 1) == last
        features.square().sum().backward()
        found.append([features, *(p.grad for p in trunk.parameters())])
        assert all(p.is_contiguous() for p in trunk.parameters())
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-9)


def test_a_run_from_before_an_option_is_still_the_same_run():
    """A checkpoint names its architecture by this text."""
    assert repr(get_architecture("resnet18", {"width": 0.5})) == (
        "ResNet18(width=0.5, stem_stride=1)"
    )
    assert repr(get_architecture("resnet18_maps", {"channels_last": True})) == (
        "ResNet18Maps(width=1.0, stem_stride=4, decoder=256, channels_last=True)"
    )


def test_one_tasks_network_starts_from_the_same_weights(made_up):
    loaded, seed = made_up(), np.random.SeedSequence(4)
    architecture = get_architecture("vector_fusion", {"encoder": 8})
    whole = build_network(architecture, loaded, seed)
    single = build_network(architecture, loaded, seed, ("copy",))
    assert tuple(single.heads) == ("copy",)
    assert torch.equal(single.heads["copy"].weight, whole.heads["copy"].weight)
    for a, b in zip(single.trunk.parameters(), whole.trunk.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(whole.heads["sign"].weight, whole.heads["opposite"].weight)


def test_series_and_classes_from_tokens(with_series):
    loaded = with_series()
    architecture = get_architecture("patch_transformer", {"width": 8, "patch": 4})
    network = build_network(architecture, loaded, np.random.SeedSequence(0))
    inputs, _ = loaded.tasks[0].splits["train"].at(torch.arange(5))
    found = network(inputs, 0, ("next", "kind"))
    assert found["next"].shape == (5, 10)
    assert found["kind"].shape == (5, 2)
    with pytest.raises(UnknownNameError, match="kin"):
        network(inputs, 0, ("kin",))


def test_statistics_are_of_one_view_and_of_the_mean_batch():
    layer = built(lambda: ViewNorm2d(2, 2), torch.Generator())
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randn(4, 2, 3, 3, generator=generator) + shift for shift in (0.0, 1.0)]
    with measuring(layer) as any_layer:
        assert any_layer
        for x in batches:
            layer(x, 0)
        layer(10 * batches[0], 1)
    layer.eval()
    torch.testing.assert_close(layer.mean[0], torch.stack(batches).mean((0, 1, 3, 4)))
    variance = torch.stack([x.var((0, 2, 3)) for x in batches]).mean(0)
    torch.testing.assert_close(layer.variance[0], variance)
    expected = (batches[0] - layer.mean[0][:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
    torch.testing.assert_close(layer(batches[0], 0), expected)
    assert not torch.allclose(layer(batches[0], 1), expected)


def test_a_batch_that_can_not_be_normalised_is_one_clear_error():
    trunk, _ = trunk_of("resnet18")
    trunk({"image": torch.zeros(1, 3, 9, 9)}, 0)  # the last map has 2 x 2
    with pytest.raises(InvalidInputError, match="a batch of 1 example"):
        trunk({"image": torch.zeros(1, 3, 8, 8)}, 0)


def test_evaluating_without_statistics_is_refused():
    layer = built(lambda: ViewNorm2d(2, 1), torch.Generator()).eval()
    with pytest.raises(InvalidInputError, match="no statistics"):
        layer(torch.zeros(1, 2, 2, 2), 0)


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("resnet", {}, "Did you mean 'resnet18'"),
        ("resnet18", {"wide": 1.0}, "unknown option of resnet18 'wide'"),
        ("resnet18", {"width": 0.0}, "width should lie"),
        ("resnet18", {"width": "full"}, "width should lie"),
        ("resnet18", {"stem_stride": 3}, "stem_stride should be one of 1, 2, 4; found 3"),
        ("resnet18", {"stem_stride": True}, "found True"),
        ("resnet18", {"channels_last": 1}, "channels_last should be true or false; found 1"),
        ("cnn_fusion", {"hidden": 0}, "hidden should be"),
        ("patch_transformer", {"width": 6, "heads": 4}, "multiple of heads"),
    ],
)
def test_bad_options_are_errors(name, options, match):
    with pytest.raises(InvalidInputError, match=match):
        get_architecture(name, options)


@pytest.mark.parametrize("name", ["resnet18", "cnn_fusion", "cnn_bilstm", "patch_transformer"])
def test_inputs_that_do_not_fit_are_errors(name):
    with pytest.raises(InvalidInputError, match=r"takes .*found"):
        get_architecture(name).trunk({"other": (5,)}, 1)


def test_a_pixel_task_on_a_vector_is_refused():
    trunk, _ = trunk_of("resnet18")
    with pytest.raises(InvalidInputError, match="needs features at each pixel"):
        build_head(Head.PIXEL_CLASS, 3, trunk.features)


def test_a_layer_that_nobody_draws_is_refused():
    with pytest.raises(InvalidInputError, match=r"'1' \(Embedding\)"):
        built(
            lambda: torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Embedding(2, 2)),
            torch.Generator(),
        )
