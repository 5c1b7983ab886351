"""What a user installs: the wheel holds the rule pack with its suites and the schemas, and so does an editable install."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PROBE = "from hostprocess.rules import built_in_folder, load_pack; pack = load_pack(built_in_folder()); print(len(pack.rules), built_in_folder())"


def rule_count() -> int:
    return sum(1 for path in (ROOT / "policies").rglob("*.yaml") if path.name != "pack.yaml" and not path.name.endswith(".test.yaml"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_rules_suites_and_schemas(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (ROOT / "policies").rglob("*.yaml"):
        assert f"hostprocess/policies/{path.relative_to(ROOT / 'policies').as_posix()}" in names
    for name in ("rule", "suite", "pack", "report"):
        assert f"hostprocess/schemas/{name}.schema.json" in names
    assert "hostprocess/py.typed" in names


def test_an_installed_wheel_finds_its_pack(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "venv"
    # The libraries are those of this environment; the package itself comes from the wheel alone.
    venv.create(place, with_pip=False)
    target = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)], check=True, capture_output=True)
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    script = f"import sys; sys.path[:0] = [{str(target)!r}, {libraries!r}]; {PROBE}"
    done = subprocess.run([str(place / "bin" / "python"), "-I", "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path)
    count, folder = done.stdout.split(maxsplit=1)
    assert int(count) == rule_count()
    assert Path(folder.strip()) == target / "hostprocess" / "policies"


def test_an_editable_install_finds_the_repository_s_pack(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], check=True, capture_output=True, text=True, cwd=tmp_path)
    count, folder = done.stdout.split(maxsplit=1)
    assert int(count) == rule_count()
    assert Path(folder.strip()) == ROOT / "policies"
