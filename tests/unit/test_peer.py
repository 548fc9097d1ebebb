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
from support.rendered import ALL_INTERFACES, FULL, GOLDEN, INTERFACES, LINK, checklist, golden, render
from support.row_checks import check_rows

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _values as values
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._peer import PLATFORMS

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
IOS = 'https://www.cisco.com/c/en/us/td/docs/ios-xml/ios/'
NEXUS = 'https://www.cisco.com/c/en/us/td/docs/switches/datacenter/nexus9000/sw/93x/'
ROUTE_MAP = [  # as FRR, EOS, IOS-XE and NX-OS have it
    '(no )?route-map {name}',
    '(no )?ip prefix-list {name}',
    'ip prefix-list {name} seq {number} permit {prefix}',
    'route-map {name} (permit|deny) 10',
    'route-map {name} permit 10 > match ip address prefix-list {name}',
    'route-map {name} permit 10 > set local-preference {number}',
    'route-map {name} permit 10 > set as-path prepend {number}( {number})*',
    'route-map {name} permit 10 > set community {number}:{number} additive',
]
LIVE_ROUTE_MAP = ['(no )?route-map {name} deny 1', 'no route-map {name} permit 10', 'ip prefix-list {name} seq 1 deny {prefix}']
# {platform: (its name in hier_config, {where the syntax is documented: [what a line and the lines above it look like]})}
DOCUMENTED = {
    'junos': (Platform.JUNIPER_JUNOS, {
        f'{STATEMENT}description-edit-interfaces.html': ['set interfaces {interface} unit 0 description "[^"]*"'],
        f'{STATEMENT}mtu-edit-interfaces-family.html': ['set interfaces {interface} unit 0 family inet mtu {number}'],
        f'{STATEMENT}tcp-mss-edit-interfaces-unit-family.html': ['set interfaces {interface} unit 0 family inet tcp-mss {number}'],
        f'{STATEMENT}filter-edit-interfaces-unit-family-inet.html': [
            'set interfaces {interface} unit 0 family inet filter (input|output) {name}',
        ],
        f'{STATEMENT}address-edit-interfaces.html': ['set interfaces {interface} unit 0 family inet address {prefix}'],
        f'{JUNOS}routing-policy/topics/ref/statement/policy-statement-edit-policy-options.html': [
            'set policy-options policy-statement {name} then reject',
            'set policy-options policy-statement {name} term {name} from route-filter {prefix} exact',
            'set policy-options policy-statement {name} term {name} then local-preference {number}',
            'set policy-options policy-statement {name} term {name} then as-path-prepend "{number}( {number})*"',
            'set policy-options policy-statement {name} term {name} then community add {name}',
            'set policy-options policy-statement {name} term {name} then accept',
        ],
        f'{JUNOS}routing-policy/topics/ref/statement/community-edit-policy-options.html': [
            'set policy-options community {name} members {number}:{number}',
        ],
        f'{STATEMENT}interface-edit-routing-instances-vp.html': ['set routing-instances {name} interface {interface}.0'],
        f'{STATEMENT}router-id-edit-routing-options.html': ['set{instance} routing-options router-id {address}'],
        f'{STATEMENT}static-edit-routing-options.html': [
            'set{instance} routing-options static route {prefix} next-hop {address}',
            'set{instance} routing-options static route {prefix} qualified-next-hop {address} preference {number}',
            'set{instance} routing-options static route {prefix} discard',
            'set{instance} routing-options static route {prefix} preference {number}',
        ],
        f'{STATEMENT}local-as-edit-protocols-bgp.html': [
            'set{instance} protocols bgp group {name} local-as {number}( loops {number})? no-prepend-global-as',
        ],
        f'{STATEMENT}group-edit-protocols-bgp.html': [
            'set{instance} protocols bgp group {name} type external',
            'set{instance} protocols bgp group {name} description "[^"]*"',
            'set{instance} protocols bgp group {name} (import|export) {name}',
            'set{instance} protocols bgp group {name} peer-as {number}',
            'set{instance} protocols bgp group {name} neighbor {address}',
        ],
        f'{STATEMENT}hold-time-edit-protocols-bgp.html': ['set{instance} protocols bgp group {name} hold-time {number}'],
        f'{STATEMENT}authentication-key-edit-protocols-bgp.html': ['set{instance} protocols bgp group {name} authentication-key "[^"]*"'],
        f'{STATEMENT}prefix-limit-edit-protocols-bgp.html': [
            'set{instance} protocols bgp group {name} family inet unicast prefix-limit maximum {number}',
            'set{instance} protocols bgp group {name} family inet unicast prefix-limit teardown {number} idle-timeout forever',
        ],
        f'{STATEMENT}loops-edit-protocols-bgp-family.html': ['set{instance} protocols bgp group {name} family inet unicast loops {number}'],
        f'{STATEMENT}multipath-edit-protocols-bgp.html': ['set{instance} protocols bgp group {name} multipath'],
        f'{STATEMENT}graceful-restart-edit-protocols-bgp.html': [
            'set{instance} protocols bgp group {name} graceful-restart (restart-time {number}|disable)',
        ],
        f'{JUNOS}cli/topics/topic-map/junos-config-files-loading.html': [  # load set
            'delete interfaces {interface} unit 0',
            'delete policy-options (policy-statement|community) {name}',
            'delete{instance} protocols bgp group {name}',
            'delete{instance} routing-options static route {prefix} qualified-next-hop {address}',
            'delete routing-instances {name} interface {interface}.0',
        ],
    }),
    'iosxr': (Platform.CISCO_XR, {
        f'{XR_IP}network-stack-ipv4-and-ipv6-commands.html': [
            '(no )?interface {interface}',
            'interface {interface} > vrf {name}',
            'interface {interface} > ipv4 mtu {number}',
            'interface {interface} > ipv4 address {prefix}',
        ],
        f'{XR_IP}access-list-commands.html': ['interface {interface} > ipv4 access-group {name} (ingress|egress)'],
        'https://www.cisco.com/c/en/us/td/docs/routers/asr9000/software/interfaces/command/reference/b-interfaces-cr-asr9000.html': [
            'interface {interface} > description .+',
            'interface {interface} > (no )?shutdown',
        ],
        f'{XR}../../../system-monitoring/command/reference/b-system-monitoring-cr-asr9000/ip-service-level-agreement-commands.html': [
            'ipsla',
            'ipsla > operation {number}',
            'ipsla > operation {number} > type icmp echo',
            'ipsla > operation {number} > type icmp echo > (source|destination) address {address}',
            'ipsla > operation {number} > type icmp echo > (frequency|timeout) {number}',
            'ipsla > operation {number} > type icmp echo > vrf {name}',
            'ipsla > schedule operation {number}',
            'ipsla > schedule operation {number} > (life forever|start-time now)',
            'no ipsla (schedule )?operation {number}',
        ],
        f'{XR}../../../system-management/command/reference/b-system-management-cr-asr9000/object-tracking-commands.html': [
            '(no )?track {name}',
            'track {name} > type rtr {number} reachability',
            'track {name} > delay (up|down) {number}',
        ],
        f'{XR}static-routing-commands.html': [
            'router static',
            'router static > vrf {name}',
            'router static{vrf} > address-family ipv4 unicast',
            'router static{vrf} > address-family ipv4 unicast > {prefix} {interface} {address}( {number})?( track {name})?',
            'router static{vrf} > address-family ipv4 unicast > {prefix} Null0 {number}',
            'no router static( vrf {name})? address-family ipv4 unicast {prefix} {interface} {address}',
        ],
        f'{XR}routing-policy-language-commands.html': [
            '(no )?prefix-set {name}',
            'prefix-set {name} > {prefix},?',
            '(no )?route-policy {name}',
            'route-policy {name} > drop',
            'route-policy {name} > if destination in {name} then',
            'route-policy {name} > if destination in {name} then > set local-preference {number}',
            'route-policy {name} > if destination in {name} then > prepend as-path {number} {number}',
            r'route-policy {name} > if destination in {name} then > set community \({number}:{number}\) additive',
            'route-policy {name} > if destination in {name} then > pass',
            'route-policy {name} > else',
            'route-policy {name} > else > drop',
            'route-policy {name} > endif',
        ],
        f'{XR}bgp-commands.html': [
            'router bgp {number}',
            'router bgp {number} > vrf {name}',
            'router bgp {number} > bgp graceful-restart',
            'router bgp {number}{vrf} > bgp router-id {address}',
            'router bgp {number}{vrf} > address-family ipv4 unicast',
            'router bgp {number}{vrf} > address-family ipv4 unicast > maximum-paths ebgp {number}',
            'router bgp {number}{vrf} > address-family ipv4 unicast > network {prefix}',
            'router bgp {number}{vrf} > neighbor {address}',
            'router bgp {number}{vrf} > neighbor {address} > remote-as {number}',
            'router bgp {number}{vrf} > neighbor {address} > local-as {number} no-prepend replace-as',
            'router bgp {number}{vrf} > neighbor {address} > description .+',
            r'router bgp {number}{vrf} > neighbor {address} > password clear \S+',
            'router bgp {number}{vrf} > neighbor {address} > timers {number} {number}',
            'router bgp {number}{vrf} > neighbor {address} > address-family ipv4 unicast',
            'router bgp {number}{vrf} > neighbor {address} > address-family ipv4 unicast > route-policy {name} (in|out)',
            'router bgp {number}{vrf} > neighbor {address} > address-family ipv4 unicast > maximum-prefix {number}',
            'router bgp {number}{vrf} > neighbor {address} > address-family ipv4 unicast > allowas-in {number}',
            'router bgp {number}{vrf} > neighbor {address} > address-family ipv4 unicast > send-community-ebgp',
            'no router bgp {number}( vrf {name})? neighbor {address}',
        ],
    }),
    'eos': (Platform.ARISTA_EOS, {
        f'{EOS}eos-ethernet-ports': [
            '(default )?interface {interface}',
            'interface {interface} > description .+',
            'interface {interface} > mtu {number}',
            'interface {interface} > no switchport',
            'interface {interface} > no shutdown',
        ],
        f'{EOS}eos-ipv4': [
            'interface {interface} > vrf {name}',
            'interface {interface} > ip address {prefix}',
            'ip route( vrf {name})? {prefix} {address}( {number})? name {name}',
            'ip route( vrf {name})? {prefix} Null0 {number}',
            'no ip route( vrf {name})? {prefix} {address}',
        ],
        'https://www.arista.com/en/support/toi/eos-4-21-1f/14211-tcp-mss-clamping': [
            'interface {interface} > tcp mss ceiling ipv4 {number} egress',
        ],
        f'{EOS}eos-acls-and-route-maps': ['interface {interface} > ip access-group {name} (in|out)', *ROUTE_MAP],
        f'{EOS}eos-border-gateway-protocol-bgp': [
            'router bgp {number}',
            'router bgp {number} > vrf {name}',
            'router bgp {number}{vrf} > router-id {address}',
            'router bgp {number}{vrf} > neighbor {address} remote-as {number}',
            'router bgp {number}{vrf} > neighbor {address} local-as {number} no-prepend replace-as',
            'router bgp {number}{vrf} > neighbor {address} description .+',
            r'router bgp {number}{vrf} > neighbor {address} password 0 \S+',
            'router bgp {number}{vrf} > neighbor {address} timers {number} {number}',
            'router bgp {number}{vrf} > neighbor {address} graceful-restart',
            'router bgp {number}{vrf} > no neighbor {address} graceful-restart-helper',
            'router bgp {number}{vrf} > neighbor {address} allowas-in {number}',
            'router bgp {number}{vrf} > neighbor {address} send-community',
            'router bgp {number}{vrf} > neighbor {address} maximum-routes {number}',
            'router bgp {number}{vrf} > neighbor {address} route-map {name} (in|out)',
            'router bgp {number}{vrf} > maximum-paths {number}',
            'router bgp {number}{vrf} > address-family ipv4',
            'router bgp {number}{vrf} > address-family ipv4 > neighbor {address} activate',
            'router bgp {number}{vrf} > address-family ipv4 > network {prefix}',
            'router bgp {number}{vrf} > no neighbor {address}',
        ],
    }),
    'iosxe': (Platform.CISCO_IOS, {
        f'{IOS}interface/command/ir-cr-book.html': [
            '(default )?interface {interface}',
            'interface {interface} > description .+',
            'interface {interface} > (no )?shutdown',
        ],
        f'{IOS}mpls/command/mp-cr-book.html': ['interface {interface} > vrf forwarding {name}'],
        f'{IOS}ipaddr/command/ipaddr-cr-book.html': ['interface {interface} > ip address {address} {address}'],
        f'{IOS}ipapp/command/iap-cr-book.html': [
            'interface {interface} > ip mtu {number}',
            'interface {interface} > ip tcp adjust-mss {number}',
            'track {number} ip sla {number} reachability',
            'track {number} ip sla {number} reachability > delay down {number} up {number}',
            'no track {number}',
        ],
        f'{IOS}security/d1/sec-d1-cr-book.html': ['interface {interface} > ip access-group {name} (in|out)'],
        f'{IOS}ipsla/command/sla-cr-book.html': [
            '(no )?ip sla {number}',
            'ip sla {number} > icmp-echo {address} source-ip {address}',
            'ip sla {number} > icmp-echo {address} source-ip {address} > vrf {name}',
            'ip sla {number} > icmp-echo {address} source-ip {address} > (frequency|timeout) {number}',
            'ip sla schedule {number} life forever start-time now',
        ],
        f'{IOS}iproute_pi/command/iri-cr-book.html': [
            'ip route( vrf {name})? {address} {address} {interface} {address}( {number})? name {name}( track {number})?',
            'ip route( vrf {name})? {address} {address} Null0 {number}',
            'no ip route( vrf {name})? {address} {address} {interface} {address}',
            *ROUTE_MAP, *LIVE_ROUTE_MAP,
        ],
        f'{IOS}iproute_bgp/command/irg-cr-book.html': [
            'router bgp {number}',
            'router bgp {number}{family} > bgp router-id {address}',
            'router bgp {number}{family} > neighbor {address} remote-as {number}',
            'router bgp {number}{family} > neighbor {address} local-as {number} no-prepend replace-as',
            'router bgp {number}{family} > neighbor {address} description .+',
            r'router bgp {number}{family} > neighbor {address} password 0 \S+',
            'router bgp {number}{family} > neighbor {address} timers {number} {number}',
            'router bgp {number}{family} > neighbor {address} ha-mode graceful-restart( disable)?',
            'router bgp {number} > address-family ipv4( vrf {name})?',
            'router bgp {number} > address-family ipv4( vrf {name})? > network {address} mask {address}',
            'router bgp {number} > address-family ipv4( vrf {name})? > neighbor {address} activate',
            'router bgp {number} > address-family ipv4( vrf {name})? > neighbor {address} send-community',
            'router bgp {number} > address-family ipv4( vrf {name})? > neighbor {address} allowas-in {number}',
            'router bgp {number} > address-family ipv4( vrf {name})? > neighbor {address} route-map {name} (in|out)',
            'router bgp {number} > address-family ipv4( vrf {name})? > neighbor {address} maximum-prefix {number}',
            'router bgp {number} > address-family ipv4( vrf {name})? > maximum-paths {number}',
            'router bgp {number}{family} > no neighbor {address}',
        ],
    }),
    'nxos': (Platform.CISCO_NXOS, {
        f'{NEXUS}interfaces/configuration/guide/b-cisco-nexus-9000-nx-os-interfaces-configuration-guide-93x.html': [
            '(default )?interface {interface}',
            'interface {interface} > description .+',
            'interface {interface} > no switchport',
            'interface {interface} > vrf member {name}',
            'interface {interface} > mtu {number}',
            'interface {interface} > ip address {prefix}',
            'interface {interface} > (no )?shutdown',
        ],
        f'{NEXUS}security/configuration/guide/b-cisco-nexus-9000-nx-os-security-configuration-guide-93x.html': [
            'interface {interface} > ip access-group {name} (in|out)',
        ],
        f'{NEXUS}ip-slas/b-cisco-nexus-9000-series-nx-os-ip-slas-configuration-guide-93x.html': [
            'feature sla sender',
            '(no )?ip sla {number}',
            'ip sla {number} > icmp-echo {address} source-ip {address}',
            'ip sla {number} > icmp-echo {address} source-ip {address} > vrf {name}',
            'ip sla {number} > icmp-echo {address} source-ip {address} > (frequency|timeout) {number}',
            'ip sla schedule {number} life forever start-time now',
        ],
        f'{NEXUS}unicast/configuration/guide/b-cisco-nexus-9000-series-nx-os-unicast-routing-configuration-guide-93x.html': [
            'track {number} ip sla {number} reachability',
            'track {number} ip sla {number} reachability > delay up {number} down {number}',
            'no track {number}',
            'vrf context {name}',
            '(vrf context {name} > )?ip route {prefix} {interface} {address}( track {number})? name {name}( {number})?',
            '(vrf context {name} > )?ip route {prefix} Null0 {number}',
            '(vrf context {name} > )?no ip route {prefix} {interface} {address}',
            *ROUTE_MAP, *LIVE_ROUTE_MAP,
            'feature bgp',
            'router bgp {number}',
            'router bgp {number} > vrf {name}',
            'router bgp {number}{vrf} > router-id {address}',
            'router bgp {number}{vrf} > address-family ipv4 unicast',
            'router bgp {number}{vrf} > address-family ipv4 unicast > network {prefix}',
            'router bgp {number}{vrf} > address-family ipv4 unicast > maximum-paths {number}',
            'router bgp {number}{vrf} > neighbor {address}',
            'router bgp {number}{vrf} > neighbor {address} > remote-as {number}',
            'router bgp {number}{vrf} > neighbor {address} > local-as {number} no-prepend replace-as',
            'router bgp {number}{vrf} > neighbor {address} > description .+',
            r'router bgp {number}{vrf} > neighbor {address} > password 0 \S+',
            'router bgp {number}{vrf} > neighbor {address} > timers {number} {number}',
            'router bgp {number}{vrf} > neighbor {address} > address-family ipv4 unicast',
            'router bgp {number}{vrf} > neighbor {address} > address-family ipv4 unicast > send-community',
            'router bgp {number}{vrf} > neighbor {address} > address-family ipv4 unicast > allowas-in {number}',
            'router bgp {number}{vrf} > neighbor {address} > address-family ipv4 unicast > route-map {name} (in|out)',
            'router bgp {number}{vrf} > neighbor {address} > address-family ipv4 unicast > maximum-prefix {number}',
            'router bgp {number}{vrf} > no neighbor {address}',
        ],
    }),
}
WORDS = {
    'address': ADDRESS, 'prefix': PREFIX, 'name': NAME, 'number': NUMBER,
    'instance': rf' routing-instances {NAME}|', 'vrf': rf' > vrf {NAME}|', 'family': rf' > address-family ipv4 vrf {NAME}|',
}


