"""What the Python scripts share: where the router is, and how a check is told."""

import os
import sys
import traceback

HOST = os.environ["ROUTER_HOST"]
PORT = int(os.environ["ROUTER_PORT"])
USER = os.environ["ROUTER_USER"]
PASSWORD = os.environ["ROUTER_PASSWORD"]
VERSION = os.environ["ROUTER_VERSION"]
# Whether the router asks a challenge, as before 6.43.
CHALLENGE = os.environ["ROUTER_LOGIN"] == "challenge"

# Words of these lengths need one, two and three bytes for their length.
TEXTS = ["x" * 100, "y" * 300, "z" * 20_000]

_checks = []


def check(function):
    """Adds a check. Its name, read as a sentence, is what is printed."""
    _checks.append(function)
    return function


def expect(actual, expected):
    if actual != expected:
        raise AssertionError(f"got {actual!r}, expected {expected!r}")


def run():
    """Runs every check, also after one that failed; ends the program."""
    failed = 0
    for function in _checks:
        name = function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok      {name}")
        except Exception:
            failed += 1
            print(f"FAILED  {name}")
            traceback.print_exc(file=sys.stdout)
    if not _checks:
        sys.exit("there is nothing to check")
    sys.exit(1 if failed else 0)
