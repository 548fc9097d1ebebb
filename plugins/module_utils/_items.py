# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists whose items are checked one by one, before Ansible checks the whole: an invalid item fails alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.validation import check_type_dict
from ansible.module_utils.errors import UnsupportedError

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import (
    ASDOT_ADVICE,
    TEXT_ADVICE,
    Spec,
    asdot_options,
    non_text_options,
)


class InvalidItem(NamedTuple):
    """An item that can't be processed. name: its name, or its position in the list if it has none."""

    name: str
    error: InputError


def invalid_items(option: str, items: Sequence[Any], spec: Spec, redact: Callable[[str], str]) -> dict[int, InvalidItem]:
    """{position: the invalid item} of an option that is a list. redact: takes secrets out of a text."""
    invalid = {}
    for position, item in enumerate(items):
        values = _as_dict(item)
        error = _item_error(values, spec, redact)
        if error:
            has_name = isinstance(values, dict) and isinstance(values.get('name'), (str, int, float)) and values['name'] != ''
            invalid[position] = InvalidItem(str(values['name']) if has_name else f'{option}[{position}]', error)
    return invalid


def secrets_in(spec: Spec, items: Any) -> Iterator[str]:
    """The secrets of items, also of items of the wrong type."""
    for item in items if isinstance(items, (list, tuple)) else [items]:
        for name, option_spec in spec.items() if isinstance(item, Mapping) else ():
            given = [item[alias] for alias in (name, *option_spec.get('aliases', ())) if item.get(alias) is not None]
            yield from (str(value) for value in given if option_spec.get('no_log')
                        or (_holds_secrets(option_spec) and isinstance(value, str)))
            for value in given:
                yield from secrets_in(option_spec.get('options', {}), value)


def _holds_secrets(option_spec: Mapping[str, Any]) -> bool:
    return any(inner.get('no_log') or _holds_secrets(inner) for inner in option_spec.get('options', {}).values())


def _as_dict(item: Any) -> Any:
    """The item as Ansible takes it: a text may hold a dict."""
    try:
        return check_type_dict(item)
    except TypeError:
        return item


def _item_error(item: Any, spec: Spec, redact: Callable[[str], str]) -> InputError | None:
    """What is wrong with an item of the list, None if it is valid."""
    if not isinstance(item, dict):
        return InputError('name', f'this is a {type(item).__name__}, not a circuit.', 'a dict with a name')
    if non_text_options(spec, item, secret=True):
        return InputError(', '.join(non_text_options(spec, item, secret=True)), TEXT_ADVICE)
    try:
        validated_options(item, spec, redact)
    except InputError as error:
        return error
    return None


def validated_options(item: Mapping[str, Any], spec: Spec, redact: Callable[[str], str]) -> dict[str, Any]:
    """The options in their types. redact: takes secrets out of a text. Raises InputError that names each option that is wrong."""
    if names := asdot_options(spec, item):
        raise InputError(', '.join(names), ASDOT_ADVICE)
    try:
        result = ArgumentSpecValidator(spec).validate(item)
        messages = result.error_messages
    except TypeError as error:  # of Ansible, where a dict is due and there is a number
        messages = [str(error)]
    if not messages:
        return result.validated_parameters
    given = {alias: (name, option_spec) for name, option_spec in spec.items() for alias in (name, *option_spec.get('aliases', ()))}
    wrong = {alias: problem for alias in item if (problem := _option_problem(alias, given.get(alias), item[alias]))}
    wrong |= {name: 'is required.' for name, option_spec in spec.items() if option_spec.get('required') and item.get(name) is None}
    option, problem = next(iter(wrong.items()), ('name', '; '.join(messages)))
    error = InputError(option, redact(problem))
    error.notes += [f'{other}: {redact(text)}' for other, text in list(wrong.items())[1:]]
    raise error


def _option_problem(alias: str, option: tuple[str, Mapping[str, Any]] | None, value: Any) -> str:
    """What is wrong with an option; empty if nothing is."""
    if option is None:
        return 'unknown option.'
    name, option_spec = option
    suboptions = option_spec.get('options')
    values = value if isinstance(value, list) else [value]
    if suboptions and value is not None and not all(isinstance(_as_dict(item), dict) for item in values):
        quoted = 'the value' if _holds_secrets(option_spec) else repr(value)
        kind = 'a list of dicts' if option_spec['type'] == 'list' else 'a dict'
        return f'{quoted} is not valid. Allowed: {kind} with {", ".join(suboptions)}.'
    for inner, inner_spec in (suboptions or {}).items():
        for item in (_as_dict(item) for item in values if inner_spec.get('options') and item is not None):
            if problem := _option_problem(inner, (inner, inner_spec), item.get(inner)):
                return f'{inner}: {problem}'
    errors = ArgumentSpecValidator({name: option_spec}).validate({name: value}).errors
    return '; '.join(f'unknown option {error.msg}' if isinstance(error, UnsupportedError) else error.msg for error in errors)
