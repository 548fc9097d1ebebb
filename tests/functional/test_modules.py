# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module's main(), as a process of its own, against the simulator: credentials, results, check mode, secrets, files."""

from __future__ import annotations

import json
import os

import pytest
from support.module_process import run_in_child
from support.rights import heed_permissions

KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'
SLOT = {'site': 'ewr-a', 'speed': '10G'}
ANY = 'cni_settings_info'
NO_ADDRESSES = ['api.example', 'http://[::1', 'https://a..b/', 'https://a b/', 'https://api.example:x/', 'https://api.example:99999/',
                'https://*.example/', f'https://{"a" * 64}.example/', 'https://']


@pytest.fixture
def run_hurried(simulator, module_process):
    """run_hurried(module, **options) -> how it ended; its client sleeps by moving its clock only."""
    environment = {'PATH': os.environ['PATH'], **simulator.environment}
    return lambda module, **options: module_process.run(module, options, environment, hurried=True)


@pytest.fixture
def circuit(run_module):
    """A circuit nyc-1: its interconnect and its CNI."""
    port = run_module('interconnect', conduit_name='nyc-1', slot=SLOT)['interconnect']
    link = run_module('cni', conduit_name='nyc-1', interconnect=port['name'], bgp={'customer_asn': 64512, 'md5_key': 'planted-md5'})
    return {'interconnect': port, 'cni': link['cni']}


# Credentials and connection.

@pytest.mark.parametrize(('environment', 'option', 'words'), [
    ({'CLOUDFLARE_API_TOKEN': ''}, 'api_token', 'CLOUDFLARE_API_TOKEN'),
    ({'CLOUDFLARE_API_KEY': 'k'}, 'api_token, api_key', 'both are set'),
    ({'CLOUDFLARE_API_TOKEN': '', 'CLOUDFLARE_API_KEY': 'k'}, 'api_email', 'CLOUDFLARE_EMAIL'),
    ({'CLOUDFLARE_API_TOKEN': 'two words'}, 'api_token', 'space'),
    ({'CLOUDFLARE_API_TOKEN': 'line\n'}, 'api_token', 'line break'),
    ({'CLOUDFLARE_ACCOUNT_ID': ''}, 'account_id', 'CLOUDFLARE_ACCOUNT_ID'),
    *(({'CLOUDFLARE_BASE_URL': url}, 'api_url', 'not a URL') for url in NO_ADDRESSES),
], ids=['no token', 'both', 'key without email', 'blank', 'line end', 'no account', *NO_ADDRESSES])
def test_credentials_that_can_not_be_are_refused_unsent(run_module, simulator, environment, option, words):
    result = run_module(ANY, environment=environment)
    assert (result['failed'], result['error']['option']) == (True, option)
    assert words in result['msg']
    assert simulator.requests() == []


@pytest.mark.parametrize(('options', 'words'), [
    ({'ca_path': '/no/such/bundle'}, '/no/such/bundle does not exist'), ({'timeout': 0}, 'timeout: 0'),
    ({'requests_per_window': 0}, 'more than 0'), ({'retry_timeout': -1}, 'more than 0'),
])
def test_connection_options_that_can_not_be(run_module, options, words):
    assert words in run_module(ANY, **options)['msg']


@pytest.mark.parametrize(('options', 'status', 'hint'), [
    ({'api_token': 'not-the-token'}, 403, 'lacks a permission'),
    ({'account_id': '0' * 32}, 403, 'account_id'),
    ({'account_id': 'short'}, 404, 'account_id'),
])
def test_what_the_gateway_refuses_comes_with_its_words_and_a_hint(run_module, options, status, hint):
    error = run_module(ANY, **options)['error']
    assert error['status'] == status
    assert hint in error['hint']
    assert error['cf_ray']


def test_a_read_only_token_says_which_permission_writing_needs(run_module):
    result = run_module('cni_settings', default_asn=65000, api_token='read-only-token')
    assert 'Magic WAN Write or Magic Transit Write' in result['msg']


def test_an_empty_string_is_left_alone(run_module, simulator, circuit):
    before = simulator.state()
    blank = {'description': '', 'mtu': '', 'bgp_mode': '', 'cust_ip': '', 'bgp': {'customer_asn': '', 'extra_prefixes': ''}}
    result = run_module('cni', conduit_name='nyc-1', **blank, api_token='', validate_certs='', timeout='')
    assert (result['changed'], simulator.state()) == (False, before)
    assert run_module('cni', conduit_name='nyc-1', bgp={'md5_key': ''})['error']['option'] == 'bgp.md5_key'
    assert run_module(ANY, environment={'CLOUDFLARE_API_KEY': '', 'CLOUDFLARE_EMAIL': ''})['settings']


