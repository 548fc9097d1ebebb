# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts, steps and accounts a run is about, and what limits, batches, forks, strategies and tags do to it."""

from __future__ import annotations

import io
import json
import re

import pypdf
import pytest
from simulator.process import Simulator
from support.playbook import Account, Run

SLOT = {'site': 'ewr-a', 'speed': '10G'}
ALIKE = {f'nyc-{number}': {'provision_slot': SLOT} for number in range(1, 5)}
ROLE = {'roles': [{'role': 'netops.cloudflare_cni.provision', 'tags': ['net']}]}
BULK = {'tasks': [{'netops.cloudflare_cni.provision': {'hosts': '{{ ansible_play_batch }}'}, 'run_once': True}]}


WRONG_TYPES = {  # {host: (its variables, the message)}
    'switch': ({'provision_bgp': True}, 'provision_bgp: must be a dictionary such as {customer_asn: 65001}; it was true.'),
    'number': ({'provision_routes': [1]}, 'provision_routes[0]: must be a dictionary such as {prefix: 10.20.0.0/16}; it was 1.'),
    'part': ({'provision_slot': {'site': ['ewr-a']}}, 'provision_slot.site: must be text; it was a list.'),
    'asdot': ({'provision_bgp': {'asn': 1.1}}, 'provision_bgp.asn: write an AS number in asplain, not in asdot'),
}


@pytest.fixture
def account(process, tmp_path):
    process.reset()
    return Account(process, tmp_path)


def play(account: Account, content: dict, hosts: dict, *arguments: str, **environment: str) -> Run:
    """Runs a play of the user's own over the circuits."""
    named = {'hosts': 'circuits', 'connection': 'local', 'gather_facts': False,
             'vars': {'ansible_python_interpreter': '{{ ansible_playbook_python }}'}}
    (account.folder / 'site.yml').write_text(json.dumps([named | content]))
    return account.play(str(account.folder / 'site.yml'), hosts, *arguments, **environment)


def ports(account: Account) -> dict[str, dict]:
    return {name: circuit['interconnect'] for name, circuit in account.circuits().items()}


def loas(account: Account) -> dict[str, bool]:
    """{circuit: whether its LOA is that of its port}."""
    return {name: port['name'] in pypdf.PdfReader(io.BytesIO((account.files / f'{name}-loa.pdf').read_bytes())).pages[0].extract_text()
            for name, port in ports(account).items()}


# Hosts.

@pytest.mark.parametrize('playbook', ['provision', 'rollout', 'status'])
def test_without_circuits_a_playbook_fails_and_says_what_to_do(account, playbook):
    (account.folder / 'empty.yml').write_text('routers: {hosts: {r-1: {provision_slot: {site: ewr-a}}}}')
    run = account.play(playbook, {}, '-i', str(account.folder / 'empty.yml'))
    assert (run.status, run.sent) == (2, [])
    assert 'No host of this run is in circuits, so there is no circuit to work on' in run.output
    named = account.play(playbook, {'nyc-1': {}}, '-e', 'provision_hosts=nyc-9')
    assert (named.status, named.sent) == (2, [])


@pytest.mark.parametrize(('serial', 'status'), [('ten', 2), ('1.5', 2), ('1', 0), ('50%', 0), ('[1, "50%"]', 0)])
def test_the_size_of_batches_is_checked_by_its_name(account, serial, status):
    run = account.play('provision', {'nyc-1': {'provision_slot': SLOT}}, '--check', '-e', f'{{"provision_serial": {serial}}}'
                       if serial.startswith('[') else f'provision_serial={serial}')
    message = f'provision_serial: {serial} is not valid. Allowed: a number of circuits such as 10'
    assert (run.status, message in ' '.join(run.output.split())) == (status, status == 2), run.output


def test_tags_that_select_no_step_are_reported_for_each_circuit(account):
    run = account.play('provision', {'nyc-1': {'provision_slot': SLOT}}, '--tags', 'lao')
    assert (run.status, run.sent) == (0, []) and re.search(r'nyc-1 +skipped .*the tags select no step', run.output), run.output


def test_the_role_refuses_a_wrong_type_by_the_name_of_the_variable(account):
    hosts = {name: variables for name, (variables, _message) in WRONG_TYPES.items()}
    run = play(account, ROLE, hosts)
    assert [name for name, (_variables, message) in WRONG_TYPES.items() if f'"msg": "{name}: {message}' not in run.output] == [], run.output
    assert (run.status, run.sent) == (2, [])
    limits = play(account, ROLE, {'nyc-1': {'provision_slot': SLOT}}, '-e', '{"provision_max_deletes": true}')
    assert (limits.status, limits.sent) == (2, []) and 'provision_max_deletes: must be a whole number; it was true.' in limits.output


