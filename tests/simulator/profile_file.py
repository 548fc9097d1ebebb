# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile that the playbook preflight made of an account: the options that answer as it did, and where its objects differ."""

from __future__ import annotations

import copy
import json
import pathlib
from collections.abc import Iterator

from contract import Operation

# What stands for the value of a field that the contract does not know.
SAMPLES = {'string': 'x', 'integer': 1, 'number': 1.5, 'boolean': True, 'null': None, 'object': {}, 'array': []}
# What answers have objects under.
WRAPPERS = ('items', 'interconnects', 'interconnect', 'modified_interconnect', 'modified_interconnects', 'routes', 'route',
            'modified_route', 'modified_routes', 'deleted_route', 'deleted_routes')
# A part of an operation's name: what it answers with; the first that fits counts.
KINDS = {'loa': '', 'status': 'status', 'magic_interconnect': 'tunnel', 'interconnect': 'interconnect', 'cni': 'cni', 'slot': 'slot',
         'settings': 'settings', 'route': 'route', 'token': 'token'}
# {list of the state: what is in it}
LISTS = {'slots': 'slot', 'interconnects': 'interconnect', 'cnis': 'cni', 'tunnels': 'tunnel', 'routes': 'route', 'settings': 'settings'}


def read(path: str) -> dict:
    """The profile in a file, {} without a path; raises ValueError for one that is none."""
    try:
        profile = json.loads(pathlib.Path(path).read_text(encoding='utf-8')) if path else {}
    except OSError as error:
        raise ValueError(f'profile: {error}') from error
    if path and profile.get('format') != 1:
        raise ValueError(f'profile: {path} is no profile of the format 1')
    return profile


def options(profile: dict) -> dict:
    """The options of the simulator by which it answers as the account did, as far as the profile knows."""
    answers = profile.get('answers', {})
    lists, error = answers.get('slot', {}), answers.get('error', {})
    known = {
        'token_owner': profile.get('token'),
        'page_size': lists.get('page_size'),
        'last_page': lists.get('end'),
        'limits': profile.get('limit'),
        'filters': profile.get('filters'),
        'envelope': {'envelope': 'wrapped', 'bare': 'bare'}.get(lists.get('body')),
        'errors': error.get('body'),
        'error_details': 'string' in error.get('shape', {}).get('errors[].documentation_url', '') or None,
    }
    return {name: value for name, value in known.items() if value not in (None, 'unknown')}


def as_in_profile(operation: Operation, result: object, profile: dict) -> object:
    """The result of an operation with the fields that the account's objects had besides, without those they lacked, in their types."""
    kind = next((kind for part, kind in KINDS.items() if part in operation.name), '')
    return _adapted(kind, result, profile, ('unknown', 'missing', 'type'))


def stored_in_profile(state: dict, profile: dict) -> dict:
    """The state with the fields that the account's objects had besides: all that an answer shows is in it."""
    return {name: _adapted(LISTS[name], value, profile, ('unknown',)) if name in LISTS else value for name, value in state.items()}


def _adapted(kind: str, result: object, profile: dict, which: tuple[str, ...]) -> object:
    differences = {name: answer['differences'] for name, answer in profile.get('answers', {}).items() if answer.get('differences')}
    if not kind or not any(name.partition('.')[0] == kind for name in differences):
        return result
    result = copy.deepcopy(result)
    for item in _objects(result):
        name = f'{kind}.{item.get("type")}' if kind == 'interconnect' else kind
        for path, difference in differences.get(name, {}).items():
            if difference['is'] in which:
                _change(item, path.split('.'), difference)
    return result


def _objects(result: object) -> Iterator[dict]:
    inner = [result[name] for name in WRAPPERS if isinstance(result, dict) and name in result and not isinstance(result[name], str)]
    if isinstance(result, list) or inner:
        for part in inner or result:
            yield from _objects(part)
    elif isinstance(result, dict):
        yield result


def _change(item: dict, path: list[str], difference: dict) -> None:
    *blocks, name = path
    for block in blocks:
        item = item.get(block)
        if not isinstance(item, dict):
            return
    found = difference['found'].split()
    if difference['is'] == 'unknown':
        item.setdefault(name, SAMPLES[next(kind for kind in found if kind != 'absent')])
    elif found == ['absent']:
        item.pop(name, None)
    elif name in item:
        item[name] = _converted(item[name], found)


def _converted(value: object, kinds: list[str]) -> object:
    """The value in one of the types that the account answered with, where it means the same."""
    if 'null' in kinds and value in ('', [], {}):
        return None
    if 'string' in kinds and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value
