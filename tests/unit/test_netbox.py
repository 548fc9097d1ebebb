# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Circuits of NetBox as circuits, what NetBox should hold of results, and where the two differ."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import declared_host
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._netbox import (
    OPTIONS,
    Account,
    account_of,
    declared_circuits,
    differences,
    speed_of,
)
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._netbox_writes import missing_definitions, netbox_writes, requests_of

PLAYBOOKS = Path(__file__).resolve().parents[2] / 'playbooks'
NETWORKS = [{'id': 7, 'name': 'Cloudflare Newark', 'service_id': 'ewr-a'}, {'id': 8, 'name': 'Cloudflare', 'service_id': ''}]
SITES = [{'id': 3, 'name': 'New York', 'facility': 'Equinix NY1'}, {'id': 4, 'name': 'London', 'facility': ''}]
NOTHING = account_of([], [])


def circuit(ident: int = 1, cid: str = 'nyc-1', status: str = 'planned', network: int | None = 7, site: int | None = 3,
            **values: object) -> dict:
    """A circuit of NetBox; fields: its custom fields; groups: {circuit group: priority}."""
    fields, groups = values.pop('fields', {}), values.pop('groups', {})
    ends = {'a': ('dcim.site', site), 'z': ('circuits.providernetwork', network)}
    terminations = {f'termination_{side}': end and {'termination_type': kind, 'termination_id': end, 'port_speed': None}
                    for side, (kind, end) in ends.items()}
    return {'id': ident, 'cid': cid, 'status': {'value': status, 'label': status.title()}, 'commit_rate': 10_000_000, 'description': '',
            'custom_fields': dict.fromkeys(('cni_slot', 'cni_options', 'cni_name', 'cni_interconnect', 'cni_state')) | fields,
            **terminations,
            'assignments': [{'group': {'id': group}, 'priority': priority and {'value': priority, 'label': priority.title()}}
                            for group, priority in groups.items()], **values}


def netbox(*circuits: dict, **lists: list) -> dict:
    """As nb_lookup returns the lists, with keys and values."""
    return {kind: [{'key': obj['id'], 'value': obj} for obj in objects] for kind, objects in
            {'circuits': circuits, 'sites': SITES, 'provider_networks': NETWORKS, **lists}.items()}


def account(**ports: str) -> Account:
    """An account with these circuits in these states, nyc_1 for nyc-1."""
    names = {name.replace('_', '-'): state for name, state in ports.items()}
    return account_of(
        [{'interconnect': f'{name}-icon', 'magic': {'conduit_name': name}, 'cust_ip': '172.31.0.1/31', 'p2p_ip': '172.31.0.0/31'}
         for name in names],
        [{'name': f'{name}-icon', 'site': 'ewr-a', 'speed': '10G', 'facility': {'name': 'Equinix NY1'}} for name in names],
        [{'interconnect': f'{name}-icon', 'state': state, 'reason': None} for name, state in names.items()])


def declared(*circuits: dict, has: Account = NOTHING, **options: object) -> dict:
    return declared_circuits(netbox(*circuits), has, **options)


# From NetBox to circuits.

def test_a_planned_circuit_is_ordered_by_what_its_terminations_say():
    plan = declared(circuit(description='New York, first of two', fields={'cni_options': {'health_check': {'rate': 'mid'}}}))
    assert plan['circuits'] == [{'name': 'nyc-1', 'description': 'New York, first of two', 'slot': {'site': 'ewr-a', 'speed': '10G'},
                                 'health_check': {'rate': 'mid'}}]
    assert plan['ids'] == {'nyc-1': 1, 'nyc-1 (ID 1)': 1}
    host = declared_host('nyc-1', plan['hosts']['nyc-1'])
    assert (host.circuit_name, host.circuit['slot']) == ('nyc-1', {'site': 'ewr-a', 'speed': '10G'})


SLOTS = {
    'the facility of the site, without a service ID': (circuit(network=8), {'facility': 'Equinix NY1', 'speed': '10G'}),
    'a place in cni_slot': (circuit(fields={'cni_slot': {'address_contains': 'Newark'}}), {'address_contains': 'Newark', 'speed': '10G'}),
    'a speed in cni_slot': (circuit(fields={'cni_slot': {'speed': '100G'}}), {'site': 'ewr-a', 'speed': '100G'}),
    'nothing, without a place': (circuit(network=None, site=4), None),
    'nothing, without terminations': (circuit(network=None, site=None), None),
    'no speed': (circuit(commit_rate=None), {'site': 'ewr-a'}),
    'the speed of the port': (circuit(termination_a={'termination_type': 'dcim.site', 'termination_id': 3, 'port_speed': 100_000_000}),
                              {'site': 'ewr-a', 'speed': '100G'}),
    'not the id of something else': (circuit(termination_z={'termination_type': 'dcim.region', 'termination_id': 7}),
                                     {'facility': 'Equinix NY1', 'speed': '10G'}),
}


