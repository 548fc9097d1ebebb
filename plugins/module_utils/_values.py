# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a value may be, and when two of them are the same.

A check takes what the user wrote and a warn function, returns the canonical value, or raises ValueError saying what is allowed.
A normal form is for comparing only; it is idempotent and passes on what it doesn't know.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Container
from datetime import datetime, timezone
from math import inf
from typing import Any
from urllib.parse import urlsplit

Warn = Callable[[str], None]

TIME_FORMAT = '%Y-%m-%dT%H:%M:%SZ'  # UTC, as the API has times
MTU = (576, 1500)  # bytes; source: Cloudflare's product documentation
DEFAULT_MTU = MTU[1]  # of a new CNI
LEAST_USUAL_MTU = 1280  # bytes: what IPv6 needs
ASN = (1, 4294967295)
RESERVED_ASNS = {23456: 'RFC 6793', 65535: 'RFC 7300', 4294967295: 'RFC 7300'}
PRIORITY = (0, 2147483647)  # of a route: the lower wins
WEIGHT = (1, 256)  # of a route; source: the types of the SDK
PAIRING_KEY = re.compile(r'[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}/[^/\s]+/[^/\s]+')
UUID = re.compile(r'[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}')
SPEED = re.compile(r'(\d+(?:\.\d+)?)([MG])')
# The sources that a health check may have; source: the types of the SDK.
SOURCES = ('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.240.0/20', '198.41.199.224/27')
A_SOURCE = f'an IPv4 address of RFC 1918, {SOURCES[-2]} or {SOURCES[-1]}'
TARGET = re.compile(r'(?P<prefix>[^{+]+?)(?P<suffix>\{(?P<least>\d+)(?:,(?P<most>\d+))?\}|\+|)')  # of a BGP filter profile
A_TARGET = 'prefixes such as 10.0.0.0/8, with {16,24}, {24} or + behind them for the lengths that match'
ID = re.compile(r'[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}')  # of an object that Cloudflare names, with dashes or without
MAX_LOA_NAME = 200  # characters; source: the contract's maxLength


def unchanged(value: Any) -> Any:
    """The normal form of a value that can be written in only one way."""
    return value


def unchecked(value: Any, warn: Warn) -> Any:
    """The check of a value that only the API can judge."""
    return value


def normal_empty(value: Any) -> Any:
    """Empty text is as none: the API may show either where a value was cleared."""
    return None if value == '' else value


def casefolded(value: Any) -> Any:
    """Text without regard to case."""
    return value.casefold() if isinstance(value, str) else value


def _integer_check(low: int, high: float, what: str) -> Callable[[Any, Warn], int]:
    allowed = f'{what} of {low} or more' if high == inf else f'{what} from {low} to {high}'

    def check(value: Any, warn: Warn) -> int:
        if not re.fullmatch(r'-?\d+', str(value)) or not low <= int(value) <= high:
            raise ValueError(allowed)
        return int(value)
    return check


def _mtu_check(high: float) -> Callable[[Any, Warn], int]:
    check = _integer_check(MTU[0], high, 'an MTU')

    def check_mtu(value: Any, warn: Warn) -> int:
        """Warns of an MTU that was probably written with a leading zero: YAML has made 832 of 01500, and nobody sees that."""
        mtu = check(value, warn)
        written = f'{mtu:o}'
        if LEAST_USUAL_MTU <= int(written) <= MTU[1]:
            warn(f'{mtu} is used. If you wrote 0{written}: YAML reads a leading zero as octal. Write {written} then.')
        return mtu
    return check_mtu


check_mtu = _mtu_check(MTU[1])
check_tunnel_mtu = _mtu_check(inf)  # no source gives the largest of a tunnel
_check_asn_range = _integer_check(*ASN, 'an AS number in asplain')
check_priority = _integer_check(*PRIORITY, 'a priority')
check_weight = _integer_check(*WEIGHT, 'a weight')


