"""Settings shared by all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Properties must not depend on how fast a shared machine happens to be. On a build machine the
# same examples are tried each time, so that a red build is red for its author too; elsewhere new
# ones are tried each time, so that everybody's runs together look further.
settings.register_profile(
    "default",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.register_profile(
    "thorough",
    deadline=None,
    max_examples=2000,
    suppress_health_check=[HealthCheck.too_slow],
)
# Tests leave nothing in anybody's home; those of the cache name a folder of their own.
os.environ["SONGOKU_CACHE"] = ""
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
