"""What the loopback Hub holds: tiny checkpoints and a few rows in the true schema, under the ids of the real ones."""

import gzip
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from joulemark.data import embedded
from tests.models.test_kinds import TINY
from tests.models.tiny import WORDS, saved, tokenizer

Files = Mapping[str, bytes]

# model of conf/ -> its id, and the tiny architecture that stands in for it
CHECKPOINTS = {
    "bloomz": ("bigscience/bloomz-560m", "bloom", "AutoModelForCausalLM"),
    "gpt2": ("openai-community/gpt2", "gpt2", "AutoModelForCausalLM"),
    "distilgpt2": ("distilbert/distilgpt2", "gpt2", "AutoModelForCausalLM"),
    "flan_t5": ("google/flan-t5-base", "t5", "AutoModelForSeq2SeqLM"),
    "bart_large_cnn": ("facebook/bart-large-cnn", "bart", "AutoModelForSeq2SeqLM"),
    "distilbert_sst2": (
        "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        "distilbert",
        "AutoModelForSequenceClassification",
    ),
}


# model of conf/ -> its id, and the embedded weights that stand in for it: small, but of the same kind and whole
STAND_INS = {
    "bert_base_ner": ("dslim/bert-base-NER", "tagger"),
    "distilbert_squad": ("distilbert/distilbert-base-uncased-distilled-squad", "reader"),
    "bert_base": ("google-bert/bert-base-uncased", "filler"),
    "minilm_l6": ("sentence-transformers/all-MiniLM-L6-v2", "filler"),
    "resnet_18": ("microsoft/resnet-18", "image_classifier"),
    "yolos_tiny": ("hustvl/yolos-tiny", "detector"),
    "vit_gpt2": ("nlpconnect/vit-gpt2-image-captioning", "captioner"),
    "sd_1_5": ("stable-diffusion-v1-5/stable-diffusion-v1-5", "painter"),
}


# model of conf/ -> its id, its tiny shape in tests/models/test_kinds.py and the class that is saved
BUILT = {
    "whisper": ("openai/whisper-tiny", "whisper", "AutoModelForSpeechSeq2Seq"),
    "wav2vec2_base": ("facebook/wav2vec2-base-960h", "wav2vec2", "AutoModelForCTC"),
    "blip_base": ("Salesforce/blip-image-captioning-base", "blip", "AutoModelForImageTextToText"),
    "git_base": ("microsoft/git-base", "git", "AutoModelForImageTextToText"),
}
# What the published multilingual Whisper brings, with the ids of the tiny vocabulary
WHISPER_GENERATION = {
    "bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 1, "decoder_start_token_id": 2, "is_multilingual": True,
    "lang_to_id": {"<|en|>": 210, "<|de|>": 211}, "task_to_id": {"transcribe": 212, "translate": 213},
    "no_timestamps_token_id": 214, "prev_sot_token_id": 215, "max_length": 448, "max_initial_timestamp_index": 50,
    "return_timestamps": False, "suppress_tokens": [], "begin_suppress_tokens": [5, 1],
    "forced_decoder_ids": [[1, None], [2, 212]],
}  # fmt: skip


def built(model: str, folder: Path) -> tuple[str, Files]:
    """The id of a model of `conf/model` that sees or hears, and the files of a tiny checkpoint of its architecture."""
    import torch
    import transformers

    repository, name, auto = BUILT[model]
    _, _, shape, processor, _ = TINY[name]
    shape, processor, folder = dict(shape), dict(processor), folder / model
    torch.manual_seed(1)
    config = transformers.AutoConfig.for_model(shape.pop("model_type"), **shape)
    getattr(transformers, auto).from_config(config).save_pretrained(folder)
    getattr(transformers, processor.pop("type"))(**processor).save_pretrained(folder)
    if model == "wav2vec2_base":
        letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ'"]
        (folder / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(letters)}))
        transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    else:
        tokenizer().save_pretrained(folder)
    if model == "whisper":
        (folder / "generation_config.json").write_text(json.dumps(WHISPER_GENERATION))
    return repository, {path.name: path.read_bytes() for path in folder.iterdir()}


