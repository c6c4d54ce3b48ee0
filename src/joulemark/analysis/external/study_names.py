"""The study's names for tasks, datasets and files, and ours."""

from dataclasses import dataclass

TASKS = {
    "text classification": "text_classification",
    "extractive QA": "question_answering",
    "masked language modeling": "masked_language_modelling",
    "token classification": "token_classification",
    "image classification": "image_classification",
    "object detection": "object_detection",
    "text generation": "text_generation",
    "summarization": "summarization",
    "image captioning": "image_captioning",
    "image generation": "image_generation",
}

GENERAL, SPECIAL = "multi-purpose", "task-specific"
PARADIGMS = {"multi-purpose (zero-shot)": GENERAL, "task-specific": SPECIAL}

FILES = {
    "fillmask": "masked language modeling",
    "image_class": "image classification",
    "itt": "image captioning",
    "obj_detection": "object detection",
    "qa": "extractive QA",
    "summarize": "summarization",
    "text_classif": "text classification",
    "textgen": "text generation",
    "token_classif": "token classification",
    "tti": "image generation",
    "zeroshot_qa": "extractive QA",
    "zeroshot_sentiment": "text classification",
    "zeroshot_summarize": "summarization",
}

DATASETS = {
    "bookcorpus": "BookCorpus", "c4": "C4", "oscar": "OSCAR", "wikitext": "WikiText", "cifar10": "CIFAR 10",
    "cifar100": "CIFAR 100", "imagenet": "ImageNet 1K", "coco": "COCO", "redcaps": "RedCaps",
    "visualgenome": "Visual Genome", "cppe": "CPPE-5", "sciq": "SciQ", "squad": "SQuAD", "squadv2": "SQuAD v2",
    "squad2": "SQuAD v2", "cnn": "CNN-Daily Mail", "samsum": "SAMSum", "xsum": "XSum", "imdb": "IMDB",
    "sst2": "SST 2", "tomatoes": "Rotten Tomatoes", "conll2003": "CoNLL 2003", "record": "ReCoRD",
    "wikiann": "WikiANN", "diffusiondb": "DiffusionDB", "imagereward": "ImageReward", "sd_prompts": "SD Prompts",
}  # fmt: skip

ENDS = ("_resized", "_bloomz", "_15")

# A column of performance.csv: the dataset and our name of the metric
QUALITY = {
    "sst2 (acc)": ("SST 2", "accuracy"),
    "imdb (acc)": ("IMDB", "accuracy"),
    "tomatoes (acc)": ("Rotten Tomatoes", "accuracy"),
    "sciq (acc)": ("SciQ", "accuracy"),
    "squad (f1)": ("SQuAD", "f1"),
    "squad_v2 (f1, has answer)": ("SQuAD v2", "f1"),
    "samsum (rouge)": ("SAMSum", "rouge"),
    "xsum (rouge)": ("XSum", "rouge"),
    "cnn (rouge)": ("CNN-Daily Mail", "rouge"),
}


@dataclass(frozen=True)
class FileName:
    """What the name of an emissions file says."""

    stem: str
    task: str
    dataset: str
    paradigm: str
    resized: bool


def of_file(stem: str) -> FileName | None:
    """The task and dataset of `zeroshot_qa_squad2_bloomz` and its like; None for a name that is none of them."""
    for prefix in sorted(FILES, key=len, reverse=True):
        if stem.startswith(f"{prefix}_"):
            name = stem.removeprefix(f"{prefix}_").lower()
            for end in ENDS:
                name = name.removesuffix(end)
            dataset = DATASETS.get(name)
            paradigm = GENERAL if prefix.startswith("zeroshot") else SPECIAL
            return FileName(stem, FILES[prefix], dataset, paradigm, "_resized" in stem) if dataset else None
    return None
