"""Draw the figures of run folders that are named on standard input, a JSON string a line, until it ends.

Each line is answered by one on standard output, `{"pngs": {name: base64}, "problems": {name: text}}`. Nothing is
written: a run folder belongs to the process that holds its lock, which may have been killed meanwhile.
"""

import base64
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
        drawn = draw_run_figures(Path(json.loads(line)))
        pngs = {name: base64.b64encode(png).decode() for name, png in drawn.pngs.items()}
        print(json.dumps({"pngs": pngs, "problems": drawn.problems}), flush=True)


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # whoever asked was killed
        main()