@pytest.mark.parametrize(('declaration', 'slot'), SLOTS.values(), ids=SLOTS)
def test_the_slot_is(declaration, slot):
    assert declared(declaration)['circuits'][0].get('slot') == slot


@pytest.mark.parametrize(('kbps', 'speed'), [(10_000_000, '10G'), (400_000_000, '400G'), (500_000, '500M'), (1_500_000, '1500M'),
                                             (1500, None), (0, None), (None, None)])
def test_a_speed_of_netbox_is(kbps, speed):
    assert speed_of(kbps) == speed


WRONG = {
    'text in cni_slot': ({'cni_slot': 'ewr-a'}, 'cni_slot: it has to be a JSON object'),
    'unknown part of a slot': ({'cni_slot': {'site': 'ewr-a', 'sped': '10G'}}, 'cni_slot: sped is unknown here. Did you mean speed?'),
    'slot without a place': ({'cni_slot': {'speed': '10G'}}, 'cni_slot: it has no place.'),
    'unknown option': ({'cni_options': {'healthcheck': {}}}, 'cni_options: healthcheck is unknown here. Did you mean health_check?'),
    'state, which would delete': ({'cni_options': {'state': 'absent'}}, 'cni_options: state is unknown here.'),
    'pairing key': ({'cni_options': {'pairing_key': 'planted'}}, 'must not have a key'),
    'MD5 key': ({'cni_options': {'bgp': {'customer_asn': 1, 'md5_key': 'planted'}}}, 'must not have a key'),
    'MD5 key by its other name': ({'cni_options': {'bgp': {'password': 'planted'}}}, 'must not have a key'),
}


@pytest.mark.parametrize(('fields', 'text'), WRONG.values(), ids=WRONG)
def test_a_wrong_circuit_is_left_out_alone_and_says_why(fields, text):
    plan = declared(circuit(network=8, site=4, fields=fields), circuit(2, 'nyc-2'))
    assert [circuit['name'] for circuit in plan['circuits']] == ['nyc-2']
    assert text in plan['invalid']['nyc-1 (ID 1)']['msg'] and 'planted' not in str(plan)
    assert [(finding['kind'], finding['id']) for finding in plan['findings']] == [('invalid', 1)]


def test_the_status_decides_what_is_done():
    statuses = ('planned', 'provisioning', 'active', 'offline', 'deprovisioning', 'decommissioned', 'on_hold')
    circuits = [circuit(number, status, status) for number, status in enumerate(statuses)]
    nothing, everything = declared(*circuits), declared(*circuits, has=account(**dict.fromkeys(statuses, 'Healthy')))
    assert [circuit['name'] for circuit in nothing['circuits']] == ['planned', 'provisioning']
    assert [(finding['circuit'], finding['kind']) for finding in nothing['findings']] == [
        ('active', 'missing'), ('offline', 'missing'), ('on_hold', 'ignored')]
    assert [circuit['name'] for circuit in everything['circuits']] == ['planned', 'provisioning', 'active', 'offline']
    assert [(finding['circuit'], finding['kind']) for finding in everything['findings']] == [
        ('deprovisioning', 'to_delete'), ('decommissioned', 'to_delete'), ('on_hold', 'ignored')]


def test_only_a_circuit_that_is_named_and_has_ended_is_deleted():
    circuits = [circuit(1, 'nyc-1', 'active'), circuit(2, 'nyc-2', 'deprovisioning'), circuit(3, 'nyc-3', 'deprovisioning')]
    has = account(nyc_1='Healthy', nyc_2='Healthy', nyc_3='Down')
    plan = declared(*circuits, has=has, decommission='nyc-2, nyc-2')
    assert {host: variables.get('provision_state') for host, variables in plan['hosts'].items()} == {'nyc-1': None, 'nyc-2': 'absent'}
    assert [finding['circuit'] for finding in plan['findings']] == ['nyc-3']
    old = circuit(4, 'old', 'decommissioned', fields={'cni_name': 'nyc-1'})  # which a new one has taken over
    with pytest.raises(InputError, match='nyc-1 is active in NetBox'):
        declared(*circuits, old, has=has, decommission='old')
    for names, text in (('nyc-1', 'netbox_decommission: nyc-1 is active in NetBox.'), (['nyc-9'], 'NetBox has no such circuit: nyc-9.')):
        with pytest.raises(InputError, match=text):
            declared(*circuits, has=has, decommission=names)


