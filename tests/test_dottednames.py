import sys
from types import ModuleType

import pytest

from labmtj.dottednames import CannotLoad, loaded


def is_class(found):
    return isinstance(found, type)


@pytest.mark.parametrize(
    ("dotted", "said"),
    [
        ("collections.OrderdDict", "there is no OrderdDict in collections; did you mean OrderedDict"),
        ("colections.OrderedDict", "there is no module colections; did you mean collections.OrderedDict?"),
        ("xml.dmo.minidom.Document", "there is no module xml.dmo; did you mean xml.dom.minidom.Document?"),
        ("xml.dom.minidm.Docment", r"did you mean xml.dom.minidom.Docment\? \(there is no Docment in .*did you mean Document"),
        ("nothing_like_it.Thing", "there is no module nothing_like_it$"), ("json.Thing.More", "there is no module json.Thing$"),
        ("Thing", "Empty module name"), ("", "Empty module name"),
    ],
)  # fmt: skip
def test_a_misspelt_name_comes_with_what_is_right(dotted, said):
    with pytest.raises(CannotLoad, match=said):
        loaded(dotted, is_class)


def test_a_module_that_needs_another_says_which(tmp_path, monkeypatch):
    (tmp_path / "needing.py").write_text("import not_installed_here\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CannotLoad, match="it needs not_installed_here, which is not installed"):
        loaded("needing.Thing", is_class)


def test_what_is_there_is_returned(monkeypatch):
    module = ModuleType("there_it_is")
    module.Thing = int
    monkeypatch.setitem(sys.modules, "there_it_is", module)
    assert loaded("there_it_is.Thing", is_class) is int
