# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of which each item is checked by itself, before Ansible checks the whole: one that can't be is no reason to stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.validation import check_type_dict

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import WRITE_A_TEXT, Spec, not_texts


class Refused(NamedTuple):
    """An item that can't be. name: what it is called, or its place in the list where it has no name."""

    name: str
    error: InputError


def refused(option: str, items: Sequence[Any], spec: Spec, withhold: Callable[[str], str]) -> dict[int, Refused]:
    """{place: what can't be} of the items of an option. withhold: a text as it may be shown."""
    found = {}
    for place, item in enumerate(items):
        values = _as_dict(item)
        error = _error(values, spec, withhold)
        if error:
            named = isinstance(values, dict) and isinstance(values.get('name'), (str, int, float)) and values['name'] != ''
            found[place] = Refused(str(values['name']) if named else f'{option}[{place}]', error)
    return found


def secrets_of(spec: Spec, value: Any) -> Iterator[str]:
    """The secrets of items as they were given, whatever they were given as."""
    for item in value if isinstance(value, (list, tuple)) else [value]:
        for name, row in spec.items() if isinstance(item, Mapping) else ():
            given = [item[word] for word in (name, *row.get('aliases', ())) if item.get(word) is not None]
            yield from (str(one) for one in given if row.get('no_log') or (_holds_secrets(row) and isinstance(one, str)))
            for one in given:
                yield from secrets_of(row.get('options', {}), one)


def _holds_secrets(row: Mapping[str, Any]) -> bool:
    return any(inner.get('no_log') or _holds_secrets(inner) for inner in row.get('options', {}).values())


def _as_dict(item: Any) -> Any:
    """The item as Ansible would take it: a text may hold a dict."""
    try:
        return check_type_dict(item)
    except TypeError:
        return item


def _error(item: Any, spec: Spec, withhold: Callable[[str], str]) -> InputError | None:
    if not isinstance(item, dict):
        return InputError('name', f'this is a {type(item).__name__}, which names no circuit.', 'a dict with a name')
    if not_texts(spec, item, secret=True):
        return InputError(', '.join(not_texts(spec, item, secret=True)), WRITE_A_TEXT)
    try:
        validated(item, spec, withhold)
    except InputError as error:
        return error
    return None


def validated(item: Mapping[str, Any], spec: Spec, withhold: Callable[[str], str]) -> dict[str, Any]:
    """The options in their types. withhold: a text as it may be shown. Raises InputError that names each option that is wrong."""
    result = ArgumentSpecValidator(spec).validate(item)
    if not result.error_messages:
        return result.validated_parameters
    given = {word: (name, row) for name, row in spec.items() for word in (name, *row.get('aliases', ()))}
    wrong = {word: problem for word in item if (problem := _problem(word, given.get(word), item[word]))}
    wrong |= {name: 'is needed.' for name, row in spec.items() if row.get('required') and item.get(name) is None}
    option, problem = next(iter(wrong.items()), ('name', '; '.join(result.error_messages)))
    error = InputError(option, withhold(problem))
    error.notes += [f'{other}: {withhold(text)}' for other, text in list(wrong.items())[1:]]
    raise error


def _problem(word: str, named: tuple[str, Mapping[str, Any]] | None, value: Any) -> str:
    """What is wrong with one option; empty if nothing is."""
    if named is None:
        return 'there is no such option.'
    name, row = named
    parts = row.get('options')
    if parts and value is not None and not isinstance(_as_dict(value), dict):
        shown = 'the value' if _holds_secrets(row) else repr(value)
        return f'{shown} is not possible. Allowed: a dict with {", ".join(parts)}.'
    return '; '.join(ArgumentSpecValidator({name: row}).validate({name: value}).error_messages)