def test_what_names_an_option_names_the_variable(account):
    routes = [{'prefix': '10.20.0.0'}, {'prefix': '10.20.0.1/16'}]
    slot = account.simulator.state()['slots'][0]['id']
    hosts = {'nyc-1': {'provision_slot': SLOT, 'provision_mtu': 768, 'provision_routes': routes, 'provision_name': 'first: one'},
             'nyc-2': {'provision_slot': SLOT, 'provision_routes': routes[:1] * 2},
             'nyc-3': {'provision_slot_id': slot}, 'nyc-4': {'provision_slot_id': slot}}
    run = account.play('provision', hosts, '--check')
    output = ' '.join(run.output.split())
    for text in ('first: one: provision_mtu: 768 is used.', 'first: one: provision_routes[0].prefix: 10.20.0.0 has no prefix length',
                 'first: one: provision_routes[1].prefix: 10.20.0.1/16 has host bits set',
                 "nyc-2: provision_routes.prefix: '10.20.0.0/32' is named twice.",
                 f"nyc-3: provision_slot_id: '{slot}' is also declared by nyc-4."):
        assert text in output, (text, run.output)


def test_a_router_of_the_same_inventory_is_ordered_no_port(account):
    (account.folder / 'all.yml').write_text(json.dumps({'all': {'hosts': {'r-1': {}}, 'vars': {'provision_slot': SLOT}}}))
    run = account.play('provision', {'nyc-1': {}}, '-i', str(account.folder / 'all.yml'))
    assert (run.status, set(ports(account))) == (0, {'nyc-1'}), run.output


def test_a_spare_port_is_left_alone_until_it_is_named(account):
    free = [slot['id'] for slot in account.simulator.state()['slots'] if not slot['occupied']]
    names = [account.order(slot) for slot in free[:2]]
    spares = {name: {'provision_state': 'spare', 'provision_slot_id': slot} for name, slot in zip(names, free, strict=False)}
    alone = account.play('provision', spares)
    assert (alone.status, alone.writes) == (0, [])
    assert 'skipping: ' in alone.output
    made = account.play('provision', spares, '--limit', names[0], '-e', 'provision_state=present', '-e', 'provision_name=nyc-9')
    assert (made.status, ports(account)['nyc-9']['name']) == (0, names[0]), made.output
    gone = account.play('decommission', spares, '--limit', names[1])
    assert (gone.status, [port['name'] for port in account.remaining()[1]]) == (0, [names[0]]), gone.output


def test_circuits_of_several_accounts_in_one_run(account):
    with Simulator() as other:
        credentials = {'provision_api_url': other.url, 'provision_account_id': other.account, 'provision_api_token': other.token}
        hosts = {'nyc-1': {'provision_slot': SLOT}, 'lon-1': {'provision_slot': {'site': 'lhr-a'}, **credentials},
                 'lon-2': {'provision_slot': {'site': 'lhr-a', 'diverse_from': ['lon-1']}, **credentials}}
        run = account.play('provision', hosts, '-vvvv')
        assert run.status == 0, run.output
        assert run.changed == {('Report each circuit', host) for host in hosts}
        assert set(account.circuits()) == {'nyc-1'}
        assert {cni['magic']['conduit_name'] for cni in other.state()['cnis']} == {'lon-1', 'lon-2'}
        assert len({port['ccr_device_name'] for port in other.state()['interconnects']}) == 2
        wrong = account.play('provision', hosts, '-e', '{"provision_api_token": "planted-wrong-token"}', '--limit', 'lon-1,nyc-1')
        assert (wrong.status, 'planted-wrong-token' in wrong.output) == (2, False)


def test_a_site_that_needs_more_than_its_circuits_carry_is_warned_of_and_fails_nowhere(account):
    demand = {'provision_site_demand': {'ewr-a': '3G'}}
    hosts = {'nyc-1': {'provision_slot': SLOT, **demand}, 'nyc-2': {'provision_slot': {**SLOT, 'speed': '100G'}, **demand}}
    text = r'WARNING\]: site_demand: ewr-a needs 3G to Cloudflare, but has 2 circuits for 2G'
    for playbook in ('provision', 'rollout', 'status'):
        run = account.play(playbook, hosts)
        assert (run.status, len(re.findall(text, ' '.join(run.output.split())))) == (0, 1), run.output
    enough = account.play('provision', hosts | {'nyc-3': {'provision_slot': SLOT}})
    assert (enough.status, 'site_demand' in enough.output) == (0, False), enough.output
    wrong = account.play('provision', {'nyc-1': {'provision_site_demmand': {}}})
    assert (wrong.status, wrong.sent) == (2, [])
    assert 'provision_site_demmand: unknown variable. Did you mean provision_site_demand?' in wrong.output


