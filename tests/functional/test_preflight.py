# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight: what it finds of accounts and tokens, what it sends, what its profile holds; and the playbook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from support.playbook import Account
from support.row_checks import check_rows

SLOT = {'site': 'ewr-a', 'speed': '10G'}
CIRCUITS = [
    {'name': 'planted-name', 'slot': SLOT, 'description': 'planted words', 'bgp': {'customer_asn': 64999, 'md5_key': 'planted-md5-key'},
     'health_check': {'rate': 'high'}, 'routes': [{'prefix': '10.77.0.0/16'}]},
    {'name': 'planted-gcp', 'pairing_key': '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2', 'bandwidth': '1G'},
]


def verified(**token):
    return {'kind': 'status', 'path': '/user/tokens/verify', 'status': 200,
            'body': {'success': True, 'errors': [], 'messages': [], 'result': {'id': 'x', 'status': 'active', **token}}}


def refused(status, code, path=''):
    return {'kind': 'status', 'path': path, 'status': status, 'times': None,
            'body': {'success': False, 'errors': [{'code': code, 'message': 'no'}], 'messages': [], 'result': None}}


# {case: (options of the simulator, fault, options of the module, the finding that tells, requests at most)}
CASES = {
    'all well': ({}, None, {}, ('ok', 'token', 'a valid token of the user, which does not expire', ''), 10),
    'a token of the account': ({'token_owner': 'account'}, None, {}, ('ok', 'token', 'a valid token of the account', ''), 10),
    'a read-only token': ({}, None, {'api_token': 'read-only-token'}, ('note', 'may write', 'not known', 'Magic WAN Write'), 10),
    'a wrong token': ({}, None, {'api_token': 'another-token'}, ('failed', 'token', 'does not know it', 'Copy the token again'), 3),
    'a malformed token': ({}, None, {'api_token': '{token}'}, ('failed', 'token', 'Invalid request headers', 'malformed'), 1),
    'a token of the new format': ({'token': 'cfat_planted', 'token_owner': 'account'}, None, {'api_token': 'cfat_planted'},
                                  ('ok', 'token', 'a valid token of the account', ''), 10),
    'an API key': ({}, None, {'api_token': '', 'api_key': 'simulator-api-key', 'api_email': 'engineer@example.com'},
                   ('note', 'token', 'a global API key', 'Prefer an API token'), 10),
    'a wrong API key': ({}, None, {'api_token': '', 'api_key': 'another-key', 'api_email': 'engineer@example.com'},
                        ('failed', 'account', 'cannot read anything', 'account_id'), 10),
    'a token that expires soon': ({}, verified(expires_on='{soon}'), {}, ('warning', 'token', 'UTC, in 2 days', 'Create another one'), 10),
    'a token that expires late': ({}, verified(expires_on='2999-01-01T00:00:00Z'), {}, ('ok', 'token', '2999-01-01 00:00 UTC', ''), 10),
    'an expired token': ({}, verified(status='expired'), {}, ('failed', 'token', 'it is expired', 'Create another one'), 10),
    'a disabled token': ({}, verified(status='disabled'), {}, ('failed', 'token', 'it is disabled', 'enable it'), 10),
    'a token of tomorrow': ({}, verified(not_before='2999-01-01T00:00:00.123Z'), {}, ('failed', 'token', 'from 2999', 'another one'), 10),
    'a token that is not confirmed': ({}, refused(403, 10000, 'verify'), {}, ('warning', 'token', 'does not confirm it', 'issue'), 10),
    'not entitled': ({'not_entitled': True}, None, {}, ('failed', 'entitlement', 'not entitled', 'ask your account team'), 10),
    'another account': ({}, None, {'account_id': '0' * 32}, ('failed', 'account', 'cannot read anything', 'account_id'), 10),
    'no account id': ({}, None, {'account_id': 'example'}, ('failed', 'account', 'Could not route', '32 hex digits'), 3),
    'no right to routes': ({}, refused(403, 10000, '/routes'), {}, ('failed', 'static routes', 'HTTP 403', 'Magic Transit Read'), 10),
    'rate limited': ({}, {**refused(429, 971), 'headers': {'Retry-After': '300'}}, {}, ('failed', 'rate limit', '429', 'Wait 300 s'), 1),
    'rate limited later': ({}, {**refused(429, 971), 'after': 4}, {}, ('failed', 'rate limit', 'HTTP 429', '5 minutes'), 5),
    'an HTML page': ({}, {'kind': 'html', 'path': '/slots', 'status': 522, 'times': None}, {},
                     ('failed', 'slots', 'Connection timed out', 'cloudflarestatus'), 10),
    'a truncated answer': ({}, {'kind': 'truncate', 'path': '/cnis', 'times': None}, {}, ('failed', 'CNIs', 'not JSON', 'edge'), 10),
    'no TLS': ({}, None, {'api_url': '{https}'}, ('failed', 'connection', 'GET', 'ca_path'), 0),
    'nobody there': ({}, None, {'api_url': 'http://127.0.0.1:1/client/v4'}, ('failed', 'connection', 'no answer', 'firewall'), 0),
    'an object that cannot exist': ({}, {'kind': 'status', 'path': 'no-such', 'status': 200, 'body': {}}, {},
                                    ('warning', 'errors', 'cannot exist', 'issue'), 10),
    'an error in words': ({'errors': 'plain'}, None, {}, ('ok', 'errors', 'HTTP 404, plain', ''), 10),
    'a fast clock': ({}, {**verified(), 'headers': {'Date': formatdate(0, usegmt=True)}}, {},
                     ('warning', 'clock', "ahead of Cloudflare's", 'NTP'), 10),
    'no free slot': ({'slots': 5}, None, {}, ('ok', 'slots', '4 of 5 free (ewr-a 100G: 1, ewr-a 10G: 3)', ''), 10),
    'a limit in the headers': ({'rate_limit': '1000/300'}, None, {}, ('ok', 'rate limit', '1000 requests in 300 s', ''), 10),
}


