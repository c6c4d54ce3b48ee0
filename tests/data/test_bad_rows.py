"""What an unusable row gets, in every task: its name and the reason, and more than one in a hundred stop the run."""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy
import pytest
import soundfile
from PIL import Image

from joulemark.core.errors import UserError
from joulemark.data import images
from joulemark.data.dataset import Dataset
from joulemark.data.media import Media
from joulemark.tasks.image_captioning import ImageCaptioning
from joulemark.tasks.image_classification import ImageClassification
from joulemark.tasks.image_generation import ImageGeneration
from joulemark.tasks.masked_language_modelling import MaskedLanguageModelling
from joulemark.tasks.object_detection import ObjectDetection
from joulemark.tasks.question_answering import QuestionAnswering
from joulemark.tasks.sentence_similarity import SentenceSimilarity
from joulemark.tasks.speech_recognition import SpeechRecognition
from joulemark.tasks.summarization import Summarization
from joulemark.tasks.text_classification import TextClassification
from joulemark.tasks.text_generation import TextGeneration
from joulemark.tasks.token_classification import TokenClassification

ANYWHERE = Media(anywhere=True)  # the rows lie in another folder than their pictures
LABELS = ("cat", "dog")
BOX = {"x": 1, "y": 1, "w": 2, "h": 2, "names": ["cat"]}

# task -> how it is made on a dataset, a row that can be used, and its optional fields
TASKS = {
    "text_classification": (
        lambda data: TextClassification(data, LABELS, "{text}", 1, 4), {"text": "a", "label": 1}, ("label",),
    ),
    "text_generation": (
        lambda data: TextGeneration(data, "{text}", None, 3, 1, 4), {"text": "a", "target": "b"}, ("target",),
    ),
    "summarization": (lambda data: Summarization(data, "{text}", 1, 4), {"text": "a", "summary": "b"}, ("summary",)),
    "question_answering": (
        lambda data: QuestionAnswering(data, "{question} {context}", 1, 4),
        {"question": "a", "context": "b", "answers": ["b"]}, ("answers",),
    ),
    "masked_language_modelling": (lambda data: MaskedLanguageModelling(data, 3), {"text": "a b c"}, ()),
    "whole_text": (lambda data: MaskedLanguageModelling(data, None), {"text": "a b c"}, ()),
    "sentence_similarity": (SentenceSimilarity, {"first": "a", "second": "b", "score": 1.0}, ("score",)),
    "token_classification": (TokenClassification, {"tokens": ["a"], "tags": ["cat"]}, ("tags",)),
    "image_classification": (
        lambda data: ImageClassification(data, None, "", 1, 4), {"image": "good.png", "label": 1}, ("label",),
    ),
    "image_captioning": (
        lambda data: ImageCaptioning(data, None, "", 1, 4), {"image": "good.png", "captions": "a"}, ("captions",),
    ),
    "object_detection": (
        lambda data: ObjectDetection(data, None), {"image": "good.png", "objects": [BOX]}, ("objects",),
    ),
    "image_generation": (
        lambda data: ImageGeneration(data, 9, None, None, None, None, "m"), {"prompt": "a", "label": "b"}, ("label",),
    ),
    "speech_recognition": (
        lambda data: SpeechRecognition(data, 16000, 0, 4), {"audio": "good.wav", "text": "a"}, ("text",),
    ),
}  # fmt: skip

