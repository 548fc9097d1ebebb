# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Circuits without an account: their CNIs, and the two ends of them."""

from __future__ import annotations

from peering.lab import Lab, Namespace
from peering.routers import Bird, Frr, Iproute2, Networkd, Router

CUSTOMERS = {'frr': Frr, 'bird': Bird}
ROUTERS = {**CUSTOMERS, 'iproute2': Iproute2, 'networkd': Networkd}  # those without BGP too
BEHIND, ALSO_BEHIND = '192.0.2.0/24', '198.51.100.0/24'  # the customer's prefixes
WANTED, NEW = '203.0.113.0/24', '10.20.0.0/16'  # Cloudflare's
UNWANTED = ('0.0.0.0/0', '10.0.0.0/8', '203.0.113.128/25')  # what it announces as well: the account's routing table


def host(lab: Lab, name: str, *addresses: str) -> Namespace:
    """A host with addresses of its own."""
    made = lab.namespace(name)
    for address in addresses:
        made.ip('address', 'add', address, 'dev', 'lo')
    return made


def customer(lab: Lab, platform: str) -> Router:
    return ROUTERS[platform](host(lab, platform, '192.0.2.1/24', '198.51.100.1/24', '100.64.0.1/24'))


def ends(cni: dict) -> tuple[str, str]:
    """The customer's address and Cloudflare's."""
    return cni['cust_ip'].split('/')[0], cni['p2p_ip'].split('/')[0]


def neighbors(*cnis: dict, **other: object) -> dict[str, dict]:
    """Cloudflare's end of CNIs for GoBGP. other: what is not as the CNI says."""
    return {ends(cni)[0]: {
        'own': ends(cni)[1], 'asn': cni['bgp']['customer_asn'], 'key': cni['bgp'].get('md5_key') or '', **other,
    } for cni in cnis}


def static_link(number: int) -> dict:
    """The CNI of a link without BGP."""
    return {**link(number), 'bgp': None}


def link(number: int, **bgp: object) -> dict:
    """The CNI of a link with a number."""
    first = f'172.31.{number // 128}.{number % 128 * 2}'
    return {
        'cust_ip': f'{first[: first.rindex(".")]}.{number % 128 * 2 + 1}/31', 'p2p_ip': f'{first}/31',
        'magic': {'conduit_name': f'link-{number}', 'description': '', 'mtu': 1500},
        'bgp': {'customer_asn': 64496, 'extra_prefixes': [WANTED], **bgp},
    }
