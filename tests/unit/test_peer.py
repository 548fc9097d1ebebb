# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role `peer`: what it writes for each router, what it refuses, what it shows. The sessions themselves are in tests/peering."""

from __future__ import annotations

import itertools
import re
import string

import pytest
from hier_config import Platform, get_hconfig
from support.rendered import CASES, FULL, GOLDEN, INTERFACES, LINK, golden, render
from support.rows import check_rows

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _values as values
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError

KEY, NEW_KEY = 'planted-key-1', 'planted-key-2'
OPEN = {**LINK, 'bgp': {'customer_asn': 64496, 'extra_prefixes': []}}  # a CNI without an MD5 key


# Golden files, and each of their lines in the vendor's documentation.

@pytest.mark.parametrize('key', GOLDEN, ids='-'.join)
def test_a_golden_file(key):
    assert golden(*key) == GOLDEN[key].read_text(), 'if the change is meant: PYTHONPATH=.build python tests/support/rendered.py'


ADDRESS, PREFIX, NAME, NUMBER = r'\d+(?:\.\d+){3}', r'\d+(?:\.\d+){3}/\d+', r'[\w-]+', r'\d+'
JUNOS = 'https://www.juniper.net/documentation/us/en/software/junos/'
STATEMENT = f'{JUNOS}cli-reference/topics/ref/statement/'
XR = 'https://www.cisco.com/c/en/us/td/docs/routers/asr9000/software/routing/command/reference/b-routing-cr-asr9000/'
XR_IP = 'https://www.cisco.com/c/en/us/td/docs/routers/asr9000/software/ip-addresses/command/reference/b-ip-addresses-cr-asr9000/'
EOS = 'https://www.arista.com/en/um-eos/'
# {platform: (its name in hier_config, {where the syntax is documented: [what a line and the lines above it look like]})}
DOCUMENTED = {
    'junos': (Platform.JUNIPER_JUNOS, {
        f'{STATEMENT}description-edit-interfaces.html': ['set interfaces {interface} unit 0 description "[^"]*"'],
        f'{STATEMENT}mtu-edit-interfaces-family.html': ['set interfaces {interface} unit 0 family inet mtu {number}'],
        f'{STATEMENT}address-edit-interfaces.html': ['set interfaces {interface} unit 0 family inet address {prefix}'],
        f'{JUNOS}routing-policy/topics/ref/statement/policy-statement-edit-policy-options.html': [
            'set policy-options policy-statement {name} then reject',
            'set policy-options policy-statement {name} term {name} from route-filter {prefix} exact',
            'set policy-options policy-statement {name} term {name} then local-preference {number}',
            'set policy-options policy-statement {name} term {name} then as-path-prepend "{number}( {number})*"',
            'set policy-options policy-statement {name} term {name} then accept',
        ],
        f'{STATEMENT}router-id-edit-routing-options.html': ['set routing-options router-id {address}'],
        f'{STATEMENT}local-as-edit-protocols-bgp.html': ['set protocols bgp group {name} local-as {number} no-prepend-global-as'],
        f'{STATEMENT}group-edit-protocols-bgp.html': [
            'set protocols bgp group {name} type external',
            'set protocols bgp group {name} description "[^"]*"',
            'set protocols bgp group {name} (import|export) {name}',
            'set protocols bgp group {name} peer-as {number}',
            'set protocols bgp group {name} neighbor {address}',
        ],
        f'{STATEMENT}hold-time-edit-protocols-bgp.html': ['set protocols bgp group {name} hold-time {number}'],
        f'{STATEMENT}authentication-key-edit-protocols-bgp.html': ['set protocols bgp group {name} authentication-key "[^"]*"'],
        f'{STATEMENT}prefix-limit-edit-protocols-bgp.html': [
            'set protocols bgp group {name} family inet unicast prefix-limit maximum {number}',
            'set protocols bgp group {name} family inet unicast prefix-limit teardown {number} idle-timeout forever',
        ],
        f'{STATEMENT}graceful-restart-edit-protocols-bgp.html': [
            'set protocols bgp group {name} graceful-restart (restart-time {number}|disable)',
        ],
    }),
    'iosxr': (Platform.CISCO_XR, {
        f'{XR_IP}network-stack-ipv4-and-ipv6-commands.html': [
            'interface {interface}',
            'interface {interface} > ipv4 mtu {number}',
            'interface {interface} > ipv4 address {prefix}',
        ],
        'https://www.cisco.com/c/en/us/td/docs/routers/asr9000/software/interfaces/command/reference/b-interfaces-cr-asr9000.html': [
            'interface {interface} > description .+',
            'interface {interface} > no shutdown',
        ],
        f'{XR}routing-policy-language-commands.html': [
            'prefix-set {name}',
            'prefix-set {name} > {prefix},?',
            'route-policy {name}',
            'route-policy {name} > drop',
            'route-policy {name} > if destination in {name} then',
            'route-policy {name} > if destination in {name} then > set local-preference {number}',
            'route-policy {name} > if destination in {name} then > prepend as-path {number} {number}',
            'route-policy {name} > if destination in {name} then > pass',
            'route-policy {name} > else',
            'route-policy {name} > else > drop',
            'route-policy {name} > endif',
        ],
        f'{XR}bgp-commands.html': [
            'router bgp {number}',
            'router bgp {number} > bgp graceful-restart',
            'router bgp {number} > bgp router-id {address}',
            'router bgp {number} > address-family ipv4 unicast',
            'router bgp {number} > address-family ipv4 unicast > network {prefix}',
            'router bgp {number} > neighbor {address}',
            'router bgp {number} > neighbor {address} > remote-as {number}',
            'router bgp {number} > neighbor {address} > local-as {number} no-prepend replace-as',
            'router bgp {number} > neighbor {address} > description .+',
            r'router bgp {number} > neighbor {address} > password clear \S+',
            'router bgp {number} > neighbor {address} > timers {number} {number}',
            'router bgp {number} > neighbor {address} > address-family ipv4 unicast',
            'router bgp {number} > neighbor {address} > address-family ipv4 unicast > route-policy {name} (in|out)',
            'router bgp {number} > neighbor {address} > address-family ipv4 unicast > maximum-prefix {number}',
        ],
    }),
    'eos': (Platform.ARISTA_EOS, {
        f'{EOS}eos-ethernet-ports': [
            'interface {interface}',
            'interface {interface} > description .+',
            'interface {interface} > mtu {number}',
            'interface {interface} > no switchport',
            'interface {interface} > no shutdown',
        ],
        f'{EOS}eos-ipv4': ['interface {interface} > ip address {prefix}'],
        f'{EOS}eos-acls-and-route-maps': [
            'no ip prefix-list {name}',
            'ip prefix-list {name} seq {number} permit {prefix}',
            'no route-map {name}',
            'route-map {name} (permit|deny) 10',
            'route-map {name} permit 10 > match ip address prefix-list {name}',
            'route-map {name} permit 10 > set local-preference {number}',
            'route-map {name} permit 10 > set as-path prepend {number}( {number})*',
        ],
        f'{EOS}eos-border-gateway-protocol-bgp': [
            'router bgp {number}',
            'router bgp {number} > router-id {address}',
            'router bgp {number} > neighbor {address} remote-as {number}',
            'router bgp {number} > neighbor {address} local-as {number} no-prepend replace-as',
            'router bgp {number} > neighbor {address} description .+',
            r'router bgp {number} > neighbor {address} password 0 \S+',
            'router bgp {number} > neighbor {address} timers {number} {number}',
            'router bgp {number} > neighbor {address} graceful-restart',
            'router bgp {number} > no neighbor {address} graceful-restart-helper',
            'router bgp {number} > neighbor {address} maximum-routes {number}',
            'router bgp {number} > neighbor {address} route-map {name} (in|out)',
            'router bgp {number} > address-family ipv4',
            'router bgp {number} > address-family ipv4 > neighbor {address} activate',
            'router bgp {number} > address-family ipv4 > network {prefix}',
        ],
    }),
}
WORDS = {'address': ADDRESS, 'prefix': PREFIX, 'name': NAME, 'number': NUMBER}


