"""The figure of the pipeline shows the pipeline there is."""

from itertools import pairwise

from customer_profiles.pipeline import flow, run_notebook

ARROWS = [pair for line in flow.LINES for pair in pairwise(line)] + list(flow.BENDS)


def test_the_figure_numbers_the_stages_as_the_pipeline_does():
    assert tuple(flow.STAGES) == run_notebook.STAGES
    texts = [text.get_text() for text in flow.figure().axes[0].texts]
    for number, stage in enumerate(run_notebook.STAGES, 1):
        assert f"{number}  {stage}" in texts


def test_something_goes_into_every_stage_and_something_comes_out():
    assert set(flow.STAGES) <= {start for start, _ in ARROWS}
    assert set(flow.STAGES) <= {end for _, end in ARROWS}
    assert {name for arrow in ARROWS for name in arrow} == set(flow.STAGES) | set(flow.DATA)


def test_no_two_boxes_lie_upon_each_other():
    places = [box[:2] for box in (flow.STAGES | flow.DATA).values()]
    assert len(set(places)) == len(places)
