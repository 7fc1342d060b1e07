"""Draw the figures of run folders that are named on standard input, a JSON string a line, until it ends.

Each line is answered by one on standard output: `{"figures": [paths]}` or `{"error": text}`.
"""

import gc
import json
import sys
from contextlib import suppress
from pathlib import Path

from ae_jax.figures.run.draw import draw_run_figures


def main() -> None:
    """Answer until standard input ends."""
    gc.freeze()  # what was imported need not be searched for garbage, which would cost a tenth of the time
    for line in sys.stdin:
        try:
            answer: dict[str, object] = {"figures": [str(path) for path in draw_run_figures(Path(json.loads(line)))]}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # whoever asked was killed
        main()
