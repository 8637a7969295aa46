"""Run `python -m medassist` like the `medassist` command."""

from medassist.cli import main

if __name__ == "__main__":
    main()
