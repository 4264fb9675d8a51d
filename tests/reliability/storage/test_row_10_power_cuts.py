"""Power cuts on the simulation: files as at their last sync, later pages there or not, names only as folders were synced."""


def test_power_cuts(recording, some_power_cuts, assert_recovers, torture, tally):
    """Seen to fail without `sync_data` in `commit`, `sync` in `replace_whole`, `sync_folder` in `make_folder`."""
    for number, (files, kept) in enumerate(some_power_cuts(recording[1], 1000 if torture else 15, seed=7)):
        with tally(10, f"power cut {number}"):
            assert_recovers(files, kept)
