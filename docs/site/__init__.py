"""The documentation as one site: which pages in which order, the generated reference, Sphinx, pictures."""