def test_a_limit_selects_circuits_by_either_name():
    circuits = [circuit(1, 'NYC/1', fields={'cni_name': 'nyc-1'}), circuit(2, 'nyc-2'), circuit(3, 'nyc-3')]
    assert [circuit['name'] for circuit in declared(*circuits, limit='NYC/1,nyc-3')['circuits']] == ['nyc-1', 'nyc-3']
    assert [circuit['name'] for circuit in declared(*circuits, limit=['nyc-1'])['circuits']] == ['nyc-1']
    assert [circuit['name'] for circuit in declared(*circuits, circuit(5, '5'), limit=5)['circuits']] == ['5']
    assert len(declared(*circuits, circuit(4, 'old', 'decommissioned'), limit='nyc-1', decommission='old')['circuits']) == 2
    with pytest.raises(InputError, match='netbox_limit: NetBox has no such circuit: nyc-4'):
        declared(*circuits, limit='nyc-3,nyc-4')


PAIRS = {
    'priorities': ({1: {5: 'secondary'}, 2: {5: 'primary'}, 3: {5: 'tertiary'}}, {'c1': ['c2'], 'c2': None, 'c3': ['c2', 'c1']}),
    'no priorities': ({1: {5: None}, 2: {5: None}, 3: {6: None}}, {'c1': None, 'c2': ['c1'], 'c3': None}),
    'two groups': ({1: {5: 'primary'}, 2: {5: 'secondary', 6: 'primary'}, 3: {6: 'secondary'}}, {'c1': None, 'c2': ['c1'], 'c3': ['c2']}),
}


@pytest.mark.parametrize(('groups', 'diverse'), PAIRS.values(), ids=PAIRS)
def test_the_circuits_of_a_group_are_diverse_by(groups, diverse):
    plan = declared(*(circuit(number, f'c{number}', groups=members) for number, members in groups.items()))
    assert {circuit['name']: circuit['slot'].get('diverse_from') for circuit in plan['circuits']} == diverse


def test_a_circuit_is_diverse_only_from_what_is_there_or_ordered_and_its_own_word_counts():
    members = [circuit(1, 'gone', 'decommissioned', groups={5: 'primary'}), circuit(2, 'lost', 'active', groups={5: 'primary'}),
               circuit(3, 'up', 'active', groups={5: 'primary'}), circuit(4, 'new', groups={5: 'secondary'}),
               circuit(5, 'alone', groups={5: 'secondary'}, fields={'cni_slot': {'diverse_from': []}})]
    plan = declared(*members, has=account(up='Healthy'))
    diverse = {circuit['name']: circuit['slot'].get('diverse_from') for circuit in plan['circuits']}
    assert diverse == {'up': None, 'new': ['up'], 'alone': []}


# Names.

def test_the_name_at_cloudflare_stays_if_the_circuit_id_changes():
    renamed = circuit(cid='NYC first', status='active', fields={'cni_name': 'nyc-1', 'cni_interconnect': 'nyc-1-icon'})
    has = account(nyc_1='Healthy')
    assert declared(renamed, has=has)['circuits'][0]['name'] == 'nyc-1'
    plan = declared(renamed, has=has, rename=True)
    assert (plan['circuits'][0]['name'], plan['circuits'][0]['previous_name']) == ('NYC first', 'nyc-1')
    assert plan['ids'] == {'NYC first': 1}
    # A run that renamed the CNI was killed before it wrote that to NetBox.
    has = account_of([{'interconnect': 'nyc-1-icon', 'magic': {'conduit_name': 'NYC first'}}], [{'name': 'nyc-1-icon'}])
    assert declared(renamed, has=has)['circuits'][0]['name'] == 'NYC first'


def test_a_port_without_a_cni_is_not_renamed_so_that_its_record_is_found():
    renamed = circuit(cid='NYC first', status='provisioning', fields={'cni_name': 'nyc-1'})
    assert declared(renamed, rename=True)['circuits'][0] == {'name': 'nyc-1', 'slot': {'site': 'ewr-a', 'speed': '10G'}}


