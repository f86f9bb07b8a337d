"""
How the documentation is built. Nothing is fetched: no intersphinx.
"""

import importlib.metadata

project = "cftokens"
author = "The cftokens authors"
copyright = "2026, the cftokens authors"  # noqa: A001 -- Sphinx's name
release = version = importlib.metadata.version("cftokens")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = f"cftokens {release}"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
default_role = "code"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
napoleon_google_docstring = True
nitpicky = False
