# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The LOA of an interconnect: fetches it, decides whether the one on disk is still right, and does the work of the module loa."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import checked_value
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._disk import check_folder, read_file, write_file
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AnswerError,
    InputError,
    TransportError,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import interconnect_names
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import INTERCONNECT, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import TIME_FORMAT, check_loa_name


def fetch_loa(client: Client, interconnect: str, name: str | None) -> bytes:
    """The LOA of an interconnect, made out to a name. Raises AnswerError for anything but a whole PDF, and ApiError."""
    answer = client.get_file((*INTERCONNECT.url_path, interconnect, 'loa'), {'name': name})
    if not is_pdf(answer.body) or b'%%EOF' not in answer.body[-1024:]:
        kind, start = answer.headers.get('Content-Type') or 'without a type', answer.body[:60].decode('utf-8', 'replace')
        problem = f'not a whole PDF: {len(answer.body)} bytes, {kind}, starting with {start!r}.'
        raise AnswerError('GET', f'/cni/interconnects/{interconnect}/loa', answer.status, problem, answer.headers.get('cf-ray'))
    return answer.body


def default_loa_name(client: Client, interconnect: str) -> str | None:
    """The name that an LOA is made out to if none is asked for; None if Cloudflare does not say, as an older service.

    Cloudflare's API reference has the call, and no source the fields of its answer: the text under a name counts, else any text.
    """
    try:
        return _text_in(client.get_value((*INTERCONNECT.url_path, interconnect, 'loa', 'default')))
    except (AnswerError, TransportError):
        return None


def _text_in(value: Any) -> str | None:
    if isinstance(value, dict):
        value = [inner for _key, inner in sorted(value.items(), key=lambda item: 'name' not in item[0].lower())]
    if isinstance(value, list):
        return next(filter(None, map(_text_in, value)), None)
    return (value.strip() or None) if isinstance(value, str) else None


def is_pdf(content: bytes) -> bool:
    """Whether a file is a PDF, by its first bytes."""
    return content.startswith(b'%PDF-')


# The LOA of a circuit: {interconnect, name, sha256, fetched} in the record says what the file on disk is for. If no name was asked for,
# default_name is that which Cloudflare had for it then. If Cloudflare has another one later, the LOA is still what was asked for: it stays.

def utc_now() -> datetime:
    """The current time, with its time zone."""
    return datetime.now(timezone.utc)


def recorded_loa(record: Object | None, interconnect: str) -> Object | None:
    """The LOA on record, if it is that of this interconnect."""
    loa = get(record, 'loa')
    return loa if get(loa, 'interconnect') == interconnect else None


def current_and_desired_loa(interconnect: str, loa_name: str | None, record: Object | None, sha256: str | None,
                            is_outdated: Callable[[Any], bool], default_name: str | None = None) -> tuple[Object | None, Object]:
    """The LOA as it is on disk and as it has to be: equal if it stays.

    sha256: of the file, None without one. A file that is not on record, as version 1.0.0 left it, is fetched anew.
    is_outdated: whether an LOA that was fetched at that time is too old. default_name: the name of a new one if none is asked for, once
    it is known.
    """
    recorded = get(record, 'loa')
    name = checked_value('loa_name', loa_name, check_loa_name, []) if loa_name else get(recorded_loa(record, interconnect), 'name')
    current = sha256 and (recorded or {'sha256': sha256})
    is_same = (get(recorded, 'interconnect'), get(recorded, 'sha256')) == (interconnect, sha256)
    names = get(recorded, 'name'), get(recorded, 'default_name')
    if current and is_same and name in names and not is_outdated(get(recorded, 'fetched')):
        return current, current
    default = {'default_name': default_name} if default_name and not name else {}
    return current, {'interconnect': interconnect, 'name': name, **default, 'sha256': UNKNOWN, 'fetched': UNKNOWN}


def is_older(fetched: Any, max_age: timedelta | None, now: datetime) -> bool:
    """Whether an LOA was fetched longer ago than max_age, None for no limit. A time that can't be read counts as long ago."""
    if not max_age:
        return False
    try:
        return now - datetime.strptime(str(fetched), TIME_FORMAT).replace(tzinfo=timezone.utc) > max_age
    except ValueError:
        return True


def fetch_desired_loa(client: Client, desired: Object, now: datetime) -> tuple[Object, bytes]:
    """The desired LOA with its checksum and time, and the content of its file."""
    if desired['interconnect'] == UNKNOWN:
        raise InputError('interconnect', f'{UNKNOWN!r} is a value from check mode, which has no LOA.')
    content = fetch_loa(client, desired['interconnect'], desired['name'])
    return {**desired, 'sha256': hashlib.sha256(content).hexdigest(), 'fetched': now.strftime(TIME_FORMAT)}, content


# The module loa.

def loa_work(task: Task) -> dict[str, Any]:
    """Fetches the LOA unless there is one, and sets the attributes of its file."""
    params, path = task.params, os.path.realpath(task.params['path'])
    if params['name']:
        checked_value('name', params['name'], check_loa_name, [])
    content = read_file(path, 'path')
    is_fetched, name = params['force'] or content is None or not is_pdf(content), None
    if is_fetched:
        _check_folder(os.path.dirname(path))
        new, name = _fetch_named_loa(task)
        if not task.module.check_mode:
            write_file(path, new, 'path')
            content = new
    has_other_attributes = os.path.exists(path) and task.module.set_fs_attributes_if_different(
        task.module.load_file_common_arguments(task.module.params, path=path), False)
    known = {} if content is None else {'sha256': hashlib.sha256(content).hexdigest(), 'size': len(content)}
    diff = {'before': '', 'after': f'an LOA at {params["path"]}\n' if is_fetched else ''}
    return {'changed': is_fetched or has_other_attributes, 'path': params['path'], 'name': name, 'sha256': None, 'size': None,
            'diff': [diff], **known}


def _check_folder(folder: str) -> None:
    if not os.path.isdir(folder):
        raise InputError('path', f'the folder {folder} does not exist.')
    check_folder(folder, 'path')


def _fetch_named_loa(task: Task) -> tuple[bytes | None, str | None]:
    """The LOA of the interconnect that the options name, None if that is only predicted; and the name that it is made out to, if known."""
    options = {option: [task.params[option]] if task.params[option] else None for option in ('interconnect', 'conduit_name')}
    interconnect, name = observe(task.client, lambda snapshot: interconnect_names(options, snapshot))[0], task.params['name']
    if interconnect == UNKNOWN and not task.module.check_mode:
        raise InputError('interconnect', f'{UNKNOWN!r} is a value from check mode, which has no LOA.')
    if interconnect == UNKNOWN:
        return None, name
    return fetch_loa(task.client, interconnect, name), name or default_loa_name(task.client, interconnect)
