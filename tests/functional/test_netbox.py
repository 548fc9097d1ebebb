# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks for NetBox on a simulated account, without a NetBox: what they order, what they write, and what they say if they cannot."""

from __future__ import annotations

import csv
import json

import pytest
from support.ansible_runs import SETTINGS
from support.netbox_double import OLD_TOKEN, TOKEN, NetboxDouble, planned_circuit
from support.playbook import Account, Run

TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'echo evaluated') }}"


class NetboxPair:
    """An account and a NetBox with a pair of planned circuits."""

    def __init__(self, simulator, folder):
        self.account = Account(simulator, folder)
        self.netbox = NetboxDouble(folder, [planned_circuit(1, 'nyc-1', priority='primary'),
                                            planned_circuit(2, 'nyc-2', priority='secondary')])

    def play(self, name: str, *arguments: str, **environment: str) -> Run:
        """Runs a playbook; the inventory has a group variable for the circuits and no host."""
        return self.account.play(name, {}, *arguments, **self.netbox.environment | environment)

    @property
    def journal(self) -> list[tuple[int, str]]:
        """(id of the circuit, kind) of the journal entries."""
        return [(entry['assigned_object_id'], entry['kind']) for entry in self.netbox.objects('journal-entries')]


@pytest.fixture
def pair(simulator, tmp_path):
    pair = NetboxPair(simulator, tmp_path)
    yield pair
    pair.netbox.stop()


def test_planned_circuits_are_ordered_and_written_back_once(pair):
    before = pair.netbox.file.read_text()
    check = pair.play('netbox_provision', '--check')
    assert (check.status, check.writes, pair.netbox.requests, pair.netbox.file.read_text()) == (0, [], [], before), check.output
    assert ('Show what is written', 'localhost') in check.changed and 'nyc-1: - status: planned to provisioning' in check.output
    run = pair.play('netbox_provision', '-vvv')
    assert run.status == 0 and TOKEN not in run.output, run.output
    circuits = pair.account.circuits()
    assert len({circuits[name]['interconnect']['ccr_device_name'] for name in ('nyc-1', 'nyc-2')}) == 2
    assert pair.netbox.circuit('nyc-1') == {
        'status': 'provisioning', 'cni_name': 'nyc-1', 'cni_interconnect': circuits['nyc-1']['interconnect']['name'],
        'cni_state': 'pending', 'cni_loa': f'{pair.account.files}/nyc-1-loa.pdf'}
    links = {circuits[name]['cni'][end]: ident for ident, name in ((1, 'nyc-1'), (2, 'nyc-2')) for end in ('cust_ip', 'p2p_ip')}
    assert {obj['address']: obj['custom_fields']['cni_circuit'] for obj in pair.netbox.objects('ip-addresses')} == links
    assert [obj['custom_fields']['cni_circuit'] for obj in pair.netbox.objects('prefixes')] == [1, 2]
    written = pair.netbox.file.read_text()
    second = pair.play('netbox_provision')
    assert (second.status, second.writes, second.changed, pair.netbox.file.read_text()) == (0, [], set(), written), second.output


def test_a_circuit_that_fails_leaves_the_others_and_says_why_in_netbox(pair):
    circuits = pair.netbox.objects('circuits')
    circuits[1]['custom_fields']['cni_options'] = {'mtu': 1}
    pair.netbox.store(circuits=[*circuits, planned_circuit(3, 'nyc-3', cni_slot='nowhere')])
    pair.account.simulator.fault('status', method='POST', path='/cni/cnis$', status=403, times=2,
                                 body={'success': False, 'errors': [{'code': 10000, 'message': 'Authentication error'}]})
    run = pair.play('netbox_provision')
    errors = {number: pair.netbox.circuit(f'nyc-{number}').get('cni_error', '') for number in (1, 2, 3)}
    assert run.status != 0 and 'cf-ray' in errors[1] and 'provision_mtu' in errors[2] and 'JSON object' in errors[3], (errors, run.output)
    assert pair.netbox.circuit('nyc-1')['cni_interconnect']  # it was ordered
    journal = pair.journal
    assert {(number, 'danger') for number in (1, 2, 3)} <= {*journal}
    pair.play('netbox_provision')
    assert pair.journal == journal  # the same failures are no news
    pair.netbox.store(circuits=[obj | {'custom_fields': {**obj['custom_fields'], 'cni_options': None, 'cni_slot': None}}
                                for obj in pair.netbox.objects('circuits')])
    run = pair.play('netbox_provision')
    assert run.status == 0, run.output
    assert [pair.netbox.circuit(f'nyc-{number}').get('cni_error') for number in (1, 2, 3)] == [None] * 3
    assert len(pair.account.remaining()[1]) == 3


