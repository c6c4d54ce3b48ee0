"""python -m src.predict: what a request of a model that was not measured costs on this card."""

import sys

from joulemark.cli.predict import main

if __name__ == "__main__":
    sys.exit(main())
