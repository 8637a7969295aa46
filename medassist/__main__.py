"""Where the `medassist` command and `python -m medassist` begin, before anything of the product is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it is still being imported ends in one line as well, with code 130."""
    try:
        from medassist.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("medassist: The job was cancelled.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
