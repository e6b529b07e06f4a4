"""A small site on disk, and a real browser to read it with."""

from __future__ import annotations

import io
import json
import os
import select
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from paper_figures.site.build import build_report
from songoku_theory.storage.codec import canonical_json
from songoku_theory.storage.schema import DDL, PROVENANCE

HOSTILE = "</script><img src=x onerror=alert(1)> \"'&<b> ]]> \u202egnp.x {{ 7 }}"
MOVE = (
    "import os, sys; r, w = map(int, sys.argv[1:3]); os.dup2(w, 60); os.dup2(r, 3); "
    "os.dup2(60, 4); os.close(60); os.execv(sys.argv[3], sys.argv[3:])"
)
SECONDS = 60.0
"""How long the browser may take for one answer on a busy machine; nothing waits in vain."""


def _claim(claim_id: str, family: str, verdict: str, **more: object) -> dict[str, Any]:
    return {
        "id": claim_id, "family": family, "title": f"the title of {claim_id}",
        "statement": r"$n_{\mathrm{eff}}\to\frac{1+\beta}{1-\beta}$ as $R\to\infty$",
        "plain": "n_eff tends to (1 + beta)/(1 - beta) as R grows, " + "x" * 90,
        "source": {"paper": "SON-GOKU", "section": "App. B.2", "equations": ["19"]},
        "assumptions": [{"name": "fixed beta", "text": "beta in [0, 1) does not change"}],
        "used_for": "Corollary 2", "reading": "as printed", "condition": None, "notes": "",
        "verdict": {"kind": verdict, "qualifier": None, "reason": "because"},
        "vacuous": {"is": False, "at": None},
        "evidence": [{
            "name": "by algebra", "method": "symbolic", "outcome": "supports",
            "scope": {"kind": "all_sizes", "value": "every R"}, "detail": "simplifies to zero",
            "seconds": 0.25, "replay": f"songoku claims check {claim_id} --only 'by algebra'",
        }],
        "counterexample": None, "repaired_by": None, "repairs": None, **more,
    }  # fmt: skip


def _ledger() -> dict[str, Any]:
    drawn = {"file": "plane", "summary": "two opposite gradients", "steps": ["one", "two"],
             "data": {"gradients": [[1, 0], [-1, 0]], "tau": "1/2"}}  # fmt: skip
    claims = [
        _claim("EMA-8", "ema", "PROVED"),
        _claim("EMA-19", "ema", "CERTIFIED", vacuous={"is": True, "at": "tau = 1"}),
        _claim("REC-C1", "recovery", "REFUTED", counterexample=drawn, repaired_by="REC-C1-R"),
        _claim("REC-C1-R", "recovery", "PROVED", repairs="REC-C1"),
        _claim("COL-7.3.2b", "coloring", "CONDITIONAL"),
        _claim("COL-UNDECIDED", "coloring", "UNDECIDED"),
        _claim(HOSTILE, HOSTILE, "SUPPORTED", title=HOSTILE, plain=HOSTILE, statement=HOSTILE),
    ]
    return {
        "schema": 1, "profile": "quick", "provenance": {"commit": "a" * 40, "dirty": False},
        "claims": claims, "expected": {"matches": True, "differences": []},
    }  # fmt: skip


def _write_output(folder: Path, name: str, files: dict[str, bytes], **more: object) -> None:
    metadata = {
        "schema": 2, "name": name, "title": f"The title of {name}", "caption": f"{name} is shown.",
        "claims": ["REC-C1"], "keys": [], "style": "neurips", "ledger_sha256": None,
        "provenance": {"commit": None}, "needs": [], "source": f"made.{name}",
        "answers": [{"question": f"What does {name} say?", "text": "Much."}], **more,
    }  # fmt: skip
    for kind, content in {**files, "csv": b"x\n1\n"}.items():
        (folder / f"{name}.{kind}").write_bytes(content)
    (folder / f"{name}.json").write_text(json.dumps(metadata), encoding="utf-8")


