"""The data set of this plug-in, by its name."""

import numpy as np

from labmtj.network.datasets import DataSettings, load


def test_the_rings_are_scaled_and_parted_as_they_recommend():
    data = load(DataSettings(source="rings"))
    assert data.class_names == ("inner", "outer")
    np.testing.assert_array_equal(np.bincount(data.classes[data.test]), [25, 25])
    np.testing.assert_allclose(np.ptp(data.features[data.train], axis=0), 1.0)
