"""The command `customer-profiles` of the environment that runs the tests."""

import sys
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("customer-profiles"))