def lines(platform: str, text: str) -> list[str]:
    """Each line with those above it, as the parser reads them; in Junos as `set` has it."""
    if platform == 'junos' and '{' in text:  # what is for `load` alone
        text = re.sub(r'(?m)^ *replace:\n|^/\*.*\*/\n', '', text)
    # What is made only to be taken away is there twice, which the parser refuses.
    text = re.sub(r'(?m)^(route-map \S+ permit 10)\n(?=no \1\n)', '', text)
    tree = get_hconfig(DOCUMENTED[platform][0], text)
    return [' > '.join(line.path()) for line in tree.all_children_sorted()]


@pytest.mark.parametrize('platform', DOCUMENTED)
def test_each_line_has_the_syntax_that_the_vendor_documents(platform):
    patterns = [
        pattern.replace('{interface}', re.escape(INTERFACES[platform])).replace('{', '(?:{').replace('}', '})').format(**WORDS)
        for found in DOCUMENTED[platform][1].values() for pattern in found
    ]
    read = [line for found, case in GOLDEN if found == platform for line in lines(platform, golden(platform, case))]
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

AS_OF_A_ROUTER = {**dict.fromkeys(INTERFACES, 'router bgp'), 'junos': 'autonomous-system', 'bird': 'autonomous-system'}


@pytest.mark.parametrize('platform', INTERFACES)
def test_the_router_stays_in_its_as(platform):
    text = golden(platform, 'all')
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
CLI = ('iosxr', 'eos', 'iosxe', 'nxos')
HARMFUL = {  # what would end a value or begin something else, wherever it stands
    'key': {'frr': r'\s', 'bird': r'["\n]', 'junos': r'["\n\\]', **dict.fromkeys(CLI, r'[\s!?"#;|{}\\]')},
    'description': {'frr': r'[\n!?"#|]', 'bird': r'["\n]', 'junos': r'["\n\\]', **dict.fromkeys(CLI, r'[\n!?"#;|{}\\]')},
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
TAKEN = {'frr': set(SIGNS) - {' '}, 'bird': set(SIGNS), 'junos': set(SIGNS) - {'\\'}, **dict.fromkeys(CLI, PLAIN)}
LONGEST = {**dict.fromkeys(INTERFACES, 80), 'junos': 126}


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
    'platform': ({'platform': 'ios'}, f"peer_platform: 'ios' is not valid. Allowed: {', '.join(ALL_INTERFACES)}"),
    'no announce': ({'announce': ''}, 'peer_announce: is required'),
    'asdot': ({'router_asn': 1.1}, 'peer_router_asn: 1.1 is not valid. Allowed: an AS number in asplain from 1 to 4294967295'),
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
    'static loop': ({'static_prefixes': ['192.0.2.0/24']}, 'peer_static_prefixes: 192.0.2.0/24 is in peer_announce too'),
    'discard': ({'discard_routes': ['10.0.0.0/8']}, 'peer_discard_routes: 10.0.0.0/8 is not announced. Allowed: prefixes of peer_announce'),
    'priority': ({'route_priority': '100'}, "peer_route_priority: '100' is not valid. Allowed: 10, 50, 150, 200, 501000, 1001000"),
    'distance': ({'static_distance': '201'}, 'peer_static_distance: '),
    'track': ({'platform': 'iosxe', 'interface': 'Te0/1', 'track': '501'}, 'peer_track: '),
    'mss': ({'mss': '1461'}, 'peer_mss: '),
    'vrf': ({'vrf': 'two words'}, 'peer_vrf: '),
    'acl': ({'platform': 'eos', 'interface': 'Ethernet1', 'acl_in': 'a b'}, 'peer_acl_in: '),
    'prefix of names': ({'policy_prefix': '-x'}, 'peer_policy_prefix: '),
    'state': ({'state': 'gone'}, "peer_state: 'gone' is not valid. Allowed: present, absent"),
    'no BGP': ({'platform': 'networkd'}, 'peer_platform: networkd has no BGP, but the CNI of this circuit has a session'),
    'router of Cloudflare': ({'router_asn': '13335'}, 'peer_router_asn: 13335 is the AS number of Cloudflare'),
    'router id': ({'router_id': '64496'}, 'peer_router_id: '),
    'key': ({'md5_key': 'a-key'}, 'peer_md5_key: the CNI has no MD5 key'),
}