def lines(platform: str, text: str) -> list[str]:
    """Each line with those above it, as the parser reads them; in Junos as `set` has it."""
    if platform == 'junos':  # what is for `load` alone
        text = re.sub(r'(?m)^ *replace:\n|^/\*.*\*/\n', '', text)
    tree = get_hconfig(DOCUMENTED[platform][0], text)
    return [' > '.join(line.path()) for line in tree.all_children_sorted()]


@pytest.mark.parametrize('platform', DOCUMENTED)
def test_each_line_has_the_syntax_that_the_vendor_documents(platform):
    patterns = [
        pattern.replace('{interface}', re.escape(INTERFACES[platform])).replace('{', '(?:{').replace('}', '})').format(**WORDS)
        for found in DOCUMENTED[platform][1].values() for pattern in found
    ]
    read = [line for case in CASES for line in lines(platform, golden(platform, case))]
    assert [line for line in read if not any(re.fullmatch(pattern, line) for pattern in patterns)] == []
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, line) for line in read)] == []  # none is left over


@pytest.mark.parametrize('platform', INTERFACES)
def test_each_file_says_the_same_session(platform):
    text = golden(platform, 'backup')
    prefixes = ['192.0.2.0/24', '198.51.100.0/24', '10.0.0.0/8', '203.0.113.0/24']
    for word in ('172.31.0.1', '172.31.0.0', '64496', '13335', '1476', '30', '50', *prefixes):
        assert re.search(rf'(?<![\d.]){re.escape(word)}(?![\d.])', text), word
    assert '0.0.0.0/0' not in text
    assert text.index('192.0.2.0/24') < text.index('198.51.100.0/24')  # in the order of the addresses, whatever the order that they came in


