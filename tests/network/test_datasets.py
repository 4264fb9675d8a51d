"""Data sets: against scikit-learn, parts in proportion, and every kind of wrong input as a sentence."""

import importlib
import os
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn import datasets, preprocessing

from labmtj import plugins
from labmtj.errors import DataError, SettingError, UsageError
from labmtj.network import load_wine
from labmtj.network.datasets import DataSettings, Samples, SplitSettings, csvtables, load, shipped
from labmtj.network.datasets.scaling import fitted
from labmtj.network.datasets.splits import folds_of, stratified, thinned

SHIPPED = ("breast_cancer", "digits", "iris", "wine")


def of(source, **settings):
    return load(DataSettings(source=str(source), **settings))


# -- those that come with scikit-learn ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_equals_the_loader_of_scikit_learn(name):
    data, bunch = of(name, scaling="none"), getattr(datasets, f"load_{name}")()
    np.testing.assert_array_equal(data.features, bunch.data)
    np.testing.assert_array_equal(data.classes, bunch.target)
    assert data.class_names == tuple(map(str, bunch.target_names))
    assert data.feature_names == tuple(bunch.feature_names)


@pytest.mark.parametrize("name", SHIPPED)
def test_without_its_file_the_loader_of_scikit_learn_says_the_same(monkeypatch, name):
    from_file = getattr(shipped, name)()
    monkeypatch.setattr(shipped, "find_spec", lambda name: None)
    from_loader = getattr(shipped, name).__wrapped__()
    np.testing.assert_array_equal(from_file.features, from_loader.features)
    np.testing.assert_array_equal(from_file.classes, from_loader.classes)


def test_wine_is_that_of_the_reference_campaign_to_the_bit():
    data, reference = of("wine"), load_wine()
    assert data.features.tobytes() == reference.features.tobytes()
    for key in ("classes", "train", "test"):
        np.testing.assert_array_equal(getattr(data, key), getattr(reference, key))
    assert data.feature_names == reference.feature_names
    assert data.sha256 == "8533bcb39890d55575a67a1834c09768b799bc120adc0f8c15dfc67c53fbd6ba"


def test_a_data_set_is_read_without_the_import_of_scikit_learn():
    code = (
        "import sys; from labmtj.network.datasets import DataSettings, SplitSettings, load\n"
        "load(DataSettings(source='iris', split=SplitSettings(folds=3)))\n"
        "sys.exit('sklearn' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nobody_can_change_the_shared_copy():
    data = of("iris")
    assert of("iris") is data
    for array in (data.features, data.classes, data.train, data.test, data.scaling.offsets, data.scaling.spans):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_description_says_what_becomes_of_constant_pixels():
    data = of("digits")
    assert "constant, and therefore 0 in every sample: pixel_0_0, pixel_4_0, pixel_4_7" in data.description
    assert "1797 samples of 64 features in 10 classes: 0 178, 1 182" in data.description
    assert "25 % of every class held back, seed 0: 1348 to train on and 449 to test" in data.description
    assert not data.features[:, data.feature_names.index("pixel_4_7")].any()


# -- scaling -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over", ["all", "train"])
@pytest.mark.parametrize(
    ("name", "scaler"), [("minmax", preprocessing.MinMaxScaler), ("standard", preprocessing.StandardScaler)]
)
def test_scaling_equals_that_of_scikit_learn(name, scaler, over):
    data, raw = of("breast_cancer", scaling=name, scaled_over=over), of("breast_cancer", scaling="none").features
    fit = scaler().fit(raw if over == "all" else raw[data.train])
    np.testing.assert_allclose(data.features, fit.transform(raw), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(data.scaling.spans, fit.scale_ if name == "standard" else 1 / fit.scale_)
    np.testing.assert_array_equal(data.scaling.apply(raw), data.features)


def test_a_feature_that_is_constant_in_the_training_samples_is_0_in_all():
    for name in ("minmax", "standard"):
        scaling = fitted(name, "train", np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 4.0]]), ("a", "b"), "here")
        assert scaling.spans[0] == 0
        np.testing.assert_array_equal(scaling.apply(np.array([[7.0, 1.0]]))[0, 0], 0)


