"""Runs in the formats of others: formats/NAME.py is one format."""
