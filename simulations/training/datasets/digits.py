"""scikit-learn's digits: 1,797 handwritten digits of 8 x 8 pixels that ship with the package."""

from __future__ import annotations

import torch

from simulations.training.datasets.base import Provenance
from simulations.training.tasks import (
    Examples,
    Task,
    classification,
    permute_labels,
    quarter_turns,
)
from songoku_theory.errors import DependencyMissingError, InvalidInputError

__all__ = ["Digits"]

_SIDE, _CLASSES, _IMAGES = 8, 10, 1797
_TEST_SHARE = 0.25


class Digits:
    """Six tasks on the digits; two pairs pull in opposite directions by what they ask for.

    ==============  ====================================================================
    digit           Which digit. Upright images.
    parity          Odd or even: the same images, coarser.
    at_least_5      Five or more: the same images, coarser in another way.
    rotation        By how many quarter turns an image was turned.
    any_angle       Which digit, of an image turned by any of the four angles: asks the trunk
                    to forget what `rotation` asks it to keep.
    permuted        Labels handed out again at random, once: asks the trunk to tell apart
                    images that `digit` asks it to treat alike. Made up; it can be memorised
                    but not generalised, so its test accuracy stays at chance.
    ==============  ====================================================================

    A turned 6 looks much like a 9, so `any_angle` and `rotation` cannot be perfect.

    Source
    ------
    The test part of the UCI "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak,
    1998), as scikit-learn ships it. The paper uses rotation as a negative task (appendix J).
    """

    name = "digits"
    provenance = Provenance.EXACT
    doc = "scikit-learn's digits (1,797 images of 8 x 8, the file that the package ships)"

    def load(self, generator: torch.Generator) -> tuple[Task, ...]:
        """Read the file and make the six tasks.

        Parameters
        ----------
        generator : torch.Generator
            Draws the split (a quarter of each digit for testing), then the permuted labels.

        Returns
        -------
        tuple of Task

        Raises
        ------
        DependencyMissingError
            When scikit-learn is not installed.
        InvalidInputError
            When the file is not the one expected.

        Examples
        --------
        >>> [task.name for task in Digits().load(torch.Generator().manual_seed(0))]
        ['digit', 'parity', 'at_least_5', 'rotation', 'any_angle', 'permuted']
        """
        images, labels = read_digits()
        held_out = stratified_split(labels, _TEST_SHARE, generator)
        train, test = images[~held_out], images[held_out]
        train_digit, test_digit = labels[~held_out], labels[held_out]
        train_turned, train_turns = quarter_turns(train)
        test_turned, test_turns = quarter_turns(test)

        def task(name: str, inputs: str, train_labels: torch.Tensor, test_labels: torch.Tensor,
                 num_classes: int, doc: str) -> Task:  # fmt: skip
            pair = (train, test) if inputs == "upright" else (train_turned, test_turned)
            return classification(
                name,
                doc,
                Examples(pair[0].flatten(1), train_labels),
                Examples(pair[1].flatten(1), test_labels),
                num_classes,
            )

        return (
            task("digit", "upright", train_digit, test_digit, _CLASSES, "which digit"),
            task("parity", "upright", train_digit % 2, test_digit % 2, 2, "odd or even"),
            task(
                "at_least_5", "upright", (train_digit >= 5).long(), (test_digit >= 5).long(), 2,
                "five or more",
            ),
            task(
                "rotation", "turned", train_turns, test_turns, 4,
                "quarter turns of the image",
            ),
            task(
                "any_angle", "turned", train_digit.repeat(4), test_digit.repeat(4), _CLASSES,
                "which digit, image turned",
            ),
            task(
                "permuted", "upright", permute_labels(train_digit, generator),
                permute_labels(test_digit, generator), _CLASSES,
                "labels shuffled once (made up)",
            ),
        )  # fmt: skip


def read_digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the images, ``(1797, 8, 8)`` float32 in [0, 1], and the digits, ``(1797,)`` int64.

    Raises
    ------
    DependencyMissingError
        When scikit-learn is not installed.
    InvalidInputError
        When shapes, pixel range or labels are not those of the file expected.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DependencyMissingError(
            "the data set 'digits' ships with scikit-learn, which is not installed: "
            "pip install 'songoku[train]'"
        ) from error
    bunch = load_digits()
    images = torch.tensor(bunch.images, dtype=torch.float32)
    labels = torch.tensor(bunch.target, dtype=torch.int64)
    found = (tuple(images.shape), len(labels), float(images.min()), float(images.max()))
    if found != ((_IMAGES, _SIDE, _SIDE), _IMAGES, 0.0, 16.0) or set(labels.tolist()) != set(
        range(_CLASSES)
    ):
        raise InvalidInputError(
            f"scikit-learn's digits should be {_IMAGES} images of {_SIDE} x {_SIDE} with pixels "
            f"0..16 and labels 0..9; found shape, labels, range {found}. Reinstall scikit-learn."
        )
    return images / 16.0, labels


def stratified_split(
    labels: torch.Tensor, share: float, generator: torch.Generator
) -> torch.Tensor:
    """Choose a share of each class.

    Parameters
    ----------
    labels : Tensor, shape (n,)
    share : float
        In (0, 1); rounded to a whole number of examples in each class.
    generator : torch.Generator

    Returns
    -------
    Tensor of bool, shape (n,)
        True for the chosen.
    """
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    for label in sorted(set(labels.tolist())):
        members = torch.nonzero(labels == label).flatten()
        order = torch.randperm(len(members), generator=generator)
        chosen[members[order[: round(share * len(members))]]] = True
    return chosen