def check_asn(value: Any, warn: Warn) -> int:
    """An AS number. Warns of one that no router can have, such as 23456, which old routers show in place of a large one."""
    asn = _check_asn_range(value, warn)
    if asn in RESERVED_ASNS:
        warn(f'{asn} is reserved by {RESERVED_ASNS[asn]}: no router has it.')
    return asn


def check_uuid(value: Any, warn: Warn) -> str:
    """The id of a slot or a CNI, in lower case as the API writes it."""
    if not UUID.fullmatch(str(value)):
        raise ValueError('a UUID such as 8c1f1b2e-6d0a-4b53-9a55-0f6f1c2d3e4f')
    return str(value).lower()


def check_address(value: Any, warn: Warn) -> str:
    """An address of the point-to-point link, A.B.C.D/N."""
    try:
        if '/' not in str(value):
            raise ValueError
        return str(ipaddress.IPv4Interface(str(value)))
    except ValueError:
        raise ValueError('an IPv4 address with its prefix length, such as 172.31.0.1/31') from None


def check_interface_address(value: Any, warn: Warn) -> str:
    """The address of a tunnel (source of the prefix lengths: the types of the SDK; which of them goes depends on the tunnel)."""
    if not str(value).endswith(('/30', '/31')):
        raise ValueError('an IPv4 address with the prefix length 31, or 30 for some tunnels, such as 10.0.0.0/31')
    return check_address(value, warn)


def check_link(customer_end: str, cloudflare_end: str) -> None:
    """Raises ValueError unless the two are different addresses of one prefix."""
    addresses = [ipaddress.IPv4Interface(address) for address in (customer_end, cloudflare_end)]
    if addresses[0].network != addresses[1].network or addresses[0].ip == addresses[1].ip:
        raise ValueError('two different addresses of one prefix, such as 172.31.0.1/31 and 172.31.0.0/31')


def check_prefix(value: Any, warn: Warn) -> str:
    """An IPv4 prefix; host bits are cleared with a warning, and an address without a length is one of 32 bits, with a warning."""
    try:
        network = str(ipaddress.IPv4Network(str(value), strict=False))
    except ValueError:
        raise ValueError('IPv4 prefixes such as 192.0.2.0/24') from None
    address, slash, _length = str(value).partition('/')
    if network.partition('/')[0] != address:
        warn(f'{value} has host bits set; {network} is used.')
    elif not slash:
        warn(f'{value} has no prefix length; {network} is used.')
    return network


def check_prefixes(value: Any, warn: Warn) -> list[str]:
    """IPv4 prefixes, each once, in the order given."""
    return list(dict.fromkeys(check_prefix(text, warn) for text in value))


def normal_prefixes(value: Any) -> Any:
    """Prefixes as a set: neither the order nor the way of writing matters."""
    if not isinstance(value, (list, tuple)):
        return value
    return frozenset(str(normal_prefix(item)) for item in value)


def normal_prefix(value: Any) -> Any:
    """A prefix in its shortest form without host bits, or what it is."""
    try:
        return str(ipaddress.ip_network(str(value), strict=False))
    except ValueError:
        return value


def normal_address(value: Any) -> Any:
    """An address in its shortest form, or as it is."""
    try:
        return str(ipaddress.ip_interface(value))
    except ValueError:
        return value


def check_next_hop(value: Any, warn: Warn) -> str:
    """The address of a next hop; that of a CNI comes with a prefix length, which is left out."""
    try:
        return str(ipaddress.IPv4Interface(str(value)).ip)
    except ValueError:
        raise ValueError('an IPv4 address such as 172.31.0.1') from None


def normal_next_hop(value: Any) -> Any:
    """An address without a prefix length, or what it is."""
    try:
        return str(ipaddress.ip_interface(value).ip)
    except ValueError:
        return value


def check_source(value: Any, warn: Warn) -> str:
    """The address that health checks in both directions come from (source: the types of the SDK)."""
    try:
        address = ipaddress.IPv4Address(str(value))
    except ValueError:
        raise ValueError(A_SOURCE) from None
    if not any(address in ipaddress.IPv4Network(prefix) for prefix in SOURCES):
        raise ValueError(A_SOURCE)
    return str(address)


