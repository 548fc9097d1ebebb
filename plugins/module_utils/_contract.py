# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Cloudflare documents of its objects. `python tests/tools/contract.py --write` makes it of tests/simulator/cni.openapi.yaml."""

from __future__ import annotations

# {object: {path: the kinds of JSON values there}}. absent: the field is optional; an item of a list is at PATH[].
KINDS = {
    'slot': {
        'account': 'absent null string', 'ccr_device_name': 'absent null string', 'facility': 'object',
        'facility.address': 'array', 'facility.address[]': 'string', 'facility.name': 'string', 'id': 'string',
        'occupied': 'boolean', 'site': 'string', 'speed': 'string',
    },
    'interconnect.direct': {
        'account': 'string', 'ccr_device_name': 'absent null string', 'facility': 'object', 'facility.address': 'array',
        'facility.address[]': 'string', 'facility.name': 'string', 'name': 'string', 'owner': 'absent null string',
        'site': 'string', 'slot_id': 'string', 'speed': 'string', 'type': 'string',
        'virtual_port_reservation_id': 'string',
    },
    'interconnect.gcp_partner': {
        'account': 'string', 'name': 'string', 'owner': 'absent null string', 'region': 'string',
        'speed': 'absent string', 'type': 'string', 'virtual_port_reservation_id': 'string',
    },
    'cni': {
        'account': 'string', 'bgp': 'absent object', 'bgp.customer_asn': 'integer', 'bgp.extra_prefixes': 'array',
        'bgp.extra_prefixes[]': 'string', 'bgp.md5_key': 'absent null string', 'bgp_mode': 'absent string',
        'cust_ip': 'string', 'id': 'string', 'interconnect': 'string', 'magic': 'object', 'magic.conduit_name': 'string',
        'magic.description': 'string', 'magic.mtu': 'integer', 'p2p_ip': 'string',
    },
    'settings': {
        'default_asn': 'integer',
    },
    'status': {
        'reason': 'absent null string', 'state': 'string',
    },
    'tunnel': {
        'automatic_return_routing': 'absent boolean', 'bgp': 'absent object', 'bgp.as_no': 'absent integer',
        'bgp.cloudflare_endpoint': 'absent string', 'bgp.customer_asn': 'absent integer',
        'bgp.customer_endpoint': 'absent string', 'bgp.export_filter_id': 'absent string',
        'bgp.extra_prefixes': 'absent array', 'bgp.extra_prefixes[]': 'string', 'bgp.import_filter_id': 'absent string',
        'bgp.md5_key': 'absent string', 'colo_name': 'absent string', 'created_on': 'absent string',
        'description': 'absent string', 'gre': 'absent object', 'gre.cloudflare_endpoint': 'absent string',
        'health_check': 'absent object', 'health_check.direction': 'absent string',
        'health_check.enabled': 'absent boolean', 'health_check.rate': 'absent string',
        'health_check.source': 'absent string', 'health_check.target': 'absent object string',
        'health_check.target.effective': 'absent string', 'health_check.target.saved': 'absent string',
        'health_check.type': 'absent string', 'id': 'absent string', 'interface_address': 'absent string',
        'interface_address6': 'absent string', 'modified_on': 'absent string', 'mtu': 'absent integer',
        'name': 'absent string', 'version': 'absent string', 'virtual_port_reservation_id': 'absent string',
    },
    'route': {
        'created_on': 'absent string', 'description': 'absent string', 'id': 'string', 'modified_on': 'absent string',
        'nexthop': 'string', 'prefix': 'string', 'priority': 'integer', 'scope': 'absent object',
        'scope.colo_names': 'absent array', 'scope.colo_names[]': 'string', 'scope.colo_regions': 'absent array',
        'scope.colo_regions[]': 'string', 'weight': 'absent integer',
    },
    'token': {
        'expires_on': 'absent string', 'id': 'string', 'not_before': 'absent string', 'status': 'string',
    },
    'error': {
        'errors': 'array', 'errors[]': 'object', 'errors[].code': 'integer',
        'errors[].documentation_url': 'absent string', 'errors[].message': 'string', 'errors[].source': 'absent object',
        'errors[].source.pointer': 'absent string', 'messages': 'absent array', 'result': 'absent any null',
        'success': 'boolean',
    },
}
# {object: {path: the words that a text there may be}}.
WORDS = {
    'interconnect.direct': {
        'type': ('direct',),
    },
    'interconnect.gcp_partner': {
        'speed': ('50M', '100M', '200M', '300M', '400M', '500M', '1G', '2G', '5G', '10G', '20G', '50G'),
        'type': ('gcp_partner',),
    },
    'cni': {
        'bgp_mode': ('dynamic_route_exchange', 'advertise_only'),
    },
    'status': {
        'state': ('Pending', 'Down', 'Unhealthy', 'Healthy'),
    },
    'tunnel': {
        'health_check.direction': ('unidirectional', 'bidirectional'), 'health_check.rate': ('low', 'mid', 'high'),
        'health_check.type': ('reply', 'request'), 'version': ('1', '1.5', '2'),
    },
    'token': {
        'status': ('active', 'disabled', 'expired'),
    },
}
