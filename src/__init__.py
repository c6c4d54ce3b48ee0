"""The commands of a checkout, `python -m src.run …`: each is that of the package beside it, installed or not."""

import sys
from pathlib import Path

# This checkout's own code, whatever else is installed
sys.path.insert(0, str(Path(__file__).resolve().parent))