def check_targets(value: Any, warn: Warn) -> list[str]:
    """Prefixes with the lengths that match, each once, in the order given; host bits are cleared with a warning."""
    targets: dict[Any, str] = {}
    for text in value:
        prefix, least, most, suffix = _parsed_target(text)
        target = f'{prefix.network}{suffix}'
        if prefix.ip != prefix.network.network_address:
            warn(f'{text} has host bits set; {target} is used.')
        targets.setdefault((prefix.network, least, most), target)
    return list(targets.values())


def normal_targets(value: Any) -> Any:
    """Targets as a set: neither the order nor the way of writing matters."""
    if not isinstance(value, (list, tuple)):
        return value
    return frozenset(map(_normal_target, value))


def _normal_target(text: Any) -> Any:
    try:
        prefix, least, most, _suffix = _parsed_target(text)
    except ValueError:
        return text
    return prefix.network, least, most


def _parsed_target(text: Any) -> tuple[Any, int, int, str]:
    """The prefix, the least and the most length that match, and how that was written (source: the types of the SDK). Raises ValueError."""
    match = TARGET.fullmatch(str(text).replace(' ', ''))
    try:
        prefix = ipaddress.ip_interface(match['prefix'] if match else '')
    except ValueError:
        raise ValueError(A_TARGET) from None
    shortest, longest = prefix.network.prefixlen, prefix.max_prefixlen
    least = int(match['least'] or shortest)
    most = int(match['most'] or (longest if match['suffix'] == '+' else least))
    if not shortest <= least <= most <= longest:
        raise ValueError(f'lengths from {shortest} to {longest} behind {prefix.network}, the smaller one first')
    return prefix, least, most, match['suffix']


def check_scope(value: dict[str, Any], warn: Warn) -> dict[str, list[str]]:
    """Where a route counts: lists of names, each name once. What is empty is left out."""
    return {part: list(dict.fromkeys(names)) for part, names in value.items() if names}


def normal_scope(value: Any) -> Any:
    """A scope as a set of names. One without names is as none."""
    if value is None:
        return frozenset()
    if not isinstance(value, dict):
        return value
    return frozenset((part, str(name)) for part, names in value.items() for name in names or ())


def sort_key_of_route(route: dict[str, Any]) -> tuple[Any, ...]:
    """Routes by prefix as networks go, then by priority and next hop; what is no prefix comes last."""
    try:
        network = ipaddress.ip_network(route.get('prefix'))
        place = (0, int(network.network_address), network.prefixlen)
    except ValueError:
        place = (1, 0, 0)
    return (*place, str(route.get('prefix')), route.get('priority') or 0, str(route.get('nexthop')), str(route.get('id')))


def check_webhook_url(value: Any, warn: Warn) -> str:
    """The address that alerts are posted to."""
    parts = urlsplit(str(value))
    if parts.scheme not in ('http', 'https') or not parts.hostname:
        raise ValueError('an address such as https://noc.example.com/alerts')
    if parts.scheme == 'http':
        warn('alerts and the secret are sent unencrypted: use https.')
    return str(value)


def check_destinations(value: Any, warn: Warn) -> list[dict[str, str]]:
    """Where alerts go, as the API has it: [{id}], each once."""
    return [{'id': name} for name in dict.fromkeys(map(str, value))]


def normal_destinations(value: Any) -> Any:
    """Destinations as a set of ids, which the API writes with dashes and without. None is as empty: answers leave empty lists out."""
    if value is None:
        return frozenset()
    if not isinstance(value, list):
        return value
    return frozenset(normal_uuid(item.get('id')) if isinstance(item, dict) else repr(item) for item in value)


def check_filter(value: Any, warn: Warn) -> list[str]:
    """The values of a filter, as texts."""
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, (dict, list, bool)) or item is None for item in items):
        raise ValueError('a list of texts')
    return list(dict.fromkeys(map(str, items)))