def test_a_dead_address_is_reported_with_what_to_check(run_module):
    result = run_module(ANY, api_url='http://127.0.0.1:1/client/v4', retry_timeout=1)
    assert (result['error']['reason'], result['error']['retryable']) == ('refused', True)
    assert 'check api_url, firewall and proxy' in result['msg']
    assert result['api']['requests'] >= 1


def test_results_count_requests_retries_and_waits(run_module, simulator):
    simulator.fault('status', method='GET', path='settings', status=429, headers={'Retry-After': '0'}, times=1)
    api = run_module(ANY)['api']
    assert (api['requests'], api['retries'], 0.25 <= api['waited'] <= 0.5) == (2, 1, True)


def test_retry_after_is_waited_for(run_hurried, simulator):
    simulator.fault('status', method='GET', path='settings', status=429, headers={'Retry-After': '77'}, times=1)
    ended = run_hurried(ANY)
    assert (ended.result()['settings']['default_asn'], 77 <= ended.slept < 100) == (13335, True)


def test_more_requests_than_the_limit_allows_wait_for_the_next_window(run_hurried, simulator):
    ended = run_hurried('interconnect', slot=SLOT, requests_per_window=1)
    waits = len(simulator.requests()) - 1
    assert (ended.result()['changed'], waits > 1, 300 * waits <= ended.seconds, ended.slept < 300 * waits + 100) == (True,) * 4


def test_a_plain_address_and_unchecked_certificates_are_warned_of(run_module):
    result = run_module(ANY, api_url='http://cni.invalid/client/v4', validate_certs=False, retry_timeout=1)
    assert any('unencrypted' in str(text) for text in result['warnings'])
    assert any('validate_certs' in str(text) for text in result['warnings'])


# The whole flow, each module.

def test_check_mode_predicts_what_the_run_then_does_and_writes_nothing(run_module, writes):
    steps = [
        ('interconnect', {'conduit_name': 'nyc-1', 'slot': SLOT}),
        ('cni', {'conduit_name': 'nyc-1', 'interconnect': '{port}', 'bgp': {'customer_asn': 64512}, 'bgp_mode': 'advertise_only'}),
        ('cni', {'conduit_name': 'nyc-1', 'mtu': 1400}),
        ('health_check', {'conduit_name': 'nyc-1', 'rate': 'high', 'type': 'request'}),
        ('cni_settings', {'default_asn': 65000}),
        ('cni', {'conduit_name': 'nyc-1', 'state': 'absent'}),
        ('interconnect', {'name': '{port}', 'state': 'absent'}),
    ]
    port = None
    for module, options in steps:
        options = json.loads(json.dumps(options).replace('{port}', str(port)))
        before = writes()
        predicted = run_module(module, check=True, **options)
        assert writes() == before
        done = run_module(module, **options)
        assert (predicted['changed'], predicted['diff']) == (True, done['diff'])
        assert done['changed'] is True
        assert len(writes()) > len(before)
        after = writes()
        second = run_module(module, **options)
        assert (second['changed'], second['diff'], writes()) == (False, [], after)
        port = done['interconnect']['name'] if done.get('interconnect') else port


def test_a_prediction_can_be_predicted_on(run_module, writes, tmp_path):
    port = run_module('interconnect', check=True, conduit_name='nyc-1', slot=SLOT)['interconnect']['name']
    assert run_module('cni', check=True, conduit_name='nyc-1', interconnect=port)['cni']['interconnect'] == port
    assert run_module('health_check', check=True, interconnect=port, rate='high')['health_check']['rate'] == 'high'
    assert run_module('loa', check=True, interconnect=port, path=str(tmp_path / 'loa.pdf'))['changed'] is True
    assert (writes(), list(tmp_path.iterdir())) == ([], [])
    result = run_module('loa', interconnect=port, path=str(tmp_path / 'loa.pdf'))
    assert 'check mode' in result['msg']


