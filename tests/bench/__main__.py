"""All benches, one table: `python -m tests.bench [NAME...]`."""

import importlib
import pkgutil
import sys
from typing import Any

import tests.bench


def main(names: list[str]) -> None:
    """Run the benches of some names, or all, one after the other."""
    found = [module.name for module in pkgutil.iter_modules(tests.bench.__path__) if module.name != "__main__"]
    for name in names or found:
        print(f"== {name}", flush=True)  # noqa: T201
        figures: dict[str, Any] = importlib.import_module(f"tests.bench.{name}").run()
        print(f"   {len(figures)} figures", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
