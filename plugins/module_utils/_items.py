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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import Spec
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._types import is_secret, shown, type_error


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
            values = [item[alias] for alias in (name, *option_spec.get('aliases', ())) if item.get(alias) is not None]
            yield from (str(value) for value in values if option_spec.get('no_log')
                        or (is_secret(option_spec) and isinstance(value, str)))
            for value in values:
                yield from secrets_in(option_spec.get('options', {}), value)


def _as_dict(item: Any) -> Any:
    """The item as Ansible takes it: a text may hold a dict."""
    try:
        return check_type_dict(item)
    except TypeError:
        return item


def _item_error(item: Any, spec: Spec, redact: Callable[[str], str]) -> InputError | None:
    """What is wrong with an item of the list, None if it is valid."""
    if not isinstance(item, dict):
        return InputError('name', f'this is {shown(item, secret=True)}, not a circuit.', 'a dictionary with a name')
    try:
        validated_options(item, spec, redact)
    except InputError as error:
        return error
    return None


def validated_options(item: Mapping[str, Any], spec: Spec, redact: Callable[[str], str]) -> dict[str, Any]:
    """The options in their types. redact: takes secrets out of a text. Raises InputError that names each option that is wrong."""
    if error := type_error(spec, item, redact):
        raise error
    result = ArgumentSpecValidator(spec).validate(item)
    if not result.error_messages:
        return result.validated_parameters
    known = {alias: (name, option_spec) for name, option_spec in spec.items() for alias in (name, *option_spec.get('aliases', ()))}
    wrong = {alias: problem for alias in item if (problem := _option_problem(alias, known.get(alias), item[alias]))}
    wrong |= {name: 'is required.' for name, option_spec in spec.items() if option_spec.get('required') and item.get(name) is None}
    option, problem = next(iter(wrong.items()), ('name', '; '.join(result.error_messages)))
    error = InputError(option, redact(problem))
    error.notes += [f'{other}: {redact(text)}' for other, text in list(wrong.items())[1:]]
    raise error


def _option_problem(alias: str, option: tuple[str, Mapping[str, Any]] | None, value: Any) -> str:
    """What is wrong with an option; empty if nothing is."""
    if option is None:
        return 'unknown option.'
    name, option_spec = option
    errors = ArgumentSpecValidator({name: option_spec}).validate({name: value}).errors
    return '; '.join(f'unknown option {error.msg}' if isinstance(error, UnsupportedError) else error.msg for error in errors)