def test_nothing_is_ordered_that_netbox_does_not_take(pair):
    pair.netbox.store(refused=['nyc-2'])
    run = pair.play('netbox_provision', '-vvv')
    assert TOKEN not in run.output, run.output
    assert run.status != 0 and "nyc-2: HTTP 400: [{'status': ['refused by NetBox']}]" in run.output, run.output
    assert pair.journal[0] == (1, 'info') and 2 not in dict(pair.journal)
    assert [*pair.account.circuits()] == ['nyc-1']


def test_a_sync_shows_differences_before_it_writes_them(pair):
    pair.netbox.store(circuits=[planned_circuit(1, 'nyc-1', 'active', cni_name='nyc-1', cni_state='healthy'), planned_circuit(2, TEMPLATE)])
    free = [slot['id'] for slot in pair.account.simulator.state()['slots'] if not slot['occupied'] and slot['site'] == 'ewr-a']
    port = pair.account.seed('nyc-1', free[0])
    pair.account.seed('by hand', free[1])
    pair.account.simulator.set_status(port, 'Down', 'no light')
    before = pair.netbox.file.read_text()
    run = pair.play('netbox_sync', '-e', 'netbox_write=false')
    assert (run.status, run.writes, pair.netbox.file.read_text()) == (0, [], before), run.output
    for line in ('nyc-1: active in NetBox, and the port is Down: it becomes offline.', 'by hand: on ',
                 "echo evaluated') }}: planned in NetBox"):
        assert line in run.output
    run = pair.play('netbox_sync', NETBOX_TOKEN=OLD_TOKEN)
    assert run.status == 0 and pair.netbox.circuit('nyc-1') == {
        'status': 'offline', 'cni_name': 'nyc-1', 'cni_state': 'down', 'cni_interconnect': port}, run.output
    assert run.output.index('it becomes offline') < run.output.index('Write all at once')
    written = pair.netbox.file.read_text()
    assert (pair.play('netbox_sync').status, pair.netbox.file.read_text()) == (0, written)


def test_only_circuits_that_are_named_are_deleted(pair):
    free = [slot['id'] for slot in pair.account.simulator.state()['slots'] if not slot['occupied'] and slot['site'] == 'ewr-a']
    for number in (1, 2):
        pair.account.seed(f'nyc-{number}', free[number])
    pair.netbox.store(circuits=[planned_circuit(number, f'nyc-{number}', 'deprovisioning') for number in (1, 2)])
    run = pair.play('netbox_provision')
    assert (run.status, run.writes) == (0, []) and 'nyc-1: deprovisioning in NetBox, but Cloudflare has it.' in run.output, run.output
    run = pair.play('netbox_provision', '-e', 'netbox_decommission=nyc-2')
    assert run.status == 0 and [*pair.account.circuits()] == ['nyc-1'], run.output
    assert [pair.netbox.circuit(f'nyc-{number}')['status'] for number in (1, 2)] == ['deprovisioning', 'decommissioned']


def test_a_name_of_netbox_is_data(pair):
    pair.netbox.store(circuits=[planned_circuit(1, TEMPLATE, cni_slot={'site': TEMPLATE})])
    run = pair.play('netbox_provision')
    assert run.status != 0 and pair.account.remaining()[:2] == ([], []), run.output
    assert 'echo evaluated' in run.output and '\nevaluated' not in run.output
    assert pair.netbox.circuit(TEMPLATE)['cni_name'] == TEMPLATE