@pytest.mark.parametrize(
    ("values", "said"),
    [([[1.0, 2.0], [1.0, 2.0]], "every feature is the same in all 2 training samples, such as 'a' = 1"),
     ([[1e308, 1.0], [-1e308, 2.0]], "'a' goes from -1e+308 to 1e+308"), ([[0.0, 1.0], [5e-324, 2.0]], "'a' goes from")],
)  # fmt: skip
def test_what_cannot_be_scaled_is_named(values, said):
    with pytest.raises(DataError) as caught:
        fitted("minmax", "train", np.array(values), ("a", "b"), "here")
    assert said in str(caught.value)


def test_with_folds_one_scaling_serves_all():
    assert of("wine", split=SplitSettings(folds=3)).scaling.over == "all"
    assert of("iris", split=SplitSettings(folds=3)).scaling.over == "all"
    with pytest.raises(SettingError, match=r"data.scaled_over: with folds every sample trains in some fold"):
        of("iris", split=SplitSettings(folds=3), scaled_over="train")


# -- parts -------------------------------------------------------------------------------------------------------------

CLASSES = st.lists(st.integers(0, 4), min_size=4, max_size=80).map(lambda each: np.array([*range(5), *range(5), *each]))


@given(CLASSES, st.floats(0.01, 0.99), st.integers(0, 5))
def test_a_fraction_is_that_of_every_class_within_one(classes, fraction, seed):
    test = stratified(classes, fraction, seed)
    counts, drawn = np.bincount(classes), np.bincount(classes[test], minlength=5)
    assert (np.abs(drawn - fraction * counts) <= 1).all()
    assert (drawn < counts).all()
    np.testing.assert_array_equal(test, np.unique(test))
    np.testing.assert_array_equal(test, stratified(classes, fraction, seed))


@given(CLASSES, st.integers(2, 12), st.integers(0, 5))
def test_folds_hold_back_every_sample_once_and_classes_within_one(classes, count, seed):
    folds = folds_of(SplitSettings(folds=count, seed=seed), classes, "here")
    assert len(folds) == count
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(len(classes)))
    for train, test in folds:
        np.testing.assert_array_equal(np.union1d(train, test), np.arange(len(classes)))
        assert not np.intersect1d(train, test).size
    of_each = np.array([np.bincount(classes[test], minlength=5) for _, test in folds])
    assert (np.ptp(of_each, axis=0) <= 1).all()
    assert np.ptp(of_each.sum(axis=1)) <= 1


def test_another_seed_draws_others_and_one_more_class_moves_no_draw():
    classes = np.repeat([0, 1, 2], 40)
    first = stratified(classes, 0.25, 0)
    assert not np.array_equal(first, stratified(classes, 0.25, 1))
    np.testing.assert_array_equal(stratified(classes[:80], 0.25, 0), first[first < 80])


