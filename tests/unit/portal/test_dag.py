from hypothesis import given
from hypothesis import strategies as st

from portal.rules.dag import arrange, layers


def test_layers_are_the_longest_way_from_a_source():
    edges = [("a", "b"), ("b", "d"), ("a", "d"), ("c", "d")]
    assert layers(["a", "b", "c", "d"], edges) == {"a": 0, "b": 1, "c": 0, "d": 2}


def test_columns_are_centred_and_children_stand_by_their_parents():
    edges = [("a", "x"), ("b", "y"), ("c", "z")]
    rows = {place.key: place.row for place in arrange(["a", "b", "c", "z", "y", "x"], edges)}
    assert rows["x"] < rows["y"] < rows["z"]

    [top, bottom, child] = arrange(["p", "q", "r"], [("p", "r"), ("q", "r")])
    assert (top.row, bottom.row, child.row) == (0, 1, 0.5)


def test_nothing_has_no_places():
    assert arrange([], []) == []


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 12))
    pairs = [(a, b) for a in range(size) for b in range(a + 1, size)]
    return size, draw(st.lists(st.sampled_from(pairs), unique=True) if pairs else st.just([]))


@given(graphs())
def test_every_line_runs_to_the_right_and_no_two_boxes_share_a_place(graph):
    size, edges = graph
    places = {place.key: place for place in arrange(list(range(size)), edges)}

    assert all(places[a].column < places[b].column for a, b in edges)
    assert len({(place.column, place.row) for place in places.values()}) == size