def test_a_name_belongs_to_one_circuit():
    owner, other = circuit(2, 'NYC first', fields={'cni_name': 'nyc-1'}), circuit(1, 'nyc-1')
    plan = declared(other, owner)
    assert [plan['ids'][circuit['name']] for circuit in plan['circuits']] == [2]
    writes = netbox_writes(netbox(other, owner), plan['claims'] | plan['invalid'], plan['ids'])
    assert [(write['id'], write['circuit']['custom_fields']) for write in writes] == [
        (1, {'cni_error': 'cid: the circuit NYC first of NetBox (ID 2) has the name nyc-1 at Cloudflare.'})]


def test_names_are_data():
    names = ['all', 'netbox_circuits', "{{ lookup('pipe', 'id') }}", 'CF:22']
    plan = declared(*(circuit(number, name) for number, name in enumerate(names)))
    assert [variables['provision_name'] for variables in plan['hosts'].values()] == names
    assert [host for host in plan['hosts'] if '{' in host or ':' in host or host in ('all', 'netbox_circuits')] == []


def test_the_playbook_gives_hosts_every_option_of_a_circuit():
    tasks = [task for play in yaml.safe_load((PLAYBOOKS / 'netbox_provision.yml').read_text()) for task in play['tasks']]
    variables = next(added for task in tasks if 'provision_name' in (added := task.get('ansible.builtin.add_host', {})))
    expected = {f'provision_{name}' for name in (*OPTIONS, 'name', 'state', 'slot', 'previous_name')}
    assert variables.keys() - {'name', 'groups'} == expected, 'add_host in netbox_provision.yml passes each variable of a circuit'
    assert all(value == f'{{{{ item.value.{name} | default(omit) }}}}' for name, value in variables.items() if name in expected)


# The cross-connect.

NESTED = {'id': 31, 'termination_type': 'dcim.site', 'termination_id': 3, 'port_speed': None, 'xconnect_id': 'XC-1'}
KEPT = {'patch_panel': 'rack 12', 'id': 'XC-1'}


@pytest.mark.parametrize(('nested', 'pp_info', 'declared_values', 'expected'), [
    (NESTED, 'rack 12', None, KEPT),
    (NESTED, 'rack 12', {'ticket': 'NET-7', 'patch_panel': 'rack 13'}, {'patch_panel': 'rack 13', 'id': 'XC-1', 'ticket': 'NET-7'}),
    (NESTED, None, None, {'id': 'XC-1'}),  # the terminations were not read
    (NESTED | {'xconnect_id': ''}, '', None, None),
    (None, 'rack 12', None, None),
    (None, None, {'ordered': '2026-11-02'}, {'ordered': '2026-11-02'}),
])
def test_what_is_known_of_a_cross_connect(nested, pp_info, declared_values, expected):
    declaration = circuit(termination_a=nested, fields={'cni_options': {'cross_connect': declared_values}})
    ends = [{**NESTED, 'xconnect_id': (nested or {}).get('xconnect_id'), 'pp_info': pp_info}, {'id': 32, 'pp_info': 'of another'}]
    lists = {} if pp_info is None else {'circuit_terminations': ends}
    plan = declared_circuits(netbox(declaration, **lists), NOTHING)
    assert 'cross_connect' not in plan['circuits'][0]  # the module rollout does not know it
    assert declared_host('nyc-1', plan['hosts']['nyc-1']).cross_connect == (expected or {})


def test_a_cross_connect_that_is_none_is_the_error_of_its_circuit():
    plan = declared(circuit(termination_a=NESTED, fields={'cni_options': {'cross_connect': 'rack 12'}}))
    with pytest.raises(InputError, match='provision_cross_connect'):
        declared_host('nyc-1', plan['hosts']['nyc-1'])


# From results to NetBox.

def result(state: str | None = 'Pending', name: str = 'nyc-1', **values: object) -> dict:
    return {'name': name, 'state': 'present', 'outcome': 'created', 'interconnect': {'name': 'nyc-1-icon'},
            'cni': {'interconnect': 'nyc-1-icon', 'cust_ip': '172.31.0.1/31', 'p2p_ip': '172.31.0.0/31'},
            'status': state and {'state': state, 'reason': None}, 'files': {'loa': '/srv/cni/nyc-1-loa.pdf'}, **values}


DELETED = {'name': 'nyc-1', 'state': 'absent', 'outcome': 'deleted', 'interconnect': None, 'cni': None, 'status': None, 'files': {}}
DONE = {'cni_name': 'nyc-1', 'cni_interconnect': 'nyc-1-icon', 'cni_state': 'pending', 'cni_loa': '/srv/cni/nyc-1-loa.pdf', 'cni_error': ''}


