"""Scripts that write no spaces between words: there, a character is a word."""

import re
import unicodedata
from functools import lru_cache

UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "TAI THAM")


@lru_cache(maxsize=1 << 16)
def unspaced(character: str) -> bool:
    """Whether a letter is of a script that writes no spaces between words."""
    return unicodedata.category(character)[0] == "L" and unicodedata.name(character, "").startswith(UNSPACED)


@lru_cache(maxsize=1 << 16)
def _in_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


def words(text: str) -> list[str]:
    """The words of a text in any script, in lower case and NFC.

    A word is a run of letters, marks and digits; where the script has no spaces, a letter with its marks.
    """
    tokens: list[str] = []
    open_word = False  # whether the next letter belongs to the last word
    for character in unicodedata.normalize("NFC", text).lower():
        if not _in_word(character):
            open_word = False
        elif (unicodedata.category(character)[0] == "M" and tokens) or (open_word and not unspaced(character)):
            tokens[-1] += character
        else:
            tokens.append(character)
            open_word = not unspaced(character)
    return tokens


def mostly_unspaced(texts: list[str]) -> bool:
    """Whether at least half of the letters of some texts are of scripts without spaces."""
    letters = [character for text in texts for character in text if character.isalpha()]
    return bool(letters) and 2 * sum(map(unspaced, letters)) >= len(letters)


def sentences(text: str) -> list[str]:
    """The sentences of a text: its lines, and within a line what ends in . ! ? or another script's full stop."""
    parts = re.split(r"\n+|(?<=[.!?…؟۔।॥])\s+|(?<=[。！？｡])\s*", text)
    return [part for part in parts if part.strip()]
