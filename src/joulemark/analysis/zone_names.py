"""The zone that a person means: codes of two or three letters and names of countries, in any case."""

from collections.abc import Mapping

WORLD = "WOR"  # a zone that is no country

# What people type that ISO 3166-1 has as neither code nor name
COMMON = {
    "uk": "GBR",
    "great britain": "GBR",
    "britain": "GBR",
    "england": "GBR",
    "scotland": "GBR",
    "wales": "GBR",
    "northern ireland": "GBR",
    "america": "USA",
    "u.s.": "USA",
    "u.s.a.": "USA",
    "deutschland": "DEU",
    "holland": "NLD",
    "south korea": "KOR",
    "north korea": "PRK",
    "ivory coast": "CIV",
    "cape verde": "CPV",
    "swaziland": "SWZ",
    "world": WORLD,
}
AMBIGUOUS = {"congo": ("COD", "COG"), "korea": ("KOR", "PRK")}


def meant(typed: str, zones: Mapping[str, str]) -> list[str]:
    """The alpha-3 zones that the typed text may mean: one where it is clear, several to choose from, or none.

    `zones` has the names of the table. A code of two letters, a code of three or a whole name is clear; a
    part of a name means every country that has it.
    """
    import pycountry

    text = " ".join(typed.split()).casefold()
    if text.upper() in zones:
        return [text.upper()]
    if text in AMBIGUOUS:
        return list(AMBIGUOUS[text])
    if named := [code for code, name in zones.items() if name.casefold() == text]:
        return named
    if text in COMMON:
        return [COMMON[text]]
    try:
        return [str(pycountry.countries.lookup(text).alpha_3)]
    except LookupError:
        return _with_part(text) if len(text) > 3 else []


def _with_part(text: str) -> list[str]:
    """Every country of whose names the text is one or more whole words."""
    import pycountry

    names = (
        (country.alpha_3, getattr(country, key, ""))
        for country in pycountry.countries
        for key in ("name", "official_name", "common_name")
    )
    return sorted({code for code, name in names if f" {text} " in f" {name.casefold().replace(',', ' ')} "})
