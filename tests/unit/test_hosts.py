# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From variables to circuits, for each host alone: what is refused, by which words, and what is run. Pure functions."""

from __future__ import annotations

import re

import pytest
import yaml
from support.playbook import ROOT

from ansible_collections.netops.cloudflare_cni.plugins.filter.circuits import circuits
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import HOST_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.modules.provision import RETURN
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _hosts as hosts

SLOT = {'site': 'ewr-a', 'speed': '10G'}
KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'


def declare(host: str = 'nyc-1', **variables) -> hosts.DeclaredHost:
    """What a host declares with these variables, their names without the prefix."""
    return hosts.declared_host(host, {f'provision_{name}': value for name, value in variables.items()})


def row(declared: hosts.DeclaredHost, result: dict) -> dict:
    return hosts.host_results([declared], result, {})[declared.hostname]


def read_by_playbooks(prefix: str) -> set[str]:
    """The names with that prefix in playbooks, what they set themselves included."""
    texts = [path.read_text() for path in (ROOT / 'playbooks').rglob('*') if path.suffix in ('.yml', '.j2')]
    return {name for text in texts for name in re.findall(rf'(?<![\w.]){prefix}\w+(?![\w.(])', text)}


@pytest.mark.parametrize('role', ['provision', 'peer', 'alerts'])
def test_what_is_known_is_what_the_role_documents_or_a_playbook_reads(role):
    documented = set(yaml.safe_load((ROOT / f'roles/{role}/meta/argument_specs.yml').read_text())['argument_specs']['main']['options'])
    known, expected = hosts.KNOWN_VARIABLES[f'{role}_'], documented | read_by_playbooks(f'{role}_') | {f'{role}_result'}
    assert expected - known == set(), 'of a circuit: a row of HOST_OPTIONS in _specs.py; of a run or another role: a name in _hosts.py'
    assert known - expected == set(), 'not in the argument spec of the role, and no playbook reads it'


@pytest.mark.parametrize('prefix', ['netbox_', 'failover_'])
def test_what_is_known_of_playbooks_without_a_role_is_read_by_them(prefix):
    assert hosts.KNOWN_VARIABLES[prefix] - read_by_playbooks(prefix) == set()


def names(spec: dict) -> set[str]:
    """The names of options, those in dicts as DICT.NAME, with their aliases."""
    return {path for name, option in spec.items() for alias in (name, *option.get('aliases', ()))
            for path in (alias, *(f'{alias}.{inner}' for inner in names(option.get('options', {}))))}


def test_the_parts_of_a_variable_are_those_that_the_role_documents():
    documented = yaml.safe_load((ROOT / 'roles/provision/meta/argument_specs.yml').read_text())['argument_specs']['main']['options']
    assert {name for name in names(documented) if '.' in name} == {f'provision_{name}' for name in names(HOST_OPTIONS) if '.' in name}


def test_a_host_is_a_circuit():
    blanks = {'description': '', 'health_check': {'rate': ''}}
    found = declare(slot=SLOT, mtu='1476', bgp={'asn': '64496', 'md5_key': None}, wait_for='Healthy', **blanks)
    assert found.circuit == {'name': 'nyc-1', 'slot': SLOT, 'mtu': 1476, 'bgp': {'customer_asn': 64496}, 'wait_for': ['Healthy']}
    assert (found.state, found.account, found.run['artifacts_dir']) == ('present', {}, 'artifacts')
    assert declare(name='lon-1', state='', slot=SLOT).circuit == {'name': 'lon-1', 'slot': SLOT}
    assert declare(name=None, state='absent', artifacts_dir='/a').run['artifacts_dir'] == '/a'


