"""The laws of the conformance kit on labmtj's own device."""

from labmtj import library, yamlfile
from labmtj.testing import DeviceConformance


class TestMTJ(DeviceConformance):
    device = "mtj"
    family = yamlfile.load(library.folder() / "arrays" / "mtj-50nm.yaml").content["family"]
