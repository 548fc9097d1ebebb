# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer's side of a circuit: its link, its static routes and its BGP session, checked for the router that they are meant for.

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
POSITIVE = (1, 2**32 - 1)
LIMITS = {  # of the options that are whole numbers
    'max_prefixes': POSITIVE,
    'local_preference': (0, POSITIVE[1]),
    'prepend': (0, 10),
    'allowas_in': (0, 9),
    'maximum_paths': (1, 32),
    'static_distance': (1, 200),  # BIRD, where more is better, has 201 less this
    'track': (1, 500),
    'mss': (500, 1460),
}
TCP_HEADERS = 40  # bytes, of IPv4 and TCP: what an MTU has more than an MSS
FULL_MTU = 1500

# {priority of the routes at Cloudflare: community}; source: Cloudflare's product documentation. Without one it is 100.
COMMUNITIES = {
    10: '13335:60010', 50: '13335:60050', 150: '13335:60150', 200: '13335:60200', 501000: '13335:60901', 1001000: '13335:60902',
}
ABSENT = 'absent'
NO_SESSION = {'key': '', 'hidden_key': '', 'router_id': '', 'announce': (), 'discard_routes': ()}


class Text(NamedTuple):
    """Free text in a configuration. pattern: what the router accepts; allowed: the same in words; quotes: what encloses it."""

    pattern: str
    allowed: str
    quotes: str = ''


class Platform(NamedTuple):
    """A router. key: an MD5 key, None where there is no BGP; hold_time: the lowest that it accepts, in seconds.

    lacks: {option: why it is not to be had}; commands: {what is to be seen of a circuit: how}, see below; extension: of its file.
    """

    key: Text | None
    description: Text
    interface: Text
    commands: Mapping[str, str]
    lacks: Mapping[str, str]
    vrf: Text
    hold_time: int = 3
    extension: str = 'conf'


# FRR takes a key as a word, BIRD as a string without escapes: tests bring up sessions with such keys.
# For the others there is only the vendor's documentation: a key with a character that starts a comment, a quote or a pipe is refused.
WORD_TEXT = Text(rf'[A-Za-z0-9._:/+@=,-]{{1,{MAX_KEY_LENGTH}}}', f'1 to {MAX_KEY_LENGTH} letters, digits and . _ : / + @ = , -')
LINE_TEXT = Text(r"[A-Za-z0-9 .,:/_()+@=&'*-]{0,80}", "80 letters, digits, spaces and . , : / _ ( ) + @ = & ' * - at most")
QUOTED_TEXT = Text(r'[ !#-~]{0,80}', '80 printable ASCII characters except " at most', '"')
LINUX_INTERFACE = Text(r'[A-Za-z0-9][A-Za-z0-9_.-]{0,14}', 'an interface of Linux, such as eth1')
VRF_TEXT = Text(r'[A-Za-z0-9_.-]{1,31}', '1 to 31 letters, digits and _ . -')
LINUX_VRF = Text(LINUX_INTERFACE.pattern, 'a VRF of Linux, such as blue')
# The names of policies, protocols and files, on each platform.
LABEL_TEXT = Text(r'[A-Za-z0-9_-]{1,32}', '1 to 32 letters, digits, _ and -')
PREFIX_TEXT = Text(r'[A-Za-z][A-Za-z0-9_-]{0,15}', 'a letter and at most 15 letters, digits, _ and -')
ACL_TEXT = Text(r'[A-Za-z0-9_.-]{1,63}', '1 to 63 letters, digits and _ . -')


def _cisco_interface(example: str) -> Text:
    return Text(r'[A-Za-z-]+\d+(/\d+)*', f'an interface without a VLAN, such as {example}')


NO_TRACKING = 'this platform does not track static routes. The route is withdrawn when its interface goes down.'
NO_ACL = 'this platform has no access lists on interfaces. Filter with nftables.'
NO_MSS = 'this platform does not clamp the MSS on an interface.'
LINUX_LACKS = {'track': NO_TRACKING, 'acl_in': NO_ACL, 'acl_out': NO_ACL}

