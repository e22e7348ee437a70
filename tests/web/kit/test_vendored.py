"""The visual editor is vendored: what is committed is what its sources were built into."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import whiteslip
from whiteslip.web.kit.assets import ASSETS

ROOT = Path(whiteslip.__file__).parents[2]
EDITOR = ROOT / "src/whiteslip/web/kit/static/policy-editor"
SOURCES = ROOT / "frontend/editor"
MANIFEST = json.loads((EDITOR / "manifest.json").read_text())


def hashes(folder: Path, names: set[str]) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def test_the_committed_files_and_their_sources_are_those_of_the_manifest():
    files = {path.name for path in EDITOR.iterdir()} - {"manifest.json"}
    assert hashes(EDITOR, files) == MANIFEST["files"]
    sources = {f"src/{path.name}" for path in (SOURCES / "src").iterdir()}
    sources |= {"build.mjs", "package.json", "package-lock.json"}
    assert hashes(SOURCES, sources) == MANIFEST["sources"], "build it again: make editor"


def test_every_bundled_package_stands_in_the_licences_and_is_permissive():
    licences = (EDITOR / "LICENSES.txt").read_text()
    assert [package for package in MANIFEST["packages"] if package not in licences] == []
    assert not re.search(r"GENERAL PUBLIC|SSPL|Commons Clause", licences)


def test_the_lock_of_the_editor_names_no_registry_and_the_bundle_loads_nothing():
    assert '"resolved"' not in (SOURCES / "package-lock.json").read_text()
    assert b"url(http" not in ASSETS["policy-editor/editor.css"].body
    script = ASSETS["policy-editor/editor.js"].body
    assert not re.search(rb"cdn\.|unpkg|jsdelivr|\.wasm|importScripts|new Worker", script)
