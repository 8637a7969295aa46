"""`python -m medassist.explain.quality PACKAGE [METHOD …]`: measure a package once and keep it in the package."""

from __future__ import annotations

import argparse
import json
import sys

from medassist.entities.errors import MedAssistError
from medassist.explain.quality.known import measure_package, write_known
from medassist.inference.catalogue import find


def main() -> int:
    """Parse the command line, measure, write, print; an error is one line and its exit code."""
    parser = argparse.ArgumentParser(prog="python -m medassist.explain.quality", description=__doc__)
    parser.add_argument("package", help="a name of `medassist models list`, or a folder")
    parser.add_argument(
        "methods", nargs="*", help="names of methods, beside those measured before; all that apply without one"
    )
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    try:
        package = find(arguments.package)
        found = measure_package(package, arguments.methods, device=arguments.device)
        write_known(package, found, add=bool(arguments.methods))
    except MedAssistError as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
