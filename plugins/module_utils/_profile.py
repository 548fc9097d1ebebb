# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of JSON objects, where they differ from what Cloudflare documents, and what differs between two profiles of an account.

A shape is {path: kinds of values there}, as in _contract.py. It holds no value. Pure functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Response
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._contract import KINDS, WORDS

FORMAT = 1  # of a profile
ABSENT = object()
KIND_NAMES = {bool: 'boolean', int: 'integer', float: 'number', str: 'string', type(None): 'null', dict: 'object', list: 'array'}
UNNAMED = '*'  # stands for the name of a field that may be data, as an id used as a key
Kinds = dict[str, set[str]]


def shape_of(name: str, objects: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """{path: kinds of its values in the objects}. name: of the object in KINDS. What is in an unknown field is left out."""
    found: Kinds = {}
    for obj in objects:
        _add_fields(obj, '', KINDS[name], found)
    return {path: ' '.join(sorted(found[path])) for path in sorted(found)}


def _add_fields(obj: Mapping[str, Any], above: str, documented: Mapping[str, str], found: Kinds) -> None:
    """Adds the kinds of values in an object to found, {path: kinds}. above: the path of the object. Undocumented names are kept."""
    known = [path for path in documented if _parent(path) == above and not path.endswith('[]')]
    for path in known:
        _add_value(obj.get(path.rpartition('.')[2], ABSENT), path, documented, found)
    for name, value in obj.items():
        path = f'{above}.{name}' if above else name
        if path not in documented:
            found.setdefault(f'{above}.{_shown_name(name)}' if above else _shown_name(name), set()).add(_kind(value))


def _add_value(value: Any, path: str, documented: Mapping[str, str], found: Kinds) -> None:
    found.setdefault(path, set()).add(_kind(value))
    if isinstance(value, dict) and any(_parent(other) == path for other in documented):
        _add_fields(value, path, documented, found)
    for item in value if isinstance(value, list) and f'{path}[]' in documented else ():
        _add_value(item, f'{path}[]', documented, found)


def _parent(path: str) -> str:
    return path.rpartition('.')[0]


def _kind(value: Any) -> str:
    return 'absent' if value is ABSENT else KIND_NAMES[type(value)]


def _shown_name(name: str) -> str:
    """The name of an unknown field, if it looks like one: the key of an object may be an id or an address."""
    return name if len(name) < 40 and re.fullmatch(r'[A-Za-z]+\d{0,2}(_[A-Za-z]+\d{0,2})*', name) else UNNAMED


def differences(name: str, shape: Mapping[str, str], objects: Iterable[Mapping[str, Any]] = ()) -> dict[str, dict[str, str]]:
    """{path: {is, found, documented}} where a shape is not as documented. is: unknown, missing, type or word.

    objects: what the shape is of; a text that should be one of a few words is shown if it looks like a word.
    """
    documented, result = KINDS[name], {}
    for path, text in shape.items():
        kinds, allowed = set(text.split()), set(documented.get(path, '').split())
        wrong = kinds - allowed - ({'integer'} if 'number' in allowed else set())
        if wrong and 'any' not in allowed:
            kind = 'unknown' if not allowed else 'missing' if wrong == {'absent'} else 'type'
            result[path] = {'is': kind, 'found': text, 'documented': documented.get(path, '')}
    for path, words in WORDS.get(name, {}).items():
        values = {value for obj in objects if isinstance(value := _value_at(obj, path), str)}
        new = sorted(value if re.fullmatch('[A-Za-z][A-Za-z_-]{0,30}', value) else UNNAMED for value in values - {*words})
        if new and path not in result:
            result[path] = {'is': 'word', 'found': ' '.join(new), 'documented': ' '.join(words)}
    return result


def _value_at(obj: Any, path: str) -> Any:
    for name in path.split('.'):
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj


def difference_text(path: str, difference: Mapping[str, str]) -> str:
    """A difference for people."""
    found = difference['found'].replace(' ', ' or ')
    if difference['is'] == 'unknown':
        return f'{path} is not documented ({found})'
    if difference['is'] == 'missing':
        return f'{path} is missing' if found == 'absent' else f'{path} is missing in some'
    return f'{path} is {found}, documented {difference["documented"].replace(" ", " or ")}'


# The form of answers.

def body_form(answer: Response) -> str:
    """envelope, bare (JSON without one; of an error json), html, plain or empty."""
    if not answer.body.strip():
        return 'empty'
    data = parsed(answer)
    if data is not None:
        is_error = answer.status >= 400
        return 'envelope' if isinstance(data, dict) and 'success' in data else 'json' if is_error else 'bare'
    return 'html' if answer.body.lstrip()[:1] == b'<' else 'plain'


def parsed(answer: Response) -> Any:
    """The JSON of an answer; None if there is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def result_of(answer: Response) -> Any:
    """The JSON of an answer, out of its envelope."""
    data = parsed(answer)
    return data.get('result') if isinstance(data, dict) and 'success' in data else data


def list_end(answer: Response) -> str:
    """How the last page of a list says that it is the last: null, absent, zero, stuck (its own cursor again) or numbered."""
    data, result = parsed(answer), result_of(answer)
    cursor = result.get('next', ABSENT) if isinstance(result, dict) else ABSENT
    if cursor is ABSENT:
        return 'numbered' if isinstance(data, dict) and data.get('result_info') else 'absent'
    return {None: 'null', 0: 'zero'}.get(cursor, 'stuck') if isinstance(cursor, (int, str, type(None))) else 'unknown'


# Two profiles.

ANSWER_PARTS = {'status': 'the HTTP status', 'body': 'the form of the body', 'page_size': 'the page size', 'end': 'the end of the list'}


def changes(older: Mapping[str, Any], newer: Mapping[str, Any]) -> list[str]:
    """What is different at Cloudflare since an older profile, as sentences. What one of the two does not know is no change."""
    whole = {'limit': 'what limit does to a list', 'filters': 'whether filters are case-sensitive', 'rate_limit': 'the rate limit'}
    texts = [*_form_changes('account', whole, older, newer)]
    answers = [profile.get('answers', {}) for profile in (older, newer)]
    for name in sorted(answers[0].keys() & answers[1].keys()):
        before, after = (found[name] for found in answers)
        if name != 'error' and any(answer.get('status', 0) >= 400 for answer in (before, after)):
            continue  # what was refused shows nothing
        texts += _form_changes(name, ANSWER_PARTS, before, after)
        if before.get('shape') and after.get('shape'):
            texts += _difference_changes(name, before['shape'], after)
    return texts


def _form_changes(name: str, words: Mapping[str, str], before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key, text in words.items():
        values = [before.get(key), after.get(key)]
        if values[0] != values[1] and not {None, 'unknown'} & {str(value) if isinstance(value, dict) else value for value in values}:
            yield f'{name}: {text} was {_text(values[0])}, and is {_text(values[1])}'


def _text(value: Any) -> str:
    return f'{value.get("requests")} in {value.get("seconds")} s' if isinstance(value, dict) else str(value)


def _difference_changes(name: str, shape: Mapping[str, str], after: Mapping[str, Any]) -> Iterator[str]:
    """What is not as documented in one of the two. Kinds that are gone are no change: they depend on the objects that there are."""
    if name not in KINDS:
        return
    before, now = differences(name, shape), {path: row for path, row in after['differences'].items() if row['is'] != 'word'}
    for path in sorted(before.keys() | now.keys()):
        new_kinds = _undocumented(now.get(path)) - _undocumented(before.get(path))
        if new_kinds:
            yield f'{name}: {difference_text(path, now[path])}, which is new'
        elif path not in now and before[path]['is'] != 'type':
            yield f'{name}: {difference_text(path, before[path])}, which no longer holds'


def _undocumented(difference: Mapping[str, str] | None) -> set[str]:
    return set(difference['found'].split()) - set(difference['documented'].split()) if difference else set()