def link(key: str, value: str, ident: int = 1, **values: object) -> dict:
    """A prefix or an address of NetBox, as written by us."""
    return {'id': hash(value), key: value, 'status': {'value': 'active'}, 'vrf': None, 'tags': [{'id': 1, 'slug': 'cloudflare-cni'}],
            'custom_fields': {'cni_circuit': ident and {'id': ident, 'display': 'nyc-1'}}, **values}


LINKS = {'prefixes': [link('prefix', '172.31.0.0/31')], 'ip_addresses': [link('address', f'172.31.0.{end}/31') for end in (0, 1)]}


def written(declaration: dict, outcome: dict, links: dict | None = None, **options: object) -> dict:
    """What is written for the circuit; empty if nothing is."""
    records = netbox(declaration, **(LINKS if links is None else links))
    writes = netbox_writes(records, {'host': outcome}, {'host': declaration['id']}, **options)
    return writes[0] if writes else {}


def test_the_first_run_writes_all_there_is():
    write = written(circuit(status='provisioning', fields={'cni_name': 'nyc-1'}), result(), {})
    new = {name: value for name, value in DONE.items() if name not in ('cni_name', 'cni_error')}
    assert write['circuit'] == {'id': 1, 'custom_fields': new}
    assert write['journal'] == {
        'assigned_object_type': 'circuits.circuit', 'assigned_object_id': 1, 'kind': 'info',
        'comments': '- Interconnect: nyc-1-icon\n- State: Pending\n- LOA: /srv/cni/nyc-1-loa.pdf'}
    fields = {'status': 'active', 'custom_fields': {'cni_circuit': 1}, 'tags': [{'slug': 'cloudflare-cni'}]}
    assert write['prefixes'] == [{'prefix': '172.31.0.0/31', 'description': 'Link of a CNI', **fields}]
    assert write['addresses'] == [{'address': '172.31.0.1/31', 'description': 'Customer end of the CNI', **fields},
                                  {'address': '172.31.0.0/31', 'description': 'Cloudflare end of the CNI', **fields}]


def test_a_second_run_writes_nothing():
    assert written(circuit(status='provisioning', fields=DONE), result(outcome='unchanged')) == {}


@pytest.mark.parametrize('outcome', [{'name': 'nyc-1', 'outcome': 'skipped'}, result('Healthy', outcome='deferred')])
def test_nothing_is_written_of_a_circuit_that_was_not_read(outcome):
    assert written(circuit(status='provisioning', fields={'cni_error': 'before'}), outcome) == {}


MOVED = [  # state of the port, status before and after
    ('Pending', 'planned', 'provisioning'), ('Pending', 'provisioning', 'provisioning'), ('Pending', 'active', 'provisioning'),
    ('Pending', 'offline', 'provisioning'), ('Healthy', 'planned', 'active'), ('Healthy', 'provisioning', 'active'),
    ('Healthy', 'active', 'active'), ('Healthy', 'offline', 'active'), ('Down', 'planned', 'provisioning'),
    ('Down', 'provisioning', 'provisioning'), ('Down', 'active', 'offline'), ('Unhealthy', 'active', 'offline'),
    ('Unhealthy', 'offline', 'offline'), ('Melting', 'planned', 'provisioning'), ('Melting', 'active', 'active'),
    (None, 'active', 'active'),
    *((state, status, status) for state in ('Healthy', 'Down', 'Pending') for status in ('deprovisioning', 'decommissioned')),
]


@pytest.mark.parametrize(('state', 'before', 'after'), MOVED)
def test_the_status_follows_the_port(state, before, after):
    write = written(circuit(status=before, fields=DONE), result(state))
    assert write.get('circuit', {}).get('status', before) == after
    known = {'Pending': 'pending', None: 'pending', 'Melting': 'unknown'}.get(state, str(state).lower())
    assert write.get('circuit', {}).get('custom_fields', {}).get('cni_state', 'pending') == known


def test_the_journal_says_what_happened_and_how_bad_it_is():
    down = result('Down', status={'state': 'Down', 'reason': 'no light'})
    write = written(circuit(status='active', fields=DONE | {'cni_state': {'value': 'healthy', 'label': 'Healthy'}}), down)
    assert (write['journal']['kind'], write['journal']['comments']) == (
        'danger', '- status: active to offline\n- State: Down\n- Reason: no light')
    assert written(circuit(status='provisioning', fields=DONE), result('Healthy'))['journal']['kind'] == 'success'