def test_a_list_of_rows_is_held_back():
    data = of("iris", split=SplitSettings(test_rows=[149, 0, 75]))
    np.testing.assert_array_equal(data.test, [0, 75, 149])
    assert len(data.train) == 147


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ({"test_rows": [150]}, "data.split.test_rows: there is no row 150: data set iris holds 150 samples, rows 0 to 149"),
        ({"test_rows": list(range(50))}, "has no sample of class 'setosa' (50 of 150 samples are)"),
        ({"test_rows": list(range(150))}, "of 150 samples none is left for training"),
        ({"test_fraction": 0.001}, "of 150 samples none is left for test"),
        ({"folds": 151}, "data.split.folds: data set iris holds 150 samples, fewer than 151 folds; take fewer"),
    ],
)  # fmt: skip
def test_parts_that_cannot_be_are_refused(split, said):
    with pytest.raises(SettingError) as caught:
        of("iris", split=SplitSettings(**split))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"split": {}}, "exactly one of test_fraction, test_rows and folds; got none of them"),
        ({"split": {"folds": 3, "test_fraction": 0.5}}, "got test_fraction and folds"),
        ({"split": {"test_rows": [1, 2, 1]}}, "row 1 is given more than once"),
        ({"split": {"test_fraction": 1.0}}, "less than 1"),
        ({"features": ["a", "b", "a"]}, "'a' is given more than once"),
        ({"features": []}, "at least 1 item"),
        ({"scaling": "log"}, "'minmax', 'standard' or 'none'"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        DataSettings.model_validate(settings)


def test_some_of_the_samples_keep_parts_and_classes_in_proportion():
    data = of("digits")
    some = data.sampled(50)
    assert some.features.shape == (50, 64)
    assert (len(some.train), len(some.test)) == (38, 12)
    assert set(np.bincount(some.classes)) <= {4, 5, 6}
    assert len(data.sampled(3).test) == 1
    assert some.sha256 != data.sha256
    assert data.sampled(1797).features.tobytes() == data.features.tobytes()
    rows = thinned(data.folds, data.classes, 50)
    np.testing.assert_array_equal(some.features, data.features[rows])
    np.testing.assert_array_equal(rows[some.test], np.intersect1d(rows, data.test))


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 samples are"), (151, "holds 150"), (1, "too few: fold 0 has none for")]
)
def test_so_many_samples_are_not_there(count, said):
    with pytest.raises(UsageError, match=said):
        of("iris").sampled(count)


# -- files -------------------------------------------------------------------------------------------------------------

GOOD = "a,b,class\n1,2.5,yes\n2,1.5,no\n3,-1e-3,yes\n4,0,no\n"
HALF = {"split": SplitSettings(test_rows=[0, 1])}


def file(folder, content, name="my.csv"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        GOOD, GOOD.replace("\n", "\r\n"), GOOD.replace("\n", "\r"), "\ufeff" + GOOD, GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"), GOOD.replace(",", " , "), GOOD + "\n\n", GOOD.rstrip(), GOOD.replace("2.5", '"2.5"'),
    ],
)  # fmt: skip
def test_a_csv_file_is_read_however_it_is_written(tmp_path, content):
    data = of(file(tmp_path, content), scaling="none", **HALF)
    np.testing.assert_array_equal(data.features, [[1, 2.5], [2, 1.5], [3, -1e-3], [4, 0]])
    np.testing.assert_array_equal(data.classes, [1, 0, 1, 0])
    assert data.class_names == ("no", "yes")
    assert (data.name, data.feature_names, data.origin) == ("my", ("a", "b"), "file my.csv")


def test_a_file_recommends_a_quarter_of_every_class_scaled_over_the_rest(tmp_path):
    rows = "".join(f"{number},{number % 3},{'xyz'[number % 3]}\n" for number in range(60))
    data = of(file(tmp_path, f"n,m,class\n{rows}"))
    np.testing.assert_array_equal(np.bincount(data.classes[data.test]), [5, 5, 5])
    assert (data.scaling.name, data.scaling.over) == ("minmax", "train")


def test_columns_are_chosen_by_name_and_others_may_hold_anything(tmp_path):
    path = file(tmp_path, 'id,x,"y, mm",kind,\ncable 1,1,2,10,?\n"cable\n2",3,4,9,\n,5,6,10,\nd,7,8,9,\n')
    data = of(path, features=["y, mm", "x"], class_column="kind", scaling="none", **HALF)
    np.testing.assert_array_equal(data.features, [[2, 1], [4, 3], [6, 5], [8, 7]])
    assert data.class_names == ("9", "10")  # by size, not by alphabet
    np.testing.assert_array_equal(data.classes, [1, 0, 1, 0])


