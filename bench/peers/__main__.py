"""`python -m bench.peers`."""

import sys

from bench import peers
from bench.part import alone
from bench.peers.compare import options, rows

if __name__ == "__main__":
    sys.exit(alone("peers", peers.__doc__, rows, options))
