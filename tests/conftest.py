"""Settings shared by all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# Properties must not depend on how fast a shared machine happens to be.
settings.register_profile("default", deadline=None, print_blob=True)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
