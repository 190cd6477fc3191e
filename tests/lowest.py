"""Print the lowest version of every dependency that pyproject.toml allows, as a pip constraints file."""

import re
import sys
import tomllib
from pathlib import Path


def lower_bounds(text: str) -> list[str]:
    """Turn ``name[extra]>=version`` requirements of the project and its ``test`` extra into ``name==version``."""
    project = tomllib.loads(text)["project"]
    found = []
    extras = project["optional-dependencies"]
    for requirement in project["dependencies"] + extras["test"] + extras["examples"]:
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?>=([0-9.]+)", requirement)
        if match:
            found.append(f"{match[1]}=={match[2]}")
    # Newer ones of these warn or break where the oldest matplotlib and pandas call them; they are not ours to bound.
    return [*found, "pyparsing<3.2", "setuptools<81"]


if __name__ == "__main__":
    pyproject = Path(__file__).resolve().parent.parent / "pyproject.toml"
    sys.stdout.write("\n".join(lower_bounds(pyproject.read_text(encoding="utf-8"))) + "\n")