def test_what_is_stored_is_what_was_asked_for(simulator, circuit):
    state = simulator.state()
    assert [port['name'] for port in state['interconnects']] == [circuit['interconnect']['name']]
    assert state['cnis'][0]['bgp'] == {'customer_asn': 64512, 'extra_prefixes': [], 'md5_key': 'planted-md5'}
    assert state['cnis'][0]['magic'] == {'conduit_name': 'nyc-1', 'description': '', 'mtu': 1500}


def test_unknown_fields_survive_an_update(run_module, simulator, circuit):
    simulator.seed(cnis=[{**simulator.state()['cnis'][0], 'newer_field': {'kept': [1, 2]}}])
    run_module('cni', conduit_name='nyc-1', mtu=1400)
    stored = simulator.state()['cnis'][0]
    assert (stored['newer_field'], stored['magic']['mtu']) == ({'kept': [1, 2]}, 1400)


def test_a_gcp_attachment_is_ordered_once(run_module, writes):
    options = {'pairing_key': KEY, 'bandwidth': '1G', 'conduit_name': 'gcp-1'}
    first = run_module('interconnect', **options)
    assert (first['interconnect']['type'], first['interconnect']['region']) == ('gcp_partner', 'us-east4')
    run_module('cni', conduit_name='gcp-1', interconnect=first['interconnect']['name'])
    assert run_module('interconnect', **options)['changed'] is False
    assert len(writes()) == 2


@pytest.mark.parametrize('kind', ['drop_after', 'drop_before'])
@pytest.mark.parametrize('module', ['interconnect', 'cni'])
def test_a_lost_answer_ends_with_exactly_one(run_module, simulator, module, kind):
    port = None if module == 'interconnect' else run_module('interconnect', slot=SLOT)['interconnect']['name']
    simulator.fault(kind, method='POST', path='cni/', times=1)
    options = {'slot': SLOT} if module == 'interconnect' else {'interconnect': port}
    assert run_module(module, conduit_name='nyc-1', **options)['changed'] is True
    state = simulator.state()
    assert (len(state['interconnects']), len(state['cnis'])) == (1, int(module == 'cni'))


# Info modules.

@pytest.mark.parametrize(('module', 'key', 'found', 'missing'), [
    ('interconnect_info', 'interconnects', {'conduit_name': 'nyc-1'}, {'conduit_name': 'nyc-2'}),
    ('interconnect_info', 'interconnects', {'site': 'EWR-A', 'type': 'direct'}, {'type': 'gcp_partner'}),
    ('interconnect_info', 'interconnects', {'facility': 'equinix ny1'}, {'name': '../settings'}),
    ('cni_info', 'cnis', {'conduit_name': 'nyc-1'}, {'conduit_name': 'nyc-2'}),
    ('cni_info', 'cnis', {}, {'interconnect': 'nobody'}),
    ('health_check_info', 'tunnels', {'conduit_name': 'nyc-1'}, {'interconnect': 'nobody'}),
    ('slots_info', 'slots', {'site': 'ewr-a', 'occupied': False}, {'site': 'nowhere'}),
    ('slots_info', 'slots', {'facility': 'EQUINIX ny1'}, {'facility': 'Equinix'}),
    ('slots_info', 'slots', {'address_contains': 'halsey'}, {'id': '00000000-0000-4000-8000-000000000000'}),
])
def test_what_is_found_and_what_is_not(run_module, circuit, module, key, found, missing):
    assert run_module(module, **found)[key]
    nothing = run_module(module, **missing)
    assert (nothing[key], nothing['changed']) == ([], False)


def test_two_matches_are_an_error_that_lists_both(run_module, simulator, writes, circuit):
    other = '00000000-0000-4000-8000-000000000000'
    simulator.seed(cnis=[stored := simulator.state()['cnis'][0], {**stored, 'id': other}])
    before = writes()
    error = run_module('cni', conduit_name='nyc-1', mtu=1400)['error']
    assert (error['kind'], {stored['id'], other} <= {*json.dumps(error).split('"')}, writes()) == ('ambiguous', True, before)


def test_one_object_is_read_with_one_request(run_module, simulator, circuit):
    name, number = circuit['interconnect']['name'], circuit['cni']['id']
    slot = circuit['interconnect']['slot_id']
    assert run_module('interconnect_info', name=name)['interconnects'][0]['name'] == name
    assert run_module('cni_info', id=number)['cnis'][0]['id'] == number
    assert run_module('slots_info', id=slot)['slots'][0]['occupied'] is True
    assert [r['path'].rsplit('/', 1)[1] for r in simulator.requests()[-3:]] == [name, number, slot]


