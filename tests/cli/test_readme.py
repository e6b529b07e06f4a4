"""What the README says can be done, can be done."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import click
import pytest

from songoku_theory.cli import app

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^    (songoku .*?)(?:\s{2,}#.*)?$", README, re.MULTILINE)


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_every_code_block_runs_as_it_stands(number: int, tmp_path: Path) -> None:
    script = tmp_path / "recipe.py"
    script.write_text(PYTHON[number])
    outcome = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.strip()


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_line_names_commands_and_options_that_exist(line: str) -> None:
    words = shlex.split(line)[1:]
    command: click.Command = app
    context = click.Context(app)
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        assert found is not None, f"{line}: no command {words[0]!r}"
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known, line


def test_the_readme_has_commands_and_code_to_check() -> None:
    assert len(PYTHON) >= 2
    assert len(COMMANDS) >= 10


def test_every_file_and_make_target_that_it_names_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for target in set(re.findall(r"make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    for path in re.findall(r"\]\(([^)#:]+)\)", prose):
        assert (REPOSITORY / path).exists(), path
    for path in re.findall(
        r"`((?:songoku_theory|simulations|proofs_check|paper_figures|tests)/[\w./]*)`", README
    ):
        if "NAME" not in path and "FAMILY" not in path:
            assert (REPOSITORY / path).exists(), path


def test_every_entry_point_group_that_it_names_is_read_somewhere() -> None:
    source = "".join(
        path.read_text()
        for package in ("songoku_theory", "simulations", "proofs_check", "paper_figures")
        for path in (REPOSITORY / package).rglob("*.py")
    )
    groups = set(re.findall(r"songoku\.(?:commands|colorings|claims|experiments|figures)", README))
    assert len(groups) >= 4
    for group in groups:
        assert f'"{group}"' in source, group


def test_the_constraints_name_every_direct_dependency() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    pinned = {
        re.split("==", line)[0].lower().replace("_", "-")
        for line in (REPOSITORY / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    direct = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        direct += extra
    for requirement in direct:
        name = re.split(r"[\[>=<~! ]", requirement)[0].lower().replace("_", "-")
        assert name == "songoku" or name in pinned, requirement
        assert name == "songoku" or ">=" in requirement, f"{requirement} has no lower bound"


def test_no_pinned_package_is_under_the_gpl() -> None:
    """What the installed metadata says; LGPL counts as GPL here."""
    for line in (REPOSITORY / "constraints.txt").read_text().splitlines():
        name = line.split("==")[0]
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue  # needed on another platform only
        said = [about.get("License-Expression") or "", (about.get("License") or "")[:200]]
        said += [c for c in about.get_all("Classifier") or [] if c.startswith("License")]
        assert not re.search(r"\bL?GPL|General Public License", " ".join(said)), f"{name}: {said}"
