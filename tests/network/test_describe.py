import numpy as np

from labmtj import library
from labmtj.network import Solutions, load_wine
from labmtj.network.describe import accuracy_text


def row(text, start):
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return [float(word) for word in line[40:].split()]


def test_the_set_that_comes_with_labmtj():
    solutions = Solutions.load(library.folder() / "solutions" / "wine-300.npz")
    text = accuracy_text(solutions, load_wine())
    assert text.splitlines()[0] == "300 solutions, 300 of them different: 13 inputs, 6 hidden neurons, 3 outputs"
    assert solutions.checksum() in text
    assert row(text, "148 training samples") == [100.0, 100.0, 97.3]  # as the set's README says
    assert row(text, "30 test samples") == [93.3, 86.7, 83.3]
    varied = row(text, "148 with 10% conductance variation")
    assert abs(varied[0] - 98.0) < 0.8  # of the README, with other deviates
    assert varied[1] < 95


def test_networks_that_always_give_one_class_have_its_share():
    wine = load_wine()
    bits = np.zeros((2, 13, 12), np.uint8)
    solutions = Solutions(bits, np.zeros((2, 6, 6), np.uint8), np.zeros((2, 6)), np.tile([0.0, 1.0, 0.0], (2, 1)))
    text = accuracy_text(solutions, wine)
    assert "2 solutions, 1 of them different" in text
    share = round(100 * float(np.mean(wine.classes == 1)), 1)
    assert row(text, "all 178") == [share] * 3


def test_networks_of_other_sizes_are_described_without_accuracy():
    solutions = Solutions(
        np.zeros((1, 4, 4), np.uint8), np.zeros((1, 2, 4), np.uint8), np.zeros((1, 2)), np.zeros((1, 2))
    )
    text = accuracy_text(solutions, load_wine())
    assert "4 inputs, 2 hidden neurons, 2 outputs" in text
    assert "accuracy: not for these sizes" in text
