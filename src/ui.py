"""python -m src.ui: MLflow's pages of the recorded runs."""

import sys

from joulemark.cli.ui import main

if __name__ == "__main__":
    sys.exit(main())
