"""Ask two fresh interpreters that differ in PYTHONHASHSEED alone."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

__all__ = ["Reply", "ask_two"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What an interpreter answered.

    Attributes
    ----------
    status : int
        Its exit status.
    out : str
    complaint : str
        The last line of its standard error, or its exit status if it wrote none.
    """

    status: int
    out: str
    complaint: str


def ask_two(code: str, question: str, limit: float) -> list[Reply]:
    """Run code with a question on standard input, in two interpreters at once.

    Parameters
    ----------
    code : str
    question : str
    limit : float
        Seconds for each answer.

    Returns
    -------
    list of Reply
        Two; one when the first of them failed.

    Raises
    ------
    subprocess.TimeoutExpired
        When one takes longer; neither is left running.

    Examples
    --------
    >>> [reply.out for reply in ask_two("print(input())", "who?", 60.0)]
    ['who?\\n', 'who?\\n']
    """
    children = [_start(code, seed) for seed in ("1", "2")]
    replies: list[Reply] = []
    try:
        for child in children:
            out, error = child.communicate(question, timeout=limit)
            last = error.strip().splitlines()[-1:] or [f"exit status {child.returncode}"]
            replies.append(Reply(child.returncode, out, last[0]))
            if child.returncode != 0:
                break
    finally:
        for child in children:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout, child.stderr):
                if pipe is not None:
                    pipe.close()
    return replies


def _start(code: str, seed: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
