from dure.spine.room import Room


def test_a_disk_with_less_than_asked_for_has_no_room(tmp_path):
    assert Room(tmp_path, 0)()
    assert not Room(tmp_path, 10**9)()