@pytest.mark.parametrize(('options', 'words'), REFUSED.values(), ids=REFUSED)
def test_what_is_not_possible_is_refused_by_name(options, words):
    with pytest.raises(InputError, match=re.escape(words)):
        render(**{'platform': 'frr', 'cni': OPEN, **options})


@pytest.mark.parametrize(('cni', 'asn', 'words'), [
    (LINK, 13335, 'peer_static_prefixes: is required: the CNI of this circuit has no BGP session'),
    (FULL, 13335, 'peer_md5_key: the CNI has an MD5 key: set the same key here'),
    (OPEN, 64496, 'both sides have the AS number 64496'),
    ({**OPEN, 'cust_ip': '172.31.0.1'}, 13335, 'cust_ip: '),
    ({**OPEN, 'magic': {**LINK['magic'], 'mtu': 9000}}, 13335, 'mtu: 9000'),
], ids=['no BGP', 'no key', 'internal', 'address', 'mtu'])
def test_what_is_wrong_with_the_circuit_is_reported(cni, asn, words):
    with pytest.raises(InputError, match=re.escape(words)):
        render('frr', cni, asn)


# What a platform lacks is in its row, and is refused by name. Where a row has it, the templates have it.

FEATURES = {  # {option: (value, what is to be found of it)}
    'vrf': ('blue', 'blue'), 'acl_in': ('FROM-CLOUDFLARE', 'FROM-CLOUDFLARE'), 'acl_out': ('TO-CLOUDFLARE', 'TO-CLOUDFLARE'),
    'mss': ('1400', '1400'), 'static_prefixes': (['10.9.0.0/16'], r'10\.9\.0\.0'), 'track': ('101', '101'),
    'maximum_paths': ('2', r'(?i)max.*paths.* 2\n|multipath'), 'allowas_in': ('1', r'allowas-in 1|allow local as 1|loops 2'),
    'route_priority': ('150', r'13335(:|, )60150'),
    'discard_routes': (['192.0.2.0/24'], r'192\.0\.2\.0.*([Bb]lackhole|Null0|\n +discard)'), 'policy_prefix': ('wan-', 'wan-nyc-1'),
    'graceful_restart': ('true', r'graceful.restart( on| preserve|\n| \{\n +restart)'), 'router_id': ('198.51.100.1', r'198\.51\.100\.1'),
}


