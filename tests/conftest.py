"""Processes that tests start import this checkout's code, whatever is installed."""

import os

from tests.paths import ROOT

os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
