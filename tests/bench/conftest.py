"""Nothing here is a test: the modules of the bench run as a script, ``make bench``."""

from __future__ import annotations

collect_ignore_glob = ["*.py"]
