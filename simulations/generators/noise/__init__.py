"""Noise laws: one frozen dataclass each, one protocol, found by name.

| name        | in time     | in space    | Assumption 2 | closed law of the EMA |
|-------------|-------------|-------------|--------------|-----------------------|
| `gaussian`  | independent | isotropic   | yes          | yes                   |
| `bounded`   | independent | isotropic   | yes          | no                    |
| `coloured`  | independent | decaying    | yes          | yes                   |
| `ar1`       | AR(1)       | isotropic   | no           | yes                   |
| `student_t` | independent | heavy tails | no           | no                    |

Noise is independent across tasks in every law.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from simulations.generators.noise.ar1 import Ar1Noise
from simulations.generators.noise.base import NoiseLaw
from simulations.generators.noise.bounded import BoundedNoise
from simulations.generators.noise.coloured import ColouredNoise
from simulations.generators.noise.gaussian import GaussianNoise
from simulations.generators.noise.student_t import StudentTNoise
from songoku_theory.errors import unknown_name

__all__ = [
    "NOISE_LAWS",
    "Ar1Noise",
    "BoundedNoise",
    "ColouredNoise",
    "GaussianNoise",
    "NoiseLaw",
    "StudentTNoise",
    "noise_law",
]

NOISE_LAWS: Mapping[str, Callable[[float], NoiseLaw]] = MappingProxyType(
    {
        "gaussian": GaussianNoise,
        "bounded": BoundedNoise,
        "coloured": ColouredNoise,
        "ar1": Ar1Noise,
        "student_t": StudentTNoise,
    }
)


def noise_law(name: str, sigma: float) -> NoiseLaw:
    """Return a noise law by name, its other parameters at their defaults.

    Parameters
    ----------
    name : str
        A key of `NOISE_LAWS`.
    sigma : float
        > 0.

    Returns
    -------
    NoiseLaw

    Raises
    ------
    UnknownNameError
        When no law has that name.
    InvalidInputError
        When sigma is out of range.

    Examples
    --------
    >>> noise_law("ar1", 0.5)
    Ar1Noise(sigma=0.5, phi=0.5)
    """
    if name not in NOISE_LAWS:
        raise unknown_name("noise law", name, NOISE_LAWS)
    return NOISE_LAWS[name](sigma)
