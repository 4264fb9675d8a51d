"""A death at every call that changes a file, on the simulation: what was acknowledged is there, and resume ends alike."""


def test_a_death_at_every_call(recording, every_crash_point, assert_recovers, sample, tally):
    points = list(every_crash_point(recording[1]))
    assert len(points) > 50
    for number, (files, kept) in enumerate(sample(points, 10)):
        with tally(9, f"crash point {number} of the simulation"):
            assert_recovers(files, kept)