def test_a_file_is_read_again_only_after_it_changed(tmp_path):
    path = file(tmp_path, GOOD)
    first = of(path, **HALF)
    assert of(path, **HALF) is first
    path.write_text(GOOD.replace("2.5", "2.75"))
    os.utime(path, ns=(1, 1))
    assert of(path, **HALF).sha256 != first.sha256


def test_a_path_is_relative_to_the_file_that_names_it_too(tmp_path, monkeypatch):
    file(tmp_path, GOOD)
    named = DataSettings.model_validate({"source": "my.csv", **HALF}, context={"beside": tmp_path})
    assert named.source == str(tmp_path / "my.csv")
    assert load(DataSettings(source="my.csv", **HALF), tmp_path) is load(named)
    monkeypatch.chdir(tmp_path)
    assert load(DataSettings(source="my.csv", **HALF)) is load(named)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ":1: is empty; the first line names the columns"),
        ("\n\n", ":1: is empty"),
        ("a,b,class\n", ": holds no samples, only a header"),
        ("1,2,3\n4,5,6\n", ":1: holds numbers alone; put a line with the names of the columns before it"),
        ("5.1,3.5,setosa\n4.9,3,setosa\n", "no column 'class'; it has 5.1, 3.5, setosa; its first line looks like values"),
        ("a,b,Class\n1,2,x\n", "data.class_column: {} has no column 'class'; did you mean Class?; it has a, b, Class"),
        ("a,a,class\n1,2,x\n", ":1: two columns are called 'a'; rename one"),
        ("a,,class\n1,2,x\n", ":1: column 2 has no name; give it one, or choose others by `features`"),
        ("class\nx\ny\n", ":1: has no column but 'class'; add columns of features"),
        (GOOD.replace("1.5", ""), ":3: column 'b': the value is missing; fill it in, or remove the line"),
        (GOOD.replace("1.5", "NaN"), ":3: column 'b': the value is missing ('nan')"),
        (GOOD.replace("1.5", "n/a"), ":3: column 'b': the value is missing ('n/a')"),
        (GOOD.replace("1.5", "-inf"), ":3: column 'b': -inf is not finite"),
        (GOOD.replace("1.5", "1e999"), ":3: column 'b': inf is not finite"),
        (GOOD.replace("1.5", "wet"), ":3: column 'b': 'wet' is not a number; correct it, or choose columns"),
        (GOOD.replace("1.5", "1_5"), ":3: column 'b': '1_5' is not a number"),
        (GOOD.replace("1.5", "\x1b[2J"), r":3: column 'b': '\x1b[2J' is not a number"),
        (GOOD.replace("1.5", "\0"), r":3: column 'b': '\x00' is not a number"),
        ("a;b;class\n1;2,5;x\n2;3,5;y\n", ":2: column 'b': '2,5' has a decimal comma; write 2.5"),
        (GOOD.replace("yes\n2", "\n2"), ":2: column 'class': the value is missing"),
        (GOOD.replace("1.5,", ""), ":3: has 2 values, the header 3 names"),
        (GOOD.replace("2,1.5", "2,1.5,6"), ":3: has 4 values, the header 3 names"),
        (GOOD.replace("yes\n2", '"yes\nor\nso"\n2').replace("-1e-3", "x"), ":6: column 'b': 'x' is not a number"),
        (GOOD.replace("1.5", '"1.5'), "cannot be read as CSV: unexpected end of data; correct its quotes"),
        (GOOD.replace("1.5", '"1"5'), ":3: cannot be read as CSV: ',' expected after '\"'"),
        (f"a,class\n1,x\n{'9' * 200_000},y\n", ":3: cannot be read as CSV: field larger than field limit"),
        (GOOD.replace("no", "yes"), ": every sample is of class 'yes' (samples: 4); wanted two classes or more"),
        ("a,b,class\n1,2,x\n1,2,y\n1,2,x\n1,2,y\n", ": every feature is the same in all 2 training samples"),
        (GOOD.replace("yes", "x" * 300), "the name of class 1 is 'xxx"),
        (GOOD.replace("a,b", '"a\nb",b'), r"the name of feature 0 is 'a\nb'; wanted text of 1 to 200 characters"),
        ("a,class\n" + "".join(f"1,{each}.5\n" for each in range(1001)), ": column 'class' holds 1001 different labels"),
        ("é,class\n1,x\n".encode("latin-1"), ":1: is not text in UTF-8; save the file in that encoding"),
        (b"a,class\n1,x\n2,y\n3,\xff\n", ":4: is not text in UTF-8"),
        (GOOD.encode("utf-16"), ":1: is not text in UTF-8"),
    ],
)  # fmt: skip
def test_wrong_csv_files_are_named_with_line_and_column(tmp_path, content, said):
    path = file(tmp_path, content)
    with pytest.raises(UsageError) as caught:
        of(path, **HALF)
    message = str(caught.value)
    assert said.replace("{}", str(path)) in message
    assert str(path) in message
    assert message.isprintable()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"features": ["a", "bb"]}, "data.features: {} has no column 'bb'"),
        ({"features": ["a", "class"]}, "data.features: 'class' is the column of classes of {}; it cannot be a feature"),
    ],
)
def test_columns_that_are_not_there_are_settings(tmp_path, settings, said):
    path = file(tmp_path, GOOD)
    with pytest.raises(SettingError) as caught:
        of(path, **settings, **HALF)
    assert said.replace("{}", str(path)) in str(caught.value)