def _write_figures(folder: Path) -> None:
    folder.mkdir(parents=True)
    stream = io.BytesIO()
    Image.new("RGB", (1320, 900), "#0072B2").save(stream, "PNG")
    picture = {"png": stream.getvalue(), "pdf": b"%PDF-1.4\n"}
    _write_output(folder, "recovery", picture)
    _write_output(folder, "hostile", picture, title=HOSTILE, caption=HOSTILE)
    cells = "".join(f"<td class='right'>number {n}</td>" for n in range(40))
    wide = (
        f"<table class='data' id='table-wide-1' onclick='alert(1)'><caption>Wide</caption><tbody>"
        f"<tr><th scope='row'>row</th>{cells}</tr></tbody></table>"
        "<script>alert(1)</script><a href='javascript:alert(1)'>a</a><p class='note'>A note.</p>"
    )
    _write_output(folder, "wide", {"html": wide.encode(), "tex": b"", "md": b""})


def _write_store(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in DDL:
            connection.execute(statement)
        origin = canonical_json({"python": "3.11.0", "commit": "f" * 40, "dirty": False})
        connection.execute(f"INSERT INTO {PROVENANCE} VALUES (1, ?)", (origin,))
        connection.commit()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a built site, with hostile text wherever text comes from elsewhere."""
    folder = tmp_path_factory.mktemp("site")
    out = folder / "a report & more"  # a name that has to be quoted in addresses
    _write_figures(out / "figures")
    _write_store(folder / "store.sqlite")
    (folder / "ledger.json").write_text(json.dumps(_ledger()), encoding="utf-8")
    build_report(folder / "store.sqlite", folder / "ledger.json", out)
    return out


class Browser:
    """Chromium without a window, spoken to over a pipe in the DevTools protocol."""

    def __init__(self, program: str, profile: Path) -> None:
        hears, says = os.pipe(), os.pipe()  # what it hears on its file 3, says on its file 4
        arguments = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-extensions", "--disable-background-networking",
            "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank",
        ]  # fmt: skip
        # Shells move single-digit files only, so a line of Python puts the pipe's ends in place.
        self._process = subprocess.Popen(
            [sys.executable, "-c", MOVE, str(hears[0]), str(says[1]), *arguments],
            pass_fds=(hears[0], says[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(hears[0])
        os.close(says[1])
        self._to, self._from = hears[1], says[0]
        self._unread, self._number, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: object) -> dict[str, Any]:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        until = time.monotonic() + SECONDS
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._from], [], [], max(0.0, until - time.monotonic()))
            assert ready, "the browser does not answer"
            more = os.read(self._from, 1 << 20)
            assert more, "the browser has ended"
            self._unread += more
        message, _, self._unread = self._unread.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def wait(self, method: str) -> dict[str, Any]:
        while True:
            for place, event in enumerate(self.events):
                if event.get("method") == method:
                    return self.events.pop(place)
            self.events.append(self._read())

    def open(self, address: str) -> None:
        """Load a page from scratch; another anchor alone would not load it."""
        for place in ("about:blank", address):
            self.events = [e for e in self.events if e.get("method") != "Page.loadEventFired"]
            self.call("Page.navigate", url=place)
            self.wait("Page.loadEventFired")

    def run(self, script: str) -> Any:  # noqa: ANN401 - whatever the script gives
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def until(self, script: str) -> None:
        """Wait for what a script asks to become true, over a change of page too."""
        end = time.monotonic() + SECONDS
        while not self.run(script):
            assert time.monotonic() < end, script
            time.sleep(0.02)

    def screen(self, width: int, height: int, **features: str) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height,
            deviceScaleFactor=1, mobile=width < 500,
        )  # fmt: skip
        listed = [{"name": name.replace("_", "-"), "value": v} for name, v in features.items()]
        self.call("Emulation.setEmulatedMedia", features=listed)

    def complaints(self) -> list[str]:
        """What the console said since the last time: errors, warnings, exceptions, refusals."""
        kinds = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        said = [json.dumps(event) for event in self.events if event.get("method") in kinds]
        self.events = [event for event in self.events if event.get("method") not in kinds]
        return said

    def close(self) -> None:
        self._session = ""
        try:
            self.call("Browser.close")
        finally:
            self._process.wait(SECONDS)
            os.close(self._to)
            os.close(self._from)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for all tests; they are skipped where there is none (say so in CI's log)."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if program is None or os.name != "posix":
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        found = Browser(program, Path(profile))
        yield found
        found.close()