FAILED = {'name': 'nyc-1', 'state': 'present', 'outcome': 'failed', 'failed': True, 'interconnect': {'name': 'nyc-1-icon'}, 'cni': None,
          'status': None, 'files': {}, 'msg': 'nyc-1: POST /cni/cnis: HTTP 500, 1000: Internal error',
          'error': {'kind': 'api', 'cf_ray': '8f1d-EWR'}}


def test_a_failure_is_written_once_with_its_cf_ray_and_cleared_after():
    text = 'POST /cni/cnis: HTTP 500, 1000: Internal error Its cf-ray is 8f1d-EWR.'
    before = circuit(status='provisioning', fields={'cni_name': 'nyc-1'})
    write = written(before, FAILED)
    assert write['circuit']['custom_fields'] == {'cni_error': text, 'cni_interconnect': 'nyc-1-icon'}
    assert write['journal']['kind'] == 'danger' and f'- Error: {text}' in write['journal']['comments']
    known = circuit(status='provisioning', fields=DONE | {'cni_error': text})
    assert written(known, FAILED | {'error': {'cf_ray': '9999-EWR'}}) == {}
    assert written(known, result())['circuit']['custom_fields'] == {'cni_error': ''}


def test_a_failed_rename_keeps_the_name():
    renamed = circuit(cid='NYC first', status='provisioning', fields=DONE)
    assert 'cni_name' not in written(renamed, FAILED | {'name': 'NYC first'})['circuit']['custom_fields']
    assert written(renamed, result(name='NYC first'))['circuit'] == {'id': 1, 'custom_fields': {'cni_name': 'NYC first'}}


def test_what_is_about_to_be_ordered_is_written_before():
    plan = declared(circuit(), circuit(2, 'nyc-2', 'provisioning'), circuit(3, 'nyc-3', 'provisioning', fields={'cni_name': 'nyc-3'}))
    writes = netbox_writes(netbox(circuit(), circuit(2, 'nyc-2', 'provisioning')), plan['claims'], plan['ids'])
    assert [write['circuit'] for write in writes] == [
        {'id': 1, 'custom_fields': {'cni_name': 'nyc-1'}, 'status': 'provisioning'},
        {'id': 2, 'custom_fields': {'cni_name': 'nyc-2'}}]


def test_a_loa_can_have_a_url():
    write = written(circuit(status='provisioning', fields=DONE), result(), loa_url='https://files.example.com/cni/')
    assert write['circuit']['custom_fields'] == {'cni_loa': 'https://files.example.com/cni/nyc-1-loa.pdf'}
    write = written(circuit(fields=DONE), result(files={'loa': '/srv/cni/nyc%201-loa.pdf'}), loa_url='https://files.example.com')
    assert write['circuit']['custom_fields'] == {'cni_loa': 'https://files.example.com/nyc%25201-loa.pdf'}


@pytest.mark.parametrize(('status', 'after'), [('deprovisioning', {'status': 'decommissioned'}), ('decommissioned', {}), ('active', {})])
def test_a_deleted_circuit_keeps_its_objects_as_deprecated(status, after):
    write = written(circuit(status=status, fields=DONE), DELETED)
    assert write['circuit'] == {'id': 1, 'custom_fields': {'cni_state': 'absent', 'cni_interconnect': '', 'cni_loa': ''}, **after}
    assert write['prefixes'] == [{'id': LINKS['prefixes'][0]['id'], 'prefix': '172.31.0.0/31', 'status': 'deprecated'}]
    assert sorted(address['address'] for address in write['addresses']) == ['172.31.0.0/31', '172.31.0.1/31']
    assert written(circuit(status='active', fields=DONE), DELETED | {'failed': True, 'outcome': 'failed', 'msg': 'x'})['prefixes'] == []


def test_new_addresses_replace_the_old_ones():
    moved = result(cni={'interconnect': 'nyc-1-icon', 'cust_ip': '172.31.0.3', 'p2p_ip': '172.31.0.2'})
    write = written(circuit(status='provisioning', fields=DONE), moved)
    assert [(prefix['prefix'], prefix['status']) for prefix in write['prefixes']] == [
        ('172.31.0.2/31', 'active'), ('172.31.0.0/31', 'deprecated')]
    assert [(address['address'], address['status']) for address in write['addresses']] == [
        ('172.31.0.3/31', 'active'), ('172.31.0.2/31', 'active'), ('172.31.0.0/31', 'deprecated'), ('172.31.0.1/31', 'deprecated')]


