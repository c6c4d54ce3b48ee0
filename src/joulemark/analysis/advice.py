"""Which options remove a part of a request's energy: those that the record's model supports and the run did not set.

Each function gives whole lines of options, the one to try first first; none where nothing can be checked: a record
that does not tell what its model can do gets no advice that its model may refuse.
"""

from itertools import islice

from joulemark.analysis import requests
from joulemark.core.model import Capabilities
from joulemark.core.record import Record

# How many times more requests to try at once: on an H100 the energy per request fell to a third and less.
MORE = 8
# An image takes thousands of times the FLOPs of a token and fills a card sooner (SDXL: 1.4 times less at 4).
MORE_IMAGES = 4
# Batches prepared ahead: one that is ready and one under way keep a card busy; more take memory and change nothing
AHEAD = 2
# Of texts each is prepared in a thread of its own: on an H200 five changed nothing any more
AHEAD_TEXTS = 4
THREADS = 16  # that share the images or sounds of a batch
MULTIPLE = 8  # tokens that recorded texts are padded to a multiple of: few shapes, little more work
# What a precision costs less than, in order of trying: bf16 has the range of fp32, so it seldom changes a prediction.
CHEAPER = {"fp32": ("bf16", "fp16", "tf32"), "tf32": ("bf16", "fp16")}
COUNTED = 20_000  # requests from whose lengths padding is computed
WHOLE_PASS = 256  # tokens of a pass are proposed in multiples of this
TEXTS = frozenset({"text", "text_pair", "words", "question_context"})  # inputs that can be sorted by length


def preparing_faster(record: Record) -> list[str]:
    """Options that shorten or hide the host's own stages."""
    # A tokenizer takes the texts of a batch on all cores; sounds are prepared one after the other
    text = requests.summary(record).counts_tokens
    workers, together = ([], more_at_once(record)) if text else (_more_workers(record), [])
    return [*_preprocessing(record), *workers, *ahead(record), *together]


def prepared_otherwise(record: Record) -> list[str]:
    """Ways of preparing that are not chosen yet, then more workers for them."""
    texts = bool(TEXTS & set(_capabilities(record).accepts))
    return [*_preprocessing(record), *([] if texts else _more_workers(record))]


def prepared_ahead(record: Record) -> list[str]:
    """Each faster way of preparing, ahead of the device and in threads, as one line; none where that is no choice."""
    able, cores = _capabilities(record), record.environment.usable_cores or record.environment.cpu_cores or 1
    if not able.overlaps or record.settings.prefetch:
        return []
    texts = bool(TEXTS & set(able.accepts))
    # Of texts each thread has a batch of its own; of images and sounds all share one, but for what the card decodes
    threads = max(1, min(AHEAD_TEXTS if texts else THREADS, cores - 1))
    batches = max(AHEAD, threads) if texts else AHEAD
    workers = {"fast": threads, "device": 1}
    return [
        f"{way} prefetch={batches}" + (f" preprocessing_workers={count}" if count > 1 else "")
        for way in _preprocessing(record)
        if (count := workers[way.partition("=")[2]])
    ]


def recorded(record: Record) -> list[str]:
    """What makes the card launch its own work, compiling no forward pass; texts padded to few shapes first.

    Without a card decoding alone, from a static cache.
    """
    lines, able = _graphs(record)[:1], _capabilities(record)
    if record.hardware.device == "cpu":
        return [line for line in lines if "cache=" in line]
    shapes = able.token_budgets and able.pads and record.settings.pad_to_multiple_of == 1
    few = [f"{lines[0]} pad_to_multiple_of={MULTIPLE}"] if lines == ["compile=cudagraphs"] and shapes else []
    return [*few, *lines]


def more_at_once(record: Record) -> list[str]:
    """A larger batch, in tokens where these end one; none where the run has no more requests than its batch holds."""
    settings, wanted = record.settings, _larger(record)
    larger = [f"batch_size={wanted}"] if wanted > settings.batch_size else []
    if not _tokens_bind(record):
        return larger
    tokens, mean = f"batch_tokens={settings.batch_tokens * MORE}", record.model.facts["requests_per_batch"]
    return [f"{larger[0]} {tokens}"] if larger and settings.batch_size < mean * MORE else [tokens]


def fewer_launches(record: Record) -> list[str]:
    """What gives the card more work a launch, or makes it launch its own: small batches grow first."""
    larger, graphs = more_at_once(record), _graphs(record)
    return [*graphs, *larger] if record.settings.batch_size >= MORE else [*larger, *graphs]


def less_waiting(record: Record) -> list[str]:
    """What fills the time between two batches."""
    return [*ahead(record), *more_at_once(record)]


