# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's side of a circuit: one model of the BGP session, checked for the router that it is meant for.

What a router can carry, and how that is quoted in its configuration, is data. What it can't is refused, by the name of the role's variable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Interface, IPv4Network
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _values as values
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import HIDDEN

HOLD_TIME = 240  # seconds, Cloudflare's; BGP takes the lower one of the two ends; source: Cloudflare's product documentation
EVERYTHING = '0.0.0.0/0'
LONGEST_KEY = 80  # characters, TCP_MD5SIG_MAXKEYLEN of Linux
PREPEND = (0, 10)
MANY = (1, 2**32 - 1)


class Text(NamedTuple):
    """Free text in a configuration. pattern: what the router takes; allowed: the same in words; quotes: what stands around it."""

    pattern: str
    allowed: str
    quotes: str = ''


class Platform(NamedTuple):
    """A router. hold_time: the lowest one that it takes, in seconds."""

    key: Text
    description: Text
    interface: Text
    hold_time: int = 3


# FRR takes a key as one word, BIRD as a string without escapes. A session with each of these keys has been seen to come up.
# Of the others only the vendor's documentation tells, so a key with a character that is anywhere a comment, a quote or a pipe is refused.
WORD = Text(rf'[A-Za-z0-9._:/+@=,-]{{1,{LONGEST_KEY}}}', f'1 to {LONGEST_KEY} letters, digits and . _ : / + @ = , -')
LINE = Text(r"[A-Za-z0-9 .,:/_()+@=&'*-]{0,80}", "80 letters, digits, spaces and . , : / _ ( ) + @ = & ' * - at most")
STRING = Text(r'[ !#-~]{0,80}', '80 printable ASCII characters except " at most', '"')
LINUX = Text(r'[A-Za-z0-9][A-Za-z0-9_.-]{0,14}', 'an interface of Linux, such as eth1')

PLATFORMS = {
    'frr': Platform(Text(rf'[!-~]{{1,{LONGEST_KEY}}}', f'1 to {LONGEST_KEY} characters without a space'), LINE, LINUX),
    'bird': Platform(Text(rf'[ !#-~]{{1,{LONGEST_KEY}}}', f'1 to {LONGEST_KEY} characters', '"'), STRING, LINUX),
    'junos': Platform(
        Text(r'(?!\$[0-9]\$)[ !#-\[\]-~]{1,126}', r'1 to 126 characters except \, and not the $9$ of an encrypted one', '"'),
        Text(r'[ !#-\[\]-~]{0,80}', r'80 printable ASCII characters except " and \ at most', '"'),
        Text(r'[a-z]+-?\d+(/\d+){0,2}(:\d+)?', 'a physical or aggregated interface such as xe-0/0/0 or ae1, without a unit'),
        hold_time=20,
    ),
    'iosxr': Platform(
        WORD, LINE, Text(r'[A-Za-z-]+\d+(/[A-Z0-9]+)*', 'an interface without a VLAN, such as TenGigE0/0/0/1 or Bundle-Ether1'),
    ),
    'eos': Platform(WORD, LINE, Text(r'[A-Za-z-]+\d+(/\d+)*', 'an interface without a VLAN, such as Ethernet1/1 or Port-Channel1')),
}

# The names of policies, protocols and files, on each platform.
LABEL = Text(r'[A-Za-z0-9_-]{1,32}', '1 to 32 letters, digits, _ and -')