REFUSED = {
    'a typo': ({'bpg': {}}, r'^provision_bpg: unknown variable. Did you mean provision_bgp?'),
    'two typos': ({'bpg': {}, 'nmae': 'x'}, r'^provision_bpg: .* provision_nmae: .* Did you mean provision_name\?'),
    'an answer of a survey': ({'slot_site': 'ewr-a'}, r'^provision_slot_site: .* Did you mean provision_slot.site\?'),
    'a text as a dict': ({'slot': 'gru-b'}, r"^provision_slot: must be a dictionary such as {site: ewr-a, speed: 10G}; it was 'gru-b'\.$"),
    'a name like none': ({'zzz': {}}, r'^provision_zzz: unknown variable. List your own variables in provision_own_variables\.$'),
    'a key of a dict': ({'slot': {'sight': 'x'}}, r'^provision_slot: unknown option provision_slot\.sight. Supported'),
    'one of two': ({'tunnel': {'mtuu': 1}, 'routes': [{'prefix': '10.0.0.0/16'}]}, r'^provision_tunnel: unknown option [^\[\]{}]*$'),
    'a text as a route': ({'routes': ['10.0.0.0/16']}, r"^provision_routes\[0\]: must be a dictionary .*; it was '10.0.0.0/16'\.$"),
    'a word': ({'state': 'gone'}, r'value of provision_state must be one of: present, absent, spare, got: gone'),
    'a number': ({'slot': SLOT, 'mtu': 'big'}, r"^provision_mtu: must be a whole number; it was 'big'\.$"),
    'an MTU': ({'slot': SLOT, 'mtu': 9000}, r'^provision_mtu: 9000 is not valid'),
    'a key': ({'slot': SLOT, 'bgp': {'md5_key': 'planted?'}}, r'^provision_bgp.md5_key: the value is not valid'),
    'two types': ({'slot_id': 'x', 'bandwidth': '1G'}, r'^provision_\w+, provision_'),
    'a long name': ({'slot': SLOT, 'loa_name': 'x' * 201}, r'^provision_loa_name: .* at most 200 characters, not 201'),
    'a demand': ({'slot': SLOT, 'site_demand': {'ewr-a': 3}}, r'^provision_site_demand: 3, for ewr-a, is not valid. Allowed: a bandwidth'),
    'digits': ({'slot': SLOT, 'bgp': {'md5_key': 42798}}, r'^provision_bgp.md5_key: each of these must be text'),
    'a switch as a dict': ({'bgp': True}, r'^provision_bgp: must be a dictionary such as {customer_asn: 65001}; it was true\.$'),
    'a number in a route': ({'routes': [{'scope': 1}]}, r'^provision_routes\[0\]\.scope: must be a dictionary such as .*; it was 1\.$'),
    'asdot': ({'slot': SLOT, 'bgp': {'asn': 1.1}}, r'^provision_bgp.asn: write an AS number in asplain, .*: 1.10 is 65546\.$'),
    'asdot in quotes': ({'default_asn': '1.10'}, r'^provision_default_asn: write an AS number in asplain'),
    'a secret': ({'slot': SLOT, 'pairing_key': 'planted', 'type': 'planted'}, '^provision_type: .not shown: contains a secret'),
}


@pytest.mark.parametrize('name', REFUSED)
def test_what_can_not_be_is_refused_by_its_variable(name):
    variables, words = REFUSED[name]
    with pytest.raises(InputError, match=words) as error:
        declare(**variables)
    assert error.value.details['option'].startswith('provision_')
    assert 'planted' not in str(error.value)


def test_variables_of_your_own_are_yours():
    for own in (['provision_team', 'provision_bpg'], 'provision_team, provision_bpg'):
        assert declare(team='network', bpg={}, slot=SLOT, own_variables=own).circuit == {'name': 'nyc-1', 'slot': SLOT}
    assert hosts.unknown_variables(['peer_platfrom', 'provision_bpg', 'peer_result'], prefix='peer_').startswith(
        'peer_platfrom: unknown variable. Did you mean peer_platform? List your own variables in peer_own_variables.')
    assert hosts.unknown_variables(['peer_team'], ['peer_team'], 'peer_') == ''