# Who is planned with whom.

@pytest.mark.parametrize('how', ['playbook in batches', 'role side by side', 'role one by one'])
def test_hosts_with_one_selector_get_a_port_and_its_loa_each(account, how):
    if how == 'playbook in batches':
        run = account.play('provision', ALIKE, '--forks', '20', '-e', 'provision_serial=2')
    else:
        run = play(account, ROLE | {'serial': 4 if how == 'role side by side' else 1}, ALIKE, '--forks', '20')
    assert run.status == 0, run.output
    assert len({port['name'] for port in ports(account).values()}) == len(account.remaining()[1]) == len(ALIKE)
    assert loas(account) == dict.fromkeys(ALIKE, True)


@pytest.mark.parametrize('serial', [1, 2])
def test_the_second_of_a_pair_keeps_away_from_the_first_whichever_says_so(account, serial):
    """The first port that would be taken is on the same device for both."""
    hosts = {'nyc-2': {'provision_slot': {**SLOT, 'diverse_from': ['first']}},
             'first': {'provision_slot': SLOT, 'provision_name': 'nyc-1'}}
    run = play(account, ROLE | {'serial': serial}, hosts, '--forks', '20')
    assert run.status == 0, run.output
    assert len({port['ccr_device_name'] for port in ports(account).values()}) == 2
    second = play(account, ROLE | {'serial': serial}, hosts)
    assert (second.status, second.writes, second.changed) == (0, [], set()), second.output


@pytest.mark.parametrize('arguments', [('--limit', 'nyc-1'), ('-e', 'provision_hosts=nyc-1')], ids=['limit', 'pattern'])
def test_the_first_of_a_pair_that_is_ordered_anew_keeps_away_from_the_second_outside_the_run(account, arguments):
    """Nyc-2 alone has got the device that comes first, and nyc-1 says nothing of nyc-2."""
    hosts = {'nyc-1': {'provision_slot': SLOT}, 'nyc-2': {'provision_slot': {**SLOT, 'diverse_from': ['nyc-1']}}}
    alone = account.play('provision', {'nyc-2': {'provision_slot': SLOT}})
    assert alone.status == 0, alone.output
    anew = account.play('provision', hosts, *arguments)
    assert (anew.status, len({port['ccr_device_name'] for port in ports(account).values()})) == (0, 2), anew.output
    both = account.play('provision', hosts)
    assert (both.status, both.writes) == (0, []), both.output


def test_two_hosts_with_one_circuit_are_refused_in_batches_and_where_one_of_them_names_the_account(account):
    """What else must hold in runs of part of the hosts is in tests/unit/test_relations.py."""
    hosts = {'a': {'provision_name': 'nyc-1', 'provision_slot': SLOT},
             'b': {'provision_name': 'nyc-1', 'provision_slot': SLOT, 'provision_account_id': account.simulator.account}}
    run = account.play('provision', hosts | {'nyc-2': {'provision_slot': SLOT}}, '-e', 'provision_serial=2')
    assert (run.status, run.writes) == (2, []), run.output
    split = account.play('provision', {'a': hosts['a'], 'nyc-2': {'provision_slot': SLOT}, 'b': hosts['b']}, '-e', 'provision_serial=2')
    assert (split.status, set(ports(account))) == (2, {'nyc-2'}), split.output
    assert "a: provision_name: 'nyc-1' is also declared by b." in split.output


# What is deleted.