# In commands {interface}, {customer}, {cloudflare}, {name} and {track} are as in the session. {prefix} is one that is routed to Cloudflare,
# {mask} the same as IOS-XE writes it, {mtu} and {payload} the bytes of an echo request with and without its headers. The words of VRF_WORDS
# are empty where there is no VRF.
VRF_WORDS = {
    'vrf': ' vrf {}', 'vpn': ' vpnv4 vrf {}', 'instance': ' routing-instance {}', 'table': ' table {}.inet.0', 'exec': 'ip vrf exec {} ',
}
ECHO_HEADERS = 28  # bytes, of IPv4 and ICMP
LINUX = {
    'light': 'ethtool -m {interface}',
    'interface': 'ip -s link show dev {interface}',
    'address': 'ip address show dev {interface}',
    'own_ping': '{exec}ping -c 5 {customer}',
    'ping': '{exec}ping -c 5 -I {customer} {cloudflare}',
    'full_ping': '{exec}ping -c 5 -M do -s {payload} -I {customer} {cloudflare}',
    'route': 'ip route show{vrf} {prefix}',
}
CISCO = {
    'light': 'show interfaces {interface} transceiver',
    'interface': 'show interfaces {interface}',
    'address': 'show ip interface {interface}',
    'own_ping': 'ping{vrf} {customer}',
    'ping': 'ping{vrf} {cloudflare} source {customer}',
    'full_ping': 'ping{vrf} {cloudflare} source {customer} size {mtu} df-bit',
    'session': 'show ip bgp{vpn} neighbors {cloudflare}',
    'received': 'show ip bgp{vpn} neighbors {cloudflare} routes',
    'announced': 'show ip bgp{vpn} neighbors {cloudflare} advertised-routes',
    'route': 'show ip route{vrf} {prefix}',
    'track': 'show track {track}',
}
PLATFORMS = {
    'frr': Platform(
        key=Text(rf'[!-~]{{1,{MAX_KEY_LENGTH}}}', f'1 to {MAX_KEY_LENGTH} characters without a space'), description=LINE_TEXT,
        interface=LINUX_INTERFACE, vrf=LINUX_VRF, lacks=LINUX_LACKS, commands={
            **LINUX,
            'session': 'vtysh -c "show bgp{vrf} neighbors {cloudflare}"',
            'received': 'vtysh -c "show bgp{vrf} ipv4 unicast neighbors {cloudflare} routes"',
            'announced': 'vtysh -c "show bgp{vrf} ipv4 unicast neighbors {cloudflare} advertised-routes"',
        },
    ),
    'bird': Platform(
        key=Text(rf'[ !#-~]{{1,{MAX_KEY_LENGTH}}}', f'1 to {MAX_KEY_LENGTH} characters', '"'), description=QUOTED_TEXT,
        interface=LINUX_INTERFACE, vrf=LINUX_VRF,
        lacks={**LINUX_LACKS, 'maximum_paths': 'BIRD shares the load with "merge paths on" in the kernel protocol of bird.conf.'},
        commands={
            **LINUX,
            'session': '''birdc "show protocols all '{name}'"''',
            'received': '''birdc "show route protocol '{name}'"''',
            'announced': '''birdc "show route export '{name}'"''',
        },
    ),
    'junos': Platform(
        key=Text(r'(?!\$[0-9]\$)[ !#-\[\]-~]{1,126}', r'1 to 126 characters except \, and not the $9$ of an encrypted one', '"'),
        description=Text(r'[ !#-\[\]-~]{0,80}', r'80 printable ASCII characters except " and \ at most', '"'),
        interface=Text(r'[a-z]+-?\d+(/\d+){0,2}(:\d+)?', 'a physical or aggregated interface such as xe-0/0/0 or ae1, without a unit'),
        vrf=VRF_TEXT, hold_time=20, lacks={'track': NO_TRACKING},
        commands={
            'light': 'show interfaces diagnostics optics {interface}',
            'interface': 'show interfaces {interface} extensive',
            'address': 'show interfaces terse {interface}.0',
            'own_ping': 'ping {customer}{instance} count 5',
            'ping': 'ping {cloudflare} source {customer}{instance} count 5',
            'full_ping': 'ping {cloudflare} source {customer}{instance} size {payload} do-not-fragment count 5',
            'session': 'show bgp neighbor {cloudflare}',
            'received': 'show route receive-protocol bgp {cloudflare}',
            'announced': 'show route advertising-protocol bgp {cloudflare}',
            'route': 'show route {prefix} exact{table}',
        },
    ),
    'iosxr': Platform(
        key=WORD_TEXT, description=LINE_TEXT, vrf=VRF_TEXT,
        interface=Text(r'[A-Za-z-]+\d+(/[A-Z0-9]+)*', 'an interface without a VLAN, such as TenGigE0/0/0/1 or Bundle-Ether1'),
        lacks={'mss': 'IOS XR adjusts the MSS with hw-module, for a whole network processor.'},
        commands={
            'light': 'show controllers {interface} phy',
            'interface': 'show interfaces {interface}',
            'address': 'show ipv4{vrf} interface {interface}',
            'own_ping': 'ping{vrf} {customer}',
            'ping': 'ping{vrf} {cloudflare} source {customer}',
            'full_ping': 'ping{vrf} {cloudflare} source {customer} size {mtu} donotfrag',
            'session': 'show bgp{vrf} neighbors {cloudflare}',
            'received': 'show bgp{vrf} neighbors {cloudflare} routes',
            'announced': 'show bgp{vrf} neighbors {cloudflare} advertised-routes',
            'route': 'show route{vrf} ipv4 {prefix}',
            'track': 'show track CNI-{track}',
        },
    ),
    'eos': Platform(
        key=WORD_TEXT, description=LINE_TEXT, interface=_cisco_interface('Ethernet1/1 or Port-Channel1'), vrf=VRF_TEXT,
        lacks={'track': NO_TRACKING},
        commands={
            **CISCO,
            'session': 'show ip bgp neighbors {cloudflare}{vrf}',
            'received': 'show ip bgp neighbors {cloudflare} routes{vrf}',
            'announced': 'show ip bgp neighbors {cloudflare} advertised-routes{vrf}',
        },
    ),
    'iosxe': Platform(
        key=WORD_TEXT, description=LINE_TEXT, interface=_cisco_interface('TenGigabitEthernet0/0/1 or Port-channel1'), vrf=VRF_TEXT,
        lacks={},
        commands={
            **CISCO, 'route': 'show ip route{vrf} {mask}',
        },
    ),
    'nxos': Platform(
        key=WORD_TEXT, description=LINE_TEXT, interface=_cisco_interface('Ethernet1/1 or port-channel1'), vrf=VRF_TEXT,
        lacks={'mss': NO_MSS, 'graceful_restart': 'on NX-OS it is a setting of the whole router, on by default.'},
        commands={
            **CISCO,
            'light': 'show interface {interface} transceiver details',
            'interface': 'show interface {interface}',
            'own_ping': 'ping {customer}{vrf}',
            'ping': 'ping {cloudflare} source {customer}{vrf}',
            'full_ping': 'ping {cloudflare} source {customer} packet-size {payload} df-bit{vrf}',
            'session': 'show ip bgp neighbors {cloudflare}{vrf}',
            'received': 'show ip bgp neighbors {cloudflare} routes{vrf}',
            'announced': 'show ip bgp neighbors {cloudflare} advertised-routes{vrf}',
            'route': 'show ip route {prefix}{vrf}',
        },
    ),
    **{name: Platform(key=None, description=LINE_TEXT, interface=LINUX_INTERFACE, vrf=LINUX_VRF, lacks=LINUX_LACKS, commands=LINUX,
                      extension=extension) for name, extension in (('iproute2', 'sh'), ('networkd', 'network'))},
}


