"""What the header of a JPEG file says, read without an image library: whether any decoder gives the same picture.

A camera's or a browser's file is a plain one: 8 bits, three colours stored as brightness and two differences (YCbCr),
coded by Huffman. Of grey, CMYK, RGB, lossless or arithmetic files decoders differ in what they make, or in whether.
"""

import io

START_OF_IMAGE, START_OF_SCAN, END_OF_IMAGE = b"\xff\xd8", 0xDA, 0xD9
ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # those that begin a frame; the other three are tables
PLAIN_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended and progressive, by Huffman
METADATA, ADOBE = 0xE1, 0xEE  # the first holds EXIF or XMP, either of which may turn the image
ORIENTATION = 0x0112  # of EXIF: 1 upright, 2 to 8 the other ways a sensor can lie


def orientation(data: bytes) -> int | None:
    """The EXIF orientation (1 to 8) of a plain colour JPEG; None for any other file, and for one that is broken.

    The header's layout is that of ITU-T T.81, annex B.
    """
    if not data.startswith(START_OF_IMAGE):
        return None
    place, turns, converted = 2, False, True
    while (marker := _marker(data, place)) is not None:
        kind, place = marker
        if kind in ALONE:
            continue
        length = int.from_bytes(data[place : place + 2])
        if length < 2 or kind in (START_OF_SCAN, END_OF_IMAGE):
            return None
        segment = data[place + 2 : place + length]
        if kind in FRAMES:
            return (_turn(data) if turns else 1) if converted and _plain(kind, segment) else None
        turns = turns or kind == METADATA
        converted = converted and not (kind == ADOBE and segment.startswith(b"Adobe") and segment[11:12] == b"\x00")
        place += length
    return None


def _marker(data: bytes, place: int) -> tuple[int, int] | None:
    """The marker at a place of the file, and where its segment begins; None where there is none."""
    begun = place
    while place < len(data) and data[place] == 0xFF:
        place += 1
    return (data[place], place + 1) if begun < place < len(data) else None


def _plain(kind: int, frame: bytes) -> bool:
    """Whether a frame has 8 bits and three colours that are not red, green and blue themselves."""
    return kind in PLAIN_FRAMES and len(frame) >= 15 and frame[0] == 8 and frame[5] == 3 and frame[6:15:3] != b"RGB"


def _turn(data: bytes) -> int | None:
    """The orientation as Pillow reads it, from EXIF or XMP; None where it cannot."""
    from PIL import Image

    try:
        found = Image.open(io.BytesIO(data)).getexif().get(ORIENTATION, 1)
    except Exception:  # of a foreign file whatever its bytes break: who opens the whole of it says why
        return None
    return found if found in range(2, 9) else 1
