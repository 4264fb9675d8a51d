"""The twin of a bench: the same instruments and wiring, virtual, and no second waited for."""

from labmtj.bench import ReplayFile, load_any
from labmtj.run.twin import twin_of


def test_the_twin_of_a_real_bench_has_its_instruments_wiring_and_chip():
    real = load_any("2636b-3706a")
    twin = twin_of(real, 7)
    assert twin.of == real
    assert list(twin.arrays) == [real.chip.array.name]
    assert (twin.seed, twin.realtime_factor) == (7, 0.0)


def test_a_virtual_bench_is_its_own_twin_but_does_not_wait():
    virtual = load_any("virtual-rack-2602b").model_copy(update={"realtime_factor": 1.0})
    assert twin_of(virtual, 7) == virtual.model_copy(update={"realtime_factor": 0.0})


def test_the_twin_of_a_replay_is_that_of_the_bench_it_was_recorded_on():
    real = load_any("2636b-707b")
    replay = ReplayFile(name="replay", kind="replay", of=real, traffic="nowhere.jsonl", recorded="instruments")
    assert twin_of(replay, 7).of == real
