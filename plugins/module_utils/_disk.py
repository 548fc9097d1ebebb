# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single files on disk: read, written atomically, appended to, removed; private folders."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import suppress

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
NOT_SYNCED = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)  # where a file system cannot sync a folder, or this process may not read it


def read_file(path: str, option: str) -> bytes | None:
    """The content of a file, None if there is none. Raises InputError if it is no file or can't be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be read for ever
            raise InputError(option, f'{path} is a folder, a pipe or a device.', 'the path of a file')
        with open(path, 'rb') as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(option, f'{path} cannot be read: {error.strerror}.') from None


def write_file(path: str, content: bytes, option: str) -> None:
    """Writes a file atomically, so that a power cut after it does not undo it.

    A new file has the mode 0600; an old one keeps mode and owner. Raises InputError.
    """
    path = os.path.realpath(path)  # a symbolic link stays
    draft = None
    try:
        handle, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix='.', suffix='.new')
        with os.fdopen(handle, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
            _keep_attributes(handle, path)
        os.replace(draft, path)
        _sync_folder(os.path.dirname(path))
    except OSError as error:
        if draft:
            with suppress(OSError):
                os.unlink(draft)
        raise InputError(option, f'{path} cannot be written: {error.strerror}.') from None


def write_private_file(path: str, content: bytes, option: str) -> None:
    """Writes a file atomically, which only its owner can read from then on, and its folder. Raises InputError."""
    make_folder(folder_of(path), option)
    try:
        if os.path.exists(path):
            os.chmod(path, PRIVATE_FILE)
    except OSError as error:
        raise InputError(option, f'{path} cannot be written: {error.strerror}.') from None
    write_file(path, content, option)


def is_private(path: str) -> bool:
    """Whether a file, which exists, can be read by its owner only."""
    return stat.S_IMODE(os.stat(path).st_mode) == PRIVATE_FILE


def folder_of(path: str) -> str:
    """The absolute path of the folder that a file is in, wherever a symbolic link leads."""
    return os.path.dirname(os.path.realpath(path))


def _sync_folder(path: str) -> None:
    """Has the names of the files in a folder survive a power cut, too. Raises OSError."""
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in NOT_SYNCED:
            raise


def append_to_file(path: str, content: bytes, option: str) -> None:
    """Adds to the end of a file that exists. Raises InputError; part of it may have been written then."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(handle, content)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise InputError(option, f'{path} cannot be written: {error.strerror}.') from None


def _keep_attributes(handle: int, path: str) -> None:
    """Sets mode and owner of the old file; the owner only if this process may."""
    with suppress(FileNotFoundError):
        old = os.stat(path)
        if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
            with suppress(OSError):
                os.fchown(handle, old.st_uid, old.st_gid)
        os.fchmod(handle, stat.S_IMODE(old.st_mode))


def remove_file(path: str, option: str = 'artifacts_dir') -> None:
    """Removes a file, if there is one. Raises InputError."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(option, f'{path} cannot be removed: {error.strerror}.') from None


def check_folder(path: str, option: str) -> None:
    """Raises InputError if a folder, by its absolute path, cannot be written to or made. Writes nothing, so check mode knows it too."""
    existing = path
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        problem = f'{existing} is not a folder.'
    elif not os.access(existing, os.W_OK | os.X_OK):
        problem = f'the folder {existing} cannot be written to.'
    else:
        return
    raise InputError(option, problem if existing == path else f'the folder {path} cannot be created: {problem}')


def make_folder(path: str, option: str) -> None:
    """Makes a folder, private, if it does not exist. Raises InputError if that fails, or it cannot be written to."""
    check_folder(path, option)
    try:
        make_private_folder(path)
    except OSError as error:
        raise InputError(option, f'the folder {path} cannot be created: {error.strerror}.') from None


def make_private_folder(path: str) -> None:
    """Makes a folder, by its absolute path, and those above it, each private."""
    if not os.path.isdir(path):
        make_private_folder(os.path.dirname(path))
        with suppress(FileExistsError):
            os.mkdir(path, PRIVATE_FOLDER)
        _sync_folder(os.path.dirname(path))