def test_two_hosts_with_one_circuit_are_both_refused_but_for_accounts_of_their_own():
    first, second, other = (declare(host, name='nyc', slot=SLOT) for host in 'abc')
    elsewhere = other._replace(connection=other.connection._replace(account_id='x'))
    spare = declare('d', name='nyc', state='spare')
    assert {host: str(error) for host, error in hosts.duplicate_errors([first, second, elsewhere, spare]).items()} == {
        'a': "provision_name: 'nyc' is also declared by b.", 'b': "provision_name: 'nyc' is also declared by a."}
    many = hosts.duplicate_errors(declare(host, name='nyc', slot=SLOT) for host in 'abcd')
    assert [str(error).partition(' declared ')[2] for error in many.values()] == ['by b, c, d.', *['by a.'] * 3]


def test_an_account_has_one_as_number():
    same, other, silent = declare('a', default_asn=65000, slot=SLOT), declare('b', default_asn='65001', slot=SLOT), declare('c', slot=SLOT)
    assert hosts.asn_conflicts([same, same, silent]) == {}
    assert set(hosts.asn_conflicts([same, other, silent])) == {'a', 'b'}
    (run,) = hosts.rollout_runs([silent, same], str)
    assert run.options['default_asn'] == 65000


def test_each_account_is_one_run_with_what_is_deleted():
    first, second = {'account_id': 'one', 'api_token': 'planted'}, {'account_id': 'two'}
    declared = [
        declare('a', slot={**SLOT, 'diverse_from': ['b', 'lon-1']}, wait_timeout=5, **first),
        declare('b', name='nyc-2', slot=SLOT, wait_timeout='7', **first),
        declare('c', state='absent', **second), declare('d', state='spare', **first), declare('e', slot=SLOT, **second),
    ]
    found = hosts.rollout_runs(declared, lambda name: {'b': 'nyc-2'}.get(name, name))
    assert [(run.account, run.hosts) for run in found] == [(first, {'a': 'a', 'nyc-2': 'b'}), (second, {'c': 'c', 'e': 'e'})]
    assert found[0].circuits[0]['slot']['diverse_from'] == ['nyc-2', 'lon-1']
    assert found[0].options['wait_timeout'] == 7
    assert [circuit.get('state') for circuit in found[1].circuits] == ['absent', None]


def test_what_counts_the_circuits_of_an_account_needs_them_in_one_run():
    first, second = {'account_id': 'one'}, {'account_id': 'two'}
    apart = [declare('a', slot=SLOT, artifacts_dir='x', wait_timeout=5, **first), declare('b', state='absent', artifacts_dir='y', **first)]
    elsewhere = declare('c', slot=SLOT, artifacts_dir='z', **second)
    assert hosts.split_account_problem(hosts.rollout_runs([apart[0], elsewhere], str)) == ''
    assert hosts.split_account_problem(hosts.rollout_runs([*apart, elsewhere], str)).startswith(
        'the hosts of an account differ in provision_artifacts_dir, so they are several runs')


def test_an_account_that_is_named_two_ways_is_one(monkeypatch):
    """As several runs, each would take the circuits of the other one for surplus."""
    monkeypatch.setenv('CLOUDFLARE_ACCOUNT_ID', 'one')
    monkeypatch.setenv('CLOUDFLARE_API_TOKEN', 'planted')
    own = {'by environment': {}, 'by ID': {'account_id': 'ONE'}, 'by URL': {'api_url': 'https://api.cloudflare.com/client/v4/'},
           'by all': {'account_id': 'one', 'api_token': 'planted'}}
    of_account = [declare(name, slot=SLOT, default_asn=65000 if name == 'by ID' else None, **account) for name, account in own.items()]
    by_token = declare('by another token', slot=SLOT, account_id='one', api_token='planted too')
    elsewhere = [declare('by another ID', slot=SLOT, account_id='two'), declare('by another URL', slot=SLOT, api_url='https://other/')]
    runs = hosts.rollout_runs([*of_account, by_token, *elsewhere], str)
    assert [[*run.hosts] for run in runs] == [[*own], ['by another token'], ['by another ID'], ['by another URL']]
    assert [run.options['default_asn'] for run in runs] == [65000, 65000, None, None]
    text = hosts.split_account_problem(runs)
    assert text.startswith('the hosts of an account differ in provision_api_token, so they are several runs') and 'planted' not in text
    assert hosts.split_account_problem([runs[0], *runs[2:]]) == ''
    assert [host.hostname for host in hosts.hosts_of_other_runs(runs[1], [*of_account, by_token, *elsewhere])] == [*own]


