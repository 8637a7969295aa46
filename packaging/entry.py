"""Where the frozen program begins."""

from __future__ import annotations

import multiprocessing

from medassist.__main__ import main

if __name__ == "__main__":
    multiprocessing.freeze_support()
    main()
