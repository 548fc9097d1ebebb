# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Letters of Authorization as files: fetched when missing, checked to be a PDF, put in place at once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import AnswerError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import checked, interconnect_names
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import INTERCONNECT, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import loa_name

PRIVATE = 0o077  # the umask for a new file: a LOA names facility, port and customer


def letter(client: Client, name: str, made_out_to: str | None) -> bytes:
    """The LOA of an interconnect. Raises AnswerError for what is not a whole PDF, ApiError as the API says."""
    answer = client.file((*INTERCONNECT.path, name, 'loa'), {'name': made_out_to})
    whole = answer.body.startswith(b'%PDF-') and b'%%EOF' in answer.body[-1024:]
    if not whole:
        kind, start = answer.headers.get('Content-Type') or 'of no type', answer.body[:60].decode('utf-8', 'replace')
        problem = f'not a whole PDF: {len(answer.body)} bytes, {kind}, starting with {start!r}.'
        raise AnswerError('GET', f'/cni/interconnects/{name}/loa', answer.status, problem, answer.headers.get('cf-ray'))
    return answer.body


def keep_letter(task: Task) -> dict[str, Any]:
    """The work of the module loa."""
    params, path = task.params, os.path.realpath(task.params['path'])
    if params['name']:
        checked('name', params['name'], loa_name, [])
    _check_place(path, params['path'])
    content = _content(path)
    fetch = params['force'] or content is None or not content.startswith(b'%PDF-')
    if fetch:
        _check_writable(os.path.dirname(path))
        new = _fetch(task)
        if not task.module.check_mode:
            content = _write(task, path, new)
    changed = _attributes(task, path)
    told = {} if content is None else {'sha256': hashlib.sha256(content).hexdigest(), 'size': len(content)}
    diff = {'before': '', 'after': f'a letter at {params["path"]}\n'} if fetch else {'before': '', 'after': ''}
    return {'changed': fetch or changed, 'path': params['path'], 'sha256': None, 'size': None, 'diff': [diff], **told}


def _check_place(path: str, shown: str) -> None:
    folder = os.path.dirname(path)
    if os.path.exists(path) and not os.path.isfile(path):  # to read a pipe would wait for ever
        raise InputError('path', f'{shown} is a folder, a pipe or a device.', 'the path of a file')
    if not os.path.isdir(folder):
        raise InputError('path', f'the folder {folder} does not exist.')


def _check_writable(folder: str) -> None:
    if not os.access(folder, os.W_OK):
        raise InputError('path', f'the folder {folder} can not be written to.')


def _content(path: str) -> bytes | None:
    try:
        with open(path, 'rb') as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError('path', f'{path} can not be read: {error.strerror}.') from None


def _fetch(task: Task) -> bytes | None:
    """The letter; None if the interconnect is only predicted."""
    named = {option: [task.params[option]] if task.params[option] else None for option in ('interconnect', 'conduit_name')}
    name = observe(task.client, lambda world: interconnect_names(named, world))[0]
    if name == UNKNOWN and not task.module.check_mode:
        raise InputError('interconnect', f'{UNKNOWN!r} comes from a task in check mode; there is no letter of it.')
    return None if name == UNKNOWN else letter(task.client, name, task.params['name'])


def _write(task: Task, path: str, content: bytes) -> bytes:
    """Puts the file in place at once; never half of it, whatever happens."""
    try:
        handle, draft = tempfile.mkstemp(dir=task.module.tmpdir)
        with os.fdopen(handle, 'wb') as file:
            file.write(content)
        os.umask(PRIVATE)
        task.module.atomic_move(draft, path)
    except Exception as error:  # atomic_move raises Exception itself
        raise InputError('path', f'{path} can not be written: {getattr(error, "strerror", None) or error}.') from None
    return content


def _attributes(task: Task, path: str) -> bool:
    """Mode and owner as asked for; what nobody asked for stays."""
    if not os.path.exists(path):
        return False
    return task.module.set_fs_attributes_if_different(task.module.load_file_common_arguments(task.module.params, path=path), False)