def test_cross_connects_are_followed_up_with_what_netbox_knows_of_them(pair):
    first, second = pair.netbox.objects('circuits')
    for obj, number in ((first, 'XC-1'), (second, '')):
        obj['termination_a'] = {'id': 30 + obj['id'], 'termination_type': 'dcim.location', 'termination_id': 1, 'xconnect_id': number}
    second['custom_fields']['cni_options'] = {'cross_connect': {'provider': 'Equinix'}}
    pair.netbox.store(circuits=[first, second], **{'circuit-terminations': [
        {'id': 31, 'term_side': 'A', 'xconnect_id': 'XC-1', 'pp_info': TEMPLATE, 'tags': []},
        {'id': 32, 'term_side': 'A', 'xconnect_id': '', 'pp_info': 'rack 12, port 2', 'tags': []}]})
    playbook = pair.account.folder / 'follow_up.yml'
    playbook.write_text(''.join(f'- import_playbook: netops.cloudflare_cni.{name}\n' for name in ('netbox_provision', 'cross_connects')))
    run = pair.play(str(playbook))
    assert run.status == 0, run.output
    with (pair.account.folder / 'cross-connects' / 'cross-connects.csv').open(newline='') as file:
        rows = {row['circuit']: [row[name] for name in ('cross_connect_id', 'patch_panel', 'provider', 'next_step')]
                for row in csv.DictReader(file)}
    assert rows == {'nyc-1': ['XC-1', TEMPLATE, '', 'install the cross-connect'],
                    'nyc-2': ['', 'rack 12, port 2', 'Equinix', 'order the cross-connect, attach nyc-2-loa.pdf']}
    second = pair.play(str(playbook))
    assert (second.status, second.writes, second.changed) == (0, [], set()), second.output


@pytest.mark.parametrize('playbook', ['netbox_fields', 'netbox_provision', 'netbox_sync'])
def test_each_playbook_begins_with_the_checks(pair, playbook):
    """Its tasks of netbox.netbox cannot even be loaded without the collection."""
    run = pair.play(playbook, ANSIBLE_COLLECTIONS_PATH=SETTINGS['ANSIBLE_COLLECTIONS_PATH'])
    assert run.status != 0 and 'ansible-galaxy collection install netbox.netbox' in run.output and run.sent == [], run.output
    run = pair.play(playbook, '-e', 'netbox_limt=nyc-1')
    assert run.status != 0 and 'netbox_limt: unknown variable. Did you mean netbox_limit?' in run.output and run.sent == []


def test_a_variable_of_a_wrong_type_is_refused_by_name_and_nothing_is_ordered_or_written(pair):
    before = pair.netbox.file.read_text()
    for variables, says in (
            ({'netbox_loa_url': ['x'], 'netbox_vrf': True, 'netbox_rename': ['x']},
             ('netbox_loa_url: must be text; it was a list.', 'netbox_vrf: must be text; it was true.',
              'netbox_rename: must be true or false; it was a list.')),
            ({'netbox_loa_url': '{{ nope }}'}, ('netbox_loa_url: ', "'nope' is undefined"))):
        run = pair.play('netbox_provision', '-e', json.dumps(variables))
        assert (run.status, run.sent, [text for text in says if text not in run.output]) == (2, [], []), run.output
    assert (pair.netbox.requests, pair.netbox.file.read_text()) == ([], before)


@pytest.mark.parametrize(('variables', 'says'), [
    ({'netbox_vrf': ['x']}, 'netbox_vrf: must be text; it was a list.'), ({'netbox_vfr': 'red'}, 'netbox_vfr: unknown variable.')])
def test_a_wrong_variable_of_the_circuits_alone_is_found_before_an_order(pair, variables, says):
    group = pair.account.folder / 'group_vars' / 'circuits.yml'
    group.parent.mkdir()
    group.write_text(json.dumps(variables))
    run = pair.play('netbox_provision')
    assert (run.status, run.writes, says in run.output) == (2, [], True), run.output


def test_what_is_missing_is_reported(pair, tmp_path):
    (tmp_path / 'sitecustomize.py').write_text("import sys\nsys.modules['pynetbox'] = None  # as if it were not installed\n")
    cases = {
        'pip install pynetbox': {'PYTHONPATH': str(tmp_path)}, 'Set netbox_url, or NETBOX_API': {'NETBOX_API': ''},
        'Set netbox_token, or NETBOX_TOKEN': {'NETBOX_TOKEN': ''},
    }
    for text, environment in cases.items():
        run = pair.play('netbox_sync', **environment)
        assert run.status != 0 and text in run.output and run.sent == [], run.output
    run = pair.play('netbox_sync', '-vvvv')
    assert run.status != 0 and 'Use -vvv at most.' in run.output and TOKEN not in run.output
