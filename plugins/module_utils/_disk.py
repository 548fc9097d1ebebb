# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single files on disk: read, written at once, removed; private folders."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError

PRIVATE_FOLDER = 0o700


def read_file(path: str, option: str) -> bytes | None:
    """What is in a file, None if there is none. Raises InputError for what is no file, and for one that can't be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to read a pipe would wait for ever
            raise InputError(option, f'{path} is a folder, a pipe or a device.', 'the path of a file')
        with open(path, 'rb') as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(option, f'{path} can not be read: {error.strerror}.') from None


def write_file(path: str, content: bytes, option: str) -> None:
    """Puts a file in place at once, never half of it. A new one has the mode 0600; another keeps mode and owner. Raises InputError."""
    path = os.path.realpath(path)  # a link stays
    draft = None
    try:
        handle, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix='.', suffix='.new')
        with os.fdopen(handle, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
            _keep_attributes(handle, path)
        os.replace(draft, path)
    except OSError as error:
        if draft:
            with suppress(OSError):
                os.unlink(draft)
        raise InputError(option, f'{path} can not be written: {error.strerror}.') from None


def _keep_attributes(handle: int, path: str) -> None:
    """Mode and owner of the file that was there; the owner as far as this process may give files away."""
    with suppress(FileNotFoundError):
        old = os.stat(path)
        if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
            with suppress(OSError):
                os.fchown(handle, old.st_uid, old.st_gid)
        os.fchmod(handle, stat.S_IMODE(old.st_mode))


def remove_file(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError('artifacts_dir', f'{path} can not be removed: {error.strerror}.') from None


def make_private_folder(path: str) -> None:
    """Makes a folder with those above it, each private."""
    if not os.path.isdir(path):
        make_private_folder(os.path.dirname(path))
        with suppress(FileExistsError):
            os.mkdir(path, PRIVATE_FOLDER)
