"""The count of files that a kind of change touches, on a repository of four commits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "touched.py"


@pytest.fixture
def repository(tmp_path):
    """A file of the core; then a driver with its test; a YAML file and a text for it; a file moved and one removed."""
    author = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **author, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

    def git(*arguments):
        subprocess.run(["git", *arguments], cwd=tmp_path, env=environment, check=True, capture_output=True)

    def commit(message, **files):
        for path, content in files.items():
            path = tmp_path / path.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        git("add", "-A")
        git("commit", "-q", "-m", message)

    git("init", "-q")
    commit("Begin", core__base_dot_py="x = 1\n" * 20, core__old_dot_py="y = 2\n")
    commit(
        "Add a driver\n\nAdds: driver",
        instruments__box_dot_py="1",
        core__base_dot_py="x = 2\n" * 20,
        tests__test_box_dot_py="",
    )
    commit(
        "Add its bench\n\nAdds: driver", data__box_dot_yaml="a: 1", README_dot_md="box", examples__tests__a_dot_py=""
    )
    git("mv", "core/base.py", "core/floor.py")
    (tmp_path / "core/old.py").unlink()
    commit("Move a file")
    return tmp_path


def printed(folder, *arguments):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_a_commit_is_counted_by_folder_with_tests_apart(repository):
    status, lines, _ = printed(repository, "HEAD~2")
    assert status == 0
    assert lines[0].endswith(" Add a driver")
    assert lines[1:] == [
        "  files: 2 (1 added, 1 changed), folders: 2",
        "    core: base.py",
        "    instruments: box.py",
        "  tests and documentation: 1: tests/test_box.py",
    ]


def test_commits_of_a_kind_are_counted_together(repository):
    _, lines, _ = printed(repository, "--adds", "driver")
    assert [line.split(" ", 1)[1] for line in lines if not line.startswith(" ")] == [
        "Add a driver", "Add its bench", "commits together, each file once",
    ]  # fmt: skip
    assert lines[-5:] == [
        "  files: 3 (2 added, 1 changed), folders: 3",
        "    core: base.py",
        "    data: box.yaml",
        "    instruments: box.py",
        "  tests and documentation: 3: README.md, examples/tests/a.py, tests/test_box.py",
    ]


def test_a_range_counts_a_moved_file_once_and_a_removed_one(repository):
    _, lines, _ = printed(repository, "HEAD~1..HEAD")
    assert lines[1] == "  files: 2 (1 moved, 1 removed), folders: 1"
    assert lines[2] == "    core: floor.py, old.py"


def test_the_first_commit_counts_whole(repository):
    assert printed(repository, "HEAD~3")[1][1] == "  files: 2 (2 added), folders: 1"


def test_what_is_not_there_is_said(repository):
    status, _, error = printed(repository, "nowhere")
    assert status == 2
    assert "nowhere" in error
    assert printed(repository, "--adds", "device")[1] == ["no such commit"]
