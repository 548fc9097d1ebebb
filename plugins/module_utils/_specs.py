# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that several modules have, as data."""

from __future__ import annotations

from typing import Any

Spec = dict[str, dict[str, Any]]

BANDWIDTHS = ['50M', '100M', '200M', '300M', '400M', '500M', '1G', '2G', '5G', '10G', '20G', '50G']

SLOT: Spec = {
    'site': {'type': 'str'},
    'facility': {'type': 'str'},
    'address_contains': {'type': 'str'},
    'speed': {'type': 'str'},
    'diverse_from': {'type': 'list', 'elements': 'str'},
}

# What is said of an interconnect that is to be ordered.
ORDER: Spec = {
    'slot_id': {'type': 'str'},
    'slot': {'type': 'dict', 'options': SLOT},
    'type': {'type': 'str', 'choices': ['direct', 'gcp_partner']},
    'speed': {'type': 'str'},
    'pairing_key': {'type': 'str', 'no_log': True},
    'bandwidth': {'type': 'str', 'choices': BANDWIDTHS},
    'on_immutable': {'type': 'str', 'choices': ['fail', 'replace'], 'default': 'fail'},
}

BGP: Spec = {
    'customer_asn': {'type': 'int', 'aliases': ['asn']},
    'extra_prefixes': {'type': 'list', 'elements': 'str'},
    'md5_key': {'type': 'str', 'no_log': True, 'aliases': ['password']},
}

# What is said of a CNI.
LINK: Spec = {
    'interconnect': {'type': 'str'},
    'shared': {'type': 'bool', 'default': False},
    'description': {'type': 'str'},
    'mtu': {'type': 'int'},
    'bgp': {'type': 'dict', 'options': BGP},
    'bgp_mode': {'type': 'str', 'choices': ['dynamic_route_exchange', 'advertise_only']},
    'cust_ip': {'type': 'str'},
    'p2p_ip': {'type': 'str', 'aliases': ['cf_ip']},
    'clear': {'type': 'list', 'elements': 'str', 'choices': ['description', 'md5_key', 'extra_prefixes', 'bgp']},
}

HEALTH_CHECK: Spec = {
    'enabled': {'type': 'bool'},
    'rate': {'type': 'str', 'choices': ['low', 'mid', 'high', 'medium']},
    'type': {'type': 'str', 'choices': ['reply', 'request']},
    'direction': {'type': 'str', 'choices': ['unidirectional', 'bidirectional']},
    'target': {'type': 'str'},
}

CIRCUIT: Spec = {
    'name': {'type': 'str', 'required': True},
    **ORDER,
    **LINK,
    'health_check': {'type': 'dict', 'options': HEALTH_CHECK},
}

PREFIX = 'provision_'  # of the role's variables
ROLE = [option for option in CIRCUIT if option not in ('name', 'cust_ip', 'p2p_ip')]  # for what it has one