@pytest.mark.parametrize('platform', INTERFACES)
def test_without_extra_prefixes_it_is_the_default_route_that_is_accepted(platform):
    assert '0.0.0.0/0' in golden(platform, 'least')
    assert '0.0.0.0/0' not in golden(platform, 'silent')


# The AS number of a router is the router's own: to set it would reset each of its sessions.

AS_OF_A_ROUTER = {**dict.fromkeys(('frr', 'iosxr', 'eos'), 'router bgp'), 'junos': 'autonomous-system', 'bird': 'autonomous-system'}


@pytest.mark.parametrize('platform', INTERFACES)
def test_the_router_stays_in_its_as(platform):
    text = golden(platform, 'local-as')
    assert re.findall(rf'{AS_OF_A_ROUTER[platform]} (\d+)', text) == (['64500'] if 'router bgp' in AS_OF_A_ROUTER[platform] else [])
    assert re.findall(r'local-as (\d+)', text) == ([] if platform == 'bird' else ['64496'])  # BIRD has no AS number but that of a session
    assert 'local-as' not in render(platform, OPEN, router_asn='64496') and 'local-as' not in golden(platform, 'least')


# What can't be carried is refused by name; what is carried changes nothing around it.

SIGNS = [chr(code) for code in range(32, 127) if chr(code) not in '"?']  # of the MD5 keys that Cloudflare allows
NASTY = [
    'a\nneighbor 192.0.2.1 remote-as 1', 'a\r\nb', 'a\tb', 'a ! b', '!', '#', 'a # b', 'a"b', '"; reject; "', "a'b", '}', '} {', ';', 'a;b',
    '`id`', '$(id)', 'a|b', 'a | include b', 'a\\', '\\"', '*/', '/* a', '?', '{{ 7 * 7 }}', '{% raw %}', '\x00', '\x1b[2J', 'ü',
    'a\u2028b', 'x' * 300, ' a', '../../a', '%s', '.',
]
HARMFUL = {  # what would end a value or begin something else, wherever it stands
    'key': {'frr': r'\s', 'bird': r'["\n]', 'junos': r'["\n\\]', 'iosxr': r'[\s!?"#;|{}\\]', 'eos': r'[\s!?"#;|{}\\]'},
    'description': {'frr': r'[\n!?"#|]', 'bird': r'["\n]', 'junos': r'["\n\\]', 'iosxr': r'[\n!?"#;|{}\\]', 'eos': r'[\n!?"#;|{}\\]'},
    'interface': dict.fromkeys(INTERFACES, r'[\s!?"#;|{}\\]'),
    'label': dict.fromkeys(INTERFACES, r'[^\w-]'),
}
BENIGN = {'key': 'benign', 'description': 'benign', 'label': 'benign'}


def test_a_value_stays_within_its_place_or_is_refused_by_name():
    check_rows(itertools.product(INTERFACES, HARMFUL, NASTY), lambda row: stays_within_its_place(*row))


def stays_within_its_place(platform: str, field: str, value: str) -> None:
    option = {'key': 'md5_key'}.get(field, field)
    plain = {'md5_key': 'a-key', 'description': 'text', 'label': 'nyc-1', 'interface': INTERFACES[platform]}
    benign = BENIGN.get(field, INTERFACES[platform])
    try:
        text = render(platform, FULL, **plain | {option: value})
    except InputError as error:
        assert str(error).startswith(f'peer_{option}: ')
        assert value not in str(error) or len(value) < 3  # it may be a secret
        return
    written = ' '.join(value.split()) if field == 'description' else value
    assert not re.search(HARMFUL[field][platform], written)
    assert text.isascii() and text.replace(written, benign) == render(platform, FULL, **plain | {option: benign}).replace(written, benign)


def test_a_name_of_the_account_that_is_no_label_needs_one():
    rows = itertools.product(INTERFACES, ['NYC #1', 'a\nb', '', 'x' * 33, 'münchen'])
    check_rows(rows, lambda row: needs_a_label(*row))


def needs_a_label(platform: str, name: str) -> None:
    cni = {**OPEN, 'magic': {**LINK['magic'], 'conduit_name': name}}
    with pytest.raises(InputError, match=r'^peer_label: '):
        render(platform, cni)
    assert 'CNI-other' in render(platform, cni, label='other')


@pytest.mark.parametrize('platform', INTERFACES)
def test_a_text_of_the_account_is_no_configuration(platform):
    cni = {**OPEN, 'magic': {**LINK['magic'], 'description': 'one\n!\nrouter bgp 1\n  two'}}
    if platform in ('bird', 'junos'):
        assert '"one ! router bgp 1 two"' in render(platform, cni)
    else:
        with pytest.raises(InputError, match=r'^peer_description: '):
            render(platform, cni)


