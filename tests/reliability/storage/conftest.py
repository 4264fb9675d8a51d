"""A disk that remembers every call that changed it, and can be had again as a death or a power cut would leave it.

`labmtj.record.files` is the one place of such calls. What a library writes (HDF5, into a file of a passing name) is
taken over as a whole at the next call that names the file.
"""

import random
from pathlib import Path

import h5py
import pytest
import yaml

from labmtj import library
from labmtj.record import JournalWriter, checkpoint, files, recover
from labmtj.run import RunFolder, load_experiment, resume, start

PAGE = 4096
PATTERNS = ["checkerboard", "inverse", "rows", "columns", "random"]
SETTINGS = {"patterns": PATTERNS, "amplitude": None, "write": {"parallel_volts": 0.5, "antiparallel_volts": 0.56}}
WRAPPED = ("make_folder", "create", "open_existing", "write", "truncate", "sync_data", "sync", "sync_folder", "rename", "remove", "clone")  # fmt: skip


class Recorder:
    """Logs the calls that change files; `events` are (what, ...) tuples, in order.

    folder PATH; link PATH ID; unlink PATH; move PATH PATH; whole ID BYTES; write ID OFFSET BYTES; truncate ID SIZE;
    sync ID; sync_folder PATH; kept BYTES (of the journal, acknowledged from here on)
    """

    def __init__(self, patch):
        self.events, self._ids, self._open, self._content = [], {}, {}, {}
        self._real = {name: getattr(files, name) for name in WRAPPED}
        for name in WRAPPED:
            patch.setattr(files, name, getattr(self, name))
        commit = JournalWriter.commit
        patch.setattr(
            JournalWriter, "commit", lambda writer: (commit(writer), self._log("kept", writer.acknowledged_bytes))
        )

    def _log(self, *event):
        self.events.append(event)

    def _taken_over(self, path):
        """Return the id of a file, with what somebody else wrote into it."""
        if path not in self._ids:
            self._ids[path] = len(self._content)
            self._content[self._ids[path]] = b""
            self._log("link", path, self._ids[path])
        number, content = self._ids[path], path.read_bytes()
        if content != self._content[number]:
            self._content[number] = content
            self._log("whole", number, content)
        return number

    def make_folder(self, path):
        self._log("folder", path)
        self._real["make_folder"](path)  # it syncs the folders above through us

    def create(self, path):
        descriptor = self._real["create"](path)
        self._open[descriptor] = (path, self._taken_over(path))
        return descriptor

    def open_existing(self, path):
        descriptor = self._real["open_existing"](path)
        self._open[descriptor] = (path, self._taken_over(path))
        return descriptor

    def write(self, descriptor, data, offset):
        taken = self._real["write"](descriptor, data, offset)
        path, number = self._open[descriptor]
        self._log("write", number, offset, bytes(data[:taken]))
        self._content[number] = path.read_bytes()
        return taken

    def truncate(self, descriptor, size):
        self._real["truncate"](descriptor, size)
        path, number = self._open[descriptor]
        self._log("truncate", number, size)
        self._content[number] = path.read_bytes()

    def sync_data(self, descriptor):
        self._real["sync_data"](descriptor)
        _, number = self._open[descriptor]
        self._log("sync", number)

    def sync(self, descriptor):
        self._real["sync"](descriptor)
        path, _ = self._open[descriptor]
        self._log("sync", self._taken_over(path))

    def sync_folder(self, folder):
        self._real["sync_folder"](folder)
        self._log("sync_folder", Path(folder))

    def rename(self, source, target):
        number = self._taken_over(source)
        self._real["rename"](source, target)
        self._log("move", source, target)
        del self._ids[source]
        self._ids[target] = number

    def remove(self, path):
        if path.exists():
            self._log("unlink", path)
            self._ids.pop(path, None)
        self._real["remove"](path)

    def clone(self, source, target):
        self._real["clone"](source, target)
        self._taken_over(target)


class Disk:
    """What a sequence of events leaves: as a death leaves it, or as a power cut might."""

    def __init__(self):
        self.names, self.folders, self.contents = {}, set(), {}
        self.pending, self.durable_names, self.durable_folders, self.durable = [], {}, set(), {}
        self.kept = 0

    def apply(self, event):
        what, *rest = event
        match what:
            case "folder" | "link" | "unlink" | "move":
                _change(self.names, self.folders, event)
                self.pending.append(event)
                if what == "link":
                    self.contents[rest[1]] = b""
            case "whole":
                self.contents[rest[0]] = rest[1]
            case "write":
                number, offset, data = rest
                content = self.contents[number].ljust(offset, b"\0")
                self.contents[number] = content[:offset] + data + content[offset + len(data) :]
            case "truncate":
                self.contents[rest[0]] = self.contents[rest[0]][: rest[1]]
            case "sync":
                self.durable[rest[0]] = self.contents[rest[0]]
            case "sync_folder":
                mine = [each for each in self.pending if each[1].parent == rest[0]]
                for each in mine:
                    _change(self.durable_names, self.durable_folders, each)
                self.pending = [each for each in self.pending if each not in mine]
            case "kept":
                self.kept = rest[0]

    def after_death(self):
        """Return the files, by path."""
        return {path: self.contents[number] for path, number in self.names.items()}

    def after_power_cut(self, chance):
        """Return the files as a power cut may leave them: names in order, pages as it happens."""
        names, folders = dict(self.durable_names), set(self.durable_folders)
        for event in self.pending[: chance.randint(0, len(self.pending))]:
            _change(names, folders, event)
        return {
            path: _some_pages(self.durable.get(number, b""), self.contents[number], chance)
            for path, number in names.items()
            if path.parent in folders
        }


