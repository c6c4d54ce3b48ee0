"""What each task asks and how it judges."""

import io
import json
from dataclasses import replace

import pytest
from PIL import Image

from joulemark.core.errors import BadRowError, UserError
from joulemark.core.task import Prediction, Sample
from joulemark.data.audio import clip
from joulemark.data.dataset import Dataset, Row
from joulemark.data.embedded import sounds
from joulemark.data.images import encoded_image
from joulemark.tasks.image_captioning import ImageCaptioning
from joulemark.tasks.image_classification import ImageClassification
from joulemark.tasks.masked_language_modelling import MaskedLanguageModelling
from joulemark.tasks.object_detection import ObjectDetection
from joulemark.tasks.question_answering import QuestionAnswering
from joulemark.tasks.sentence_similarity import SentenceSimilarity
from joulemark.tasks.speech_recognition import SpeechRecognition
from joulemark.tasks.summarization import Summarization
from joulemark.tasks.text_classification import TextClassification
from joulemark.tasks.text_generation import TextGeneration
from joulemark.tasks.token_classification import TokenClassification
from tests.tasks.scoring import SOURCE, scored

NOTHING = Dataset(name="none", task="none", fields={"text": "text"})


def classification():
    return TextClassification(NOTHING, ("negative", "positive"), "{text}", 1, 4)


def answers(*texts):
    return [Prediction(text, 1) for text in texts]


def samples(*targets):
    return [Sample(str(i), "text", target) for i, target in enumerate(targets)]


def test_accuracy_counts_the_label_that_an_answer_names_first():
    found = classification().score(
        samples("positive", "positive", "negative", "negative"),
        answers("Positive.", "negative, not positive", "it is negative", "who knows"),
    )
    assert found.values["accuracy"] == 0.5
    assert found.values["unanswered"] == 0.25
    assert list(found.each) == [1.0, 0.0, 1.0, 0.0]


def test_samples_without_a_label_are_not_scored_and_do_not_count():
    found = classification().score(samples("positive", None), answers("positive", "positive"))
    assert found.values["accuracy"] == 1.0
    assert list(found.each) == [1.0, None]


def test_hidden_labels_leave_the_quality_unknown_not_zero():
    found = classification().score(samples(None, None), answers("positive", "negative"))
    assert found.values["accuracy"] is None


@pytest.mark.parametrize(
    "task",
    [
        classification(),
        Summarization(NOTHING, "{text}", 10, 15),
        TextGeneration(NOTHING, "{text}", 20, 10, 10, 10),
    ],
    ids=lambda task: task.name,
)
def test_scoring_nothing_gives_no_figures_but_names_every_metric(task):
    found = task.score((), ())
    assert task.metric in found.values
    assert set(found.values.values()) == {None}
    assert list(found.each) == []


def test_rouge_of_the_reference_itself_is_one_and_of_other_words_zero():
    task = Summarization(NOTHING, "{text}", 10, 15)
    found = task.score(samples("the cat sat", "the cat sat"), answers("the cat sat", "dogs bark"))
    assert list(found.each) == [1.0, 0.0]
    assert found.values["rouge1"] == 0.5


def generation(tmp_path, rows, prompt_words):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    fields = {"text": "text", "target": "target"}
    dataset = Dataset("file", "text_generation", fields, path=str(path), optional=("target",))
    return TextGeneration(dataset, "{text}", prompt_words, 3, 10, 10).samples(len(rows), seed=0).samples


def test_a_running_text_is_cut_into_prompt_and_true_continuation(tmp_path):
    found = generation(tmp_path, [{"text": "a b  c d e f"}, {"text": "a b"}], prompt_words=2)
    assert [(sample.input, sample.target) for sample in found] == [("a b", "c d e"), ("a b", None)]


def test_a_prompt_is_taken_whole_and_its_reference_is_the_sources_own(tmp_path):
    found = generation(tmp_path, [{"text": "a b c", "target": "d"}, {"text": "a"}], prompt_words=None)
    assert [(sample.input, sample.target) for sample in found] == [("a b c", "d"), ("a", None)]


def test_entities_count_whole_and_a_tagger_of_other_things_has_no_quality():
    task = TokenClassification(SOURCE)
    names = ["B-PER", "I-PER", "O", "B-LOC"]
    assert scored(task, (names, names)).values["f1"] == 1.0
    half = scored(task, (names, ["B-PER", "O", "O", "B-LOC"]))
    assert half.values["f1"] == pytest.approx(0.5)  # the broken name is no name
    assert half.each == [0.75]
    assert scored(task, (names, ["NOUN", "NOUN", "DET", "NOUN"])).values["f1"] is None
    assert scored(task, (names, ["O"] * 4)).values["f1"] == 0.0
    assert scored(task, (None, names)).values["f1"] is None


def test_a_tag_outside_the_map_is_named_with_its_row(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"tokens": ["a", "b"], "tags": [0, 9]}\n')
    source = Dataset("file", "x", {"tokens": "tokens", "tags": "tags"}, path=str(path), labels=("O", "B-PER"))
    with pytest.raises(UserError, match="row 1: tag 9 is not one of O, B-PER"):
        TokenClassification(source).samples(1, 0)