def test_a_platform_has_an_option_or_refuses_it_by_name():
    check_rows(itertools.product(INTERFACES, FEATURES), lambda row: has_it_or_refuses_it(*row))


def has_it_or_refuses_it(platform: str, option: str) -> None:
    value, found = FEATURES[option]
    options = {option: value} | ({'static_prefixes': ['10.9.0.0/16']} if option == 'track' else {})
    if option in PLATFORMS[platform].lacks:
        with pytest.raises(InputError, match=f'^peer_{option}: is not supported with {platform}: '):
            render(platform, OPEN, **options)
        return
    assert re.search(found, render(platform, OPEN, **options)) and not re.search(found, render(platform, OPEN))


@pytest.mark.parametrize('platform', INTERFACES)
def test_an_mss_is_there_where_the_mtu_asks_for_it(platform):
    low = {**OPEN, 'magic': {**LINK['magic'], 'mtu': 1476}}
    clamps = 'mss' not in PLATFORMS[platform].lacks
    assert ('1436' in render(platform, low)) == clamps
    assert ('clamp it to 1436 bytes' in checklist(platform, low)) != clamps
    assert '1436' not in render(platform, low, mss='off') and 'clamp it to 1436 bytes' in checklist(platform, low, mss='off')
    assert '1460' not in render(platform, OPEN) and 'MSS' not in checklist(platform, OPEN)


