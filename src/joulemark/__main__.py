"""python -m joulemark COMMAND …: the same commands as `joulemark COMMAND …`."""

import sys

from joulemark.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
