"""What a checkpoint on the Hub is by its own files, before its weights are downloaded or torch is imported."""

import ast
import importlib.util
import json
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError
from joulemark.data import hub

# transformers' names of its mappings from model types to architectures, by the class that uses each (modeling_auto.py)
MAPPINGS = {
    "AutoModelForCausalLM": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "AutoModelForSeq2SeqLM": "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
    "AutoModelForSequenceClassification": "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES",
    "AutoModelForTokenClassification": "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES",
    "AutoModelForQuestionAnswering": "MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES",
    "AutoModelForMaskedLM": "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "AutoModelForImageClassification": "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES",
    "AutoModelForObjectDetection": "MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES",
    "AutoModelForImageTextToText": "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES",
    "AutoModelForSpeechSeq2Seq": "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES",
    "AutoModelForCTC": "MODEL_FOR_CTC_MAPPING_NAMES",
}


@dataclass(frozen=True)
class Identity:
    """What the files of a checkpoint say.

    Attributes:
        architecture: class that it was saved from; of a diffusers pipeline the pipeline's
        model_type: transformers' name of the architecture's family; None for a pipeline
        loaders: classes that load it: auto classes of transformers, SentenceTransformer, or the pipeline's own
    """

    architecture: str
    model_type: str | None
    loaders: frozenset[str]


@cache
def identify(checkpoint: str, revision: str | None) -> Identity:
    """What a checkpoint on the Hub is; where the Hub cannot be reached, by its files in the cache.

    Raises:
        UserError: no such repository, neither network nor cache, or no configuration that names an architecture.
    """
    from huggingface_hub import errors

    try:
        about = hub.described("model", checkpoint, revision, "model.checkpoint")
        if about is None:
            return _of_cache(checkpoint, revision)
        files = {sibling.rfilename for sibling in about.siblings or ()}
        return _of_files(checkpoint, files, lambda file: hub.json_of(checkpoint, file, about.sha))
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, *hub.network_errors()) as error:
        refused = hub.refusal(error, "model", checkpoint, revision, "model.checkpoint")
        raise refused or _unknown(checkpoint) from None


def _of_cache(checkpoint: str, revision: str | None) -> Identity:
    folder = hub.cached(checkpoint, revision)
    if folder is None:
        raise _unknown(checkpoint)
    files = {path.name for path in folder.iterdir()}
    return _of_files(checkpoint, files, lambda file: json.loads((folder / file).read_text(encoding="utf-8")))


def _of_files(checkpoint: str, files: Set[str], read: Callable[[str], Any]) -> Identity:
    if "model_index.json" in files:
        pipeline = str(read("model_index.json").get("_class_name"))
        return Identity(pipeline, None, frozenset([pipeline]))
    if "config.json" not in files:
        raise UserError(f"model.checkpoint={checkpoint} has neither config.json nor model_index.json; type another id")
    config = read("config.json")
    architecture = str(next(iter(config.get("architectures") or ()), None))
    loaders = {auto for auto, names in _architectures().items() if architecture in names}
    loaders |= set(config.get("auto_map") or ()) & set(MAPPINGS)
    loaders |= {"SentenceTransformer"} if "modules.json" in files else set()
    return Identity(architecture, config.get("model_type"), frozenset(loaders))


def _unknown(checkpoint: str) -> UserError:
    return UserError(
        f"model.checkpoint={checkpoint} is not cached and the Hub cannot be reached, so its kind is unknown; "
        "type model=NAME of a file in conf/model, or model=embedded"
    )


@cache
def _architectures() -> Mapping[str, frozenset[str]]:
    """The architectures that each auto class loads, read from transformers' source: importing it would import torch."""
    spec = importlib.util.find_spec("transformers")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent / "models" / "auto" / "modeling_auto.py"
    tables = {
        target.id: node.value
        for node in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return {auto: _values(tables[table]) for auto, table in MAPPINGS.items() if table in tables}


def _values(table: Any) -> frozenset[str]:
    return frozenset(
        node.value
        for pair in ast.walk(table)
        if isinstance(pair, ast.Tuple)
        for node in ast.walk(pair)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