@pytest.mark.parametrize('platform', ALL_INTERFACES)
def test_a_checklist_has_the_commands_of_the_platform(platform):
    plain = checklist(platform, LINK, static_prefixes=['10.9.0.0/16'])
    for word in ('-20 dBm', ALL_INTERFACES[platform], '172.31.0.1', '172.31.0.0', '10.9.0.0', '**Route.**', '**MTU.**', '1500 bytes'):
        assert word in plain
    assert re.search(r'(-s|size) 1472|size 1500', plain)  # 28 bytes are headers
    assert 'Session' not in plain and 'Tracking' not in plain and 'blue' not in plain
    assert plain.count('- [ ] ') == 8
    if PLATFORMS[platform].key:
        own = checklist(platform, OPEN, static_prefixes=['10.9.0.0/16'], vrf='blue')
        assert own.count('- [ ] ') == 11 and 'Established' in own and '240 s' in own and len(re.findall('blue', own)) >= 3
    if 'track' not in PLATFORMS[platform].lacks:
        assert re.search('show track (CNI-)?7\n', checklist(platform, LINK, static_prefixes=['10.9.0.0/16'], track='7'))


def test_no_value_of_a_checklist_is_markup():
    assert 'New York' not in checklist('frr', FULL, md5_key='a-key')  # free text has no place in it, nor has a key
    assert 'a-key' not in checklist('frr', FULL, md5_key='a-key')


@pytest.mark.parametrize('platform', ALL_INTERFACES)
def test_what_takes_a_circuit_away_needs_no_key_and_leaves_networks(platform):
    cni = FULL if PLATFORMS[platform].key else LINK
    text = render(platform, cni, state='absent', announce=['192.0.2.0/24'], static_prefixes=['10.9.0.0/16'])
    assert 'CNI-nyc-1' in text or platform == 'junos'
    assert '192.0.2.0' not in text  # another circuit may announce it


def test_what_is_not_known_before_a_circuit_is_made_is_shown_as_such():
    cni = {**OPEN, 'cust_ip': '(known after apply)', 'p2p_ip': '(known after apply)'}
    assert 'neighbor (known after apply) remote-as 13335\n' in render('frr', cni)