PREFIXES = {  # a prefix of NetBox, the VRF that is asked for, and what is written
    'that of another circuit': (link('prefix', '172.31.0.0/31', 2), '', {'id': 8}, []),
    'made by hand': (link('prefix', '172.31.0.0/31', 0, tags=[{'slug': 'mine'}]), '', {'id': 8}, ['mine']),
    'deprecated before': (link('prefix', '172.31.0.0/31', status={'value': 'deprecated'}), '', {'id': 8}, []),
    'in the VRF': (link('prefix', '172.31.0.0/31', 0, vrf={'id': 4, 'name': 'red'}), 'red', {'id': 8}, []),
    'in another VRF': (link('prefix', '172.31.0.0/31', 0, vrf={'id': 4, 'name': 'red'}), 'blue',
                       {'vrf': {'name': 'blue'}, 'description': 'Link of a CNI'}, []),
}


@pytest.mark.parametrize(('prefix', 'vrf', 'write', 'tags'), PREFIXES.values(), ids=PREFIXES)
def test_a_prefix_is_taken_over(prefix, vrf, write, tags):
    lists = {'prefixes': [prefix | {'id': 8}]}
    prefixes = written(circuit(status='provisioning', fields=DONE), result(), lists, vrf=vrf)['prefixes']
    assert prefixes == [{'prefix': '172.31.0.0/31', 'status': 'active', 'custom_fields': {'cni_circuit': 1}, **write,
                         'tags': [{'slug': slug} for slug in (*tags, 'cloudflare-cni')]}]


def test_a_prefix_that_is_in_a_vrf_alone_is_not_taken_for_the_link():
    prefix = link('prefix', '172.31.0.0/31', 0, vrf={'id': 4, 'name': 'red'})
    write = written(circuit(status='provisioning', fields=DONE), result(), LINKS | {'prefixes': [prefix]})
    assert (write['prefixes'], write['problems']) == ([], ['netbox_vrf: 172.31.0.0/31 is in the VRF red of NetBox. Set netbox_vrf.'])


def test_unknown_addresses_of_check_mode_are_not_written():
    predicted = result(None, cni={'interconnect': '(known after apply)', 'cust_ip': '(known after apply)', 'p2p_ip': '(known after apply)'})
    write = written(circuit(fields={'cni_name': 'nyc-1'}), predicted)
    assert (write['prefixes'], write['addresses']) == ([], [])


def test_requests_hold_a_hundred_objects_and_the_journal_comes_first():
    circuits = [circuit(number, f'nyc-{number}', fields={'cni_name': f'nyc-{number}'}) for number in range(250)]
    results = {f'nyc-{number}': result(name=f'nyc-{number}', cni={'cust_ip': f'10.0.{number}.1/31', 'p2p_ip': f'10.0.{number}.0/31'})
               for number in range(250)}
    former = link('prefix', '172.31.0.0/31', 7)
    requests = requests_of(netbox_writes(netbox(*circuits, prefixes=[former]), results, {f'nyc-{number}': number for number in range(250)}))
    assert [(request['method'], request['path'], len(request['writes'])) for request in requests] == [
        *(('POST', 'extras/journal-entries', count) for count in (100, 100, 50)),
        *(('PATCH', 'circuits/circuits', count) for count in (100, 100, 50)),
        *(('POST', 'ipam/prefixes', count) for count in (100, 100, 50)), ('PATCH', 'ipam/prefixes', 1),
        *(('POST', 'ipam/ip-addresses', 100) for _number in range(5))]
    assert requests[9]['writes'] == [
        {'id': 7, 'name': 'nyc-7', 'object': {'id': former['id'], 'prefix': '172.31.0.0/31', 'status': 'deprecated'}}]


# NetBox and Cloudflare compared.

def test_equal_sides_have_no_difference():
    in_use = circuit(status='active', fields={'cni_name': 'nyc-1', 'cni_interconnect': 'nyc-1-icon'})
    assert differences(netbox(in_use), account(nyc_1='Healthy'))['lines'] == []


