# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role `peer` writes, rendered without Ansible."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._peer import PLATFORMS, session_model
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _peer_files

INTERFACES = {  # of the platforms with BGP
    'frr': 'eth1', 'bird': 'eth1', 'junos': 'xe-0/0/0', 'iosxr': 'TenGigE0/0/0/1', 'eos': 'Ethernet1/1', 'iosxe': 'TenGigabitEthernet0/0/1',
    'nxos': 'Ethernet1/1',
}
ALL_INTERFACES = {**INTERFACES, 'iproute2': 'eth1', 'networkd': 'eth1'}


def session(platform: str, cni: dict, cloudflare_asn: int = 13335, **options: object) -> dict:
    """The session of the customer's side of a CNI. options: the role's variables without peer_."""
    own = {'platform': platform, 'interface': ALL_INTERFACES.get(platform), 'announce': ['192.0.2.0/24'], **options}
    return session_model(cni, cloudflare_asn, own)


def render(platform: str, cni: dict, cloudflare_asn: int = 13335, **options: object) -> str:
    """Its configuration, or what takes it off the router."""
    return _peer_files.configuration(session(platform, cni, cloudflare_asn, **options))


def checklist(platform: str, cni: dict, **options: object) -> str:
    return _peer_files.checklist(session(platform, cni, **options))


# The cases of the golden files, tests/unit/peer/PLATFORM-CASE.conf.
LINK = {'cust_ip': '172.31.0.1/31', 'p2p_ip': '172.31.0.0/31', 'magic': {'conduit_name': 'nyc-1', 'description': '', 'mtu': 1500}}
FULL = {
    **LINK, 'magic': {'conduit_name': 'nyc-1', 'description': 'New York, second of two', 'mtu': 1476},
    'bgp': {'customer_asn': 64496, 'extra_prefixes': ['203.0.113.0/24', '10.0.0.0/8'], 'md5_key': '(hidden)'},
}
ROUTED = {**LINK, 'magic': FULL['magic']}
OF_A_LINK = {'vrf': 'blue', 'acl_in': 'FROM-CLOUDFLARE', 'acl_out': 'TO-CLOUDFLARE', 'mss': '1400'}
STATIC = {'static_prefixes': ['203.0.113.0/24', '10.0.0.0/8'], 'static_distance': '10', 'track': '101'}
ALL = {
    **OF_A_LINK, **STATIC, 'md5_key': 'a-key', 'announce': ['198.51.100.0/24', '192.0.2.0/24'], 'discard_routes': ['192.0.2.0/24'],
    'router_asn': '64500', 'router_id': '198.51.100.1', 'prepend': '1', 'route_priority': '150', 'allowas_in': '1', 'maximum_paths': '2',
    'policy_prefix': 'wan-',
}
CASES: dict[str, tuple[dict, dict]] = {
    'least': ({**LINK, 'bgp': {'customer_asn': 64496, 'extra_prefixes': []}}, {}),
    'backup': (FULL, {
        'md5_key': 'a-key', 'announce': ['198.51.100.0/24', '192.0.2.0/24'], 'max_prefixes': '50', 'local_preference': '50', 'prepend': '2',
        'graceful_restart': 'true', 'hold_time': '30',
    }),
    'silent': (FULL, {'md5_key': 'a-key', 'announce': [], 'accept': []}),
    'all': (FULL, ALL),
    'all-remove': (FULL, {**ALL, 'state': 'absent'}),
    'static': (LINK, {'static_prefixes': ['203.0.113.0/24', '10.0.0.0/8']}),
    'static-all': (ROUTED, {**OF_A_LINK, **STATIC}),
    'static-all-remove': (ROUTED, {**OF_A_LINK, **STATIC, 'state': 'absent'}),
}
GOLDEN = {
    (platform, case): Path(__file__).resolve().parents[1] / f'unit/peer/{platform}-{case}.conf'
    for platform in ALL_INTERFACES for case in CASES if platform in INTERFACES or 'bgp' not in CASES[case][0]
}


def golden(platform: str, case: str) -> str:
    cni, options = CASES[case]
    return render(platform, cni, **{option: value for option, value in options.items() if option not in PLATFORMS[platform].lacks})


if __name__ == '__main__':  # after a change that is meant: PYTHONPATH=.build python tests/support/rendered.py
    for key, file in GOLDEN.items():
        file.write_text(golden(*key))
