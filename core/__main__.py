"""``python -m core``: the command line."""

import os
import sys

from core.cli.main import main

if __name__ == "__main__":
    os.umask(0o077)  # whatever a command writes is for its owner alone, as with the app
    sys.exit(main())
