"""Whether a free answer is the right one, by the published rule of its dataset. No answer is ever run as code.

The sources were read on 2026-11-30, at these commits; what differs here stands with each rule.

number   EleutherAI/lm-evaluation-harness 47f16bf, lm_eval/tasks/gsm8k/gsm8k.yaml (version 3.0): flexible-extract, and
         lm_eval/filters/extraction.py. There the last number is compared as text without `,`, `$` and a last full
         stop, here as a number: 72.00 is 72. OpenAI's own rule (grade-school-math 2909d34, dataset.py) reads the number
         after `####`, which only the references have here, where it is the last one.
choice   TIGER-AI-Lab/MMLU-Pro 05c6997, compute_accuracy.py. There the last of the three expressions takes a capital
         A to J within a word, too, here it must stand alone; there an answer without a letter draws one, here it is
         wrong. MMLU's own rule (hendrycks/test 0f23bce, evaluate.py) compares the probabilities of the four letters
         after five examples: its published accuracies are of another question.
literal  facebookresearch/cruxeval 10d71b4, evaluation/utils_general.py, executes `assert output == answer` and refuses
         answers that hold the call. Here both are read as values, whose types must agree as well.
exact    SQuAD's normalization, as torchmetrics 1.9 has it (functional/text/squad.py); its line breaks are spaces here.
"""

import ast
import re
import string
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from joulemark.core.errors import BadRowError

# flexible-extract: of all numbers the last
NUMBER = re.compile(r"-?[$0-9.,]{2,}|-?[0-9]+")
# extract_answer, extract_again, extract_final, in this order
LETTERS = (
    re.compile(r"answer is \(?([A-J])\)?"),
    re.compile(r".*[aA]nswer:\s*([A-J])"),
    re.compile(r"\b([A-J])\b(?!.*\b[A-J]\b)", re.DOTALL),
)
FENCE = re.compile(r"^```\w*$|`", re.MULTILINE)


def last_number(text: str) -> Decimal | None:
    """The last number of a text, without its thousands separators and currency; None where it holds none."""
    for found in reversed(NUMBER.findall(text)):
        try:
            return Decimal(found.replace(",", "").replace("$", "").rstrip("."))
        except InvalidOperation:  # `...` or `$.`: marks alone
            continue
    return None


def letter(text: str) -> str | None:
    """The letter that a text chooses; None where it chooses none."""
    found = (pattern.search(text) for pattern in LETTERS)
    return next((match.group(1) for match in found if match), None)


def normalized(text: str) -> str:
    """A text in lower case without punctuation and articles, with single spaces (SQuAD, evaluate-v1.1.py)."""
    marked = "".join(" " if mark.isspace() else mark for mark in text.lower() if mark not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", marked).split())


def literal(text: str) -> tuple[str, object] | None:
    """The Python value on a text's last line, after `==` or `->` if it has one, with its type; None where it is none.

    Read by `ast.literal_eval`, which runs nothing.
    """
    lines = [line for line in FENCE.sub("", text).splitlines() if line.strip()]
    last = re.split(r"==|->|→", lines[-1])[-1].strip() if lines else ""
    try:
        value = ast.literal_eval(last)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    return type(value).__name__, value


def _same_text(answer: str, reference: str) -> bool:
    return normalized(answer) == normalized(reference)


def _same_number(answer: str, reference: str) -> bool:
    return last_number(answer) == last_number(reference)


def _same_letter(answer: str, reference: str) -> bool:
    return letter(answer) == reference


def _same_literal(answer: str, reference: str) -> bool:
    return literal(answer) == literal(reference)


# scoring -> whether an answer is right, and the rule in words
RULES: dict[str, tuple[Callable[[str, str], bool], str]] = {
    "exact": (_same_text, "exact match, normalized as SQuAD's (evaluate-v1.1.py)"),
    "choice": (_same_letter, "chosen letter, extracted as MMLU-Pro's (compute_accuracy.py); no letter is wrong"),
    "number": (_same_number, "last number (lm-evaluation-harness, gsm8k flexible-extract)"),
    "literal": (_same_literal, "Python value of the last line by ast.literal_eval, nothing is run"),
}


def reference(scoring: str | None, text: str) -> str:
    """A reference as it is compared: the number of a worked solution, all others as they are.

    BadRowError where the rule finds nothing in it: then no answer could be right.
    """
    if scoring == "number":
        number = last_number(text)
        if number is None:
            raise BadRowError(f"reference {text[-60:]!r} holds no number")
        return f"{number:f}"
    if scoring == "literal" and literal(text) is None:
        raise BadRowError(f"reference {text[:60]!r} is no Python value")
    return text
