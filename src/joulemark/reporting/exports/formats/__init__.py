"""One module a format, found by its name; what each must have: exports/format.py."""