def test_a_test_sample_too_far_from_the_training_samples_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"my.csv: a test sample is so far from the training samples"):
        of(file(tmp_path, "a,class\n1e300,x\n1e-200,x\n2e-200,y\n"), split=SplitSettings(test_rows=[0]))


def test_10_gigabytes_are_refused_before_they_are_read(tmp_path):
    for name in ("big.csv", "big.npz"):
        path = tmp_path / name
        with path.open("wb") as opened:
            opened.truncate(10_000_000_000)
        with pytest.raises(DataError, match=r"is 10000 MB large, more than the 256 MB that are read; keep 1 in 40 of"):
            of(path)


def test_more_values_than_memory_is_meant_for_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(csvtables, "MOST_VALUES", 5)
    with pytest.raises(DataError, match=r"my.csv:4: more than 5 values; keep 2 samples"):
        of(file(tmp_path, GOOD))


@pytest.mark.parametrize("ending", [".csv", ".npz"])
def test_what_is_no_file_is_not_waited_for(tmp_path, ending):
    os.mkfifo(tmp_path / f"pipe{ending}")
    (tmp_path / f"folder{ending}").mkdir()
    (tmp_path / f"device{ending}").symlink_to("/dev/zero")
    for name, said in (("pipe", "a pipe (FIFO), not a file"), ("folder", "a folder"), ("device", "a device")):
        with pytest.raises(DataError) as caught:
            of(tmp_path / f"{name}{ending}")
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "digit",
            "data.source: there is no data set 'digit'; did you mean digits?; choose breast_cancer, digits, iris",
        ),
        ("wine.csv", "wine.csv: no such file"),
        ("no/such/wine.npz", "no/such/wine.npz: no such file"),
        ("x" * 5000 + ".csv", "xxx: no such file"),
        ("a\0.csv", "no such file"),
        ("my.txt", "there is no data set 'my.txt'"),
        ("./my.txt", "my.txt: ends neither in .csv nor in .npz"),
        ("link.csv", "link.csv: no such file"),
        ("ny.csv", "ny.csv: no such file; did you mean my.csv?"),
    ],
)
def test_a_source_that_is_not_there_is_a_setting(tmp_path, monkeypatch, source, said):
    file(tmp_path, GOOD, "my.txt")
    file(tmp_path, GOOD)
    (tmp_path / "link.csv").symlink_to("nothing")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError) as caught:
        of(source)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"features": ["alcohl"]},
            "data.features: data set wine has no feature 'alcohl'; did you mean alcohol?; it has",
        ),
        ({"class_column": "kind"}, "data.class_column: is for a .csv file; the classes of 'wine' are known"),
    ],
)
def test_what_does_not_fit_a_known_data_set_is_a_setting(settings, said):
    with pytest.raises(SettingError) as caught:
        of("wine", **settings)
    assert said in str(caught.value)


