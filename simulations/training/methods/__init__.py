"""Methods that a benchmark can be trained with, by name."""

from simulations.training.methods.base import AdaTaskOptions, Method, Plan, Setting
from simulations.training.methods.registry import (
    MethodInfo,
    available_methods,
    get_method,
    method_info,
)

__all__ = [
    "AdaTaskOptions",
    "Method",
    "MethodInfo",
    "Plan",
    "Setting",
    "available_methods",
    "get_method",
    "method_info",
]