def test_hosts_that_name_an_account_in_two_ways_are_compared_in_it(monkeypatch):
    monkeypatch.setenv('CLOUDFLARE_ACCOUNT_ID', 'one')
    first, second, elsewhere = (declare(host, name='nyc', slot=SLOT, default_asn=65000 + number, **account) for number, (host, account) in
                                enumerate({'a': {}, 'b': {'account_id': 'one'}, 'c': {'account_id': 'two'}}.items()))
    for check in (hosts.duplicate_errors, hosts.asn_conflicts):
        assert set(check([first, second, elsewhere])) == {'a', 'b'}


def test_what_a_host_does_not_declare_of_its_connection_is_that_of_the_task_then_of_the_environment():
    environment = {'CLOUDFLARE_ACCOUNT_ID': 'e', 'CLOUDFLARE_API_KEY': 'planted', 'CLOUDFLARE_EMAIL': 'a@example.com',
                   'CLOUDFLARE_BASE_URL': ''}
    of_run = hosts.connection_of_run({'account_id': 't', 'hosts': []}, environment)
    assert of_run == hosts.Connection('t', 'https://api.cloudflare.com/client/v4', '', 'planted', 'a@example.com')
    token = hosts.declared_host('a', {'provision_slot': SLOT, 'provision_api_token': 'own'}, of_run=of_run).connection
    assert token == ('t', 'https://api.cloudflare.com/client/v4', 'own', '', '')


def test_what_sites_need_is_compared_once_for_an_account_in_its_last_run():
    first, second = {'account_id': 'one'}, {'account_id': 'two'}
    demand = {'ewr-a': '3G'}
    declared = [declare('a', slot=SLOT, site_demand=demand, artifacts_dir='x', **first), declare('d', slot=SLOT),
                declare('b', state='absent', site_demand={'lhr-a': '1G'}, **first),
                declare('c', state='absent', site_demand=demand, **second)]
    assert [(run.account, run.options.get('site_demand')) for run in hosts.rollout_runs(declared, str)] == [
        (first, None), ({}, None), (first, {'lhr-a': '1G', **demand}), (second, demand)]


ALL = [*hosts.STEPS, 'decommission']


@pytest.mark.parametrize(('run', 'skipped', 'own', 'chosen'), [
    (['all'], [], [], ALL),
    (['all'], ['status', 'decommission'], ['net'], [*ALL[:6], 'handover']),
    (['loa'], [], [], ['loa']),
    (['loa', 'handover'], ['loa'], ['net'], ['handover']),
    (['net'], [], ['net'], ALL),
    (['net', 'loa'], [], ['net'], ALL),
    (['tagged'], [], [], ALL),
    (['other'], [], ['net'], []),
    (['other'], [], ['always'], ALL),
    (['untagged'], [], [], []),
])
def test_tags_choose_the_steps(run, skipped, own, chosen):
    assert hosts.selected_steps(run, skipped, own) == chosen


