"""What a run without torch has imported once it is scored: a process of its own shows it."""

import subprocess
import sys

import pytest

from tests.paths import ROOT

SCORED = """
import sys
from joulemark.analysis import quality, requests
from joulemark.core import stats
from joulemark.core.task import Prediction, Sample
from joulemark.data.dataset import Dataset
from joulemark.tasks.metrics import resampling
from joulemark.tasks.text_classification import TextClassification
import joulemark.cli.run, joulemark.measure.runner

task = TextClassification(Dataset(name="x", task="x", fields={}), ("negative", "positive"), "", 1, 1)
task.score((), ())
stats.import_packages()
before = set(sys.modules)
samples = [Sample(str(number), "x", task.labels[number % 2]) for number in range(40)]
scores = task.score(samples, [Prediction(task.labels[number % 3 == 0], 1) for number in range(40)])
ends = resampling.intervals(scores.statistics)["f1_macro"]
assert ends.low < scores.values["f1_macro"] < ends.high
taken = requests.Summarizer()
for sample, score in zip(samples, scores.each):
    taken.scores.add(sample.id, score)
assert quality.completed(taken.counted(), taken.scores.of_inputs()).interval is not None
heavy = {"pandas", "sklearn", "scipy.stats", "matplotlib", "mlflow", "torch"}
print(sorted(heavy & set(sys.modules)), sorted({"scipy.special"} - before))
"""


@pytest.mark.processes
def test_text_classification_is_scored_with_its_intervals_without_pandas_scikit_learn_and_scipy_stats():
    done = subprocess.run([sys.executable, "-c", SCORED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[] []", done.stderr
