"""Small data and small trained weights that ship with the program, so that it runs without a network."""

from pathlib import Path

DATA = Path(__file__).with_name("data")
WEIGHTS = Path(__file__).with_name("weights")