def test_free_slots_come_first(run_module):
    taken = [slot['occupied'] for slot in run_module('slots_info')['slots']]
    assert taken == sorted(taken)
    assert True in taken


def test_status_filters_and_waits(run_module, simulator, circuit):
    name = circuit['interconnect']['name']
    simulator.set_status(name, 'Down', 'no light')
    assert run_module('status_info')['statuses'] == [
        {'interconnect': name, 'conduit_name': 'nyc-1', 'conduit_names': ['nyc-1'], 'state': 'Down', 'reason': 'no light'}]
    assert run_module('status_info', states=['active'])['statuses'] == []
    waited = run_module('status_info', conduit_names=['nyc-1'], wait_for=['active'], wait_timeout=0)
    assert (waited['reached'], waited['statuses'][0]['state'], waited.get('failed')) == (False, 'Down', None)
    simulator.set_status(name, 'Healthy')
    assert run_module('status_info', interconnects=[name], wait_for=['active'])['reached'] is True
    for option in ('interconnect', 'interconnects', 'conduit_name', 'conduit_names'):
        many = option.endswith('s')
        own, nobody = circuit['interconnect']['name'] if option.startswith('inter') else 'nyc-1', 'nobody'
        assert len(run_module('status_info', **{option: [own] if many else own})['statuses']) == 1
        assert run_module('status_info', **{option: [nobody] if many else nobody})['error']['option'] == option
    assert 'mutually exclusive' in run_module('status_info', conduit_name='nyc-1', conduit_names=['nyc-1'])['msg']


def test_a_status_names_the_circuits_on_the_interconnect(run_module, circuit):
    free = run_module('interconnect', slot_id=run_module('slots_info', occupied=False)['slots'][0]['id'])['interconnect']['name']
    shared = run_module('cni', conduit_name='nyc-0', interconnect=circuit['interconnect']['name'], shared=True)['cni']['interconnect']
    names = {status['interconnect']: (status['conduit_name'], status['conduit_names']) for status in run_module('status_info')['statuses']}
    assert names == {free: (None, []), shared: (None, ['nyc-0', 'nyc-1'])}


def test_waiting_costs_no_list_for_each_poll(run_module, simulator, circuit):
    before = len(simulator.requests())
    run_module('status_info', conduit_name='nyc-1', wait_for=['Healthy'], wait_timeout=1)
    paths = [request['path'].split('/cni/')[1] for request in simulator.requests()[before:]]
    assert [path for path in paths if not path.endswith('/status')] in (['cnis', 'interconnects'], ['interconnects', 'cnis'])


def test_what_is_expected_of_a_site_is_judged_by_what_is_healthy(run_module, simulator, circuit):
    first, *others = (run_module('interconnect', slot_id=slot['id'])['interconnect'] for slot in run_module(
        'slots_info', site='ewr-a', occupied=False)['slots'][:3])
    for port in (circuit['interconnect'], first, others[0]):
        simulator.set_status(port['name'], 'Healthy')
    ports = [circuit['interconnect'], first, others[0]]
    pair = {'site': 'ewr-a', 'healthy': 2, 'devices': len({port['ccr_device_name'] for port in ports}), 'facilities': 1}
    enforced = run_module('status_info', expect=[pair], enforce=True)
    assert (enforced['verdict']['met'], enforced['verdict']['text'], enforced['verdict']['sites'][0]['healthy']) == (True, 'as expected', 3)
    unmet = run_module('status_info', conduit_names=['nyc-1'], expect=[pair, {'site': 'lhr-a', 'healthy': 1}])
    assert unmet.get('failed') is None
    assert unmet['verdict']['sites'][1] == {
        'site': 'lhr-a', 'met': False, 'healthy': 0, 'devices': 0, 'facilities': 0, 'short': {'healthy': {'have': 0, 'want': 1}},
    }
    gate = run_module('status_info', conduit_names=['nyc-1'], expect=[pair, {'site': 'lhr-a', 'healthy': 1}], enforce=True)
    assert (gate['failed'], gate['error']['kind']) == (True, 'unmet')
    assert (gate['verdict'], gate['statuses']) == (unmet['verdict'], unmet['statuses'])
    assert gate['msg'] == f'expect is not met: {unmet["verdict"]["text"]}.'
    assert 'ewr-a: 1 of 2 healthy' in gate['msg']
    assert 'lhr-a: 0 of 1 healthy' in gate['msg']


