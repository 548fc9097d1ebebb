# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that several modules have, as data."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback

Spec = dict[str, dict[str, Any]]

API_URL = 'https://api.cloudflare.com/client/v4'
CONNECTION_OPTIONS: Spec = {
    'api_token': {'type': 'str', 'no_log': True, 'fallback': (env_fallback, ['CLOUDFLARE_API_TOKEN'])},
    'api_key': {'type': 'str', 'no_log': True, 'fallback': (env_fallback, ['CLOUDFLARE_API_KEY'])},
    'api_email': {'type': 'str', 'fallback': (env_fallback, ['CLOUDFLARE_EMAIL'])},
    'account_id': {'type': 'str', 'fallback': (env_fallback, ['CLOUDFLARE_ACCOUNT_ID'])},
    'api_url': {'type': 'str', 'default': API_URL, 'fallback': (env_fallback, ['CLOUDFLARE_BASE_URL'])},
    'timeout': {'type': 'float', 'default': 30},
    'retry_timeout': {'type': 'int', 'default': 600},
    'requests_per_window': {'type': 'int', 'default': 1200},
    'validate_certs': {'type': 'bool', 'default': True},
    'ca_path': {'type': 'path'},
}

BANDWIDTHS = ['50M', '100M', '200M', '300M', '400M', '500M', '1G', '2G', '5G', '10G', '20G', '50G']

SLOT_OPTIONS: Spec = {
    'site': {'type': 'str'},
    'facility': {'type': 'str'},
    'address_contains': {'type': 'str'},
    'speed': {'type': 'str'},
    'diverse_from': {'type': 'list', 'elements': 'str'},
}

# For the order of an interconnect.
INTERCONNECT_OPTIONS: Spec = {
    'slot_id': {'type': 'str'},
    'slot': {'type': 'dict', 'options': SLOT_OPTIONS},
    'type': {'type': 'str', 'choices': ['direct', 'gcp_partner']},
    'speed': {'type': 'str'},
    'pairing_key': {'type': 'str', 'no_log': True},
    'bandwidth': {'type': 'str', 'choices': BANDWIDTHS},
    'on_immutable': {'type': 'str', 'choices': ['fail', 'replace'], 'default': 'fail'},
}

BGP_OPTIONS: Spec = {
    'customer_asn': {'type': 'int', 'aliases': ['asn']},
    'extra_prefixes': {'type': 'list', 'elements': 'str'},
    'md5_key': {'type': 'str', 'no_log': True, 'aliases': ['password']},
}

CNI_OPTIONS: Spec = {
    'interconnect': {'type': 'str'},
    'shared': {'type': 'bool', 'default': False},
    'description': {'type': 'str'},
    'mtu': {'type': 'int'},
    'bgp': {'type': 'dict', 'options': BGP_OPTIONS},
    'bgp_mode': {'type': 'str', 'choices': ['dynamic_route_exchange', 'advertise_only']},
    'cust_ip': {'type': 'str'},
    'p2p_ip': {'type': 'str', 'aliases': ['cf_ip']},
    'clear': {'type': 'list', 'elements': 'str', 'choices': ['description', 'md5_key', 'extra_prefixes', 'bgp']},
}

HEALTH_CHECK_OPTIONS: Spec = {
    'enabled': {'type': 'bool'},
    'rate': {'type': 'str', 'choices': ['low', 'mid', 'high', 'medium']},
    'type': {'type': 'str', 'choices': ['reply', 'request']},
    'direction': {'type': 'str', 'choices': ['unidirectional', 'bidirectional']},
    'target': {'type': 'str'},
    'source': {'type': 'str'},
}

TUNNEL_OPTIONS: Spec = {
    'description': {'type': 'str'},
    'mtu': {'type': 'int'},
    'interface_address': {'type': 'str'},
    'automatic_return_routing': {'type': 'bool'},
    'import_filter': {'type': 'str'},
    'export_filter': {'type': 'str'},
    'clear': {'type': 'list', 'elements': 'str', 'choices': ['description', 'import_filter', 'export_filter']},
}