# -- archives ----------------------------------------------------------------------------------------------------------

X = np.arange(12.0).reshape(6, 2) ** 2
Y = np.array([0, 1, 0, 1, 0, 1])


def archive(folder, **arrays):
    path = folder / "my.npz"
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("y", "more", "names", "classes"),
    [
        (Y, {}, ("0", "1"), Y),
        (7 - 5.0 * Y, {}, ("2", "7"), 1 - Y),
        (Y.astype(bool), {}, ("False", "True"), Y),
        (np.array(["up", "down"])[Y], {}, ("down", "up"), 1 - Y),
        (Y, {"class_names": ["AP", "P"], "feature_names": ["a", "b"]}, ("AP", "P"), Y),
    ],
)
def test_an_archive_is_read(tmp_path, y, more, names, classes):
    data = of(archive(tmp_path, X=X, y=y, **more), scaling="none", **HALF)
    np.testing.assert_array_equal(data.features, X)
    np.testing.assert_array_equal(data.classes, classes)
    assert data.class_names == names
    assert data.feature_names == (("a", "b") if more else ("x0", "x1"))
    some = of(tmp_path / "my.npz", features=[data.feature_names[1]], **HALF)
    assert some.features.shape == (6, 1)


BROKEN = X.copy()
BROKEN[4, 1] = np.nan


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"X": X}, "holds no array 'y'; wanted X (samples, features), y (samples,)"),
        ({"x": X, "y": Y}, "holds no array 'X'"),
        ({"X": X[0], "y": Y}, "X has shape (2,) and y (6,); wanted X (samples, features)"),
        ({"X": X, "y": np.eye(6)}, "X has shape (6, 2) and y (6, 6)"),
        ({"X": X[:0], "y": Y[:0]}, "none empty"),
        ({"X": BROKEN, "y": Y}, "sample 4, feature 1 is nan; wanted finite numbers"),
        ({"X": X * np.longdouble("1e4000"), "y": Y}, "sample 0, feature 1 is inf"),
        ({"X": X.astype(str), "y": Y}, "features are of type <U"),
        ({"X": X + 1j, "y": Y}, "features are of type complex128"),
        ({"X": X.astype(object), "y": Y}, "an array holds Python objects; save numbers or text"),
        ({"X": X, "y": Y + 0.5}, "y is of type float64; wanted integers, without missing ones, or words"),
        ({"X": X, "y": Y.astype("S")}, "y is of type |S"),
        ({"X": X, "y": Y.astype("M8[s]")}, "y is of type datetime64[s]"),
        ({"X": X, "y": 0 * Y}, "every sample is of class '0' (samples: 6)"),
        ({"X": X, "y": Y, "class_names": ["only"]}, "sample 1 is of class 1; 1 classes have names, 0 to 0"),
        ({"X": X, "y": Y - 1, "class_names": ["a", "b"]}, "sample 0 is of class -1"),
        ({"X": X, "y": Y, "class_names": "a"}, "class_names has shape ()"),
        ({"X": X, "y": Y.astype(str), "class_names": ["a", "b"]}, "y holds words and there are class_names, too"),
        ({"X": X, "y": Y, "class_names": ["a", "b", "c"]}, "the training part has no sample of class 'c'"),
        ({"X": X, "y": Y, "feature_names": ["a"]}, "feature_names has shape (1,), type <U1; wanted text of shape (2,)"),
        ({"X": X, "y": Y, "feature_names": ["a", "a"]}, "two feature names are 'a'; rename one"),
        ({"X": X, "y": Y, "feature_names": ["a", "\x1b"]}, r"the name of feature 1 is '\x1b'"),
    ],
)
def test_wrong_archives_are_named_with_array_and_shape(tmp_path, arrays, said):
    path = archive(tmp_path, **arrays)
    with pytest.raises(UsageError) as caught:
        of(path, **HALF)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