BAD = [
    ("text_classification", {"text": " "}, "field 'text' is empty"),
    ("text_classification", {"text": 7}, "is empty or not text"),
    ("text_classification", {"label": 2}, "label 2 is not one of cat, dog"),
    ("text_classification", {"label": "wolf"}, "label 'wolf' is not one of cat, dog"),
    ("text_classification", {"label": [1]}, r"label \[1\] is not one of"),
    ("text_generation", {"text": None}, "field 'text' is empty"),
    ("text_generation", {"target": 7}, "field 'target' is not text, but int"),
    ("summarization", {"summary": ["a"]}, "field 'summary' is not text, but list"),
    ("question_answering", {"context": ""}, "field 'context' is empty"),
    ("question_answering", {"answers": [7]}, "are not texts"),
    ("question_answering", {"answers": {"span": "a"}}, "are not texts"),
    ("masked_language_modelling", {"text": "a"}, "no word before the one to mask"),
    ("whole_text", {"text": "..."}, "no word before the one to mask"),
    ("sentence_similarity", {"second": " "}, "field 'second' is empty"),
    ("sentence_similarity", {"score": "high"}, "score 'high' is not a number"),
    ("sentence_similarity", {"score": "nan"}, "score 'nan' is not a number"),
    ("token_classification", {"tokens": []}, "holds no word"),
    ("token_classification", {"tokens": 7}, "tokens '7' are not words"),
    ("token_classification", {"tokens": ["a", 7]}, "are not words"),
    ("token_classification", {"tags": [5]}, "tag 5 is not one of cat, dog"),
    ("token_classification", {"tags": ["wolf"]}, "tag 'wolf' is not one of cat, dog"),
    ("token_classification", {"tags": "cat"}, "tags 'cat' are not a list"),
    ("token_classification", {"tags": ["cat", "dog"]}, "has 1 words and 2 tags"),
    ("image_classification", {"image": "broken.png"}, "the image does not decode"),
    ("image_classification", {"image": "cut.jpg"}, "the image does not decode .*truncated"),
    ("image_classification", {"image": "flat.png"}, "the image does not decode"),
    ("image_classification", {"image": "bomb.png"}, "400 megapixels, the most is 64"),
    ("image_classification", {"image": "nowhere.png"}, "holds no image, but str"),
    ("image_classification", {"image": "A" * 5000}, "the image cannot be read .*too long"),
    ("image_classification", {"label": 2}, "label 2 is not one of cat, dog"),
    ("image_classification", {"label": "wolf"}, "label 'wolf' is not one of cat, dog"),
    ("image_captioning", {"captions": 7}, "captions '7' are not texts"),
    ("object_detection", {"objects": [{**BOX, "names": ["wolf"]}]}, "label 'wolf' is not one of cat, dog"),
    ("object_detection", {"objects": [{**BOX, "names": []}]}, "an object has no label"),
    ("object_detection", {"objects": {"bbox": [[1, 1, 2, 2]], "category": [9]}}, "label 9 is not one of cat, dog"),
    ("object_detection", {"objects": {"bbox": [[1, 1, 2]], "category": [0]}}, "no boxes with labels"),
    ("object_detection", {"objects": [{"names": ["cat"]}]}, "no boxes with labels"),
    ("object_detection", {"objects": [{**BOX, "w": float("nan")}]}, r"the box \[1.0, 1.0, nan, 2.0\] .* is none"),
    ("object_detection", {"objects": [{**BOX, "h": -1}]}, r"the box \[1.0, 1.0, 2.0, -1.0\] .* is none"),
    ("object_detection", {"objects": 7}, "no boxes with labels"),
    ("image_generation", {"prompt": "\n"}, "field 'prompt' is empty"),
    ("image_generation", {"label": 7}, "field 'label' is not text"),
    ("speech_recognition", {"audio": "broken.png"}, "the clip does not decode"),
    ("speech_recognition", {"audio": "slow.wav"}, "8000 samples a second, the task asks for 16000"),
    ("speech_recognition", {"audio": "empty.wav"}, "the clip is empty"),
    ("speech_recognition", {"audio": "cut.flac"}, "the clip (is truncated|does not decode)"),
    ("speech_recognition", {"audio": "nowhere.wav"}, "holds no sound, but str"),
    ("speech_recognition", {"text": 7}, "field 'text' is not text"),
]  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder of images and sounds, one of each that is whole and the rest broken in their own way."""
    folder = tmp_path_factory.mktemp("files")
    noise = numpy.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=numpy.uint8)
    Image.new("RGB", (4, 4)).save(folder / "good.png")
    Image.fromarray(noise).save(folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "broken.png").write_bytes(b"no image")
    good = (folder / "good.png").read_bytes()
    (folder / "flat.png").write_bytes(good[:16] + struct.pack(">II", 0, 4) + good[24:])
    (folder / "bomb.png").write_bytes(bomb(20_000))
    sound = noise[:, :, 0].ravel() / 255.0
    soundfile.write(folder / "good.wav", sound, 16000)
    soundfile.write(folder / "slow.wav", sound, 8000)
    soundfile.write(folder / "empty.wav", sound[:0], 16000)
    soundfile.write(folder / "whole.flac", sound, 16000)
    flac = (folder / "whole.flac").read_bytes()
    (folder / "cut.flac").write_bytes(flac[: len(flac) // 3])
    return folder


def bomb(side):
    """A few kilobytes that say they are an image of side x side pixels."""
    file = io.BytesIO()
    Image.new("1", (side, 1)).save(file, "PNG")
    data = bytearray(file.getvalue())
    data[20:24] = struct.pack(">I", side)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def asked(name, files, path, good, bad):
    """The task on a file of one unusable row after two usable ones, and usable rows to the end."""
    make, row, optional = TASKS[name]

    def found(fields):
        here = {key: value for key, value in fields.items() if isinstance(value, str)}
        return {**fields, **{key: str(files / value) for key, value in here.items() if Path(value).suffix}}

    rows = [row, row, *({**row, **one} for one in bad), *[row] * good]
    path.write_text("\n".join(json.dumps(found(one)) for one in rows))
    fields = {key: key for key in row}
    return make(Dataset("file", name, fields, path=str(path), optional=optional, labels=LABELS, media=ANYWHERE))


@pytest.mark.parametrize(("name", "bad", "says"), BAD, ids=lambda value: str(value)[:40])
def test_an_unusable_row_is_skipped_and_named_and_two_in_a_hundred_stop_the_run(name, bad, says, files, tmp_path):
    found = asked(name, files, tmp_path / "one.jsonl", 98, [bad]).samples(100, 0)
    assert len(found.samples) == 100
    assert [sample.id for sample in found.samples[:3]] == ["row 1", "row 2", "row 4"]
    assert len(found.skipped) == 1
    with pytest.raises(UserError, match=rf"two\.jsonl, row 3: .*{says}.*\(2 such rows; at most 1 in 100") as caught:
        asked(name, files, tmp_path / "two.jsonl", 98, [bad, bad]).samples(100, 0)
    assert "\n" not in str(caught.value)
    assert "0x" not in str(caught.value)  # an address in memory would make two records of one run differ
    assert found.skipped[0].startswith("row 3: ")


@pytest.mark.parametrize(
    ("name", "needed"), [(n, key) for n, (_, row, free) in TASKS.items() for key in row if key not in free]
)
def test_a_row_without_a_needed_field_is_skipped_and_named_as_any_other(name, needed, files, tmp_path):
    _, row, _ = TASKS[name]
    whole = asked(name, files, tmp_path / "whole.jsonl", 98, [row])
    text = (tmp_path / "whole.jsonl").read_text().splitlines()
    lacking = json.dumps({key: value for key, value in json.loads(text[2]).items() if key != needed} | {"other": 1})
    (tmp_path / "whole.jsonl").write_text("\n".join([*text[:2], lacking, *text[3:], text[0]]))
    found = whole.samples(100, 0)
    assert [sample.id for sample in found.samples[:3]] == ["row 1", "row 2", "row 4"]
    assert len(found.skipped) == 1
    assert found.skipped[0].startswith(f"row 3: has no field '{needed}' (it has: ")


@pytest.mark.parametrize("count", [3, 1000])  # fewer rows than may be skipped, and more
def test_rows_that_all_lack_a_field_tell_of_the_map_of_fields(count, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([json.dumps({"txt": "a", "label": 1})] * count))
    make, row, optional = TASKS["text_classification"]
    task = make(Dataset("file", "x", {key: key for key in row}, path=str(path), optional=optional, labels=LABELS))
    with pytest.raises(
        UserError,
        match=r"row 1: has no field 'text' \(it has: txt, label\); name the right one with "
        r"task\.fields\.text=txt",
    ) as caught:
        task.samples(1000, 0)
    assert "holds no rows" not in str(caught.value)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_takes_a_row_with_all_its_fields_and_one_with_the_least(name, files, tmp_path):
    bare = dict.fromkeys(TASKS[name][2])
    found = asked(name, files, tmp_path / "a.jsonl", 0, [bare]).samples(3, 0)
    assert len(found.samples) == 3
    assert found.skipped == ()


def test_a_label_may_be_written_as_a_number_in_text_for_a_csv_has_nothing_else(files, tmp_path):
    rows = [{"label": "1"}, {"label": 1.0}, {"label": " DOG "}, {"label": "-1"}]
    found = asked("text_classification", files, tmp_path / "a.jsonl", 0, rows).samples(6, 0)
    assert [sample.target for sample in found.samples[2:]] == ["dog", "dog", "dog", None]


def test_a_tag_may_be_a_name_or_a_number_however_it_is_written_and_an_empty_list_of_tags_is_unknown(files, tmp_path):
    rows = [{"tags": [tag]} for tag in ("1", 1.0, "DOG", " dog")] + [{"tags": ""}]
    found = asked("token_classification", files, tmp_path / "a.jsonl", 0, rows).samples(7, 0)
    assert [sample.target for sample in found.samples[2:]] == [["dog"]] * 4 + [None]


def test_an_image_is_decoded_to_its_end_when_it_is_read_not_first_inside_a_window(files, monkeypatch):
    opened = []
    monkeypatch.setattr(images.EncodedImage, "open", lambda self: opened.append(self))
    images.encoded_image("good.png", folder=files)
    assert len(opened) == 1
