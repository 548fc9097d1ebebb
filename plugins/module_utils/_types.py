# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of options, checked before Ansible's validator: that crashes on some, and takes true for 1 and a list for a text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from ansible.module_utils.common import validation

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import (
    ASDOT_ADVICE,
    PREFIX,
    TEXT_ADVICE,
    Spec,
    asdot_options,
    non_text_options,
    with_aliases,
)

KINDS = {'str': 'text', 'path': 'a path', 'bool': 'true or false', 'int': 'a whole number', 'float': 'a number', 'list': 'a list'}
EXAMPLES = {  # of each option that is a dictionary, or a list of these
    'bgp': '{customer_asn: 65001}',
    'circuits': '{name: nyc-1}',
    'commit_rates': '{nyc-1: 3G}',
    'cross_connect': '{ticket: CHG-1}',
    'diversity': '{name: nyc-1, diverse_from: [nyc-2]}',
    'expect': '{site: ewr-a}',
    'files': '{path: nyc-1.txt, content: text}',
    'filters': '{slo: [99.9]}',
    'health_check': '{enabled: true}',
    'router': '{name: show bgp, path: bgp.txt}',
    'routes': '{prefix: 10.20.0.0/16}',
    'scope': '{colo_regions: [ENAM]}',
    'site_demand': '{ewr-a: 3G}',
    'slot': '{site: ewr-a, speed: 10G}',
    'tunnel': '{mtu: 1476}',
}


def type_error(spec: Spec, values: Mapping[str, Any], redact: Callable[[str], str] = str) -> InputError | None:
    """The error that names each option of a wrong type, None if there is none. redact: takes secrets out of a text."""
    for names, advice in ((asdot_options(spec, values), ASDOT_ADVICE), (non_text_options(spec, values, secret=True), TEXT_ADVICE)):
        if names:
            return InputError(', '.join(names), advice)
    error = None
    for option, problem in _problems_of_options('', spec, values).items():
        if error:
            error.notes.append(f'{option}: {redact(problem)}')
        else:
            error = InputError(option, redact(problem))
    return error


def _problems_of_options(block: str, spec: Spec, values: Mapping[str, Any]) -> dict[str, str]:
    """{option: what is wrong with it}; in dictionaries as DICT.NAME, in lists as LIST[0]. block: what their names begin with."""
    problems = {}
    for name, option_spec in with_aliases(spec):
        if values.get(name) is not None:
            problems |= _problems(block + name, name, option_spec, values[name])
    return problems


def _problems(option: str, name: str, option_spec: Mapping[str, Any], value: Any) -> dict[str, str]:
    kind, elements = option_spec['type'], option_spec.get('elements', 'raw')
    try:
        converted = _converted(kind, value)
    except (TypeError, ValueError, OverflowError):  # the last of .inf
        return {option: f'must be {_expected(name, kind, elements)}; it was {shown(value, is_secret(option_spec))}'}
    if kind == 'dict':
        return _problems_of_options(f'{option}.', option_spec.get('options', {}), converted)
    problems = {}
    for position, item in enumerate(converted if kind == 'list' else ()):
        problems |= _problems(f'{option}[{position}]', name, {**option_spec, 'type': elements}, item)
    return problems


def _converted(kind: str, value: Any) -> Any:
    """The value as Ansible would convert it. Raises what its converters raise, and TypeError for what these distort."""
    is_container, is_distorted = isinstance(value, (list, tuple, Mapping)), value is None or (isinstance(value, bool) and kind != 'bool')
    if (is_distorted and kind != 'raw') or (is_container and kind in ('str', 'path')):
        raise TypeError
    converted = getattr(validation, f'check_type_{kind}')(value)
    if kind == 'float' and not isfinite(converted):
        raise ValueError
    return converted


def _expected(name: str, kind: str, elements: str) -> str:
    example = EXAMPLES.get(name.removeprefix(PREFIX).removeprefix('support_'))
    if kind == 'dict':
        return f'a dictionary such as {example}'
    return f'a list of dictionaries such as [{example}]' if (kind, elements) == ('list', 'dict') else KINDS[kind]


def is_secret(option_spec: Mapping[str, Any]) -> bool:
    """Whether the option is a secret, or a dictionary with one."""
    return bool(option_spec.get('no_log')) or any(map(is_secret, option_spec.get('options', {}).values()))


def shown(value: Any, secret: bool = False) -> str:
    """The value as messages quote it: of containers and secrets only what they are."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return 'a list'
    if isinstance(value, Mapping):
        return 'a dictionary'
    return repr(value) if not secret else 'text' if isinstance(value, str) else 'a number'