@pytest.mark.weights  # SQuAD's measure imports torch
def test_an_answer_is_judged_by_its_best_reference_and_none_may_be_right():
    task = QuestionAnswering(SOURCE, "", 1, 10)
    found = scored(task, (["in the town hall", "town hall"], "the Town Hall."), ([""], ""), (["paris"], "rome"))
    assert found.each == [1.0, 1.0, 0.0]
    assert found.values == {"f1": pytest.approx(2 / 3), "exact_match": pytest.approx(2 / 3)}


def test_the_last_of_the_first_words_is_masked_or_the_mask_follows_the_whole(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one two three. four"}\n')
    source = Dataset("file", "x", {"text": "text"}, path=str(path))
    (sample,) = MaskedLanguageModelling(source, words=3).samples(1, 0).samples
    assert (sample.input, sample.target) == ("one two", "three.")
    (sample,) = MaskedLanguageModelling(source, words=None).samples(1, 0).samples
    assert (sample.input, sample.target) == ("one two three four", None)
    assert scored(MaskedLanguageModelling(source, 3), ("Three.", "three"), ("two", "one")).values["accuracy"] == 0.5


def test_the_first_label_counts_and_the_first_five_and_another_vocabulary_has_no_quality():
    task = ImageClassification(replace(SOURCE, labels=("cat", "dog")), None, "", 1, 5)
    found = scored(task, ("cat", ["Cat", "dog"]), ("dog", ["cat", "dog"]))
    assert found.values == {"accuracy": 0.5, "top5": 1.0}
    assert scored(task, ("cat", "a photo of a cat")).values["accuracy"] == 1.0
    assert scored(task, ("cat", ["tabby", "tiger cat"])).values["accuracy"] is None


def test_a_box_in_its_place_is_precise_and_one_beside_it_is_not():
    task = ObjectDetection(SOURCE, None)
    truth = [{"box": [0.1, 0.1, 0.5, 0.5], "label": "cup"}]
    right = [{"box": [0.1, 0.1, 0.5, 0.5], "label": "cup", "score": 0.9}]
    beside = [{"box": [0.6, 0.6, 0.9, 0.9], "label": "cup", "score": 0.9}]
    assert scored(task, (truth, right)).values["map"] == pytest.approx(1.0)
    assert scored(task, (truth, beside)).values["map"] == 0.0
    assert scored(task, (truth, [])).values["map"] == 0.0
    assert scored(task, (truth, [{**right[0], "label": "wing"}])).values["map"] is None


@pytest.mark.parametrize(
    ("objects", "box"),
    [
        ({"bbox": [[10, 20, 30, 40]], "category": [1]}, "sides"),
        ({"bbox": [[10, 20, 40, 60]], "category": [1]}, "corners"),
        ([{"x": 10, "y": 20, "w": 30, "h": 40, "names": ["cup"]}], "sides"),
    ],
)
def test_boxes_come_as_shares_of_the_image_however_the_source_writes_them(objects, box):
    task = ObjectDetection(replace(SOURCE, labels=("dish", "cup"), box=box), None)
    sample = task._sample(Row("1", {"image": png(100, 200), "objects": objects}))
    assert sample.target == [{"box": pytest.approx([0.1, 0.1, 0.4, 0.3]), "label": "cup"}]


def png(width, height):
    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return file.getvalue()


def test_an_image_is_brought_to_the_tasks_size_and_one_that_does_not_decode_is_unusable():
    assert encoded_image(png(3, 5), (640, 480)).open().size == (640, 480)
    assert encoded_image({"bytes": png(3, 5), "path": None}).open().size == (3, 5)
    with pytest.raises(BadRowError, match="does not decode"):
        encoded_image(b"no image")
    with pytest.raises(BadRowError, match="holds no image"):
        encoded_image(7)
    assert str(encoded_image(png(3, 5))) != str(encoded_image(png(5, 3)))


def test_a_caption_is_judged_by_all_its_references():
    task = ImageCaptioning(SOURCE, None, "", 1, 5)
    found = scored(task, (["a dog runs over the grass", "a brown dog in a field"], "a dog runs over the grass"))
    assert found.values["bleu"] == pytest.approx(1.0)
    assert scored(task, (["a dog runs over the grass"], "two cats")).values["bleu"] < 0.1
    assert task._sample(Row("1", {"image": png(2, 2), "captions": [{"phrase": "a"}, {"phrase": "b"}]})).target == [
        "a",
        "b",
    ]


def test_similarity_is_ranked_not_measured():
    task = SentenceSimilarity(SOURCE)
    assert scored(task, (1.0, 0.1), (2.0, 0.2), (5.0, 0.9)).values["spearman"] == pytest.approx(1.0)
    assert scored(task, (1.0, 0.5), (2.0, 0.5), (5.0, 0.5)).values["spearman"] is None


def test_words_are_counted_without_case_and_signs_and_another_sampling_rate_is_unusable():
    task = SpeechRecognition(SOURCE, 16000, 0, 10, normalizer="basic")
    found = scored(task, ("NINE ONE ONE", "nine, one two."))
    assert found.values == {"wer": pytest.approx(1 / 3), "word_accuracy": pytest.approx(2 / 3)}
    with pytest.raises(BadRowError, match="16000 samples a second, the task asks for 8000"):
        clip(sounds.dialled([1]), 8000)
    with pytest.raises(BadRowError, match="does not decode"):
        clip(b"no sound", 16000)
