"""Colours that people with any colour vision tell apart: Okabe and Ito, https://jfly.uni-koeln.de/color/"""

import zlib

ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILION, PURPLE, BLACK = "#0072B2", "#D55E00", "#CC79A7", "#000000"

# One for each component of a machine's energy
COMPONENTS = {"gpu": BLUE, "cpu": ORANGE, "ram": GREEN}

# Of series that stand side by side, the most legible first
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)

_NAMED = (ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE)


def color_of(name: str) -> str:
    """One colour for each name, everywhere the same."""
    return _NAMED[zlib.crc32(name.encode()) % len(_NAMED)]