def normal_filter(value: Any) -> Any:
    """The values of a filter as a set; 98 and 98.0 are the same. None is as empty."""
    if value is None:
        return frozenset()
    if not isinstance(value, list):
        return value
    return frozenset(re.sub(r'^(\d+)\.0+$|^(\d+\.\d*[1-9])0+$', r'\1\2', str(item)) for item in value)


def parsed_time(value: Any) -> datetime | None:
    """A timestamp of RFC 3339, or a day, which begins at midnight UTC; None for what is none."""
    try:
        time = datetime.fromisoformat(re.sub(r'[zZ]$', '+00:00', re.sub(r'\.(\d{1,6})\d*', _six_digits, str(value))))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _six_digits(match: re.Match[str]) -> str:
    """The fraction of a second as Python 3.10 reads it."""
    return f'.{match[1]:0<6}'


def check_time(value: Any, warn: Warn) -> str:
    """A point in time, as the API takes it."""
    time = parsed_time(value)
    if time is None:
        raise ValueError('a timestamp such as 2026-11-02T09:30:00Z, or a day such as 2026-11-02, which begins at midnight UTC')
    return time.isoformat().replace('+00:00', 'Z')


def check_md5_key(value: Any, warn: Warn) -> str:
    """A BGP MD5 key: printable ASCII without the double quote and the question mark (source: the API reference)."""
    if not value or not all(' ' <= sign <= '~' and sign not in '"?' for sign in value):
        raise ValueError('one or more printable ASCII characters, except " and ?')
    return value


def check_pairing_key(value: Any, warn: Warn) -> str:
    """The key that GCP issues for one VLAN attachment."""
    if not PAIRING_KEY.fullmatch(value):
        raise ValueError('uuid/region/availability-domain, as GCP shows it')
    return value


def pairing_region(key: str) -> str:
    """The GCP region that a pairing key names."""
    return key.split('/')[1]


def check_loa_name(value: str, warn: Warn) -> str:
    """The name that an LOA is made out to."""
    if len(value) > MAX_LOA_NAME:
        raise ValueError(f'at most {MAX_LOA_NAME} characters, not {len(value)}')
    return value


def normal_uuid(value: Any) -> Any:
    """A UUID without dashes and case: the Magic API drops both."""
    return value.replace('-', '').casefold() if isinstance(value, str) else value


def megabits_of(value: Any) -> float | None:
    """A speed or bandwidth such as 500M or 10G in Mbit/s, None for what is none."""
    found = SPEED.fullmatch(str(value))
    return float(found[1]) * (1000 if found[2] == 'G' else 1) if found else None


SYNONYMS = {'medium': 'mid', 'active': 'Healthy'}


def check_synonym(value: Any, warn: Warn) -> Any:
    """Today's word of the API for an older one."""
    return SYNONYMS.get(value, value)


TEMPLATE_MARKS = ('{', '#jinja2:')  # one brace is enough: two texts that are joined may make a mark


def is_template(value: Any) -> bool:
    """Whether Ansible could take the value, or something in it, for a template."""
    if isinstance(value, dict):
        return any(map(is_template, (*value, *value.values())))
    if isinstance(value, list):
        return any(map(is_template, value))
    return isinstance(value, str) and any(mark in value for mark in TEMPLATE_MARKS)


def host_name(name: str, reserved: Container[str] = ()) -> str:
    """A name of the API as the name of a host: percent-encoded where it could be taken for a file, a template or a reserved name.

    No two names become the same. An ordinary name stays as it is.
    """
    first = name[0] if name in reserved or name in ('.', '..') or name.startswith('#jinja2:') else ''
    remainder = name[len(first):]
    return _percent_encoded(first) + ''.join(_percent_encoded(sign) if sign in '%/\\{}' or not sign.isprintable() else sign
                                             for sign in remainder)


def _percent_encoded(text: str) -> str:
    return ''.join(f'%{byte:02X}' for byte in text.encode('utf-8', 'surrogatepass'))
