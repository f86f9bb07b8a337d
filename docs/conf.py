"""
How the documentation is built. Nothing is fetched: what other projects document is in ``inventories``.
"""

import importlib.metadata
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))  # for our extension

project = "cftokens"
author = "The cftokens authors"
copyright = "2026, the cftokens authors"  # noqa: A001 -- Sphinx's name
release = version = importlib.metadata.version("cftokens")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinxext.opengraph",
    "public_names",
]
exclude_patterns = ["_build", "examples", "inventories"]
html_theme = "furo"
html_title = f"cftokens {release}"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["pages.css"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 70
napoleon_google_docstring = True
napoleon_numpy_docstring = False
default_role = "py:obj"
nitpicky = True
nitpick_ignore = [
    ("py:class", "cftokens._operations.pagination.T"),  # a type variable
    ("py:class", "T"),
    ("py:class", "Reply"),  # what the methods of Fault make
]

intersphinx_mapping = {
    name: (url, str(DOCS / "inventories" / f"{name}.txt"))
    for name, url in {
        "python": "https://docs.python.org/3/",
        "aiohttp": "https://docs.aiohttp.org/en/stable/",
        "yarl": "https://yarl.aio-libs.org/en/stable/",
        "attrs": "https://www.attrs.org/en/stable/",
    }.items()
}

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

copybutton_prompt_text = r"\$ |>>> |\.\.\. "  # of a session, only what is typed is copied
copybutton_prompt_is_regexp = True
copybutton_line_continuation_character = "\\"
ogp_site_name = project
ogp_social_cards = {"enable": False}

SHORT = 16
"""Characters of a word of code that fit into a column of a table on a phone."""


def mark_short_code(_app: Sphinx, page: nodes.document) -> None:
    """
    Mark code whose words need not be broken.
    """
    for code in page.findall(nodes.literal):
        if all(len(word) <= SHORT for word in code.astext().split()):
            code["classes"].append("short")


def setup(app: Sphinx) -> None:
    """
    Register it.
    """
    app.connect("doctree-read", mark_short_code)
