# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's end of a circuit: a model of the BGP session, checked for the router that it is meant for.

What a router accepts, and how its configuration quotes it, is data. Anything else is refused with the name of the role's variable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _values as values
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import HIDDEN

HOLD_TIME = 240  # seconds, Cloudflare's; the lower one of both ends is negotiated; source: Cloudflare's product documentation
DEFAULT_ROUTE = '0.0.0.0/0'
MAX_KEY_LENGTH = 80  # characters, TCP_MD5SIG_MAXKEYLEN of Linux
PREPEND = (0, 10)
POSITIVE = (1, 2**32 - 1)


class Text(NamedTuple):
    """Free text in a configuration. pattern: what the router accepts; allowed: the same in words; quotes: what encloses it."""

    pattern: str
    allowed: str
    quotes: str = ''


class Platform(NamedTuple):
    """A router. hold_time: the lowest that it accepts, in seconds."""

    key: Text
    description: Text
    interface: Text
    hold_time: int = 3


# FRR takes a key as a word, BIRD as a string without escapes: tests bring up sessions with such keys.
# For the others there is only the vendor's documentation: a key with a character that starts a comment, a quote or a pipe is refused.
WORD_TEXT = Text(rf'[A-Za-z0-9._:/+@=,-]{{1,{MAX_KEY_LENGTH}}}', f'1 to {MAX_KEY_LENGTH} letters, digits and . _ : / + @ = , -')
LINE_TEXT = Text(r"[A-Za-z0-9 .,:/_()+@=&'*-]{0,80}", "80 letters, digits, spaces and . , : / _ ( ) + @ = & ' * - at most")
QUOTED_TEXT = Text(r'[ !#-~]{0,80}', '80 printable ASCII characters except " at most', '"')
LINUX_INTERFACE = Text(r'[A-Za-z0-9][A-Za-z0-9_.-]{0,14}', 'an interface of Linux, such as eth1')

PLATFORMS = {
    'frr': Platform(Text(rf'[!-~]{{1,{MAX_KEY_LENGTH}}}', f'1 to {MAX_KEY_LENGTH} characters without a space'), LINE_TEXT, LINUX_INTERFACE),
    'bird': Platform(Text(rf'[ !#-~]{{1,{MAX_KEY_LENGTH}}}', f'1 to {MAX_KEY_LENGTH} characters', '"'), QUOTED_TEXT, LINUX_INTERFACE),
    'junos': Platform(
        Text(r'(?!\$[0-9]\$)[ !#-\[\]-~]{1,126}', r'1 to 126 characters except \, and not the $9$ of an encrypted one', '"'),
        Text(r'[ !#-\[\]-~]{0,80}', r'80 printable ASCII characters except " and \ at most', '"'),
        Text(r'[a-z]+-?\d+(/\d+){0,2}(:\d+)?', 'a physical or aggregated interface such as xe-0/0/0 or ae1, without a unit'),
        hold_time=20,
    ),
    'iosxr': Platform(
        WORD_TEXT, LINE_TEXT, Text(r'[A-Za-z-]+\d+(/[A-Z0-9]+)*', 'an interface without a VLAN, such as TenGigE0/0/0/1 or Bundle-Ether1'),
    ),
    'eos': Platform(WORD_TEXT, LINE_TEXT, Text(r'[A-Za-z-]+\d+(/\d+)*',
                                               'an interface without a VLAN, such as Ethernet1/1 or Port-Channel1')),
}

# The names of policies, protocols and files, on each platform.
LABEL_TEXT = Text(r'[A-Za-z0-9_-]{1,32}', '1 to 32 letters, digits, _ and -')