def session(cni: Mapping[str, Any], cloudflare_asn: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The session over a CNI as the templates take it. options: the role's variables without peer_; None and '' are not set.

    Raises InputError for what is missing, is not possible, or can't be said in the configuration of options['platform'].
    """
    told = {name: value for name, value in options.items() if value not in (None, '')}
    name = _required(told, 'platform')
    if name not in PLATFORMS:
        raise InputError('peer_platform', f'{name!r} is not possible.', ', '.join(PLATFORMS))
    bgp = cni.get('bgp') or {}
    if not bgp:
        raise InputError('peer_name', 'the CNI of this circuit has no BGP session: give it one with provision_bgp.')
    platform, magic = PLATFORMS[name], cni.get('magic') or {}
    described = ' '.join(str(told.get('description', magic.get('description') or '')).split())
    hold_time = _number(told, 'hold_time', HOLD_TIME, (platform.hold_time, HOLD_TIME))
    return {
        'platform': name,
        'label': _text('label', LABEL, told.get('label', magic.get('conduit_name'))),
        'interface': _text('interface', platform.interface, _required(told, 'interface')),
        'description': _text('description', platform.description, described) if described else '',
        'mtu': _checked('mtu', values.mtu, magic.get('mtu')),
        **_ends(cni),
        **_numbers(bgp.get('customer_asn'), cloudflare_asn),
        **_key(platform.key, bgp.get('md5_key'), told.get('md5_key')),
        **_prefixes(_required(told, 'announce'), told.get('accept'), bgp.get('extra_prefixes') or [EVERYTHING]),
        'max_prefixes': _number(told, 'max_prefixes', 1000, MANY),
        'local_preference': _number(told, 'local_preference', None, (0, MANY[1])),
        'prepend': _number(told, 'prepend', 0, PREPEND),
        'graceful_restart': str(told.get('graceful_restart', False)).lower() in ('true', 'yes', 'on', '1'),
        'hold_time': hold_time,
        'keepalive': hold_time // 3,
    }


def _required(told: Mapping[str, Any], option: str) -> Any:
    if option not in told:
        raise InputError(f'peer_{option}', 'is needed.')
    return told[option]


def _text(option: str, text: Text, value: Any) -> str:
    """The value as it stands in the configuration. The refusal doesn't quote it: it may be a secret."""
    if not re.fullmatch(text.pattern, str(value)):
        raise InputError(f'peer_{option}', 'what is given can not be written in the configuration of this platform.', text.allowed)
    return f'{text.quotes}{value}{text.quotes}'


def _number(told: Mapping[str, Any], option: str, default: int | None, limits: tuple[int, int]) -> int | None:
    """A whole number; as text too, as surveys send it."""
    value = told.get(option, default)
    if value is None:
        return None
    if not re.fullmatch(r'\d{1,10}', str(value)) or not limits[0] <= int(value) <= limits[1]:
        raise InputError(f'peer_{option}', f'{value!r} is not possible.', f'{limits[0]} to {limits[1]}')
    return int(value)


def _checked(option: str, check: Callable[[Any, values.Warn], Any], value: Any) -> Any:
    """The canonical value. What only draws a warning elsewhere is refused in a router's configuration."""
    try:
        return check(value, _refuse)
    except (TypeError, ValueError) as error:
        raise InputError(option, f'{value!r} is not possible.', str(error)) from None


def _refuse(problem: str) -> None:
    raise ValueError(f'prefixes without host bits ({problem})')


def _ends(cni: Mapping[str, Any]) -> dict[str, Any]:
    """Both addresses. In check mode a CNI that is still to be made has none."""
    if UNKNOWN in (cni.get('cust_ip'), cni.get('p2p_ip')):
        return {'customer_address': UNKNOWN, 'cloudflare_address': UNKNOWN, 'prefix_length': 31}
    customer, cloudflare = (IPv4Interface(_checked(option, values.address, cni.get(option))) for option in ('cust_ip', 'p2p_ip'))
    return {'customer_address': str(customer.ip), 'cloudflare_address': str(cloudflare.ip), 'prefix_length': customer.network.prefixlen}


def _numbers(customer: Any, cloudflare: Any) -> dict[str, int]:
    own, other = _checked('customer_asn', values.asn, customer), _checked('default_asn', values.asn, cloudflare)
    if own == other:
        raise InputError('peer_name', f'both ends have the AS number {own}, and the session is an external one.')
    return {'customer_asn': own, 'cloudflare_asn': other}


def _key(text: Text, at_cloudflare: Any, own: Any) -> dict[str, str]:
    """The MD5 key as it stands in the configuration, and what stands in its place where it must not be read; both empty without one."""
    if at_cloudflare and not own:
        raise InputError('peer_md5_key', 'the CNI has a key, and none is given.')
    if own and not at_cloudflare:
        raise InputError('peer_md5_key', 'the CNI has no key: give it one with provision_bgp.md5_key.')
    return {'key': _text('md5_key', text, own) if own else '', 'hidden_key': f'{text.quotes}{HIDDEN}{text.quotes}' if own else ''}


def _prefixes(announce: Any, accept: Any, by_cloudflare: Sequence[str]) -> dict[str, list[str]]:
    """What goes out and what may come in, in the order of the addresses, as the API keeps none."""
    out, into = _list('announce', announce), _list('accept', by_cloudflare if accept is None else accept)
    if EVERYTHING in out:
        raise InputError('peer_announce', f'{EVERYTHING} would announce everything.', 'the prefixes that are behind this router')
    if both := [prefix for prefix in out if prefix in into]:
        raise InputError('peer_accept', f'{", ".join(both)} is in peer_announce too: it would be a loop.')
    return {'announce': out, 'accept': into}


def _list(option: str, value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InputError(f'peer_{option}', f'{value!r} is not possible.', 'a list of IPv4 prefixes such as [192.0.2.0/24]')
    return sorted(_checked(f'peer_{option}', values.prefixes, value), key=IPv4Network)