def test_sixty_healthy_circuits_stay_though_a_variable_says_absent(process, account):
    process.reset(slots=200, activate_after=0)
    free = [slot['id'] for slot in process.state()['slots'] if not slot['occupied']]
    hosts = {f'c-{number}': {} for number in range(60)}
    for name, slot in zip(hosts, free, strict=False):
        account.seed(name, slot)
    few = dict(list(hosts.items())[:3])
    runs = [account.play('rollout', hosts, '-e', 'provision_state=absent'),
            account.play('provision', few, '-e', 'provision_state=absent', '-e', 'provision_serial=1'),
            play(account, ROLE, few, '-e', 'provision_state=absent')]
    assert [(run.status, run.writes) for run in runs] == [(2, [])] * 3, runs[0].output
    failed_hosts = [re.findall(r'^fatal: \[(.*?)\].* circuits would be deleted: ', run.output, re.MULTILINE) for run in runs]
    assert failed_hosts == [['c-0']] * 3, 'the list of all deletes is no longer shown once'
    own = play(account, {'tasks': [{'netops.cloudflare_cni.provision': {}}]}, few, '-e', 'provision_state=absent')
    assert all('c-0: provision_max_deletes: 3' in run.output or 'c-0: provision_max_deletes: 60' in run.output for run in runs)
    assert (own.status, 'c-0: max_deletes: 3 circuits' in own.output) == (2, True), 'the option of a task that is not of the collection'
    assert len(account.circuits()) == 60


def test_a_refusal_names_the_variable_that_was_in_force_and_an_empty_one_is_not(account):
    free = [slot['id'] for slot in account.simulator.state()['slots'] if not slot['occupied']]
    for name, slot in zip(('nyc-1', 'nyc-2'), free, strict=False):
        account.seed(name, slot)
    hosts = {name: {'provision_state': 'absent'} for name in ('nyc-1', 'nyc-2')}
    both = ('-e', 'rollout_max_deletes=1', '-e', 'provision_max_deletes=2')
    refused = [account.play(playbook, hosts, *both) for playbook in ('provision', 'rollout', 'preflight')]
    assert [(run.status, run.writes) for run in refused] == [(2, [])] * 3, refused[0].output
    assert [run.output.count('nyc-1: rollout_max_deletes: 2 circuits would be deleted') > 0 for run in refused] == [True] * 3
    split = account.play('rollout', {name: {'provision_artifacts_dir': name} for name in hosts}, '-e', 'rollout_state=overridden')
    assert (split.status, 'rollout_state: the hosts of an account differ' in split.output) == (2, True), split.output
    token = account.play('provision', hosts, CLOUDFLARE_API_TOKEN='of two words')
    assert (token.status, 'nyc-1: CLOUDFLARE_API_TOKEN: contains a space' in token.output) == (2, True), token.output
    done = account.play('rollout', hosts, '-e', 'rollout_max_deletes=', '-e', 'provision_max_deletes=2')
    assert (done.status, account.circuits()) == (0, {}), done.output


def test_preflight_plans_with_what_the_playbook_provision_is_told(account):
    port = account.seed('nyc-1', next(slot['id'] for slot in account.simulator.state()['slots'] if not slot['occupied']))
    account.simulator.set_status(port, 'Healthy')
    hosts = {'nyc-1': {'provision_state': 'absent'}}
    refused, forced = account.play('preflight', hosts), account.play('preflight', hosts, '-e', 'provision_force=true')
    assert ('not deleted without provision_force=true' in refused.output, refused.status) == (True, 2), refused.output
    assert (forced.status, forced.writes) == (0, []), forced.output


def test_one_of_a_site_is_deleted_or_changed_in_a_run_and_the_other_in_the_next(account):
    free = [slot['id'] for slot in account.simulator.state()['slots'] if not slot['occupied'] and slot['site'] == 'ewr-a']
    for name, slot in zip(('nyc-1', 'nyc-2'), free, strict=False):
        account.seed(name, slot)
    hosts, once = {'nyc-1': {'provision_mtu': 1476}, 'nyc-2': {'provision_state': 'absent'}}, ('-e', 'provision_at_most_per_site=1')
    apart = {host: variables | {'provision_artifacts_dir': host} for host, variables in hosts.items()}
    refused = [account.play('provision', hosts, *once, '-e', 'provision_serial=1'), account.play('provision', apart, *once),
               play(account, ROLE, hosts, *once)]
    assert [(run.status, run.sent) for run in refused] == [(2, [])] * 3, refused[0].output
    assert all('at_most_per_site: ' in run.output for run in refused)
    runs = [account.play('provision', hosts, *once) for _time in range(2)]
    assert [(run.status, ('PUT', 'cnis') in run.writes) for run in runs] == [(0, False), (0, True)], runs[0].output
    assert re.search(r'nyc-1 +deferred', runs[0].output)
    assert {name: circuit['cni']['magic']['mtu'] for name, circuit in account.circuits().items()} == {'nyc-1': 1476}


# Steps.

