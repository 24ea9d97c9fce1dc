"""The control that keeps each column's distribution and no relation between columns."""

import numpy as np
import pandas as pd

from heorsynth.generators.peers.marginals import Columns, Marginals


def test_each_value_is_of_its_column_and_columns_are_unrelated() -> None:
    x = np.arange(400.0)
    frame = pd.DataFrame({"a": x, "b": -x, "c": np.where(x < 100, np.nan, 1.0)})
    drawn = Columns(frame).draw(4000, np.random.default_rng(1))
    assert set(drawn["a"]) <= set(x) and set(drawn["b"]) <= set(-x)
    assert abs(np.corrcoef(drawn["a"], drawn["b"])[0, 1]) < 4 / np.sqrt(4000)
    assert abs(drawn["c"].isna().mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 4000)


def test_types_stay_and_the_stream_decides() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "s": pd.Categorical(["f", "m", "f"])})
    one, two = (Columns(frame).draw(9, np.random.default_rng(7)) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    assert (one.dtypes == frame.dtypes).all()
    assert not Columns(frame).conditional and Marginals().name == "marginals"
