"""What Sphinx reads: Markdown as GitHub has it, one quiet theme, nothing from another host."""

project = "Joulemark"
author = copyright = "the authors of Joulemark"
root_doc = "README"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["docs/site"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
default_role = "code"  # docstrings write `name`
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
toc_object_entries = False  # each name has a heading already
napoleon_use_ivar = True
html_theme = "furo"
html_title = "Joulemark"
html_show_sourcelink = html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]
pygments_style, pygments_dark_style = "friendly", "monokai"
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]
