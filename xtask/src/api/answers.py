"""Which answers of 500 and above are no faults; `cargo xtask api` has Schemathesis load this."""

import json
from pathlib import Path

import schemathesis
from schemathesis.checks import not_a_server_error

# The one thing outside the server that it cannot answer without.
OUTSIDE = "router-unreachable"

# As it is committed: Schemathesis puts in the place of a reference what it refers to, and the operation's own words go.
DOCUMENT = Path(__file__).parents[3] / "openapi.json"

ANNOUNCED = {
    (path, method)
    for path, operations in json.loads(DOCUMENT.read_text())["paths"].items()
    for method, operation in operations.items()
    if OUTSIDE in operation["responses"].get("503", {}).get("description", "")
}


@schemathesis.check
def no_fault_of_the_server(ctx, response, case):
    """Nothing is wrong with a server that says which router does not answer, where the document announces that."""
    asked = (case.operation.path, case.operation.method)
    if not (asked in ANNOUNCED and says_so(response)):
        not_a_server_error(ctx, response, case)


def says_so(response):
    return response.status_code == 503 and response.json()["error"]["code"] == OUTSIDE
