# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role `alerts` and its playbook: what is stored, sent, predicted and shown, and what an account cannot have."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from simulator.process import Simulator
from support.playbook import Account, Run

SECRET = 'planted secret'
URL = 'https://noc.example.com/cloudflare'
HOSTS = {'nyc-1': {}, 'second': {'provision_name': 'nyc-2'}, 'gone': {'provision_state': 'absent'}}
RECEIVERS = {'alerts_webhook_url': URL, 'alerts_webhook_secret': SECRET, 'alerts_emails': ['noc@example.com'], 'alerts_pagerduty': ''}
TYPES = ['cni_maintenance_notification', 'magic_tunnel_health_check_event', 'magic_wan_tunnel_health', 'maintenance_event_notification']


def play(account: Account, *arguments: str, receivers: dict | None = None, **variables) -> Run:
    """Runs the playbook with variables of the hosts."""
    all_variables = {**(RECEIVERS if receivers is None else receivers), **{f'alerts_{name}': value for name, value in variables.items()}}
    return account.play('alerts', {name: {**own, **all_variables} for name, own in HOSTS.items()}, *arguments)


def two_circuits(simulator: Simulator, folder) -> Account:
    account = Account(simulator, folder)
    free = {slot['site']: slot['id'] for slot in simulator.state()['slots'] if not slot['occupied']}
    for name, site in (('nyc-1', 'ewr-a'), ('nyc-2', 'lhr-a')):
        account.seed(name, free[site])
    return account


@pytest.fixture
def account(process, tmp_path):
    process.reset()
    return two_circuits(process, tmp_path)


@dataclass(frozen=True)
class Journey:
    """Runs one after the other. stored: the state after each."""

    account: Account
    runs: dict[str, Run]
    stored: dict[str, dict]


@pytest.fixture(scope='module')
def journey(tmp_path_factory):
    with Simulator() as simulator:
        account, runs, stored = two_circuits(simulator, tmp_path_factory.mktemp('alerts')), {}, {}

        def add(name: str, *arguments: str, **variables) -> None:
            runs[name] = play(account, *arguments, **variables)
            stored[name] = simulator.state()

        add('predicted', '--check', '--diff')
        add('first')
        add('second', '-vvvv', '--diff')
        add('limited', '--limit', 'nyc-1')
        add('rotated', webhook_secret='planted anew', webhook_update_secret='always', slo='99.9')
        add('absent', state='absent')
        add('absent again', state='absent')
        yield Journey(account, runs, stored)


def test_check_mode_predicts_the_first_run(journey):
    predicted, first = journey.runs['predicted'], journey.runs['first']
    assert (predicted.status, predicted.writes, journey.stored['predicted']['policies']) == (0, [], [])
    assert predicted.changed == first.changed == {('Manage the webhook', 'nyc-1'), ('Manage the policies', 'nyc-1')}
    assert '+    "name": "cni-magic_wan_tunnel_health"' in predicted.output


def test_there_is_a_policy_for_each_type_and_all_circuits_of_the_inventory(journey):
    assert journey.runs['first'].status == 0, journey.runs['first'].output
    state = journey.stored['first']
    (webhook,), tunnels = state['webhooks'], sorted(tunnel['name'] for tunnel in state['tunnels'])
    assert (webhook['name'], webhook['url'], webhook['secret']) == ('cni', URL, SECRET)
    assert {policy['alert_type']: {name: sorted(values) for name, values in policy['filters'].items()} if 'filters' in policy else {}
            for policy in state['policies']} == {
        'magic_wan_tunnel_health': {'tunnel_name': tunnels, 'slo': ['98.0']},
        'magic_tunnel_health_check_event': {'tunnel_name': tunnels, 'slo': ['98.0']},
        'maintenance_event_notification': {'airport_code': ['EWR', 'LHR']},
        'cni_maintenance_notification': {},
    }
    for policy in state['policies']:
        assert policy['name'] == f'cni-{policy["alert_type"]}'
        assert policy['mechanisms'] == {'webhooks': [{'id': webhook['id']}], 'email': [{'id': 'noc@example.com'}], 'pagerduty': []}


def test_a_second_run_changes_nothing_and_says_what_it_cannot_know(journey):
    second = journey.runs['second']
    assert (second.status, second.writes, second.changed) == (0, [], set())
    assert 'so it was not compared with the one given' in ' '.join(second.output.split())  # older releases wrap warnings


def test_a_limit_takes_no_circuit_out_of_the_alerts(journey):
    assert (journey.runs['limited'].status, journey.runs['limited'].writes) == (0, [])


def test_a_new_secret_and_another_threshold_are_written(journey):
    state = journey.stored['rotated']
    assert state['webhooks'][0]['secret'] == 'planted anew'
    assert sorted(policy['filters'].get('slo', []) for policy in state['policies'] if 'filters' in policy) == [[], ['99.9'], ['99.9']]
    assert [method for method, _path in journey.runs['rotated'].writes] == ['PUT'] * 3


def test_all_of_it_is_deleted_once(journey):
    assert (journey.stored['absent']['webhooks'], journey.stored['absent']['policies']) == ([], [])
    assert [method for method, _path in journey.runs['absent'].writes] == ['DELETE'] * 5
    assert (journey.runs['absent again'].status, journey.runs['absent again'].writes) == (0, [])


def test_no_run_shows_the_secret(journey):
    for name, run in journey.runs.items():
        assert 'planted' not in run.output, name


