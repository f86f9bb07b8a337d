"""
``python -m cftokens``: the command line.
"""

import sys

from cftokens.cli import main

if __name__ == "__main__":
    sys.exit(main())