@pytest.fixture
def soon():
    from datetime import datetime, timedelta, timezone

    return f'{datetime.now(timezone.utc) + timedelta(days=2, hours=1):%Y-%m-%dT%H:%M:%SZ}'


def test_what_it_finds_and_what_to_do(simulator, run_module, writes, soon):
    def check(case):
        options, fault, module, (result, name, found, action), most = CASES[case]
        simulator.reset(**options)
        if fault:
            simulator.fault(**json.loads(json.dumps(fault).replace('{soon}', soon)))
        arguments = {key: value.replace('{https}', simulator.url.replace('http:', 'https:')) for key, value in module.items()}
        environment = {'CLOUDFLARE_API_TOKEN': ''} if 'api_key' in module else None
        done = run_module('preflight_info', environment=environment, **arguments)
        rows = {finding['check']: finding for finding in done['findings']}
        assert (rows[name]['result'], found in rows[name]['found'], action in rows[name]['action']) == (result, True, True), rows[name]
        assert done['usable'] == ('failed' not in {finding['result'] for finding in rows.values()})
        assert (len(simulator.requests()) <= most, writes(), done['api']['retries']) == (True, [], 0)
        assert any(name in line for line in done['report'])
        assert result in ('ok', 'note') or action

    check_rows(CASES, check)


def test_no_token_fails_by_name(run_module, simulator):
    done = run_module('preflight_info', api_token='', environment={'CLOUDFLARE_API_TOKEN': ''})
    assert (done['failed'], done['error']['option'], simulator.requests()) == (True, 'api_token', [])
    assert 'CLOUDFLARE_API_TOKEN' in done['msg']


def test_it_takes_nine_reads_and_the_further_pages(run_module, simulator, writes):
    run_module('rollout', circuits=CIRCUITS)
    before = len(simulator.requests())
    run_module('preflight_info')
    sent = simulator.requests()[before:]
    assert len([request for request in sent if 'cursor' not in request['query']]) == 9
    assert {request['method'] for request in sent} == {'GET'}


# The profile.

def test_the_profile_holds_no_value_of_the_account(run_module, simulator):
    run_module('rollout', circuits=CIRCUITS, default_asn=65123)
    profile = run_module('preflight_info')['profile']
    assert {*profile['answers']} == {'slot', 'interconnect', 'interconnect.direct', 'interconnect.gcp_partner', 'cni', 'tunnel', 'route',
                                     'status', 'error', 'token'}
    state = simulator.state()
    fields = {*field_names(state)}
    values = {*leaves(state), simulator.account, simulator.token} - fields
    written = {*leaves(profile)} | {word for text in leaves(profile) for word in str(text).split()}
    assert len(values) > 200
    assert {value for value in values & written if len(str(value)) > 1 and not isinstance(value, bool) and value is not None} == set()
    words = {'direct', 'gcp_partner'}  # of the contract
    assert [value for value in values - words if isinstance(value, str) and len(value) > 5 and value in json.dumps(profile)] == []


def leaves(value: object) -> Iterator:
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from leaves(inner)
    if not isinstance(value, (dict, list)):
        yield value


def field_names(value: object) -> Iterator[str]:
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from field_names(inner)
    yield from value if isinstance(value, dict) else ()


def test_an_unknown_field_and_state_are_found_and_compared_with_an_older_profile(run_module, simulator, tmp_path):
    simulator.reset(no_validate=True)
    run_module('rollout', circuits=CIRCUITS[:1])
    old = tmp_path / 'old.json'
    old.write_text(json.dumps(run_module('preflight_info')['profile']))
    cnis = simulator.state()['cnis']
    simulator.seed(cnis=[{**cnis[0], 'vlan': 7, cnis[0]['id']: 1}])
    simulator.fault('status', path='/status$', status=200, body={'state': 'Provisioning'})
    done = run_module('preflight_info', compare_with=str(old))
    rows = {finding['check']: finding for finding in done['findings']}
    assert rows['CNIs'] == {'check': 'CNIs', 'result': 'note', 'action': '',
                            'found': '1; * is not documented (integer); vlan is not documented (integer)'}
    assert (rows['status']['result'], 'state is Provisioning' in rows['status']['found']) == ('warning', True)
    assert done['changes'] == ['cni: * is not documented (integer), which is new', 'cni: vlan is not documented (integer), which is new']
    assert (rows['changes']['result'], rows['contract']['found'][:8]) == ('warning', '3 fields')
    assert run_module('preflight_info', compare_with=str(old), api_token='another-token')['changes'] == []