def test_a_host_gets_its_own_of_a_result_and_a_failed_one_names_it():
    changed = {'name': 'nyc-1', 'outcome': 'created', 'changed': True, 'files': {'loa': 'f'},
               'objects': {'interconnect': {'name': 'x'}, 'cni': None}}
    failed = {'name': 'nyc-2', 'outcome': 'failed', 'changed': False, 'msg': 'why', 'error': {'kind': 'api'}}
    result = {'failed': True, 'msg': '1 of 2', 'circuits': [changed, failed], 'settings': {'default_asn': 1},
              'diff': [{'prepared': 'sum'}, {'circuit': 'nyc-1', 'before': ''}, {'circuit': 'nyc-2'}]}
    first = row(declare('nyc-1', slot=SLOT), result)
    assert first == {
        'name': 'nyc-1', 'state': 'present', 'changed': True, 'outcome': 'created', 'interconnect': {'name': 'x'}, 'cni': None,
        'tunnel': None, 'health_check': None, 'routes': None, 'settings': {'default_asn': 1}, 'status': None, 'files': {'loa': 'f'},
        'diff': [{'circuit': 'nyc-1', 'before': ''}],
    }
    second = row(declare('host', name='nyc-2', slot=SLOT), result)
    assert (second['failed'], second['msg'], second['error'], second['changed']) == (True, 'host: why', {'kind': 'api'}, False)
    whole = row(declare('nyc-3', slot=SLOT), {'failed': True, 'msg': 'no token', 'error': {'kind': 'input'}})
    assert (whole['failed'], whole['msg']) == (True, 'nyc-3: no token')


WRONG = ('x y', -1, 99999999999, 1.1, True, None, '\0', 'x' * 300, [], ['x'], [1], [None], [{}], {'a': 1})


@pytest.mark.parametrize('option', HOST_OPTIONS)
def test_whatever_is_wrong_with_a_variable_is_said_of_the_variable_and_crashes_nothing(option):
    inner = HOST_OPTIONS[option].get('options', {})
    values = [*WRONG, *({name: value} for name in inner for value in WRONG)]
    if HOST_OPTIONS[option]['type'] == 'list':
        values += [[{'prefix': '10.0.0.0/8', **value}] for value in values if isinstance(value, dict)]
    for options in ({option: value, **more} for value in values for more in ({}, {'slot': SLOT}) if option not in more):
        try:
            declare(**options)
        except InputError as error:
            assert [name for name in error.details['option'].split(', ') if not name.startswith('provision_')] == [], options
            assert str(error).startswith(error.details['option']), options


RUN = hosts.run_variables(['max_deletes', 'force', 'state', 'hosts'], {'rollout_max_deletes'}, playbook=False) | hosts.connection_sources(
    {'api_email': 'of the task'}, {'CLOUDFLARE_API_TOKEN': 'of the environment'})


def failed_by(option: str, msg: str, **result: object) -> dict:
    failure = {'failed': True, 'outcome': 'failed', 'msg': msg, 'error': {'kind': 'input', 'option': option}}
    return hosts.host_results([declare(slot=SLOT)], {**result, **failure}, RUN)['nyc-1']


@pytest.mark.parametrize(('option', 'msg', 'expected'), [
    ('slot.site', 'slot.site: no slot has it', 'nyc-1: provision_slot.site: no slot has it'),
    ('routes[0].prefix', 'routes[0].prefix: x', 'nyc-1: provision_routes[0].prefix: x'),
    ('type, slot', 'nyc-1: type, slot: these differ', 'nyc-1: provision_type, provision_slot: these differ'),
    ('artifacts_dir', 'artifacts_dir: name: x', 'nyc-1: provision_artifacts_dir: name: x'),
    ('max_deletes', 'max_deletes: 2 circuits', 'nyc-1: provision_max_deletes: 2 circuits'),
    ('steps', 'steps: cni needs a circuit', 'nyc-1: steps: cni needs a circuit'),
    ('state', 'state: it carries another', 'nyc-1: provision_state: it carries another'),
    ('api_token, api_key', 'api_token, api_key: both', 'nyc-1: CLOUDFLARE_API_TOKEN, provision_api_key: both'),
    ('api_email', 'api_email: a space', 'nyc-1: api_email: a space'),
    (None, 'nyc-1: It is live, not without force=true.', 'nyc-1: It is live, not without provision_force=true.'),
])
def test_a_failure_names_the_variables_that_the_user_has_written(option, msg, expected):
    found = failed_by(option, msg)
    assert found['msg'] == expected
    assert option is None or found['msg'].removeprefix('nyc-1: ').startswith(f'{found["error"]["option"]}: ')