SCOPE_OPTIONS: Spec = {name: {'type': 'list', 'elements': 'str'} for name in ('colo_names', 'colo_regions')}

# What is said of a route besides its next hop.
ROUTE_OPTIONS: Spec = {
    'prefix': {'type': 'str'},
    'priority': {'type': 'int'},
    'weight': {'type': 'int'},
    'scope': {'type': 'dict', 'options': SCOPE_OPTIONS},
    'description': {'type': 'str'},
}

# For deleting what carries traffic.
DELETE_OPTIONS: Spec = {
    'force': {'type': 'bool', 'default': False},
    'protect': {'type': 'str', 'choices': ['last', 'healthy'], 'default': 'last'},
    'traffic': {'type': 'bool', 'default': False},
}

STATES = ('Pending', 'Down', 'Unhealthy', 'Healthy')  # of an interconnect
STATE_CHOICES = [*STATES, 'active']  # the dashboard's word for Healthy

CIRCUIT_OPTIONS: Spec = {
    'name': {'type': 'str', 'required': True},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    'previous_name': {'type': 'str'},
    **INTERCONNECT_OPTIONS,
    **CNI_OPTIONS,
    'tunnel': {'type': 'dict', 'options': TUNNEL_OPTIONS},
    'health_check': {'type': 'dict', 'options': HEALTH_CHECK_OPTIONS},
    'routes': {'type': 'list', 'elements': 'dict', 'options': {**ROUTE_OPTIONS, 'prefix': {'type': 'str', 'required': True}}},
    'loa_name': {'type': 'str'},
    'wait_for': {'type': 'list', 'elements': 'str', 'choices': STATE_CHOICES},
}

# The steps of a run: for each circuit, or once for the account, in this order.
STEPS = ('settings', 'interconnect', 'loa', 'cni', 'health_check', 'routes', 'status', 'handover')
PREFIX = 'provision_'  # of the role's variables
ROLE_OPTIONS = [option for option in CIRCUIT_OPTIONS if option not in ('name', 'state', 'cust_ip', 'p2p_ip', 'loa_name', 'wait_for')]
# The account of a circuit, for inventories of several.
ACCOUNT_OPTIONS: Spec = {name: {key: value for key, value in CONNECTION_OPTIONS[name].items() if key not in ('default', 'fallback')}
                         for name in ('account_id', 'api_token', 'api_key', 'api_email', 'api_url')}
# Options of rollout for all of its circuits.
RUN_OPTIONS: Spec = {
    'artifacts_dir': {'type': 'path', 'default': 'artifacts'},
    'handover_template': {'type': 'path'},
    'loa_max_age': {'type': 'int'},
    'default_asn': {'type': 'int'},
    'wait_timeout': {'type': 'int'},
    'site_demand': {'type': 'dict'},
}
# What the user keeps of a cross-connect. It is never sent to Cloudflare. ordered, installed: dates, which YAML reads as such or as texts.
CROSS_CONNECT_OPTIONS: Spec = {
    **{name: {'type': 'str'} for name in ('provider', 'patch_panel', 'ticket', 'id')},
    **{name: {'type': 'raw'} for name in ('ordered', 'installed')},
}
# What a router has printed, of a support bundle.
ROUTER = {
    'type': 'list',
    'elements': 'dict',
    'options': {'name': {'type': 'str', 'required': True}, 'text': {'type': 'str'}, 'path': {'type': 'path'}},
}
SPARE = 'spare'  # the state of an interconnect without a circuit
# What a host of the inventory declares. on_immutable and shared have their defaults where they are not given.
HOST_OPTIONS: Spec = {
    **{name: {**CIRCUIT_OPTIONS[name], 'required': False} for name in ('name', *ROLE_OPTIONS, 'loa_name', 'wait_for')},
    'state': {'type': 'str', 'choices': ['present', 'absent', SPARE], 'default': 'present'},
    'cross_connect': {'type': 'dict', 'options': CROSS_CONNECT_OPTIONS},
    **RUN_OPTIONS,
    **ACCOUNT_OPTIONS,
}

