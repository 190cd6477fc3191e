"""A real browser opens the page: the verdict is in its document, and something is on its screen."""

import shutil
import subprocess
from html import escape
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from qstats import write_report

from .conftest import HOSTILE, make_verdict

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1000,1400",
)


def _browser() -> str:
    found = [p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p]
    if not found:
        pytest.skip("no chromium, chromium-browser or google-chrome on this machine")
    return found[0]


def _open(page: Path, *what: str) -> str:
    profile = f"--user-data-dir={page.parent / 'profile'}"
    command = [_browser(), *FLAGS, profile, *what, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, check=True).stdout


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_browser_shows_the_verdict(tmp_path: Path, lang: str) -> None:
    verdict = make_verdict(f"破损投诉减少了吗? {HOSTILE}", control=True)
    page = write_report(verdict, tmp_path / "report.html", lang=lang)
    document = _open(page, "--dump-dom")
    assert escape(verdict.sentence(lang), quote=False) in document
    assert 'id="verdict"' in document
    assert "<script" not in document
    assert document.count("<svg") == 3

    shot = tmp_path / "shot.png"
    _open(page, f"--screenshot={shot}")
    picture = matplotlib.image.imread(shot)[..., :3]
    ink = (picture < 0.9).any(axis=2)
    assert 0.01 < ink.mean() < 0.6
    assert len(np.unique((picture * 15).astype(int).reshape(-1, 3), axis=0)) > 20