def session_model(cni: Mapping[str, Any], cloudflare_asn: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The session over a CNI for the templates. options: the role's variables without peer_; None and '' are not set.

    Raises InputError for what is missing, impossible, or can't be written in the configuration of options['platform'].
    """
    given = {name: value for name, value in options.items() if value not in (None, '')}
    name = _required(given, 'platform')
    if name not in PLATFORMS:
        raise InputError('peer_platform', f'{name!r} is not valid.', ', '.join(PLATFORMS))
    bgp = cni.get('bgp') or {}
    if not bgp:
        raise InputError('peer_name', 'the CNI of this circuit has no BGP session: configure it with provision_bgp.')
    platform, magic = PLATFORMS[name], cni.get('magic') or {}
    description = ' '.join(str(given.get('description', magic.get('description') or '')).split())
    hold_time = _whole_number(given, 'hold_time', HOLD_TIME, (platform.hold_time, HOLD_TIME))
    return {
        'platform': name,
        'label': _configuration_text('label', LABEL_TEXT, given.get('label', magic.get('conduit_name'))),
        'interface': _configuration_text('interface', platform.interface, _required(given, 'interface')),
        'description': _configuration_text('description', platform.description, description) if description else '',
        'mtu': _checked_value('mtu', values.check_mtu, magic.get('mtu')),
        **_addresses(cni),
        **_as_numbers(bgp.get('customer_asn'), cloudflare_asn, given.get('router_asn')),
        'router_id': _router_id(given.get('router_id')),
        **_md5_keys(platform.key, bgp.get('md5_key'), given.get('md5_key')),
        **_prefix_lists(_required(given, 'announce'), given.get('accept'), bgp.get('extra_prefixes') or [DEFAULT_ROUTE]),
        'max_prefixes': _whole_number(given, 'max_prefixes', 1000, POSITIVE),
        'local_preference': _whole_number(given, 'local_preference', None, (0, POSITIVE[1])),
        'prepend': _whole_number(given, 'prepend', 0, PREPEND),
        'graceful_restart': str(given.get('graceful_restart', False)).lower() in ('true', 'yes', 'on', '1'),
        'hold_time': hold_time,
        'keepalive': hold_time // 3,
    }


def _required(given: Mapping[str, Any], option: str) -> Any:
    if option not in given:
        raise InputError(f'peer_{option}', 'is required.')
    return given[option]


def _configuration_text(option: str, text: Text, value: Any) -> str:
    """The value as it stands in the configuration. The refusal doesn't quote it: it may be a secret."""
    if not re.fullmatch(text.pattern, str(value)):
        raise InputError(f'peer_{option}', 'the value cannot be represented in the configuration of this platform.', text.allowed)
    return f'{text.quotes}{value}{text.quotes}'


def _whole_number(given: Mapping[str, Any], option: str, default: int | None, limits: tuple[int, int]) -> int | None:
    """A whole number; as text too, as surveys send it."""
    value = given.get(option, default)
    if value is None:
        return None
    if not re.fullmatch(r'\d{1,10}', str(value)) or not limits[0] <= int(value) <= limits[1]:
        raise InputError(f'peer_{option}', f'{value!r} is not valid.', f'{limits[0]} to {limits[1]}')
    return int(value)


def _checked_value(option: str, check: Callable[[Any, values.Warn], Any], value: Any) -> Any:
    """The canonical value. What is only a warning elsewhere is refused in a router's configuration."""
    try:
        return check(value, _refuse_warning)
    except (TypeError, ValueError) as error:
        raise InputError(option, f'{value!r} is not valid.', str(error)) from None


def _refuse_warning(problem: str) -> None:
    raise ValueError(f'prefixes without host bits ({problem})')


def _addresses(cni: Mapping[str, Any]) -> dict[str, Any]:
    """Both addresses. In check mode a CNI that is not created yet has none."""
    if UNKNOWN in (cni.get('cust_ip'), cni.get('p2p_ip')):
        return {'customer_address': UNKNOWN, 'cloudflare_address': UNKNOWN, 'prefix_length': 31}
    customer, cloudflare = (IPv4Interface(_checked_value(option, values.check_address, cni.get(option)))
                            for option in ('cust_ip', 'p2p_ip'))
    return {'customer_address': str(customer.ip), 'cloudflare_address': str(cloudflare.ip), 'prefix_length': customer.network.prefixlen}


def _as_numbers(customer: Any, cloudflare: Any, router: Any) -> dict[str, int | None]:
    """Those of the session, and of the router. local_as: the one that the session has to have, where the router's is another."""
    customer_asn = _checked_value('customer_asn', values.check_asn, customer)
    default_asn = _checked_value('default_asn', values.check_asn, cloudflare)
    if customer_asn == default_asn:
        raise InputError('peer_name', f'both sides have the AS number {customer_asn}, but the session is eBGP.')
    router_asn = customer_asn if router is None else _checked_value('peer_router_asn', values.check_asn, router)
    if router_asn == default_asn:
        raise InputError('peer_router_asn', f'{router_asn} is the AS number of Cloudflare.')
    return {
        'customer_asn': customer_asn, 'cloudflare_asn': default_asn, 'router_asn': router_asn,
        'local_as': customer_asn if router_asn != customer_asn else None,
    }


def _router_id(value: Any) -> str:
    try:
        return str(IPv4Address(value)) if value is not None else ''
    except ValueError as error:
        raise InputError('peer_router_id', f'{value!r} is not possible.', f'an IPv4 address ({error})') from None


def _md5_keys(text: Text, cloudflare_key: Any, given_key: Any) -> dict[str, str]:
    """The MD5 key as it stands in the configuration, and what replaces it where it must not be read; both empty without one."""
    if cloudflare_key and not given_key:
        raise InputError('peer_md5_key', 'the CNI has an MD5 key: set the same key here.')
    if given_key and not cloudflare_key:
        raise InputError('peer_md5_key', 'the CNI has no MD5 key: set it with provision_bgp.md5_key, or leave peer_md5_key out.')
    return {'key': _configuration_text('md5_key', text, given_key) if given_key else '', 'hidden_key': f'{text.quotes}{HIDDEN}{text.quotes}'
            if given_key else ''}


def _prefix_lists(announce: Any, accept: Any, cloudflare_prefixes: Sequence[str]) -> dict[str, list[str]]:
    """The prefixes to announce and to accept, sorted: the API keeps no order."""
    announced = _sorted_prefixes('announce', announce)
    accepted = _sorted_prefixes('accept', cloudflare_prefixes if accept is None else accept)
    if DEFAULT_ROUTE in announced:
        raise InputError('peer_announce', f'{DEFAULT_ROUTE} would announce everything.', 'the prefixes behind this router')
    if both := [prefix for prefix in announced if prefix in accepted]:
        raise InputError('peer_accept', f'{", ".join(both)} is in peer_announce too, which would cause a routing loop.')
    return {'announce': announced, 'accept': accepted}


def _sorted_prefixes(option: str, value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InputError(f'peer_{option}', f'{value!r} is not valid.', 'a list of IPv4 prefixes such as [192.0.2.0/24]')
    return sorted(_checked_value(f'peer_{option}', values.check_prefixes, value), key=IPv4Network)
