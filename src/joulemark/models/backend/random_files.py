"""Random weights as the files of a checkpoint, for programs that read nothing else: a process of its own.

    python -m joulemark.models.backend.random_files < {"folder": …, "auto_class": …, "checkpoint": {…}, …}

The folder has what `save_pretrained` writes: configuration, safetensors and the stand-in tokenizer; and no end-of-text
token for generation, since where that comes is chance. Chats are lines `role: content`, as in chat_template.py.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.models.backend import weights
from joulemark.models.backend.tokenization import open_tokenizer, text_shape

PLAIN_CHAT = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"


def write(folder: Path, auto_class: str, checkpoint: Checkpoint, device: str, settings: Settings) -> None:
    """Writes the files. UserError for a vocabulary that no tokenizer which ships can stand in for."""
    tokenizer = open_tokenizer(checkpoint)
    size = int(text_shape(checkpoint.shape)["vocab_size"])
    if len(tokenizer) > size:
        raise UserError(
            f"a vocabulary of {size:,} tokens is smaller than any tokenizer that ships ({len(tokenizer):,}); "
            "type engine=transformers or engine=continuous"
        )
    tokenizer.chat_template = PLAIN_CHAT
    model = weights.open_weights(auto_class, checkpoint, device, settings)
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def main(asked: Mapping[str, Any]) -> None:
    """Writes what was asked for; a mistake is one line on stderr."""
    settings = Settings(precision=asked["precision"])
    checkpoint = Checkpoint(**asked["checkpoint"])
    try:
        write(Path(asked["folder"]), asked["auto_class"], checkpoint, asked["device"], settings)
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(json.load(sys.stdin))