@pytest.mark.parametrize('expect', [[{'site': 'ewr-a'}], [{'site': 'ewr-a', 'healthy': 0}]])
def test_an_expectation_of_nothing_is_no_gate(run_module, expect):
    assert run_module('status_info', expect=expect)['error']['option'] == 'expect'


# Secrets.

@pytest.mark.parametrize(('module', 'options'), [
    ('cni', {'conduit_name': 'nyc-1', 'mtu': 1400}),
    ('cni', {'conduit_name': 'nyc-1', 'bgp': {'md5_key': 'planted-other'}}),
    ('cni', {'conduit_name': 'nyc-1', 'bgp': {'md5_key': 'planted"bad'}}),
    ('cni', {'conduit_name': 'nyc-1', 'state': 'absent'}),
    ('cni_info', {}),
    ('interconnect', {'pairing_key': 'planted-key', 'bandwidth': '1G'}),
    ('cni_info', {'api_token': 'planted-token'}),
])
def test_no_secret_is_shown(run_module, circuit, module, options):
    for check in (True, False):
        assert 'planted' not in json.dumps(run_module(module, check=check, **options))


def test_a_changed_key_shows_as_another_one(run_module, circuit):
    diff = run_module('cni', conduit_name='nyc-1', bgp={'md5_key': 'another-md5'})['diff'][0]
    assert [diff[side]['bgp']['md5_key'] for side in ('before', 'after')] == ['(hidden)', '(hidden, changed)']


def test_keys_are_shown_on_demand(run_module, circuit):
    assert run_module('cni_info', show_md5_key=True)['cnis'][0]['bgp']['md5_key'] == 'planted-md5'


def test_a_very_short_key_does_not_blank_the_output(run_module, circuit):
    result = run_module('cni', conduit_name='nyc-1', bgp={'md5_key': '1'})
    assert result['cni']['magic'] == {'conduit_name': 'nyc-1', 'description': '', 'mtu': 1500}
    assert result['cni']['bgp']['md5_key'] == '(hidden)'
    invocation = result.get('invocation')  # which ansible-core 2.21 leaves to the controller
    assert invocation is None or invocation['module_args']['bgp']['md5_key'] == '(hidden)'
    assert any('very short' in str(text) for text in result['warnings'])


@pytest.mark.parametrize(('module', 'options', 'option'), [
    ('cni', {'conduit_name': 'nyc-1', 'bgp': {'customer_asn': 64496, 'md5_key': 42798}}, 'bgp.md5_key'),
    ('cni', {'conduit_name': 'nyc-1', 'bgp': {'customer_asn': 64496, 'password': 1.1}}, 'bgp.password'),
    ('interconnect', {'pairing_key': 20261124, 'bandwidth': '1G'}, 'pairing_key'),
    ('slots_info', {'api_token': 42798}, 'api_token'),
])
def test_a_secret_that_is_a_number_by_now_is_refused_by_name(run_module, simulator, module, options, option):
    result = run_module(module, **options)
    assert (result['error']['option'], simulator.requests()) == (option, [])
    assert 'Write it in quotes' in result['msg']
    assert '42798' not in str(result.get('msg'))


def test_a_secret_of_a_circuit_that_is_a_number_by_now_fails_it_alone(run_module):
    result = run_module('rollout', circuits=[{'name': 'nyc-1', 'slot': {'site': 'ewr-a'}}, {'name': 'nyc-2', 'bgp': {'md5_key': 42798}}])
    assert [circuit['outcome'] for circuit in result['circuits']] == ['created', 'failed']
    assert result['circuits'][1]['error']['option'] == 'bgp.md5_key'
    assert 'Write it in quotes' in result['circuits'][1]['msg']
    assert '42798' not in str(result)


# Letters.