def test_an_object_that_cannot_be_read_makes_the_account_unusable(run_module, simulator):
    simulator.reset(no_validate=True)
    run_module('rollout', circuits=CIRCUITS[:1])
    (port,) = simulator.state()['interconnects']
    simulator.seed(interconnects=[{**port, 'facility': [1]}])
    done = run_module('preflight_info')
    rows = {finding['check']: finding for finding in done['findings']}
    assert (done['usable'], rows['interconnects']['result']) == (False, 'failed')
    assert 'facility is array, documented object' in rows['interconnects']['found']


@pytest.mark.parametrize('text', ['', '{}', '[]', '{"format": 2}', None])
def test_what_is_no_profile_is_refused_before_anything_is_sent(run_module, simulator, tmp_path, text):
    old = tmp_path / 'old.json'
    if text is not None:
        old.write_text(text)
    done = run_module('preflight_info', compare_with=str(old))
    assert (done['failed'], done['error']['option'], simulator.requests()) == (True, 'compare_with', [])


# The playbook.

@pytest.fixture
def account(simulator, tmp_path):
    return Account(simulator, tmp_path)


def test_the_playbook_checks_account_and_circuits_and_a_second_run_changes_nothing(account, tmp_path):
    hosts = {'nyc-1': {'provision_slot': SLOT}, 'nyc-2': {'provision_slot': {**SLOT, 'diverse_from': ['nyc-1']}}}
    arguments = ('-e', f'preflight_profile={tmp_path}/now.json')
    done = account.play('preflight', hosts, *arguments)
    assert (done.status, done.writes, done.changed) == (0, [], {('Write the profile', 'nyc-1')}), done.output
    assert re.search(r'ok +token +a valid token of the user', done.output)
    assert re.search(r'nyc-2 +created +\(known after apply\) +- +10G at ewr-a, Equinix NY5, edge03.ewr-a', done.output)
    assert ((tmp_path / 'now.json').stat().st_mode & 0o777, list(account.files.glob('*'))) == (0o600, [])
    second = account.play('preflight', hosts, *arguments, '-e', f'preflight_compare={tmp_path}/now.json')
    assert (second.status, second.changed, 'nothing, since' in second.output) == (0, set(), True), second.output


def test_it_fails_the_circuits_that_cannot_be_made(account):
    hosts = {'nyc-1': {'provision_slot': SLOT}, 'nyc-2': {'provision_slot': {'site': 'nowhere'}},
             'nyc-3': {'provision_slot_id': '0a0e2e0c-7c0b-5d52-9a37-0d6b8c1c4f10'}, 'nyc-4': {'provision_mut': 1400}}
    done = account.play('preflight', hosts)
    failed = set(re.findall(r'^(\S+) +: .* failed=1', done.output, re.MULTILINE))
    assert (done.status, failed, done.writes) == (2, {'nyc-2', 'nyc-3', 'nyc-4'}, []), done.output
    assert re.search(r"nyc-2 +failed .* no slot has the site 'nowhere'. There are: atl-a, ewr-a", done.output)


def test_an_account_that_cannot_be_worked_with_ends_it_before_the_circuits(account):
    account.simulator.reset(not_entitled=True)
    done = account.play('preflight', {'nyc-1': {'provision_slot': SLOT}})
    assert (done.status, done.writes, 'entitlement: what to do is shown above' in done.output) == (2, [], True), done.output
    assert 'PLAY [Check the circuits]' not in done.output
    assert (account.folder / 'preflight.json').exists()


def test_it_takes_the_account_of_the_first_circuit(account):
    variables = {f'provision_{name}': account.simulator.environment[f'CLOUDFLARE_{variable}'] for name, variable in (
        ('account_id', 'ACCOUNT_ID'), ('api_token', 'API_TOKEN'), ('api_url', 'BASE_URL'))}
    nowhere = {'CLOUDFLARE_ACCOUNT_ID': '', 'CLOUDFLARE_API_TOKEN': '', 'CLOUDFLARE_BASE_URL': 'http://127.0.0.1:1'}
    done = account.play('preflight', {'nyc-1': {'provision_slot': SLOT, **variables}}, **nowhere)
    assert (done.status, done.writes) == (0, []), done.output


def test_without_an_inventory_it_checks_the_account_alone(account):
    done = account.play('preflight', {}, '-i', 'localhost,')
    assert (done.status, 'Plan the circuits' in done.output) == (0, False), done.output