@given(st.data())
def test_damaged_bytes_of_an_archive_never_give_another_error(tmp_path_factory, data):
    path = archive(tmp_path_factory.mktemp("damage"), X=X, y=Y)
    damaged = bytearray(path.read_bytes())
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged[: data.draw(st.sampled_from([None, len(damaged) // 2]))])
    with suppress(DataError):
        of(path, **HALF)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_table_or_an_error_of_the_file(tmp_path_factory, content):
    path = file(tmp_path_factory.mktemp("bytes"), b"a,class\n1,x\n" + content)
    with suppress(UsageError):
        of(path, split=SplitSettings(test_rows=[0]))


# -- plug-ins ----------------------------------------------------------------------------------------------------------

CODE = """
import numpy as np
from labmtj.network.datasets import Samples, SplitSettings
def good():
    x = np.arange(12.0).reshape(6, 2)
    return Samples("six", x, [0, 1] * 3, ["a", "b"], ["x", "y"], "a test", scaling="none",
                   split=SplitSettings(test_rows=[5, 0]))
def dies():
    raise OSError("no disk\\x1b")
def number():
    return 5
def short():
    return Samples("short", np.ones((3, 2)), [0, 1], ["a", "b"], ["x", "y"])
class Kind: pass
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    info = tmp_path / "six-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: six\nVersion: 1.0\n")
    names = "good", "dies", "number", "short", "Kind", "absent"
    (info / "entry_points.txt").write_text("\n".join(["[labmtj.datasets]", *(f"{it} = its_code:{it}" for it in names)]))
    (tmp_path / "its_code.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "its_code", raising=False)
    importlib.invalidate_caches()
    plugins.forget()
    yield
    plugins.forget()


@pytest.mark.usefixtures("plugin")
def test_a_data_set_of_a_plug_in_is_found_by_its_name_and_scaled_as_it_recommends():
    data = of("good")
    assert of("good") is data
    assert (data.name, data.scaling.name) == ("six", "none")
    np.testing.assert_array_equal(data.features, np.arange(12).reshape(6, 2))
    np.testing.assert_array_equal(data.test, [0, 5])
    assert of("good", features=["y"], scaling="minmax", scaled_over="all").features.ravel()[-1] == 1


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dies", r"labmtj.datasets: 'dies' of six 1.0 cannot be read: OSError: no disk\x1b"),
        ("number", "'number' of six 1.0 cannot be read: TypeError: it returned int, not Samples"),
        ("short", "'short' of six 1.0 cannot be read: features have shape (3, 2) and classes (2,); wanted"),
        (
            "Kind",
            "data.source: labmtj.datasets: 'Kind' of six 1.0 is not a function that returns Samples: it is a class",
        ),
        ("absent", "data.source: labmtj.datasets: 'absent' of six 1.0 cannot be loaded from its_code:absent"),
        ("goood", "there is no data set 'goood'; did you mean good?; choose Kind, absent, breast_cancer"),
    ],
)
def test_a_plug_in_of_no_use_is_named(name, said):
    with pytest.raises(UsageError) as caught:
        of(name)
    assert said in str(caught.value)


def test_samples_are_copied():
    mine = Samples("mine", X, Y, ["a", "b"], ["x", "y"])
    assert X.flags.writeable
    assert not mine.features.flags.writeable
