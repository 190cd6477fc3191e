"""Sphinx settings. The build reads no network and runs no notebook (the tests run them)."""

from __future__ import annotations

import shutil
from pathlib import Path

from qstats import __version__

HERE = Path(__file__).resolve().parent

# The notebooks live beside the code, where the tests run them; the tutorials are copies made here (ignored by git).
for notebook in sorted((HERE.parent / "notebooks").glob("*.ipynb")):
    copy = HERE / "tutorials" / notebook.name.lstrip("0123456789").lstrip("-")
    if not copy.exists() or copy.read_bytes() != notebook.read_bytes():
        shutil.copyfile(notebook, copy)

project = "qstats"
author = "The qstats developers"
copyright = author
release = version = __version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc", "myst_nb"]
exclude_patterns = ["_build", "jupyter_execute"]
nitpicky = False

html_theme = "alabaster"
html_title = f"qstats {release}"
html_static_path = ["_static"]
html_show_sphinx = False
html_theme_options = {
    "description": "Is the process stable, and did the change really help?",
    "page_width": "96%",
    "body_max_width": "1100px",
}

nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]

autodoc_default_options = {"members": True, "inherited-members": True}
autodoc_typehints = "none"  # types and shapes are in the text
numpydoc_show_class_members = False
