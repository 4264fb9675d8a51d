"""What YAML lets slip, and what the loader makes of it. Each refusal was seen to pass with `yaml.SafeLoader` alone.

With libyaml, which PyYAML comes with nearly everywhere, and without it.
"""

import importlib.util
import sys

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labmtj import library
from labmtj import yamlfile as as_it_is
from labmtj.errors import ConfigError


@pytest.fixture(scope="module", params=["libyaml", "PyYAML alone"])
def yamlfile(request):
    """The module under test."""
    if request.param == "libyaml":
        if not yaml.__with_libyaml__:
            pytest.skip("PyYAML comes without libyaml here")
        return as_it_is
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "__with_libyaml__", False)
        spec = importlib.util.spec_from_file_location("yamlfile_alone", as_it_is.__file__)
        module = importlib.util.module_from_spec(spec)
        patch.setitem(sys.modules, spec.name, module)  # its dataclass looks itself up
        spec.loader.exec_module(module)
    return module


REFUSED = {
    "an alias": ("a: &x 1\nb: *x\n", "f.yaml:1", "aliases"),
    "a bomb of aliases": ("a: &a [1, 1]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", "f.yaml:1", "aliases"),
    "a tag": ("a: 1\nb: !!python/object/apply:os.system [true]\n", "f.yaml:2", "the tag"),
    "a tag that does not fit": ("a: !!timestamp soon\n", "f.yaml:1", "the tag"),
    "a truth that is none": ("a: !!bool perhaps\n", "f.yaml:1", "the tag"),
    "a tag of a handle": ("%TAG ! tag:x\n---\na: !y 1\n", "f.yaml:3", "the tag"),
    "a key twice": ("a: 1\nb: 2\na: 3\n", "f.yaml:3", "a: is given twice"),
    "a key twice, inside": ("a:\n  b: 1\n  b: 1\n", "f.yaml:3", "a.b: is given twice"),
    "a number twice": ("{1: a, 01: b}", "f.yaml:1", "1: is given twice"),
    "a list for a key": ("? [a]\n: b\n", "f.yaml:1", "a key must be"),
    "a key without end": (f"{'k' * 900}: 1\n", "f.yaml:1", "a key must be"),
    "not a number": ("a: [1, .nan]\n", "f.yaml:1", "a.1", "finite"),
    "infinite": ("a: -.inf\n", "f.yaml:1", "finite"),
    "beyond the floats": ("a: 1e999\n", "f.yaml:1", "finite"),
    "digits without end": (f"a: {'9' * 5000}\n", "f.yaml:1", "a: is a number of 5000"),
    "a control character": ("a: 1\nb: \x1b[2J\n", "f.yaml:2", "\\x1b"),
    "a zero": ("a: \x00\n", "f.yaml:1", "\\x00"),
    "half a pair": ("a: \ud800\n", "f.yaml:1", "\\ud800"),
    "two documents": ("a: 1\n---\na: 2\n", "f.yaml:2", "another document"),
    "nested without end": ("a: " + "[" * 100_000, "f.yaml:1", "20 levels"),
    "nested in blocks": ("- " * 100_000, "f.yaml:1", "20 levels"),
    "values without end": ("a: [" + "1," * 100_000 + "1]", "f.yaml:1", "20000 values"),
    "too long": ("a: " + "x" * 2_000_000, "f.yaml", "1000 kB"),
    "a list": ("- a\n", "f.yaml:1", "key: value"),
    "nothing": ("", "f.yaml:1", "key: value"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_file_and_line(yamlfile, name):
    text, *words = REFUSED[name]
    with pytest.raises(ConfigError) as refused:
        yamlfile.loads(text, "f.yaml")
    said = str(refused.value)
    assert len(said) < 400
    assert said.isprintable()
    for word in words:
        assert word in said


READ = {"1e-3": 0.001, "1.": 1.0, "no": "no", "off": "off", "010": 10, "0x10": "0x10", "12:30": "12:30", "1_0": "1_0",
        "2026-01-01": "2026-01-01", "~": None, "": None, "true": True, "True": "True", "'1'": "1", "<<": "<<"}  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_values_are_what_people_mean(yamlfile, text):
    found = yamlfile.loads(f"a: {text}", "f.yaml").content["a"]
    assert found == READ[text]
    assert type(found) is type(READ[text])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
def test_another_encoding_is_named(yamlfile, tmp_path, encoding):
    (tmp_path / "f.yaml").write_bytes("a: 1\nb: µ\n".encode(encoding))
    with pytest.raises(ConfigError, match=r"f\.yaml:[12]: .*UTF-8; save it in that encoding"):
        yamlfile.load(tmp_path / "f.yaml")


def test_a_byte_order_mark_does_no_harm(yamlfile, tmp_path):
    (tmp_path / "f.yaml").write_bytes("a: µ\n".encode("utf-8-sig"))
    assert yamlfile.load(tmp_path / "f.yaml").content == {"a": "µ"}


def test_a_file_without_end_is_not_read_to_its_end(yamlfile, tmp_path):
    with pytest.raises(ConfigError, match="it is a device, not a file"):
        yamlfile.load("/dev/zero")
    (tmp_path / "long.yaml").write_bytes(b"a" * 1_000_001)
    with pytest.raises(ConfigError, match="1000 kB"):
        yamlfile.load(tmp_path / "long.yaml")


plain = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
words = plain | st.sampled_from(
    ["1e5", "08", "010", "no", "~", "null", "1.", ".nan", "true", "2026-01-01", "a: b", "*x"]
)
values = st.recursive(words | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
                      lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values)
def test_what_is_written_is_read_back(yamlfile, value):
    """With PyYAML's own dumper, the text "1e5" came back as a number."""
    again = yamlfile.loads(yamlfile.dumps({"a": value, "b": value}), "f.yaml").content
    assert again == {"a": value, "b": value}


def test_both_read_what_comes_with_labmtj_alike(yamlfile):
    for path in library.folder().rglob("*.yaml"):
        text = path.read_text()
        found, wanted = yamlfile.loads(text, path), as_it_is.loads(text, path)
        assert (found.content, found.lines) == (wanted.content, wanted.lines)
        assert yamlfile.dumps(found.content) == as_it_is.dumps(found.content)