def stand_in(model: str) -> tuple[str, Files]:
    """The id of a model of `conf/model` and the files of embedded weights of its kind."""
    repository, name = STAND_INS[model]
    folder = embedded.WEIGHTS / name
    return repository, {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def checkpoint(model: str, folder: Path) -> tuple[str, Files]:
    """The id of a model of `conf/model` and the files of a tiny checkpoint of its kind."""
    repository, architecture, auto = CHECKPOINTS[model]
    saved(folder / model, architecture, auto)
    return repository, {path.name: path.read_bytes() for path in (folder / model).iterdir()}


def sentence(number: int) -> str:
    """A short text, another one for each number."""
    words = WORDS.split()
    return (
        " ".join(words[(number + step * (number % 5 + 1)) % len(words)] for step in range(24)) + f" w{number % 90 + 30}"
    )


def datasets(rows: int) -> dict[str, Files]:
    """Every dataset of the text tasks, by id, each with its files as the Hub has them."""
    texts = [sentence(i) for i in range(rows)]
    labels = pyarrow.array([i % 2 for i in range(rows)], pyarrow.int64())
    hidden = pyarrow.array([-1] * rows, pyarrow.int64())
    ids = [f"{i:08x}" for i in range(rows)]
    short = [" ".join(text.split()[:6]) for text in texts]
    # WikiText's layout: blank lines and titles between the paragraphs
    lines = [line for text in texts for line in ("", f" = {text.split()[0]} = \n", f" {text} {text} \n")]
    csv = "id,dialogue,summary\n" + "".join(
        f'{i},"A: {t}\r\nB: yes",{s}\n' for i, t, s in zip(ids, texts, short, strict=True)
    )
    words = [text.split() for text in texts]
    tags = [[number % 7 for number in range(len(one))] for one in words]
    answers = [{"text": [one[1], one[2]], "answer_start": [2, 7]} for one in words]
    squad = {"id": ids, "title": short, "context": texts, "question": short, "answers": answers}
    none = {**squad, "answers": [{"text": [], "answer_start": []} if i % 2 else a for i, a in enumerate(answers)]}
    choices = {f"distractor{n}": short for n in (1, 2, 3)}
    # a question in ten has no support, as in the real one
    support = ["" if i % 10 == 0 else text for i, text in enumerate(texts)]
    sciq = {"question": short, **choices, "correct_answer": [one[3] for one in words], "support": support}
    pages = "".join(json.dumps({"text": text, "timestamp": "2019", "url": "x"}) + "\n" for text in long_texts(rows))
    card = "---\nconfigs:\n- config_name: en\n  data_files:\n  - split: train\n    path: en/c4-train.*.json.gz\n---\n"
    news = {"article": texts, "highlights": short, "id": ids}
    long = [f"{text} {text}" for text in texts]
    chosen = {"question": texts, "choices": [one[:4] for one in words], "subject": short}
    chats = [[{"role": "user", "content": text}, {"role": "assistant", "content": text}] for text in texts]
    return {
        "openai/gsm8k": _configured("main", {"test": {
            "question": texts, "answer": [f"{text}\n#### 1,{i:03}" for i, text in enumerate(texts)]}}),
        "cais/mmlu": _configured("all", {"test": {**chosen, "answer": [i % 4 for i in range(rows)]}}),
        "TIGER-Lab/MMLU-Pro": _parquet("data", {"test": {
            "question": texts, "options": [one[:10] for one in words], "answer": ["J"] * rows, "category": short}}),
        "cruxeval-org/cruxeval": {"test.jsonl": "".join(
            json.dumps({"code": text, "input": "[1]", "output": f"{{'a': {i}}}", "id": f"sample_{i}"}) + "\n"
            for i, text in enumerate(texts)).encode()},
        "allenai/WildChat-1M": _parquet("data", {"train": {"conversation_hash": ids, "conversation": [
            [{**message, "toxic": False, "country": None} for message in chat] for chat in chats]}}),
        "HuggingFaceH4/ultrachat_200k": _parquet("data", {"test_sft": {"prompt": texts, "messages": chats}}),
        "eriktks/conll2003": {"conll2003/validation/0000.parquet": _bytes(
            {"id": ids, "tokens": words, "pos_tags": tags, "chunk_tags": tags, "ner_tags": tags})},
        "aps/super_glue": _configured("record", {"test": {"passage": texts, "query": short, "answers": [[]] * rows}}),
        "unimelb-nlp/wikiann": _configured("en", {"test": {"tokens": words, "ner_tags": tags, "langs": words}}),
        "rajpurkar/squad": _parquet("plain_text", {"validation": squad}),
        "rajpurkar/squad_v2": _parquet("squad_v2", {"validation": none}),
        "allenai/sciq": _parquet("data", {"test": sciq}),
        "allenai/c4": {"README.md": card.encode(), "en/c4-train.00000-of-01024.json.gz": gzip.compress(pages.encode())},
        "sentence-transformers/stsb": _parquet("data", {"test": {
            "sentence1": texts, "sentence2": texts[::-1], "score": [i % 6 / 5 for i in range(rows)]}}),
        "Gustavosta/Stable-Diffusion-Prompts": _parquet("data", {"test": {"Prompt": texts}}),
        "poloclub/diffusiondb": {
            "2m_first_1k/train/0000.parquet": _bytes({"prompt": texts, "seed": list(range(rows))})},
        "zai-org/ImageRewardDB": {"1k/train/0000.parquet": _bytes({"image_path": ids, "prompt": texts})},
        "stanfordnlp/sst2": _parquet("data", {"test": {"idx": range(rows), "sentence": texts, "label": hidden},
                                              "validation": {"idx": range(rows), "sentence": texts, "label": labels}}),
        "stanfordnlp/imdb": _parquet("plain_text", {"test": {"text": texts, "label": labels}}),
        "cornell-movie-review-data/rotten_tomatoes": _parquet("", {"validation": {"text": texts, "label": labels}}),
        "knkarthick/samsum": {"train.csv": csv.encode(), "test.csv": csv.encode()},
        "abisee/cnn_dailymail": _configured("3.0.0", dict.fromkeys(("train", "test"), news)),
        "EdinburghNLP/xsum": _parquet("data", {"test": {"document": texts, "summary": short, "id": ids}}),
        "Salesforce/wikitext": _configured("wikitext-103-raw-v1", {"test": {"text": lines}, "train": {"text": lines}}),
        # What the Hub keeps under refs/convert/parquet beside a repository's script
        "bookcorpus/bookcorpus": {"plain_text/train/0000.parquet": _bytes({"text": long})},
        "oscar-corpus/oscar": {
            "unshuffled_deduplicated_en/partial-train/0000.parquet": _bytes({"id": range(rows), "text": long}),
            "unshuffled_deduplicated_af/train/0000.parquet": _bytes({"id": range(rows), "text": ["verkeerd"] * rows}),
        },
    }  # fmt: skip


def long_texts(rows: int) -> list[str]:
    """Texts of more than twenty words."""
    return [f"{sentence(i)} {sentence(i)}" for i in range(rows)]


def media(rows: int) -> dict[str, Files]:
    """Every dataset of images and sounds, by id; images and sounds are files within, as the real ones hold them."""
    from datasets import Audio, Image

    images = [dict(row)["image"] for _, row in islice(embedded.rows("image_captioning"), rows)]
    pictures = [{"bytes": image, "path": None} for image in images]
    clips = [dict(row) for _, row in islice(embedded.rows("speech_recognition"), rows)]
    box, numbers = [[1.0, 2.0, 30.0, 40.0]] * 2, list(range(rows))
    objects = [{"bbox_id": [1, 2], "category": [0, 2], "bbox": box, "area": [1200.0, 1200.0]}] * rows
    found = [[{"object_id": 1, "x": 1, "y": 2, "w": 30, "h": 40, "names": ["cup"], "synsets": []}]] * rows
    told = [[{"region_id": 1, "phrase": "a cup", "x": 1}, {"region_id": 2, "phrase": "a table", "x": 1}]] * rows

    def held(**columns: Any) -> bytes:
        features = {"image": Image(), "img": Image(), "audio": Audio()}
        return _bytes_with({name: (values, features.get(name)) for name, values in columns.items()})

    two = [["a shape", "some shapes"]] * rows
    return {
        "uoft-cs/cifar10": {
            "plain_text/test-00000-of-00001.parquet": held(img=pictures, label=[i % 10 for i in numbers])
        },
        "uoft-cs/cifar100": {
            "cifar100/test-00000-of-00001.parquet": held(img=pictures, fine_label=numbers, coarse_label=numbers)
        },
        "ILSVRC/imagenet-1k": {"data/test-00000-of-00001.parquet": held(image=pictures, label=[-1] * rows)},
        "detection-datasets/coco": {
            "data/val-00000-of-00001.parquet": held(image_id=numbers, image=pictures, objects=objects)
        },
        "rishitdagli/cppe-5": {
            "data/train-00000-of-00001.parquet": held(image_id=numbers, image=pictures, objects=objects)
        },
        "ranjaykrishna/visual_genome": {
            "objects_v1.2.0/train/0000.parquet": held(image=pictures, objects=found),
            "region_descriptions_v1.2.0/train/0000.parquet": held(image=pictures, regions=told),
        },
        "lmms-lab/COCO-Caption2017": {"data/val-00000-of-00001.parquet": held(image=pictures, answer=two)},
        "openslr/librispeech_asr": {
            "README.md": _card("clean", ["test"], others=()),
            "clean/test-00000-of-00001.parquet": held(
                audio=[{"bytes": clip["audio"], "path": "a.wav"} for clip in clips],
                text=[clip["text"] for clip in clips],
            ),
        },
    }


def _bytes_with(columns: Mapping[str, tuple[Sequence[Any], Any]]) -> bytes:
    """A parquet file whose schema says which columns are images and sounds, as `datasets` writes it."""
    import datasets

    held = datasets.Dataset.from_dict({name: values for name, (values, _) in columns.items()})
    features = held.features.copy()
    features.update({name: feature for name, (_, feature) in columns.items() if feature is not None})
    schema, file = features.arrow_schema, io.BytesIO()
    parquet.write_table(held.data.table.cast(schema).replace_schema_metadata(schema.metadata), file)
    return file.getvalue()


def _parquet(folder: str, splits: Mapping[str, Mapping[str, Any]]) -> Files:
    prefix = f"{folder}/" if folder else ""
    return {f"{prefix}{split}-00000-of-00001.parquet": _bytes(columns) for split, columns in splits.items()}


def _configured(name: str, splits: Mapping[str, Mapping[str, Any]]) -> Files:
    """A repository whose card names its configurations, of which the first is not the one that is asked for."""
    other = {
        split: {column: list(values)[::-1] for column, values in columns.items()} for split, columns in splits.items()
    }
    return {"README.md": _card(name, splits), **_parquet("other", other), **_parquet(name, splits)}


def _card(name: str, splits: Iterable[str], others: Sequence[str] = ("other",)) -> bytes:
    """A dataset's card that names configurations, of which the last is the one that is asked for."""
    lines = ["---", "configs:"]
    for config in (*others, name):
        lines += [f"- config_name: {config}", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {config}/{split}-*"]
    return "\n".join([*lines, "---", ""]).encode()


def _bytes(columns: Mapping[str, Sequence[Any]]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({name: pyarrow.array(values) if not isinstance(values, pyarrow.Array) else values
                                       for name, values in columns.items()}), file)  # fmt: skip
    return file.getvalue()
