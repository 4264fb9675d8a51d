import numpy as np

from labmtj.layer import Layer
from labmtj.quantities import Bias, Limits, Lines, ReadSettings


class Recorder:
    shape, limits, clock = (2, 3), Limits(), object()

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        def call(*arguments):
            self.calls.append((name, *arguments))
            return name

        return call


def test_everything_is_passed_on_as_it_is():
    inner = Recorder()
    layer = Layer(inner)
    bias, lines, how = Bias(np.zeros((4, 2)), np.zeros(3)), Lines(rows=(1,)), ReadSettings()
    assert layer.refusal(bias, 1e-3) == "refusal"
    assert layer.measure(bias, lines, how) == "measure"
    assert layer.pulse(bias, 1e-3) == "pulse"
    layer.abort()
    layer.make_safe()
    assert inner.calls == [
        ("refusal", bias, 1e-3), ("measure", bias, lines, how), ("pulse", bias, 1e-3), ("abort",), ("make_safe",)
    ]  # fmt: skip
    assert (layer.shape, layer.limits, layer.clock) == (inner.shape, inner.limits, inner.clock)


def test_layers_stack():
    inner = Recorder()
    bias = Bias(np.zeros((4, 2)), np.zeros(3))
    Layer(Layer(inner)).pulse(bias, 1e-3)
    assert inner.calls == [("pulse", bias, 1e-3)]