# The text as it was written is lost: 0123456 has become 42798, and 1.10 has become 1.1.
NON_TEXT_TYPES = (int, float, datetime.date)  # True is an int
TEXT_ADVICE = (
    'must be text, but is a number, a boolean or a date: YAML converts values without quotes. Write it in quotes. '
    'Answers to AWX surveys arrive without quotes since ansible-core 2.19: leave the answer blank and set a variable of the host or group '
    'instead.'
)
ASDOT = re.compile(r'\d+\.\d+')
ASDOT_ADVICE = (
    'write an AS number in asplain, not in asdot, in which YAML makes 1.1 of 1.10. Multiply the first part by 65536 and add the second: '
    '1.10 is 65546.'
)


def non_text_options(spec: Spec, values: Mapping[str, Any], secret: bool = False) -> list[str]:
    """The names of the options that have to be texts and are none; those in dicts as DICT.NAME.

    secret: only secret options count, and those that are marked as quoted.
    """
    return _options_that(spec, values, lambda _name, option_spec, value: (
        _is_text(option_spec, secret) and isinstance(value, NON_TEXT_TYPES)))


def asdot_options(spec: Spec, values: Mapping[str, Any]) -> list[str]:
    """The names of the AS numbers that are in asdot, as 1.10: YAML has made 1.1 of that, unless it was in quotes."""
    return _options_that(spec, values, lambda name, option_spec, value: (
        option_spec['type'] == 'int' and name.endswith('asn') and bool(ASDOT.fullmatch(str(value)))))


def _options_that(spec: Spec, values: Mapping[str, Any], is_meant: Callable[[str, Mapping[str, Any], Any], bool]) -> list[str]:
    """The names of the options that are meant by their name, spec and value, or by an item of it; those in dicts as DICT.NAME."""
    names = []
    for name, option_spec in with_aliases(spec):
        value = values.get(name)
        items = value if isinstance(value, (list, tuple)) else [value]
        inner = [option for item in items if isinstance(item, Mapping)
                 for option in _options_that(option_spec.get('options', {}), item, is_meant)]
        names += [f'{name}.{option}' for option in dict.fromkeys(inner)]
        if any(is_meant(name, option_spec, item) for item in items):
            names.append(name)
    return names


def with_aliases(spec: Spec) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, spec) of each option, and of each alias."""
    return ((name, option_spec) for option, option_spec in spec.items() for name in (option, *option_spec.get('aliases', ())))


def _is_text(option_spec: Mapping[str, Any], secret: bool) -> bool:
    is_meant = not secret or option_spec.get('no_log') or option_spec.get('quoted')
    return bool(is_meant) and (option_spec.get('elements') or option_spec['type']) in ('str', 'path')


def _variable_specs() -> Spec:
    """{variable of a circuit: its spec}, with the single ones that a survey asks for: provision_slot_site for provision_slot.site."""
    parts = {f'{name}_{part}': {**inner, 'aliases': ()}
             for name, option_spec in HOST_OPTIONS.items() for part, inner in with_aliases(option_spec.get('options', {}))}
    return {PREFIX + name: option_spec for name, option_spec in (parts | HOST_OPTIONS).items()}


VARIABLES = _variable_specs()


def non_text_problem(variables: Mapping[str, Any]) -> str:
    """The message for variables of a circuit that have to be texts and are none; empty if there are none."""
    names = ', '.join(non_text_options(VARIABLES, variables))
    return f'{names}: each of these {TEXT_ADVICE}' if names else ''


KEEP_EMPTY = ('md5_key', 'password')


def drop_empty(value: Any) -> Any:
    """The options without empty strings, at any depth: AWX sends those for what is left blank. An empty md5 key stays, to be refused."""
    if isinstance(value, dict):
        cleaned = {name: drop_empty(inner) for name, inner in value.items()}
        return {name: inner for name, inner in cleaned.items() if inner not in ('', ['']) or name.startswith('_') or name in KEEP_EMPTY}
    return [drop_empty(inner) for inner in value] if isinstance(value, list) else value