def test_tags_on_the_role_choose_steps(account):
    hosts = {'nyc-1': {'provision_slot': SLOT, 'provision_wait_for': ''}}
    other = play(account, ROLE, hosts, '--tags', 'other')
    assert (other.status, other.sent, other.changed) == (0, [], set())
    assert 'skipping: [nyc-1]' in other.output
    ordered = play(account, ROLE, hosts, '--tags', 'interconnect')
    assert (ordered.status, ordered.writes) == (0, [('POST', 'interconnects')]), ordered.output
    own = play(account, ROLE, hosts, '--tags', 'net', '--skip-tags', 'status,loa')
    assert (own.status, own.writes) == (0, [('POST', 'cnis')]), own.output
    assert not [request for request in own.sent if request['path'].endswith(('/status', '/loa'))]
    assert account.remaining()[2] == ['nyc-1.json', 'nyc-1.md']


def test_a_misspelt_variable_of_the_peer_is_refused_too(account):
    peer = {'peer_platform': 'frr', 'peer_interface': 'eth1', 'peer_announce': [], 'peer_prepand': '2'}
    refused = play(account, {'roles': ['netops.cloudflare_cni.peer']}, {'nyc-1': peer})
    assert (refused.status, refused.sent) == (2, [])
    assert 'peer_prepand: unknown variable. Did you mean peer_prepend?' in refused.output


def test_with_fail_fast_no_other_account_begins_after_a_failure(account):
    with Simulator() as other:
        credentials = {'provision_api_url': other.url, 'provision_account_id': other.account, 'provision_api_token': other.token}
        hosts = {'nowhere': {'provision_slot': {'site': 'nowhere'}}, 'lon-1': {'provision_slot': {'site': 'lhr-a'}, **credentials}}
        run = account.play('provision', hosts, '-e', 'provision_fail_fast=true')
        assert (run.status, other.requests()) == (2, []), run.output
        assert 'skipping: [lon-1]' in run.output


def test_a_playbook_in_check_mode_can_have_changes_validated(account):
    hosts = {name: {'provision_slot': SLOT, 'provision_health_check': {'rate': 'high'}} for name in ('nyc-1', 'nyc-2')}
    assert account.play('rollout', hosts).status == 0
    before = account.simulator.state()
    hosts['nyc-2']['provision_health_check']['target'] = 'nowhere'
    assert account.play('rollout', hosts, '--check').status == 0
    run = account.play('rollout', hosts, '--check', '-e', 'rollout_validate=true')
    assert (run.status, account.simulator.state()) == (2, before)
    assert 'This was a validation: nothing was written' in run.output
    writes = [(request['query'], request['applied']) for request in run.sent if request['method'] != 'GET']
    assert writes == [({'validate_only': 'true'}, False)]


# Ways to run.

def test_the_role_in_a_loop_makes_a_circuit_of_each_item_and_leaves_a_result_of_the_last(account):
    own = {'provision_name': '{{ item }}', 'provision_slot': SLOT, 'provision_artifacts_dir': str(account.files)}
    tasks = [{'ansible.builtin.include_role': {'name': 'netops.cloudflare_cni.provision'}, 'vars': own, 'loop': ['a', 'b']},
             {'ansible.builtin.debug': {'msg': '{{ provision_result.name }} has {{ provision_result.interconnect.name }}'}}]
    run = play(account, {'hosts': 'localhost', 'tasks': tasks}, {})
    assert (run.status, set(ports(account))) == (0, {'a', 'b'}), run.output
    assert f'b has {ports(account)["b"]["name"]}' in run.output


def test_a_strategy_that_runs_hosts_by_themselves_is_none_of_the_playbooks_and_refused_elsewhere(account):
    run = account.play('provision', ALIKE, '--forks', '20', ANSIBLE_STRATEGY='free')
    assert (run.status, len(account.remaining()[1])) == (0, 4), run.output
    status = account.play('status', ALIKE, ANSIBLE_STRATEGY='host_pinned')
    assert (status.status, re.findall(r'"(nyc-\d) ', status.output)) == (0, [*ALIKE]), 'each host has shown all of them'
    refused = play(account, BULK | {'strategy': 'free'}, ALIKE)
    assert refused.status == 2
    assert 'with the strategy free each host would run this for all hosts' in refused.output


def test_a_start_at_a_later_task_says_what_it_lacks(account):
    run = account.play('provision', ALIKE, '--start-at-task', 'Report each circuit')
    assert (run.status, run.sent) == (2, [])
    assert 'circuits_run has no result of all hosts' in run.output
