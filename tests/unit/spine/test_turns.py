"""Work on many things in turn."""

from dure.spine.turns import Turns


def test_everybody_has_a_turn_within_an_hour_of_rounds():
    turns = Turns()
    bins = [str(n) for n in range(5_000)]
    rounds = [turns.of(bins) for _ in range(60)]
    assert set().union(*rounds) == set(bins)
    assert max(map(len, rounds)) <= 84
    assert turns.of(["1", "2"]) == ["1", "2"]
    assert turns.of([]) == []
    assert len(turns.of(bins[:500])) == 50


def test_turns_go_on_where_they_ended_also_when_others_wait():
    turns = Turns()
    assert turns.of("abcde", 2) == ["a", "b"]
    assert turns.of("abcde", 2) == ["c", "d"]
    assert turns.of("abcde", 2) == ["e", "a"]
    assert turns.of("xy", 3) == ["x", "y"]


def test_few_are_done_at_a_time_where_least_is_one():
    turns = Turns(24, least_n=1)
    rounds = [turns.of(range(48)) for _ in range(24)]
    assert sorted(one for some in rounds for one in some) == list(range(48))
    assert {len(one) for one in rounds} == {2}