@pytest.mark.parametrize(('variables', 'playbook', 'expected'), [
    ((), True, ('rollout_state', 'provision_max_deletes', 'rollout_purge_routes', 'provision_force')),
    (('rollout_max_deletes', 'rollout_force'), True, ('rollout_state', 'rollout_max_deletes', 'rollout_purge_routes', 'provision_force')),
    (('rollout_max_deletes',), False, (None, 'provision_max_deletes', None, 'provision_force')),
])
def test_of_two_variables_for_an_option_the_one_in_force_is_named(variables, playbook, expected):
    named = hosts.run_variables(['state', 'max_deletes', 'purge_routes', 'force'], variables, playbook)
    assert tuple(map(named.get, ('state', 'max_deletes', 'purge_routes', 'force'))) == expected


def test_what_a_host_gets_is_what_is_documented():
    documented = set(yaml.safe_load(RETURN)) - {'hosts', 'conflicts', 'plan'}  # these are of a whole run
    found = {'name': 'nyc-1', 'outcome': 'failed', 'changed': True, 'msg': 'why', 'error': {}, 'applied': [], 'addresses': {},
             'former_interconnect': 'ewr-a-icon-1'}
    failed = row(declare(slot=SLOT), {'circuits': [found]})
    assert {*failed, 'skip_reason'} - {'changed', 'diff', 'failed', 'msg'} == documented


def test_the_table_has_a_line_for_each_circuit_and_says_once_what_pending_means():
    rows = [
        {'name': 'nyc-1', 'outcome': 'created', 'interconnect': {'name': 'ewr-a-icon-1'},
         'status': {'state': 'Down', 'reason': 'no\nlight'}},
        {'name': 'a-long-name', 'outcome': 'failed', 'failed': True, 'msg': 'a-long-name: why'},
        {'name': 'later', 'outcome': 'deferred', 'msg': 'at_most_per_site is 1'},
        {'name': 'gone', 'outcome': 'deleted', 'former_interconnect': 'ewr-a-icon-3', 'status': None},
        {'name': 'moved', 'outcome': 'replaced', 'former_interconnect': 'ewr-a-icon-4', 'interconnect': {'name': 'ewr-a-icon-5'}},
        {'name': 'readdressed', 'outcome': 'replaced', 'former_interconnect': 'ewr-a-icon-6', 'cni': {'interconnect': 'ewr-a-icon-6'}},
        *({'name': name, 'outcome': 'created', 'interconnect': {'name': 'ewr-a-icon-2'}, 'status': {'state': 'Pending'}} for name in 'ab'),
    ]
    assert hosts.result_table(rows) == [
        'circuit      outcome   interconnect                  status   message',
        'nyc-1        created   ewr-a-icon-1                  Down     no light',
        'a-long-name  failed    -                             -        why',
        'later        deferred  -                             -        at_most_per_site is 1',
        'gone         deleted   ewr-a-icon-3                  -',
        'moved        replaced  ewr-a-icon-4 -> ewr-a-icon-5  -',
        'readdressed  replaced  ewr-a-icon-6                  -',
        'a            created   ewr-a-icon-2                  Pending',
        'b            created   ewr-a-icon-2                  Pending',
        'A port stays Pending until its cross-connect is installed, usually for 2 to 4 weeks.',
    ]


def test_circuits_of_the_filter_are_waited_for_by_nobody_who_does_not_say_so():
    assert circuits(['a'], {'a': {'provision_wait_for': ['Healthy'], 'provision_mtu': 1400}}) == [{'name': 'a', 'mtu': 1400}]