def less_padding(record: Record) -> list[str]:
    """Batches of texts of one length, then as many of them in a pass as its tokens allow."""
    settings = record.settings
    if settings.sort != "none" or settings.batch_size == 1 or not TEXTS & set(_capabilities(record).accepts):
        return []
    options, wanted = ["sort=length"], _larger(record)
    if _capabilities(record).token_budgets and not settings.batch_tokens and wanted > settings.batch_size:
        tokens = padded_tokens(record)
        if tokens is not None:
            most = -(-round(tokens[1] * settings.batch_size) // WHOLE_PASS) * WHOLE_PASS
            options.append(f"sort=length batch_size={wanted} batch_tokens={most}")
    return options


def cheaper_precision(record: Record) -> list[str]:
    """The first precision with cheaper FLOPs that the card has."""
    supported = record.hardware.precisions
    cheaper = [each for each in CHEAPER.get(record.settings.precision, ()) if each in supported]
    return [f"precision={each}" for each in cheaper[:1]]


def padded_tokens(record: Record) -> tuple[float, float] | None:
    """Mean tokens of a request, without and with the padding of its batch; None where batches are not known.

    Batches are those of the inputs in their own order, each padded to its longest: sorted ones, those made by tokens,
    and a model without padding are not told from the record.
    """
    settings, capabilities = record.settings, record.model.capabilities
    if settings.sort != "none" or settings.batch_tokens or capabilities is None or not capabilities.pads:
        return None
    lengths = [request.input_tokens for request in islice(requests.each(record), COUNTED)]
    known = [length for length in lengths if length is not None]
    if not known or len(known) != len(lengths):
        return None
    size, multiple = settings.batch_size, settings.pad_to_multiple_of
    batches = [known[begin : begin + size] for begin in range(0, len(known), size)]
    padded = sum(len(batch) * -(-max(batch) // multiple) * multiple for batch in batches)
    return sum(known) / len(known), padded / len(known)


def _capabilities(record: Record) -> Capabilities:
    """What the record's model can do; nothing optional where it does not tell."""
    return record.model.capabilities or Capabilities(compiles=False, graphs=False)


def _tokens_bind(record: Record) -> bool:
    """Whether the budget of tokens ends batches before `batch_size` does."""
    settings, mean = record.settings, record.model.facts.get("requests_per_batch")
    if not settings.batch_tokens or not isinstance(mean, int | float):
        return False
    batches = -(-record.task.samples // settings.batch_size)
    return mean < record.task.samples / batches


def _larger(record: Record) -> int:
    more = MORE_IMAGES if record.model.kind == "text_to_image" else MORE
    return min(record.settings.batch_size * more, record.task.samples)


def _preprocessing(record: Record) -> list[str]:
    """Ways of preparing that are not chosen yet, by the card first: on an H100, vit-base with 640x480 JPEGs, 25 times
    less than fp32 at batch 1, by the host 6.7."""
    faster = ("device", "fast", "transformers")
    left = faster[: faster.index(record.settings.preprocessing)]
    return [f"preprocessing={each}" for each in left if each in _capabilities(record).preprocessings]


def ahead(record: Record) -> list[str]:
    """Batches prepared while the device works on others."""
    overlaps = _capabilities(record).overlaps and not record.settings.prefetch
    return [f"prefetch={AHEAD}"] if overlaps else []


def _more_workers(record: Record) -> list[str]:
    """Preprocessing more images or sounds in parallel; none for other inputs, by the card, and where all cores that the
    run may use do so already."""
    settings, able = record.settings, _capabilities(record)
    threads = bool({"image", "audio"} & set(able.accepts)) and "fast" in able.preprocessings
    if settings.preprocessing == "device" or not (able.reads_images or threads):
        return []
    workers, batch = settings.preprocessing_workers, settings.batch_size
    cores = record.environment.usable_cores or record.environment.cpu_cores or 1
    wanted = min(workers * MORE, cores)
    if wanted <= workers:
        return []
    more = [f"preprocessing_workers={wanted}"]
    if threads and settings.preprocessing == "transformers":
        more.insert(0, "preprocessing=fast")  # threads of libraries that leave Python's lock, where processes copy
    return [" ".join(more if batch >= wanted else [f"batch_size={wanted}", *more])]


def _graphs(record: Record) -> list[str]:
    """What makes the card launch its own work; none where the run is compiled or its model cannot be.

    On an H100, half precision: distilbert 3.9 times less at batch 1, 1.8 at 64; bloomz-560m 4.4 times at 1, 3.7 at 16.
    """
    capabilities = _capabilities(record)
    if not capabilities.compiles or record.settings.compile:
        return []
    if "static" in capabilities.caches:
        return ["cache=static compile=true"]
    return ["compile=cudagraphs", "compile=graphs"] if capabilities.graphs else []