def test_both_sides_are_compared():
    circuits = [circuit(1, 'nyc-1'), circuit(2, 'nyc-2', 'active'), circuit(3, 'nyc-3', 'deprovisioning'),
                circuit(4, 'NYC 4', 'active', fields={'cni_name': 'nyc-4'}, commit_rate=100_000_000),
                circuit(5, 'nyc-5', 'provisioning', fields={'cni_interconnect': 'other'}), circuit(6, 'nyc-6', fields={'cni_slot': []}),
                circuit(7, 'nyc-7', fields={'cni_slot': ['x']})]
    has = account(nyc_3='Healthy', nyc_4='Down', nyc_5='Pending', lost='Healthy')
    has = has._replace(ports={**has.ports, 'bare': {'name': 'bare'}})
    found = differences(netbox(*circuits), has)
    assert [(finding['circuit'], finding['kind']) for finding in found['findings']] == [
        ('nyc-1', 'not_ordered'), ('nyc-2', 'missing'), ('nyc-3', 'to_delete'), ('NYC 4', 'renamed'), ('NYC 4', 'status'),
        ('NYC 4', 'differs'), ('nyc-5', 'cross_connect'), ('nyc-5', 'differs'), ('nyc-6', 'not_ordered'), ('nyc-7', 'not_ordered'),
        ('nyc-7', 'invalid'), ('lost', 'unknown'), ('bare', 'spare')]
    assert 'NYC 4: speed 100G in NetBox, 10G at Cloudflare.' in found['lines']
    assert 'NYC 4: active in NetBox, and the port is Down: it becomes offline.' in found['lines']
    limited = differences(netbox(*circuits), has, 'nyc-2')
    assert [(finding['circuit'], finding['kind']) for finding in limited['findings']] == [('nyc-2', 'missing')]


def test_what_cloudflare_has_becomes_what_netbox_lacks():
    circuits = [circuit(1, 'NYC 1', 'active', fields=DONE), circuit(2, 'nyc-2', 'deprovisioning', fields={'cni_interconnect': 'gone'}),
                circuit(3, 'nyc-3'), circuit(4, 'nyc-4', 'provisioning', fields={'cni_error': 'before', 'cni_interconnect': 'bare'})]
    has = account(nyc_1='Down')
    has = has._replace(ports={**has.ports, 'bare': {'name': 'bare'}}, states={**has.states, 'bare': {'state': 'Pending'}})
    found = differences(netbox(*circuits), has)
    writes = netbox_writes(netbox(*circuits, **LINKS), found['results'], found['ids'])
    assert {write['name']: write['circuit'] for write in writes} == {
        'NYC 1': {'id': 1, 'custom_fields': {'cni_state': 'down'}, 'status': 'offline'},
        'nyc-2': {'id': 2, 'custom_fields': {'cni_state': 'absent', 'cni_interconnect': ''}, 'status': 'decommissioned'},
        'nyc-4': {'id': 4, 'custom_fields': {'cni_name': 'nyc-4', 'cni_state': 'pending'}}}


# Custom fields.

def as_made(data: dict, **values: object) -> dict:
    """A custom field as NetBox returns it once it was made."""
    choice_set = {'choice_set': data['choice_set'] and {'id': 1, 'name': data['choice_set']}} if 'choice_set' in data else {}
    return {'id': 1, **data, 'type': {'value': data['type'], 'label': data['type']}, **choice_set,
            'object_types': data['object_types'][::-1], **values}


def test_definitions_are_made_once():
    missing = missing_definitions({})
    assert ([tag['slug'] for tag in missing['tags']], len(missing['choice_sets']), len(missing['fields'])) == (['cloudflare-cni'], 1, 8)
    made = {'tags': missing['tags'], 'custom_field_choice_sets': missing['choice_sets'],
            'custom_fields': [*map(as_made, missing['fields'])]}
    assert missing_definitions(made) == {'tags': [], 'choice_sets': [], 'fields': []}
    assert missing_definitions(made, 'mine')['tags'][0]['slug'] == 'mine'


def test_a_definition_that_differs_is_changed_and_choices_of_others_stay():
    missing = missing_definitions({})
    fields = [as_made(missing['fields'][0], label='Mine'), *map(as_made, missing['fields'][1:])]
    choices = [{'name': 'Cloudflare interconnect states', 'extra_choices': [['mine', 'Mine'], ['pending', 'Pending']]}]
    found = missing_definitions({'tags': missing['tags'], 'custom_field_choice_sets': choices, 'custom_fields': fields})
    assert [field['name'] for field in found['fields']] == ['cni_slot']
    assert [choice[0] for choice in found['choice_sets'][0]['extra_choices']] == [
        'mine', 'pending', 'down', 'unhealthy', 'healthy', 'unknown', 'absent']
