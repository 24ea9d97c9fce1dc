"""Times SynthEval's fast preset on two files: `python syntheval_metrics.py REAL.csv DRAWN.csv LEVELS`.

`benchmarks/bench.py` runs it with the interpreter that SYNTHEVAL_PYTHON names, an environment of its own, because its
pandas is newer than ours. LEVELS are the columns of levels, separated by commas. Prints processor seconds as JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time


def main() -> None:
    import pandas as pd
    from syntheval import SynthEval

    real, drawn = (pd.read_csv(path) for path in sys.argv[1:3])
    begin = time.process_time(), time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        asked = SynthEval(real, cat_cols=sys.argv[3].split(","), verbose=False)
        found = asked.evaluate(drawn, "event", presets_file="fast_eval")
    facts = {"cpu": time.process_time() - begin[0], "seconds": time.perf_counter() - begin[1], "mib": 0.0}
    print(json.dumps(facts | {"metrics": len(found)}))


if __name__ == "__main__":
    main()