def _change(names, folders, event):
    what, path, *rest = event
    if what == "folder":
        folders.add(path)
    elif what == "link":
        names[path] = rest[0]
    elif what == "unlink":
        names.pop(path, None)
    elif path in names:
        names[rest[0]] = names.pop(path)


def _some_pages(old, new, chance):
    """Return a mixture of the pages of two versions; nothing is torn where they are the same."""
    size = chance.choice([len(old), len(new)]) if len(old) != len(new) else len(new)
    mixed = b"".join(
        chance.choice([old, new])[place : place + PAGE].ljust(PAGE, b"\0")
        for place in range(0, max(len(old), len(new)), PAGE)
    )
    return mixed[:size]


def torn(event):
    """Iterate what is written if a write is cut off at a page boundary."""
    what, number, offset, data = event
    first = PAGE - offset % PAGE
    for size in range(first, len(data), PAGE):
        yield (what, number, offset, data[:size])


def crash_points(events):
    """Iterate (files by path, bytes of the journal that were acknowledged) behind every call, and within large writes."""
    disk = Disk()
    yield disk.after_death(), 0
    for event in events:
        if event[0] == "write":
            before = dict(disk.contents)
            for part in torn(event):
                disk.apply(part)
                yield disk.after_death(), disk.kept
                disk.contents = dict(before)
        disk.apply(event)
        yield disk.after_death(), disk.kept


def power_cuts(events, count, seed):
    """Iterate as many power cuts, each behind a call that is drawn at random."""
    chance = random.Random(seed)
    moments = sorted(chance.randrange(len(events) + 1) for _ in range(count))
    disk, done = Disk(), 0
    for moment in moments:
        for event in events[done:moment]:
            disk.apply(event)
        done = moment
        yield disk.after_power_cut(chance), disk.kept


@pytest.fixture(scope="session")
def small_file(tmp_path_factory):
    """The file of an experiment: five patterns on a simulated 4 x 4 array, a campaign of six blocks, over in a moment."""
    folder = tmp_path_factory.mktemp("simulated")
    array = yaml.safe_load((library.folder() / "arrays" / "mtj-50nm.yaml").read_text())
    (folder / "small.yaml").write_text(yaml.safe_dump(array | {"name": "small", "shape": [4, 4]}))
    bench = yaml.safe_load((library.folder() / "benches" / "simulated.yaml").read_text())
    (folder / "bench.yaml").write_text(yaml.safe_dump(bench | {"arrays": ["small.yaml"]}))
    content = {"procedure": "procedures.patterns.PatternCampaign", "bench": "bench.yaml", "settings": SETTINGS}
    (folder / "experiment.yaml").write_text(yaml.safe_dump(content))
    return folder / "experiment.yaml"


@pytest.fixture(scope="session")
def small_experiment(small_file):
    """The same, loaded."""
    return load_experiment(str(small_file))


@pytest.fixture(scope="session")
def recording(small_experiment, tmp_path_factory):
    """The folder of an undisturbed run with a checkpoint behind every block, and all calls that changed its files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "_SHORTEST_SECONDS", 0.0)
        patch.setattr(checkpoint, "_COST_SHARE", 0)
        recorder = Recorder(patch)
        folder = start(small_experiment, tmp_path_factory.mktemp("recorded") / "runs", workers=1, show=lambda _: None)
    return folder, recorder.events


@pytest.fixture
def every_crash_point():
    """Return the function `crash_points`."""
    return crash_points


@pytest.fixture
def some_power_cuts():
    """Return the function `power_cuts`."""
    return power_cuts


@pytest.fixture
def laid_out(recording, tmp_path_factory):
    """Return a function that writes the files of a crash point into a folder; None if there is no run yet."""
    original, _ = recording

    def lay_out(files):
        parent = tmp_path_factory.mktemp("crashed")
        for path, content in files.items():
            target = parent / path.relative_to(original.path.parent)
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
        folder = RunFolder(parent / original.path.name)
        return folder if folder.run_yaml.is_file() else None

    return lay_out


@pytest.fixture
def assert_recovers(recording, laid_out, assert_same_run, datasets_of):
    """Assert that nothing acknowledged is lost, that data.h5 is whole, that `recover` and `resume` do what they say."""
    original, _ = recording
    journal, rows = original.journal.read_bytes(), datasets_of(original.data)
    seen = set()

    def check(files, kept):
        state = hash((frozenset(files.items()), kept))
        if state in seen:
            return
        seen.add(state)
        folder = laid_out(files)
        if folder is None:
            assert kept == 0, "acknowledged, and there is no run"
            return
        if folder.data.exists():
            h5py.File(folder.data).close()  # whole, and readable by anybody
        if kept:
            assert folder.journal.read_bytes()[:kept] == journal[:kept]
            assert_same_rows(folder, rows, datasets_of)
        assert_same_run(resume(folder, workers=1, show=lambda _: None), original)

    return check


WHOLE = ("provenance", "patterns/summary", "bench/closures")
"""groups that are written anew as the run goes on"""


def assert_same_rows(folder, rows, datasets_of):
    recover(folder.journal, folder.data.with_name("recovered.h5"))
    for name, values in datasets_of(folder.data.with_name("recovered.h5")).items():
        if not (name.startswith(WHOLE) or "/pulsed/" in name) and getattr(values, "ndim", 0):
            assert values.tobytes() == rows[name][: len(values)].tobytes() or values.dtype.kind == "O", name
