"""What is imported is declared, so that it is installed with us and not by chance with something else."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WITH_FAUST = {"mode-streaming"}
"""Faust's own foundation, in step with it."""


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared(*requirements: str) -> set[str]:
    return {_plain(re.split(r"[^\w.-]", one, maxsplit=1)[0]) for one in requirements}


def _imported(file: Path) -> Iterator[str]:
    """The top of every module that is imported there."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_what_runs_is_declared() -> None:
    """Every package that is imported is a dependency; what only the embedded stack imports is in its extra."""
    always = _declared(*PROJECT["dependencies"]) | WITH_FAUST
    embedded = always | _declared(*PROJECT["optional-dependencies"]["embedded"])
    owners, ours = packages_distributions(), sys.stdlib_module_names | {"streams", "schemas", "compression"}
    for file in (ROOT / "streams").rglob("*.py"):
        declared = embedded if file.parent.name == "local" else always
        foreign = set(_imported(file)) - ours
        assert {name for name in foreign if not {_plain(one) for one in owners.get(name, ())} & declared} == set(), file