# What an account cannot have, and what cannot be meant.

def test_what_the_account_cannot_have_is_listed(account):
    account.simulator.reset(alert_types='magic_wan_tunnel_health')
    account = two_circuits(account.simulator, account.folder)
    done = play(account)
    assert done.status == 0, done.output
    assert [policy['alert_type'] for policy in account.simulator.state()['policies']] == ['magic_wan_tunnel_health']
    assert 'maintenance_event_notification: not available to this account' in done.output


@pytest.mark.parametrize(('variables', 'available', 'says'), [
    ({}, 'incident_alert', 'alerts_types: this account cannot have alerts of the types magic_wan_tunnel_health, magic'),
    ({'types': TYPES[:2]}, TYPES[1], f'alerts_types: this account cannot have alerts of the types {TYPES[0]}.'),
    ({'receivers': {}}, TYPES[1], 'alerts_webhook_url, alerts_webhooks, alerts_emails, alerts_pagerduty: one of them is required'),
    ({'circuits': ['nyc-3']}, TYPES[1], "circuits: there is no CNI 'nyc-3' in this account."),
    ({'webhook': URL}, TYPES[1], 'alerts_webhook: unknown variable. Did you mean alerts_webhooks?'),
], ids=['none of the usual', 'one of two', 'nobody', 'no circuit', 'misspelt'])
def test_it_fails_by_name_before_a_policy_is_written(account, variables, available, says):
    account.simulator.reset(alert_types=available)
    done = play(two_circuits(account.simulator, account.folder), **variables)
    assert (done.status, says in done.output) == (2, True), done.output
    assert account.simulator.state()['policies'] == []


@pytest.mark.parametrize(('variables', 'says'), [
    ({'circuits': True}, 'alerts_circuits: must be a list; it was true.'),
    ({'types': True}, 'alerts_types: must be a list; it was true.'),
    ({'interval': [1]}, 'alerts_interval: must be text; it was a list.'),
    ({'slo': {'a': 1}}, 'alerts_slo: must be text; it was a dictionary.'),
    ({'policy_prefix': ['x']}, 'alerts_policy_prefix: must be text; it was a list.'),
    ({'state': 'absent', 'webhook_name': ['x']}, 'alerts_webhook_name: must be text; it was a list.'),
], ids=lambda value: None if isinstance(value, str) else [*value][-1])
def test_a_variable_of_a_wrong_type_is_refused_by_name_before_anything_is_sent(account, variables, says):
    done = play(account, **variables)
    assert (done.status, says in done.output, done.sent) == (2, True, []), done.output


def test_a_number_is_taken_as_text(account):
    for variables, says in (({'types': 5}, 'alerts_types: this account cannot have alerts of the types 5.'),
                            ({'circuits': 5, 'webhook_url': 7}, "url: '7' is not valid.")):
        done = play(account, **variables)
        assert (done.status, says in done.output, done.writes) == (2, True, []), done.output


def test_a_fleet_with_an_attachment_of_google_cloud_names_its_data_centres(account):
    simulator, types = account.simulator, [TYPES[3]]
    pairing_key = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'
    account._post('interconnects', {'type': 'gcp_partner', 'bandwidth': '1G', 'pairing_key': pairing_key})
    (name,) = [port['name'] for port in simulator.state()['interconnects'] if port['type'] == 'gcp_partner']
    account._post('cnis', {'interconnect': name, 'magic': {'conduit_name': 'gcp-1', 'description': '', 'mtu': 1500}})
    refused = play(account, circuits=['gcp-1'], types=types)
    assert 'no airport code follows from' in refused.output
    done = play(account, '-e', 'alerts_airport_codes=IAD,ewr', '-e', 'alerts_circuits=gcp-1, nyc-1', types=types)
    assert done.status == 0, done.output
    assert [policy['filters'] for policy in simulator.state()['policies']] == [{'airport_code': ['IAD', 'ewr']}]


def test_a_webhook_that_is_not_listed_yet_gets_its_policies(account):
    account.simulator.reset(stale_lists=3)
    done = play(account, types=TYPES[:1], circuits=['nyc-1'])
    assert done.status == 0, done.output
    state = account.simulator.state()
    assert [policy['mechanisms']['webhooks'] for policy in state['policies']] == [[{'id': state['webhooks'][0]['id']}]]


def test_a_play_of_the_users_own_gets_the_result_as_a_fact(account):
    role = {'role': 'netops.cloudflare_cni.alerts', 'vars': {**RECEIVERS, 'alerts_circuits': ['nyc-1'], 'alerts_types': TYPES[2:]}}
    show = {'ansible.builtin.copy': {'content': '{{ alerts_result | to_json }}', 'dest': 'result.json'}}
    play = {'hosts': 'localhost', 'connection': 'local', 'gather_facts': False, 'roles': [role], 'post_tasks': [show]}
    (account.folder / 'site.yml').write_text(json.dumps([play]))
    done = account.play(str(account.folder / 'site.yml'), {})
    assert done.status == 0, done.output
    result, state = json.loads((account.folder / 'result.json').read_text()), account.simulator.state()
    assert (result['state'], result['changed'], result['unavailable'], list(result['policies'])) == ('present', True, [], TYPES[2:])
    assert result['webhook']['id'] == state['webhooks'][0]['id']
    assert {policy['id'] for policy in result['policies'].values()} == {policy['id'] for policy in state['policies']}
