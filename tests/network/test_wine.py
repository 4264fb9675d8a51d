import numpy as np
import pytest

from labmtj.network import wine


def test_shapes_scale_and_split(data):
    assert data.features.shape == (178, 13)
    assert len(data.feature_names) == 13
    np.testing.assert_array_equal(data.features.min(axis=0), 0)
    np.testing.assert_array_equal(data.features.max(axis=0), 1)
    np.testing.assert_array_equal(np.sort(np.concatenate([data.train, data.test])), np.arange(178))


def test_class_counts_of_the_public_split(data):
    np.testing.assert_array_equal(np.bincount(data.classes), [59, 71, 48])
    np.testing.assert_array_equal(np.bincount(data.classes[data.train]), [49, 58, 41])
    np.testing.assert_array_equal(np.bincount(data.classes[data.test]), [10, 13, 7])


def test_nobody_can_change_the_shared_copy(data):
    with pytest.raises(ValueError, match="read-only"):
        data.features[0, 0] = 0.5


def test_equals_the_public_files(data, nist_folder):
    with np.load(nist_folder / "dataset.npz") as public:
        for rows, part in ((data.train, "train"), (data.test, "test")):
            np.testing.assert_array_equal(np.sort(data.features[rows], axis=0), np.sort(public[f"x_{part}"], axis=0))
            np.testing.assert_array_equal(np.bincount(data.classes[rows]), np.bincount(public[f"y_{part}"]))


def test_the_file_and_the_loader_of_scikit_learn_say_the_same(monkeypatch):
    from_file = wine._read()
    monkeypatch.setattr(wine, "find_spec", lambda name: None)
    from_loader = wine._read()
    assert np.array_equal(from_file[0], from_loader[0])
    assert np.array_equal(from_file[1], from_loader[1])
    assert from_file[2] == from_loader[2]