def test_an_loa_is_fetched_once_and_kept_private(run_module, simulator, circuit, tmp_path):
    path = tmp_path / 'loa.pdf'
    first = run_module('loa', conduit_name='nyc-1', path=str(path), name='Example Networks')
    assert path.read_bytes().startswith(b'%PDF-')
    assert (first['changed'], first['size'], path.stat().st_mode & 0o777) == (True, path.stat().st_size, 0o600)
    requests = simulator.requests()
    assert requests[-1]['query'] == {'name': 'Example Networks'}
    second = run_module('loa', conduit_name='nyc-1', path=str(path))
    assert (second['changed'], second['sha256'], simulator.requests()) == (False, first['sha256'], requests)
    assert (first['name'], second['name']) == ('Example Networks', None)
    unnamed = run_module('loa', conduit_name='nyc-1', path=str(path), force=True)
    assert (unnamed['changed'], unnamed['name']) == (True, 'Example Networks, Inc.')
    assert run_module('loa', True, conduit_name='nyc-1', path=str(path), force=True)['name'] == 'Example Networks, Inc.'
    simulator.fault('status', method='GET', path='/loa/default', status=404, times=1)
    assert run_module('loa', conduit_name='nyc-1', path=str(path), force=True)['name'] is None
    assert run_module('loa', conduit_name='nyc-1', path=str(path), mode='0644')['changed'] is True
    assert path.stat().st_mode & 0o777 == 0o644


def test_only_an_loa_that_is_to_be_written_needs_a_folder_that_can_be(simulator, circuit, tmp_path):
    def run(check=False, **options):
        arguments = {'conduit_name': 'nyc-1', 'path': str(tmp_path / 'loa.pdf'), '_ansible_check_mode': check, **options}
        environment = {'PATH': os.environ['PATH'], **simulator.environment}
        return run_in_child('loa', arguments, environment, before=heed_permissions).result()

    tmp_path.chmod(0o500)
    assert run()['msg'] == run(check=True)['msg'] == f'path: the folder {tmp_path} cannot be written to.'
    tmp_path.chmod(0o700)
    (tmp_path / 'loa.pdf').write_bytes(b'%PDF- of an earlier run %%EOF')
    tmp_path.chmod(0o500)
    requests = simulator.requests()
    kept, fetched = run(), run(force=True)
    assert (kept.get('msg'), kept.get('changed')) == (None, False)
    assert 'cannot be written to' in fetched['msg']
    assert simulator.requests() == requests


@pytest.mark.parametrize(('module', 'options', 'option'), [
    ('support_bundle', {'conduit_name': 'nyc-1', 'path': 'bundles'}, 'path'),
    ('peer', {'files': [{'path': 'bundles/nyc-1.conf', 'content': 'text'}]}, 'peer_artifacts_dir'),
], ids=['support_bundle', 'peer'])
def test_a_folder_that_files_cannot_be_written_to_is_an_error_in_check_mode_too(simulator, circuit, tmp_path, monkeypatch, module, options,
                                                                                option):
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o500)
    environment, requests = {'PATH': os.environ['PATH'], **simulator.environment}, simulator.requests()
    results = [run_in_child(module, {**options, '_ansible_check_mode': check}, environment, before=heed_permissions).result()
               for check in (True, False)]
    text = f'{option}: the folder {tmp_path}/bundles cannot be created: the folder {tmp_path} cannot be written to.'
    assert ([result.get('msg') for result in results], simulator.requests()) == ([text] * 2, requests)


@pytest.mark.parametrize('fault', [{'kind': 'html', 'status': 200}, {'kind': 'empty'}, {'kind': 'truncate'}], ids=str)
def test_what_is_no_loa_replaces_nothing(run_module, simulator, circuit, tmp_path, fault):
    path = tmp_path / 'loa.pdf'
    path.write_text('not a letter, but mine')
    simulator.fault(**fault, method='GET', path='/loa', times=1)
    result = run_module('loa', conduit_name='nyc-1', path=str(path))
    assert 'not a whole PDF' in result['msg']
    assert (path.read_text(), os.listdir(tmp_path)) == ('not a letter, but mine', ['loa.pdf'])


@pytest.mark.parametrize(('options', 'option'), [
    ({'path': '/no/such/folder/loa.pdf'}, 'path'), ({'path': '/'}, 'path'),
    ({'interconnect': 'nobody', 'conduit_name': None}, 'interconnect'), ({'conduit_name': 'nobody'}, 'conduit_name'),
    ({'name': 'x' * 201}, 'name'),
])
def test_loas_that_can_not_be_are_refused_by_name(run_module, simulator, tmp_path, options, option):
    result = run_module('loa', **{'conduit_name': 'nyc-1', 'path': str(tmp_path / 'loa.pdf'), **options})
    assert result['error']['option'] == option
    assert not any('loa' in request['path'] for request in simulator.requests())