def session_model(cni: Mapping[str, Any], cloudflare_asn: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The circuit as the templates take it. options: the role's variables without peer_; None and '' are not set.

    Raises InputError for what is missing, impossible, or can't be written in the configuration of options['platform'].
    """
    variables = {name: value for name, value in options.items() if value not in (None, '')}
    name = _required(variables, 'platform')
    if name not in PLATFORMS:
        raise InputError('peer_platform', f'{name!r} is not valid.', ', '.join(PLATFORMS))
    platform, bgp = PLATFORMS[name], cni.get('bgp') or {}
    _check_platform(name, platform, variables, bool(bgp))
    session = {
        'platform': name,
        'extension': platform.extension,
        'state': _one_of(variables, 'state', 'present', ('present', ABSENT)),
        **_names(platform, cni.get('magic') or {}, variables),
        **_link(platform, cni, variables),
        **_static_routes(variables, bool(bgp)),
        'bgp': bool(bgp),
        **NO_SESSION,
    }
    if bgp:
        session |= _bgp_session(platform, bgp, cloudflare_asn, session, variables)
    session['masks'] = _masks(session)
    return session | {'commands': _commands(platform, session)}


def _check_platform(name: str, platform: Platform, variables: Mapping[str, Any], bgp: bool) -> None:
    """Refuses what the platform doesn't have."""
    if bgp and not platform.key:
        raise InputError('peer_platform', f'{name} has no BGP, but the CNI of this circuit has a session: use frr or bird.')
    for option, reason in platform.lacks.items():
        if _is_on(variables.get(option, False)):
            raise InputError(f'peer_{option}', f'is not supported with {name}: {reason}')


def _is_on(value: Any) -> bool:
    """Whether an option asks for something; as text too, as surveys send it."""
    return str(value).lower() not in ('false', 'no', 'off', '0')


def _required(variables: Mapping[str, Any], option: str, why: str = '') -> Any:
    if option not in variables:
        raise InputError(f'peer_{option}', f'is required{why}.')
    return variables[option]


def _configuration_text(option: str, text: Text, value: Any) -> str:
    """The value as it stands in the configuration. The refusal doesn't quote it: it may be a secret."""
    if not re.fullmatch(text.pattern, str(value)):
        raise InputError(f'peer_{option}', 'the value cannot be represented in the configuration of this platform.', text.allowed)
    return f'{text.quotes}{value}{text.quotes}'


def _optional_text(variables: Mapping[str, Any], option: str, text: Text) -> str:
    return _configuration_text(option, text, variables[option]) if option in variables else ''


def _whole_number(variables: Mapping[str, Any], option: str, default: int | None = None,
                  limits: tuple[int, int] | None = None) -> int | None:
    """A whole number; as text too, as surveys send it."""
    lowest, highest = limits or LIMITS[option]
    value = variables.get(option, default)
    if value is None:
        return None
    if not re.fullmatch(r'\d{1,10}', str(value)) or not lowest <= int(value) <= highest:
        raise InputError(f'peer_{option}', f'{value!r} is not valid.', f'{lowest} to {highest}')
    return int(value)


def _one_of(variables: Mapping[str, Any], option: str, default: str, allowed: Sequence[str]) -> str:
    value = str(variables.get(option, default))
    if value not in allowed:
        raise InputError(f'peer_{option}', f'{value!r} is not valid.', ', '.join(filter(None, allowed)))
    return value


def _checked_value(option: str, check: Callable[[Any, values.Warn], Any], value: Any) -> Any:
    """The canonical value. What is only a warning elsewhere is refused in a router's configuration."""
    try:
        return check(value, _refuse_warning)
    except (TypeError, ValueError) as error:
        raise InputError(option, f'{value!r} is not valid.', str(error)) from None


def _refuse_warning(problem: str) -> None:
    raise ValueError(f'prefixes without host bits ({problem})')


# The link.

def _names(platform: Platform, magic: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, str]:
    label = _configuration_text('label', LABEL_TEXT, variables.get('label', magic.get('conduit_name')))
    description = ' '.join(str(variables.get('description', magic.get('description') or '')).split())
    return {
        'label': label,
        'name': f'{_optional_text(variables, "policy_prefix", PREFIX_TEXT) or "CNI-"}{label}',
        'description': _configuration_text('description', platform.description, description) if description else '',
    }


def _link(platform: Platform, cni: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    mtu = _checked_value('mtu', values.check_mtu, (cni.get('magic') or {}).get('mtu'))
    return {
        'interface': _configuration_text('interface', platform.interface, _required(variables, 'interface')),
        'vrf': _optional_text(variables, 'vrf', platform.vrf),
        'acl_in': _optional_text(variables, 'acl_in', ACL_TEXT),
        'acl_out': _optional_text(variables, 'acl_out', ACL_TEXT),
        'mtu': mtu,
        'mss': _mss(platform, mtu, variables),
        **_addresses(cni),
    }


def _mss(platform: Platform, mtu: int, variables: Mapping[str, Any]) -> int | None:
    """Bytes that a TCP segment may have, where they are fewer than hosts take them to be."""
    if not _is_on(variables.get('mss', True)):
        return None
    clamped = mtu < FULL_MTU and 'mss' not in platform.lacks
    return _whole_number(variables, 'mss', mtu - TCP_HEADERS if clamped else None)


def _addresses(cni: Mapping[str, Any]) -> dict[str, Any]:
    """Both addresses. In check mode a CNI that is not created yet has none."""
    if UNKNOWN in (cni.get('cust_ip'), cni.get('p2p_ip')):
        return {'customer_address': UNKNOWN, 'cloudflare_address': UNKNOWN, 'prefix_length': 31}
    customer, cloudflare = (IPv4Interface(_checked_value(option, values.check_address, cni.get(option)))
                            for option in ('cust_ip', 'p2p_ip'))
    return {'customer_address': str(customer.ip), 'cloudflare_address': str(cloudflare.ip), 'prefix_length': customer.network.prefixlen}


def _masks(session: Mapping[str, Any]) -> dict[str | int, str]:
    """{prefix, or length of one: how IOS-XE writes it}."""
    prefixes = [*session['static_prefixes'], *session['announce']]
    length = session['prefix_length']
    return {prefix: IPv4Network(prefix).with_netmask.replace('/', ' ') for prefix in prefixes} | {
        length: str(IPv4Network(f'0.0.0.0/{length}').netmask),
    }


# Static routes.

def _static_routes(variables: Mapping[str, Any], bgp: bool) -> dict[str, Any]:
    """What is routed to Cloudflare statically. Without BGP it is all that is to be reached there, so it has to be said."""
    if not bgp:
        _required(variables, 'static_prefixes', ': the CNI of this circuit has no BGP session, so list the prefixes to route to Cloudflare '
                  'statically. An empty list routes nothing')
    return {
        'static_prefixes': _sorted_prefixes('static_prefixes', variables.get('static_prefixes', [])),
        'static_distance': _whole_number(variables, 'static_distance'),
        'track': _whole_number(variables, 'track'),
    }


# BGP.

def _bgp_session(platform: Platform, bgp: Mapping[str, Any], cloudflare_asn: Any, session: Mapping[str, Any],
                 variables: Mapping[str, Any]) -> dict[str, Any]:
    hold_time = _whole_number(variables, 'hold_time', HOLD_TIME, (platform.hold_time, HOLD_TIME))
    absent = session['state'] == ABSENT
    priority = _one_of(variables, 'route_priority', '', ('', *map(str, COMMUNITIES)))
    return {
        **_as_numbers(bgp.get('customer_asn'), cloudflare_asn, variables.get('router_asn')),
        'router_id': _router_id(variables.get('router_id')),
        **({} if absent else _md5_keys(platform.key, bgp.get('md5_key'), variables.get('md5_key'))),
        **_prefix_lists(variables if not absent else {'announce': [], **variables}, bgp.get('extra_prefixes') or [DEFAULT_ROUTE], session),
        'max_prefixes': _whole_number(variables, 'max_prefixes', 1000),
        'maximum_paths': _whole_number(variables, 'maximum_paths'),
        'local_preference': _whole_number(variables, 'local_preference'),
        'prepend': _whole_number(variables, 'prepend', 0),
        'community': COMMUNITIES[int(priority)] if priority else '',
        'allowas_in': _whole_number(variables, 'allowas_in', 0),
        'graceful_restart': _is_on(variables.get('graceful_restart', False)),
        'hold_time': hold_time,
        'keepalive': hold_time // 3,
    }


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
        raise InputError('peer_router_id', f'{value!r} is not valid.', f'an IPv4 address ({error})') from None


def _md5_keys(text: Text, cloudflare_key: Any, given_key: Any) -> dict[str, str]:
    """The MD5 key as it stands in the configuration, and what replaces it where it must not be read; both empty without one."""
    if cloudflare_key and not given_key:
        raise InputError('peer_md5_key', 'the CNI has an MD5 key: set the same key here.')
    if given_key and not cloudflare_key:
        raise InputError('peer_md5_key', 'the CNI has no MD5 key: set it with provision_bgp.md5_key, or leave peer_md5_key out.')
    return {'key': _configuration_text('md5_key', text, given_key) if given_key else '', 'hidden_key': f'{text.quotes}{HIDDEN}{text.quotes}'
            if given_key else ''}


def _prefix_lists(variables: Mapping[str, Any], cloudflare_prefixes: Sequence[str], session: Mapping[str, Any]) -> dict[str, list[str]]:
    """The prefixes to announce, to accept and to discard, sorted: the API keeps no order."""
    announced = _sorted_prefixes('announce', _required(variables, 'announce'))
    accepted = _sorted_prefixes('accept', variables.get('accept', cloudflare_prefixes))
    discarded = _sorted_prefixes('discard_routes', variables.get('discard_routes', []))
    if DEFAULT_ROUTE in announced:
        raise InputError('peer_announce', f'{DEFAULT_ROUTE} would announce everything.', 'the prefixes behind this router')
    for option, prefixes in (('accept', accepted), ('static_prefixes', session['static_prefixes'])):
        if both := [prefix for prefix in announced if prefix in prefixes]:
            raise InputError(f'peer_{option}', f'{", ".join(both)} is in peer_announce too, which would cause a routing loop.')
    if others := [prefix for prefix in discarded if prefix not in announced]:
        raise InputError('peer_discard_routes', f'{", ".join(others)} is not announced.', 'prefixes of peer_announce')
    return {'announce': announced, 'accept': accepted, 'discard_routes': discarded}


def _sorted_prefixes(option: str, value: Any) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InputError(f'peer_{option}', f'{value!r} is not valid.', 'a list of IPv4 prefixes such as [192.0.2.0/24]')
    return sorted(_checked_value(f'peer_{option}', values.check_prefixes, value), key=IPv4Network)


# The acceptance.

def _commands(platform: Platform, session: Mapping[str, Any]) -> dict[str, str]:
    """{what is to be seen: the command that shows it}, as far as the circuit has it."""
    checks = {'light', 'interface', 'address', 'own_ping', 'ping', 'full_ping'}
    checks |= {'session', 'received', 'announced'} if session['bgp'] else set()
    checks |= ({'route'} if session['static_prefixes'] else set()) | ({'track'} if session['track'] else set())
    prefix = (session['static_prefixes'] or [''])[0]
    words = {word: text.format(session['vrf']) if session['vrf'] else '' for word, text in VRF_WORDS.items()}
    return {check: command.format(
        **words, interface=session['interface'], name=session['name'], mtu=session['mtu'], payload=session['mtu'] - ECHO_HEADERS,
        customer=session['customer_address'], cloudflare=session['cloudflare_address'], track=session['track'],
        prefix=prefix, mask=session['masks'].get(prefix),
    ) for check, command in platform.commands.items() if check in checks}
