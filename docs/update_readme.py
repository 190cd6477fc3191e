"""Write the real output of the demonstration and of the examples into the two README files.

Run it after a change of words or numbers: ``.venv/bin/python docs/update_readme.py``. `tests/test_readme.py` fails
while a README shows something else than what the program prints.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
READMES = {"en": "README.md", "zh": "README.zh-CN.md"}
PICTURES = {"en": "verdict.svg", "zh": "verdict.zh.svg"}

_BLOCK = re.compile(
    r"```python\n(?P<code>.*?)```|<!-- output: (?P<what>[a-z ]+) -->\n```text\n(?P<shown>.*?)```", re.DOTALL
)


def demo_output(lang: str, folder: Path) -> str:
    """Return what `qstats demo` prints; `folder` gets its files."""
    from qstats import cli

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = cli.main(["demo", "--quiet", "--lang", lang, "--out", str(folder)])
    if code:
        raise RuntimeError(f"the demonstration ended with code {code}")
    return said.getvalue().replace(str(folder), "out")


def blocks(text: str) -> list[tuple[str, str, str]]:
    """Return (code, what, shown) of every Python block and every marked output block, in order."""
    return [(m["code"] or "", m["what"] or "", m["shown"] or "") for m in _BLOCK.finditer(text)]


def wanted_outputs(text: str, demo: str | None = None) -> list[str]:
    """Run the Python blocks in one namespace and return what each output block should show.

    Without `demo` the block of the demonstration is taken as it stands.
    """
    namespace: dict[str, Any] = {}
    said, out = "", []
    for code, what, shown in blocks(text):
        if code:
            sink = io.StringIO()
            with contextlib.redirect_stdout(sink):
                exec(compile(code, "README", "exec"), namespace)  # noqa: S102 - our own README
            said = sink.getvalue()
        elif what == "example":
            out.append(said)
        else:
            out.append(shown if demo is None else demo)
    return out


def update(lang: str) -> None:
    """Rewrite the output blocks of one README and copy its picture."""
    path = ROOT / READMES[lang]
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        outputs = iter(wanted_outputs(text, demo_output(lang, Path(folder))))
        shutil.copyfile(Path(folder) / "verdict-2.svg", ROOT / "docs" / "_static" / PICTURES[lang])

    def put(match: re.Match[str]) -> str:
        if match["code"] is not None:
            return match[0]
        return f"<!-- output: {match['what']} -->\n```text\n{next(outputs).rstrip()}\n```"

    path.write_text(_BLOCK.sub(put, text), encoding="utf-8")


if __name__ == "__main__":
    for language in READMES:
        update(language)