PLAIN = set(string.ascii_letters + string.digits + '._:/+@=,-')
TAKEN = {'frr': set(SIGNS) - {' '}, 'bird': set(SIGNS), 'junos': set(SIGNS) - {'\\'}, 'iosxr': PLAIN, 'eos': PLAIN}
LONGEST = {'frr': 80, 'bird': 80, 'junos': 126, 'iosxr': 80, 'eos': 80}


@pytest.mark.parametrize('platform', INTERFACES)
def test_the_keys_that_a_platform_takes(platform):
    def taken(key: str) -> bool:
        values.check_md5_key(key, pytest.fail)  # Cloudflare allows it
        try:
            return key in render(platform, FULL, md5_key=key)
        except InputError as error:
            assert str(error).startswith('peer_md5_key: ')
            return False

    assert {sign for sign in SIGNS if taken(f'a{sign}b')} == TAKEN[platform]
    assert [length for length in (1, 80, 81, 126, 127) if taken('k' * length)][-1] == LONGEST[platform]
    assert taken('$9$encrypted') == (platform in ('frr', 'bird'))  # Junos would take it for one that is encrypted


REFUSED = {
    'platform': ({'platform': 'ios'}, "peer_platform: 'ios' is not valid. Allowed: frr, bird, junos, iosxr, eos"),
    'no announce': ({'announce': ''}, 'peer_announce: is required'),
    'no interface': ({'interface': None}, 'peer_interface: is required'),
    'everything': ({'announce': ['192.0.2.0/24', '0.0.0.0/0']}, 'peer_announce: 0.0.0.0/0 would announce everything'),
    'text': ({'announce': '192.0.2.0/24'}, "peer_announce: '192.0.2.0/24' is not valid. Allowed: a list"),
    'host bits': ({'announce': ['192.0.2.1/24']}, 'peer_announce: '),
    'v6': ({'accept': ['2001:db8::/32']}, 'peer_accept: '),
    'loop': ({'accept': ['192.0.2.0/24']}, 'peer_accept: 192.0.2.0/24 is in peer_announce too'),
    'hold time': ({'hold_time': '241'}, "peer_hold_time: '241' is not valid. Allowed: 3 to 240"),
    'hold time of Junos': ({'platform': 'junos', 'interface': 'ae1', 'hold_time': '19'}, 'Allowed: 20 to 240'),
    'prepend': ({'prepend': '11'}, 'peer_prepend: '),
    'prepend -': ({'prepend': '-1'}, 'peer_prepend: '),
    'preference': ({'local_preference': 'high'}, 'peer_local_preference: '),
    'limit': ({'max_prefixes': '0'}, 'peer_max_prefixes: '),
    'unit': ({'platform': 'junos', 'interface': 'xe-0/0/0.100'}, 'peer_interface: '),
    'vlan': ({'platform': 'eos', 'interface': 'Ethernet1.100'}, 'peer_interface: '),
    'router of Cloudflare': ({'router_asn': '13335'}, 'peer_router_asn: 13335 is the AS number of Cloudflare'),
    'router id': ({'router_id': '64496'}, 'peer_router_id: '),
    'key': ({'md5_key': 'a-key'}, 'peer_md5_key: the CNI has no MD5 key'),
}


@pytest.mark.parametrize(('options', 'words'), REFUSED.values(), ids=REFUSED)
def test_what_is_not_possible_is_refused_by_name(options, words):
    with pytest.raises(InputError, match=re.escape(words)):
        render(**{'platform': 'frr', 'cni': OPEN, **options})


@pytest.mark.parametrize(('cni', 'asn', 'words'), [
    (LINK, 13335, 'peer_name: the CNI of this circuit has no BGP session'),
    (FULL, 13335, 'peer_md5_key: the CNI has an MD5 key: set the same key here'),
    (OPEN, 64496, 'both sides have the AS number 64496'),
    ({**OPEN, 'cust_ip': '172.31.0.1'}, 13335, 'cust_ip: '),
    ({**OPEN, 'magic': {**LINK['magic'], 'mtu': 9000}}, 13335, 'mtu: 9000'),
], ids=['no BGP', 'no key', 'internal', 'address', 'mtu'])
def test_what_is_wrong_with_the_circuit_is_said(cni, asn, words):
    with pytest.raises(InputError, match=re.escape(words)):
        render('frr', cni, asn)


def test_what_is_not_known_before_a_circuit_is_made_is_shown_as_such():
    cni = {**OPEN, 'cust_ip': '(known after apply)', 'p2p_ip': '(known after apply)'}
    assert 'neighbor (known after apply) remote-as 13335\n' in render('frr', cni)
