# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules return is what they document."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
import yaml
from support.playbook import ROOT
from support.results import tables

MODULES = {
    path.stem: import_module(f'ansible_collections.netops.cloudflare_cni.plugins.modules.{path.stem}')
    for path in sorted((ROOT / 'plugins/modules').glob('*.py'))
}
DOORS = {'peer', 'provision'}  # what runs on the controller: test_peer; provision returns what rollout does
ANSIBLES_OWN = {'changed', 'diff', 'failed', 'invocation', 'msg', 'warnings'}

# Results: all that is returned is documented, and all that is documented is returned by one of these calls.

CALLS = [
    ('cni_settings', {'default_asn': 64496}),
    ('cni_settings_info', {}),
    ('slots_info', {}),
    ('interconnect', {'slot': {'site': 'ewr-a'}}),
    ('interconnect', {'pairing_key': '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2', 'bandwidth': '1G', 'check': True}),
    ('interconnect', {'pairing_key': '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2', 'bandwidth': '1G'}),
    ('interconnect_info', {'type': 'direct'}),
    ('cni', {'conduit_name': 'nyc-1', 'interconnect': '{port}', 'bgp': {'customer_asn': 64512, 'md5_key': 'planted'}}),
    ('cni_info', {}),
    ('health_check', {'conduit_name': 'nyc-1', 'direction': 'bidirectional', 'source': '10.0.0.1'}),
    ('health_check_info', {}),
    ('bgp_filter_profile', {'name': 'x', 'match_action': 'allow', 'targets': ['10.0.0.0/8+'], 'description': 'x'}),
    ('bgp_filter_profile_info', {}),
    ('tunnel', {'conduit_name': 'nyc-1', 'description': 'Newark', 'import_filter': 'x'}),
    ('static_route', {'prefix': '10.0.0.0/8', 'nexthop': '192.0.2.1', 'weight': 1, 'scope': {'colo_names': ['den01']}, 'description': 'x'}),
    ('static_route_info', {}),
    ('alert_webhook', {'name': 'noc', 'url': 'https://noc.example.com', 'secret': 'planted'}),
    ('alert_webhook_info', {}),
    ('alert_types_info', {'types': ['magic_wan_tunnel_health']}),
    ('alert_policy', {'name': 'tunnels', 'alert_type': 'magic_wan_tunnel_health', 'circuits': ['nyc-1'], 'webhooks': ['noc'],
                      'emails': ['noc@example.com'], 'description': 'x', 'alert_interval': '30m'}),
    ('alert_policy_info', {}),
    ('alert_history_info', {}),
    ('status_info', {'expect': [{'site': 'ewr-a', 'healthy': 1}], 'change': 'nyc-1', 'under_maintenance': ['nyc-1'], 'traffic': True}),
    ('support_bundle', {'conduit_name': 'nyc-1', 'path': '{folder}/support'}),
    ('loa', {'interconnect': '{port}', 'path': '{folder}/loa.pdf', 'force': True}),
    ('rollout', {'circuits': [{'name': 'nyc-1', 'mtu': 1300}], 'default_asn': 64498, 'artifacts_dir': '{folder}/files'}),
    ('rollout', {'circuits': [{'name': 'nyc-1', 'wait_for': ['Pending']}]}),
    ('rollout', {'circuits': [{'name': 'nyc-1', 'mtu': 1301}], 'plan_file': '-', 'check': True}),
    ('interconnect', {'conduit_name': 'nyc-1', 'slot': {'site': 'lhr-a'}, 'on_immutable': 'replace'}),
    ('rollout', {'circuits': [{'name': 'nyc-1', 'slot': {'site': 'ewr-a'}, 'on_immutable': 'replace'}]}),
    ('rollout', {'state': 'gathered'}),
    ('preflight_info', {}),
    ('preflight_info', {'compare_with': '{folder}/none.json'}),
]
# Calls that change something, but are told that nothing came of it.
NOT_TAKEN = [
    ('cni_settings', {'default_asn': 64497}),
    ('interconnect', {'slot': {'site': 'lhr-a'}}),
    ('cni', {'conduit_name': 'nyc-1', 'mtu': 1400}),
    ('health_check', {'conduit_name': 'nyc-1', 'rate': 'low'}),
    ('bgp_filter_profile', {'name': 'x', 'match_action': 'deny'}),
    ('tunnel', {'conduit_name': 'nyc-1', 'mtu': 1400}),
    ('static_route', {'prefix': '10.0.0.0/8', 'nexthop': '192.0.2.1', 'priority': 7}),
    ('alert_webhook', {'name': 'noc', 'url': 'https://noc.example.com/new'}),
    ('alert_policy', {'name': 'tunnels', 'enabled': False}),
    ('rollout', {'circuits': [{'name': 'nyc-1', 'mtu': 1401}]}),
]


@pytest.fixture
def results(simulator, run_module, tmp_path):
    """{module: the results of its calls, those that fail included}."""
    simulator.reset(tunnel_version='1.5')  # which has the most fields
    found = {module: [] for module in MODULES if module not in DOORS}

    def call(calls):
        for module, options in calls:
            port = next((port['name'] for port in simulator.state()['interconnects']), '')
            if module == 'alert_history_info':
                simulator.alert('magic_wan_tunnel_health', 'down')
            if module == 'status_info' and port:
                simulator.set_traffic(port, 1)
            filled = json.dumps(options).replace('{port}', port).replace('{folder}', str(tmp_path))
            found[module].append(run_module(module, **json.loads(filled)))

    call(CALLS)
    for method in ('POST', 'PUT'):
        simulator.fault('status', method=method, status=200, body={'name': 'another'}, times=None)
    call(NOT_TAKEN)
    simulator.fault('status', status=403, times=None)
    call(CALLS)
    return found


def test_what_is_returned_is_what_is_documented(results):
    for module, returned in results.items():
        documentation = yaml.safe_load(MODULES[module].RETURN)
        common = documentation.keys() & {'api', 'applied', 'addresses'}
        documentation |= {key: {'contains': {word: {} for word in tables(key)[0]}} for key in common}
        keys = set().union(*(returned_keys(documentation, result) for result in returned))
        assert {key for key in keys if key not in ANSIBLES_OWN} == documented_keys(documentation), module


def returned_keys(documentation: dict, result: dict, above: str = '') -> set[str]:
    """The dotted names of the keys of a result, as deep as the documentation goes."""
    found = set()
    for key, value in result.items():
        found.add(above + key)
        contains = documentation.get(key, {}).get('contains')
        for inner in (value if isinstance(value, list) else [value or {}]) if contains else []:
            found |= returned_keys(contains, inner, f'{above}{key}.')
    return found


def documented_keys(documentation: dict, above: str = '') -> set[str]:
    """The dotted names of the keys in a documentation of results."""
    found = set()
    for key, value in documentation.items():
        found |= {above + key} | documented_keys(value.get('contains', {}), f'{above}{key}.')
    return found
