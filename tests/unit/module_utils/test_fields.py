# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each field of the API: a difference in it is noticed, and people read it in the hand-over and in the support bundle of a circuit."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._bundle import BundleFacts, bundle_markdown
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import checked_value
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import CircuitFacts, handover_of, sheet_renderer
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import differing_fields, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import DIRECT, GCP_PARTNER, RESOURCES, Resource

from .test_plan import KEY, uuid

# {row: {path of a field: two values that it may have}}: a new field needs a line here.
VALUES: dict[str, dict[str, tuple[Any, Any]]] = {
    'direct': {'type': ('direct', 'other'), 'slot_id': (uuid(1), uuid(2)), 'speed': ('10G', '100G')},
    'gcp_partner': {'type': ('gcp_partner', 'other'), 'pairing_key': (KEY, KEY.replace('/2', '/1')), 'region': ('us-east4', 'us-west1'),
                    'speed': ('1G', '2G')},
    'cni': {
        'interconnect': ('here', 'there'), 'magic.conduit_name': ('nyc-1', 'nyc-2'), 'magic.description': ('first', 'second'),
        'magic.mtu': (1500, 1476), 'bgp.customer_asn': (64496, 64497), 'bgp.extra_prefixes': (['192.0.2.0/24'], ['198.51.100.0/24']),
        'bgp.md5_key': (None, 'planted'), 'bgp_mode': ('advertise_only', 'dynamic_route_exchange'),
        'cust_ip': ('172.31.0.1/31', '172.31.0.3/31'), 'p2p_ip': ('172.31.0.0/31', '172.31.0.2/31'),
    },
    'settings': {'default_asn': (13335, 65100)},
    'filter_profile': {'name': ('x', 'y'), 'description': ('', 'x'), 'match_action': ('allow', 'deny'),
                       'targets': (['10.0.0.0/8+'], ['10.0.0.0/8'])},
    'tunnel': {
        'health_check.enabled': (True, False), 'health_check.rate': ('low', 'mid'), 'health_check.type': ('reply', 'request'),
        'health_check.direction': ('unidirectional', 'bidirectional'), 'health_check.target.saved': ('10.0.0.1', '10.0.0.2'),
        'health_check.source': ('10.99.0.1', '10.99.0.2'), 'description': ('Newark', ''), 'mtu': (1476, 8950),
        'interface_address': ('10.9.0.0/31', '10.9.0.2/31'), 'automatic_return_routing': (False, True),
        'bgp.import_filter_id': ('f1', 'f2'), 'bgp.export_filter_id': ('f1', 'f2'),
    },
    'route': {'prefix': ('10.20.0.0/16', '10.30.0.0/16'), 'nexthop': ('172.31.0.1', '172.31.0.3'), 'priority': (100, 200),
              'weight': (1, 2), 'scope': ({'colo_names': ['den01']}, {'colo_names': ['sjc01']}), 'description': ('a', 'b')},
    'alert_webhook': {'name': ('noc', 'soc'), 'url': ('https://noc.example.com', 'https://soc.example.com'), 'secret': ('one', 'other')},
    'alert_policy': {
        'name': ('x', 'y'), 'alert_type': ('magic_wan_tunnel_health', 'maintenance_event_notification'), 'enabled': (True, False),
        'description': ('x', 'y'), 'alert_interval': ('30m', '1h'), 'mechanisms': ({'email': []}, {'email': [{'id': 'x'}]}),
        'mechanisms.email': (['a@example.com'], ['b@example.com']), 'mechanisms.pagerduty': (['p1'], ['p2']),
        'mechanisms.webhooks': (['w1'], ['w2']), 'circuits': (['nyc-1'], ['nyc-2']),
    },
}
OF_THE_ACCOUNT = {'settings', 'filter_profile', 'alert_webhook', 'alert_policy'}  # no part of a circuit
ROWS: dict[str, Resource] = {**{name: row for name, row in RESOURCES.items() if row.fields and not row.variants}, 'direct': DIRECT,
                             'gcp_partner': GCP_PARTNER}
ELSEWHERE = {('cni', 'interconnect'): 'the port has it', ('cni', 'magic.conduit_name'): 'the circuit has it',
             ('gcp_partner', 'pairing_key'): 'a secret, which answers do not hold'}
OF_CLOUDFLARES_END = ('description', 'mtu', 'interface_address', 'automatic_return_routing', 'bgp.import_filter_id', 'bgp.export_filter_id')
# {(where, row, path): why nobody reads it there}
LEFT_OUT = {
    **{(where, *field): why for where in ('hand-over', 'bundle') for field, why in ELSEWHERE.items()},
    **{('hand-over', 'tunnel', path): "set at Cloudflare's end: the router has nothing to do with it" for path in OF_CLOUDFLARES_END},
    ('hand-over', 'route', 'nexthop'): "the router's own address, which is in the section above",
    ('hand-over', 'direct', 'type'): 'the sheet of a port differs from that of an attachment',
}


def objects(changed: tuple[str, str] | None, partner: bool) -> list[dict[str, Any]]:
    """Interconnect, CNI, tunnel and route, each field with the first of its values, but the changed one."""
    return [merge({}, {path: values[changed == (name, path)] for path, values in VALUES[name].items() if ROWS[name].field(path).returned})
            for name in ('gcp_partner' if partner else 'direct', 'cni', 'tunnel', 'route')]


def handover(changed: tuple[str, str] | None, partner: bool) -> str:
    port, cni, tunnel, route = objects(changed, partner)
    content = handover_of(CircuitFacts('nyc-1', {'name': 'here', **port}, cni, tunnel, routes=[route]), None)
    return sheet_renderer(None)(content)


def bundle(changed: tuple[str, str] | None, partner: bool) -> str:
    port, cni, tunnel, route = objects(changed, partner)
    now = datetime(2026, 11, 29, tzinfo=timezone.utc)
    return bundle_markdown(BundleFacts('nyc-1', 'account', now, 'here', {'name': 'here', **port}, cni, None, tunnel, [route]))


FIELDS = [(name, path) for name, row in ROWS.items() for path in (f.path for f in row.fields)]


@pytest.mark.parametrize('name', ROWS)
def test_each_field_has_a_line_in_the_table(name):
    assert {*VALUES[name]} == {f.path for f in ROWS[name].fields}


@pytest.mark.parametrize(('name', 'path'), [(name, path) for name in VALUES for path in VALUES[name]])
def test_a_difference_in_a_field_is_noticed(name, path):
    row = ROWS[name]
    f, warnings = row.field(path), []
    first, second = (value if value is None else checked_value(f.option, value, f.check, warnings) for value in VALUES[name][path])
    current = merge({}, {path: first})
    assert (differing_fields(row, {path: first}, current), warnings) == ({}, [])
    assert differing_fields(row, {path: second}, current) == ({path: second} if f.returned else {})


@pytest.mark.parametrize(('what', 'render'), [('hand-over', handover), ('bundle', bundle)])
@pytest.mark.parametrize(('name', 'path'), [(name, path) for name, path in FIELDS if name not in OF_THE_ACCOUNT])
def test_people_read_each_field_of_a_circuit(what, render, name, path):
    partner = name == 'gcp_partner'
    is_shown = render((name, path), partner) != render(None, partner)
    assert is_shown == ((what, name, path) not in LEFT_OUT), 'add it to _handover.py or _bundle.py, or to LEFT_OUT with the reason'
