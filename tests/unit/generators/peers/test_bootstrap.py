"""The control that copies: every row is a patient's."""

import numpy as np
import pandas as pd

from heorsynth.generators.peers.bootstrap import Bootstrap, Rows

FRAME = pd.DataFrame({"a": range(50), "b": [10 * value for value in range(50)]})


def test_every_drawn_row_is_a_patients_and_some_come_twice() -> None:
    drawn = Rows(FRAME).draw(200, np.random.default_rng(1))
    assert len(drawn) == 200 and (drawn["b"] == 10 * drawn["a"]).all()
    assert drawn["a"].duplicated().any() and drawn.index.tolist() == list(range(200))


def test_the_source_is_left_as_it_was_and_the_stream_decides() -> None:
    before = FRAME.copy()
    one, two = (Rows(FRAME).draw(30, np.random.default_rng(7)) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    pd.testing.assert_frame_equal(FRAME, before)
    assert not Rows(FRAME).conditional and Bootstrap().name == "bootstrap"
