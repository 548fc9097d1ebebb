# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole flow of circuits by the module rollout: settings, files, record, steps, status; and circuits that are wrong."""

from __future__ import annotations

import json
import os

import pytest
from support.module_process import run_in_child
from support.rights import heed_permissions

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _files
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import RequestsTransport

KEY = '7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2'
SLOT = {'site': 'ewr-a', 'speed': '10G'}
SECRET = 'planted md5 key'
FULL = {'name': 'nyc-1', 'slot': SLOT, 'bgp': {'customer_asn': 64512, 'md5_key': SECRET}, 'health_check': {'rate': 'high'},
        'loa_name': 'Example Networks Inc.'}
GCP = {'name': 'gcp-1', 'pairing_key': KEY, 'bandwidth': '1G'}
PLAIN = {'name': 'nyc-2', 'slot': SLOT}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / 'artifacts'


@pytest.fixture
def rollout(run_module, folder):
    """rollout(*circuits, state='merged', check=False, **options) -> the result of the module, with a folder for the files."""
    def rollout(*circuits, check=False, **options):
        return run_module('rollout', check, circuits=list(circuits), artifacts_dir=str(folder), **options)
    return rollout


def outcomes(result):
    return {circuit['name']: circuit['outcome'] for circuit in result['circuits']}


def files(folder):
    return {file.name for file in folder.iterdir()} if folder.is_dir() else set()


def files_of(*names):
    return {f'{name}{ending}' for name in names for ending in ('-loa.pdf', '.md', '.json')}


def record(folder, name):
    return json.loads((folder / f'{name}.json').read_text())


def port_of(simulator, name):
    return next(cni['interconnect'] for cni in simulator.state()['cnis'] if cni['magic']['conduit_name'] == name)


# From nothing to hand-over, and back.

def test_the_whole_flow_comes_about_as_check_mode_predicted_and_a_second_run_writes_nothing(rollout, simulator, folder, writes):
    predicted = rollout(FULL, GCP, check=True, default_asn=65100)
    assert (writes(), files(folder)) == ([], set())
    done = rollout(FULL, GCP, default_asn=65100)
    assert (predicted['changed'], predicted['diff'], predicted['summary']) == (True, done['diff'], {'created': 2})
    assert (done['settings'], simulator.state()['settings']['default_asn']) == ({'default_asn': 65100}, 65100)
    assert files(folder) == files_of('nyc-1') | {'gcp-1.md', 'gcp-1.json'}
    assert record(folder, 'nyc-1')['bgp']['cloudflare_asn'] == 65100
    assert record(folder, 'nyc-1')['loa']['name'] == 'Example Networks Inc.'
    before, loas = writes(), [request for request in simulator.requests() if request['path'].endswith('/loa')]
    second = rollout(FULL, GCP, default_asn=65100)
    assert (second['changed'], second['diff'], second['summary'], writes()) == (False, [], {'unchanged': 2}, before)
    assert [request for request in simulator.requests() if request['path'].endswith('/loa')] == loas
    assert SECRET not in json.dumps([predicted, done, second])


def test_the_result_shows_each_circuit_as_the_info_modules_do(rollout, run_module, simulator, folder):
    done = rollout(FULL, GCP)
    port = port_of(simulator, 'nyc-1')
    nyc, gcp = done['circuits']
    shown = {'interconnect': run_module('interconnect_info', name=port)['interconnects'][0],
             'cni': run_module('cni_info', conduit_name='nyc-1')['cnis'][0],
             **{key: run_module('health_check', interconnect=port)[key] for key in ('health_check', 'tunnel')}, 'routes': None}
    assert nyc['objects'] == shown
    assert (nyc['changed'], nyc['status'], nyc['interconnect']) == (True, None, port)
    assert nyc['files'] == {'loa': f'{folder}/nyc-1-loa.pdf', 'markdown': f'{folder}/nyc-1.md', 'json': f'{folder}/nyc-1.json'}
    assert (gcp['files']['loa'], gcp['objects']['health_check']) == (None, None)
    assert {entry.get('circuit') for entry in done['diff']} == {None, 'nyc-1', 'gcp-1'}
    assert [entry['after_header'].split(' ')[0] for entry in done['diff'] if entry.get('circuit') == 'gcp-1'] == [
        'interconnect', 'CNI', 'hand-over', 'hand-over']


def test_a_loa_without_a_name_shows_the_name_that_cloudflare_has_for_it_and_asks_once(rollout, run_module, simulator, folder):
    def name_reads():
        return sum(request['path'].endswith('/loa/default') for request in simulator.requests())

    new = rollout(PLAIN, check=True)
    (sheet,) = [entry['after'] for entry in new['diff'] if entry.get('after_header', '').endswith('.md (create)')]
    assert (name_reads(), '| LOA made out to | (known after apply) |' in sheet) == (0, True)
    done = rollout(PLAIN)
    assert (name_reads(), done['diff'], record(folder, 'nyc-2')['loa']['default_name']) == (1, new['diff'], 'Example Networks, Inc.')
    assert '| LOA made out to | Example Networks, Inc. |' in (folder / 'nyc-2.md').read_text()
    results = rollout(PLAIN), rollout({**PLAIN, 'loa_name': 'Example Networks, Inc.'})
    assert ([result['changed'] for result in results], name_reads()) == ([False, False], 1)
    simulator.fault('status', method='GET', path='/loa/default', status=200, body={'customer': 'Renamed Networks'}, times=None)
    assert (rollout(PLAIN)['changed'], name_reads()) == (False, 1)
    (folder / 'nyc-2-loa.pdf').unlink()
    predicted, done = rollout(PLAIN, check=True), rollout(PLAIN)
    assert (name_reads(), predicted['diff'], done['summary']) == (3, done['diff'], {'updated': 1})
    assert any('| LOA made out to | Renamed Networks |' in entry['after'] for entry in predicted['diff'] if 'after' in entry)
    assert record(folder, 'nyc-2')['loa']['default_name'] == 'Renamed Networks'


def test_a_service_that_does_not_know_the_default_name_of_a_loa_changes_nothing_else(rollout, simulator, folder):
    simulator.fault('status', method='GET', path='/loa/default', status=404, times=None)
    done = rollout(PLAIN)
    assert (done['summary'], record(folder, 'nyc-2')['loa'].keys()) == ({'created': 1}, {'interconnect', 'name', 'sha256', 'fetched'})
    assert 'made out' not in (folder / 'nyc-2.md').read_text()
    assert rollout(PLAIN)['changed'] is False


def test_what_changes_of_a_circuit_changes_its_files_and_those_of_no_other(rollout, folder):
    rollout(FULL, PLAIN)
    mtu = rollout({**FULL, 'mtu': 1400}, PLAIN)
    assert (outcomes(mtu), record(folder, 'nyc-1')['link']['mtu']) == ({'nyc-1': 'updated', 'nyc-2': 'unchanged'}, 1400)
    assert {os.path.basename(entry['after_header'].split(' ')[1]) for entry in mtu['diff'][1:] if 'hand-over' in entry['after_header']} == {
        'nyc-1.md', 'nyc-1.json'}
    (folder / 'nyc-2-loa.pdf').write_bytes(b'%PDF- of somebody else')
    second = rollout({**FULL, 'mtu': 1400}, PLAIN)
    assert (outcomes(second), second['changed']) == ({'nyc-1': 'unchanged', 'nyc-2': 'updated'}, True)


def test_a_circuit_that_was_there_gets_its_files(rollout, run_module, simulator, folder):
    run_module('rollout', circuits=[FULL])
    predicted, done = rollout(FULL, check=True), rollout(FULL)
    assert (outcomes(predicted), outcomes(done), predicted['diff']) == ({'nyc-1': 'updated'}, {'nyc-1': 'updated'}, done['diff'])
    assert files(folder) == files_of('nyc-1')
    assert record(folder, 'nyc-1')['interconnect']['name'] == port_of(simulator, 'nyc-1')


def test_deleted_takes_the_files_along_and_those_of_a_circuit_that_is_gone_already(rollout, run_module, simulator, folder):
    rollout(FULL, PLAIN)
    run_module('rollout', circuits=[{'name': 'nyc-2'}], state='deleted')
    names = [{'name': 'nyc-1'}, {'name': 'nyc-2'}]
    assert rollout(*names, check=True, state='deleted', max_deletes=2)['summary'] == {'deleted': 2}
    done = rollout(*names, state='deleted', max_deletes=2)
    assert (done['summary'], files(folder), simulator.state()['interconnects']) == ({'deleted': 2}, set(), [])
    assert rollout(*names, state='deleted', max_deletes=2)['changed'] is False


def test_deleting_needs_no_tunnel_to_note_it_on(rollout, simulator, folder):
    rollout(PLAIN)
    simulator.seed(tunnels=[])
    assert rollout({'name': 'nyc-2'}, state='deleted')['summary'] == {'deleted': 1}
    assert (simulator.state()['interconnects'], files(folder)) == ([], set())


def test_overridden_takes_the_files_of_what_it_deletes_along(rollout, simulator, folder):
    rollout(FULL, PLAIN)
    assert outcomes(rollout(PLAIN, state='overridden', max_deletes=1)) == {'nyc-2': 'unchanged', 'nyc-1': 'deleted'}
    assert files(folder) == files_of('nyc-2')


# Runs that are killed. Whatever the request, the next run goes on from there.

def killed_at(number):
    """What ends a process before its request of that number, counted from 0."""
    def before():
        send, count = RequestsTransport.__call__, [0]

        def ending(*request):
            count[0] += 1
            if count[0] > number:
                os._exit(9)
            return send(*request)
        RequestsTransport.__call__ = ending
    return before


def kills(simulator, prepare, options):
    """Runs the module from the same start and kills it at each of its requests, until it comes to its end."""
    environment = {'PATH': os.environ['PATH'], **simulator.environment}
    for number in range(100):
        simulator.reset()
        prepare()
        if run_in_child('rollout', options, environment, before=killed_at(number)).status != 9:
            return
        yield number


def test_killed_at_any_request_and_run_again_each_circuit_has_one_port_and_its_loa(rollout, simulator, folder):
    def clean():
        for file in files(folder):
            (folder / file).unlink()

    circuits = [FULL, PLAIN]
    for number in kills(simulator, clean, {'circuits': circuits, 'artifacts_dir': str(folder), 'concurrency': 1}):
        second = rollout(*circuits)
        assert not second.get('failed'), (number, second)
        assert len(simulator.state()['interconnects']) == 2
        ports = [port_of(simulator, name) for name in ('nyc-1', 'nyc-2')]
        assert [record(folder, name)['loa']['interconnect'] for name in ('nyc-1', 'nyc-2')] == ports
        assert rollout(*circuits)['changed'] is False
    assert number >= 10


def test_killed_at_any_request_a_deletion_is_finished_by_the_next_run(rollout, simulator, folder):
    gone = [{'name': 'nyc-1'}, {'name': 'nyc-2'}]
    options = {'circuits': gone, 'artifacts_dir': str(folder), 'state': 'deleted', 'concurrency': 1, 'max_deletes': 2}
    for _number in kills(simulator, lambda: rollout(FULL, PLAIN), options):
        assert not rollout(*gone, state='deleted', max_deletes=2).get('failed')
        state = simulator.state()
        assert (state['cnis'], state['interconnects'], files(folder)) == ([], [], set())


def test_killed_before_the_files_are_removed_overridden_removes_them_later(rollout, simulator, folder):
    def dying():
        _files.remove_file = lambda path: os._exit(9)

    ports = {circuit['name']: circuit['interconnect'] for circuit in rollout(FULL, PLAIN, GCP)['circuits']}
    rollout({'name': 'gcp-2', 'interconnect': ports['gcp-1'], 'shared': True})
    options = {'circuits': [PLAIN, GCP], 'artifacts_dir': str(folder), 'state': 'overridden', 'max_deletes': 2, 'force': True}
    environment = {'PATH': os.environ['PATH'], **simulator.environment}
    assert run_in_child('rollout', options, environment, before=dying).status == 9
    assert {cni['magic']['conduit_name'] for cni in simulator.state()['cnis']} == {'nyc-2', 'gcp-1'}
    foreign = {'format': 1, 'name': 'elsewhere', 'interconnect': {'name': 'of-another-account'}}
    for name, mark in (('elsewhere', {}), ('nyc-9', {'deleting': 'another account'})):
        (folder / f'{name}.json').write_text(json.dumps({**foreign, 'name': name, **mark}))
    assert not rollout(PLAIN, GCP, state='overridden').get('failed')
    assert files(folder) == files_of('nyc-2') | {'gcp-1.md', 'gcp-1.json', 'elsewhere.json', 'nyc-9.json'}


# Steps.

@pytest.mark.parametrize('check', [{'rate': 'mid'}, {'rate': 'high'}], ids=['as it is', 'changed'])
def test_the_hand_over_has_the_target_that_follows_from_a_cni_which_the_run_has_made(rollout, folder, check):
    circuit = {**PLAIN, 'health_check': check}
    rollout(circuit, steps=['interconnect'])
    predicted = rollout(circuit, check=True)
    assert '"target": "(known after apply)"' in json.dumps(predicted['diff'])
    rollout(circuit)
    assert record(folder, 'nyc-2')['health_check']['target'] == record(folder, 'nyc-2')['link']['customer_address']
    second = rollout(circuit)
    assert (second['changed'], second['diff']) == (False, [])


def test_an_order_alone_is_on_record_and_the_steps_after_it_go_on_from_there(rollout, simulator, folder):
    first, second = rollout(FULL, steps=['interconnect']), rollout({**PLAIN, 'name': 'nyc-2'}, steps=['interconnect'])
    assert (first['summary'], second['summary'], simulator.state()['cnis']) == ({'created': 1}, {'created': 1}, [])
    assert files(folder) == {'nyc-1.json', 'nyc-2.json'}
    ports = {name: record(folder, name)['interconnect']['name'] for name in ('nyc-1', 'nyc-2')}
    assert rollout(FULL, steps=['interconnect'])['changed'] is False
    assert rollout(FULL, PLAIN, steps=['loa'])['summary'] == {'updated': 2}
    assert files(folder) == {'nyc-1.json', 'nyc-2.json', 'nyc-1-loa.pdf', 'nyc-2-loa.pdf'}
    assert rollout(PLAIN, FULL, steps=['cni'])['summary'] == {'created': 2}
    assert {name: port_of(simulator, name) for name in ports} == ports
    assert rollout(FULL, PLAIN, steps=['health_check', 'handover'])['summary'] == {'updated': 2}
    assert rollout(FULL, PLAIN)['changed'] is False


def test_a_step_alone_does_no_other(rollout, simulator, folder):
    rollout(FULL)
    changed = {**FULL, 'mtu': 1400, 'health_check': {'rate': 'low'}}
    before = simulator.state()
    assert rollout(changed, steps=['interconnect', 'loa', 'status'])['changed'] is False
    assert rollout(changed, steps=['health_check'])['summary'] == {'updated': 1}
    after = simulator.state()
    assert (after['cnis'], [tunnel['health_check']['rate'] for tunnel in after['tunnels']]) == (before['cnis'], ['low'])
    assert rollout(changed, steps=['settings'], default_asn=65001)['settings'] == {'default_asn': 65001}
    assert simulator.state()['cnis'] == before['cnis']


@pytest.mark.parametrize('step', ['loa', 'cni', 'health_check', 'handover'])
def test_a_step_of_a_circuit_that_is_not_there_says_so_and_orders_nothing(rollout, writes, step):
    result = rollout(FULL, steps=[step])
    assert (outcomes(result), result['circuits'][0]['error']['option'], writes()) == ({'nyc-1': 'failed'}, 'steps', [])
    assert "the circuit 'nyc-1' does not exist in this account" in result['msg']


def test_a_port_that_was_ordered_and_has_no_cni_is_deleted_by_the_record(rollout, run_module, simulator, folder):
    own = run_module('interconnect', slot=SLOT)['interconnect']['name']
    rollout({**PLAIN, 'slot': {'site': 'lhr-a'}}, steps=['interconnect'])
    assert rollout({'name': 'nyc-2'}, state='deleted')['summary'] == {'deleted': 1}
    assert ([port['name'] for port in simulator.state()['interconnects']], files(folder)) == ([own], set())


# Ownership.

def test_a_record_that_contradicts_cloudflare_loses_with_a_warning(rollout, simulator, folder):
    rollout(FULL)
    port = port_of(simulator, 'nyc-1')
    (folder / 'nyc-2.json').write_text(json.dumps({'format': 1, 'name': 'nyc-2', 'interconnect': {'name': port}}))
    (folder / 'nyc-2-loa.pdf').write_bytes((folder / 'nyc-1-loa.pdf').read_bytes())
    done = rollout(FULL, PLAIN)
    assert outcomes(done) == {'nyc-1': 'unchanged', 'nyc-2': 'created'}
    (warning,) = [str(text) for text in done['warnings'] if 'nyc-2' in str(text)]
    assert f"its record names interconnect '{port}', but it carries the CNI 'nyc-1': the record is ignored." in warning
    own = port_of(simulator, 'nyc-2')
    assert (record(folder, 'nyc-2')['interconnect']['name'], record(folder, 'nyc-2')['loa']['interconnect']) == (own, own)
    assert own != port and not rollout(FULL, PLAIN).get('warnings')


def test_an_interconnect_that_another_circuit_has_on_record_is_not_taken(rollout, simulator, folder):
    rollout(FULL, steps=['interconnect'])
    assert rollout(PLAIN)['summary'] == {'created': 1}
    assert len(simulator.state()['interconnects']) == 2
    assert port_of(simulator, 'nyc-2') != record(folder, 'nyc-1')['interconnect']['name']


# Failures.

def test_a_circuit_that_failed_after_its_order_gets_its_loa_and_no_hand_over(rollout, simulator, folder):
    simulator.fault('status', method='POST', path='cnis', status=403, times=None)
    result = rollout(FULL)
    (circuit,) = result['circuits']
    assert (circuit['outcome'], circuit['error']['status'], circuit['changed']) == ('failed', 403, True)
    assert files(folder) == {'nyc-1.json', 'nyc-1-loa.pdf'}
    assert circuit['files'] == {'loa': f'{folder}/nyc-1-loa.pdf', 'json': f'{folder}/nyc-1.json'}
    assert [step['action'] for step in circuit['applied']] == ['create'] * 3
    assert circuit['objects']['interconnect']['name'] == record(folder, 'nyc-1')['interconnect']['name']


def test_a_loa_that_can_not_be_had_fails_its_circuit_alone_and_the_next_run_fetches_it(rollout, simulator, folder):
    simulator.fault('status', path='loa', status=403, times=1)
    result = rollout(FULL, GCP)
    assert outcomes(result) == {'nyc-1': 'failed', 'gcp-1': 'created'}
    failed = result['circuits'][0]
    written = [step['object'] for step in failed['applied']]
    assert (failed['error']['status'], written[:2]) == (403, ['interconnect of nyc-1', 'CNI of nyc-1'])
    assert outcomes(rollout(FULL, GCP)) == {'nyc-1': 'updated', 'gcp-1': 'unchanged'}
    assert files(folder) >= files_of('nyc-1')


def test_settings_that_are_refused_fail_by_themselves(rollout, simulator, folder):
    simulator.fault('status', method='PUT', path='settings', status=403, times=None)
    result = rollout(FULL, default_asn=65100)
    assert (result['failed'], outcomes(result)) == (True, {'nyc-1': 'created'})
    assert result['msg'].startswith('0 of 1 circuits failed. settings: PUT /cni/settings: HTTP 403')
    assert record(folder, 'nyc-1')['bgp']['cloudflare_asn'] == 13335


def test_what_the_files_can_not_be_is_found_before_anything_is_ordered(rollout, writes, tmp_path, folder):
    template = tmp_path / 'own.md.j2'
    template.write_text('{{ handover.name }} {{ handover.nothing.like.it }}')
    result = rollout(FULL, handover_template=str(template))
    assert (outcomes(result), result['circuits'][0]['error']['option'], writes()) == ({'nyc-1': 'failed'}, 'handover_template', [])
    folder.mkdir()
    (folder / 'nyc-1.json').write_text('no record')
    result = rollout(FULL, PLAIN)
    assert (outcomes(result), result['circuits'][0]['error']['option']) == ({'nyc-1': 'failed', 'nyc-2': 'created'}, 'artifacts_dir')


@pytest.mark.parametrize('way', ['read-only', 'in a read-only folder', 'below a file', 'a file'])
def test_a_folder_that_can_not_be_used_is_the_same_error_in_check_mode_and_before_any_write(run_module, simulator, writes, tmp_path, way):
    """As soon as a file is to be written: an order, a change and a deletion have one, a circuit that is as declared has none."""
    folder = tmp_path / 'files'
    environment = {'PATH': os.environ['PATH'], **simulator.environment}

    def rollout(circuit, check, **options):
        arguments = {'circuits': [circuit], 'artifacts_dir': str(path), '_ansible_check_mode': check, **options}
        return run_in_child('rollout', arguments, environment, before=heed_permissions).result()

    folder.mkdir()
    path, text = {
        'read-only': (folder, f'the folder {folder} cannot be written to.'),
        'in a read-only folder': (folder / 'a/b', f'the folder {folder}/a/b cannot be created: the folder {folder} cannot be written to.'),
        'below a file': (folder / 'file/b', f'{folder}/file/b cannot be read: Not a directory.'),
        'a file': (folder / 'file', f'{folder}/file is not a folder.'),
    }[way]
    (folder / 'file').write_text('')
    run_module('rollout', circuits=[PLAIN], **({'artifacts_dir': str(folder)} if way == 'read-only' else {}))
    folder.chmod(0o500)
    before = writes()
    for circuit in ({**PLAIN, 'name': 'nyc-3'}, {**PLAIN, 'mtu': 1400}, {'name': 'nyc-2', 'state': 'absent'}):
        assert [rollout(circuit, check).get('msg') for check in (True, False)] == [f'artifacts_dir: {text}'] * 2
    if way == 'read-only':
        kept = [rollout(PLAIN, check) for check in (True, False)]
        assert [(result.get('msg'), result['changed']) for result in kept] == [(None, False)] * 2
    assert writes() == before


# Status.

def test_each_circuit_waits_for_a_state_of_its_own_and_the_others_are_not_read(rollout, simulator):
    done = rollout({**FULL, 'wait_for': ['Pending', 'Down']}, GCP, {**PLAIN, 'wait_for': ['active']}, wait_timeout=1)
    reached = {circuit['name']: (circuit.get('reached'), circuit['status'] and circuit['status']['state']) for circuit in done['circuits']}
    assert reached == {'nyc-1': (True, 'Pending'), 'gcp-1': (None, None), 'nyc-2': (False, 'Pending')}
    assert not done.get('failed')


def test_the_step_status_reads_all_and_waits_for_none(rollout, simulator):
    rollout(FULL, PLAIN)
    statuses = [circuit['status'] for circuit in rollout(FULL, PLAIN, steps=['status'])['circuits']]
    assert statuses == [{'interconnect': port_of(simulator, name), 'state': 'Pending', 'reason': None} for name in ('nyc-1', 'nyc-2')]
    assert rollout(FULL, PLAIN, steps=['status'], check=True)['circuits'][0]['status'] == statuses[0]


def test_a_status_that_can_not_be_read_hides_nothing_that_was_made(rollout, simulator):
    simulator.fault('status', method='GET', path='status', status=403, times=None)
    result = rollout({**FULL, 'wait_for': ['Pending']}, PLAIN)
    assert outcomes(result) == {'nyc-1': 'failed', 'nyc-2': 'created'}
    assert len(result['circuits'][0]['applied']) >= 3


# Circuits that are wrong.

WRONG = [
    ({'name': 'bad', 'slot': 'gru-b'}, 'bad', 'slot',
     "slot: must be a dictionary such as {site: ewr-a, speed: 10G}; it was 'gru-b'."),
    ({'name': 'bad', 'bgp': SECRET}, 'bad', 'bgp',
     'bgp: must be a dictionary such as {customer_asn: 65001}; it was text.'),
    ({'name': 'bad', 'slot': SLOT, 'mtu': 9000}, 'bad', 'mtu', 'mtu: 9000 is not valid. Allowed: '),
    ({'name': 'bad', 'slot': SLOT, 'mtu': 'big'}, 'bad', 'mtu', 'mtu: '),
    ({'name': 'bad', 'slot': SLOT, 'bpg': {'md5_key': SECRET}}, 'bad', 'bpg', 'bpg: unknown option.'),
    ({'name': 'bad', 'slot': SLOT, 'bgp': {'customer_asn': 1, 'md5_key': 1234567}}, 'bad', 'bgp.md5_key',
     'bgp.md5_key: must be text, but is a number'),
    ({'name': 'bad', 'slot': SLOT, 'bgp': {'customer_asn': 'x', 'md5_key': SECRET}}, 'bad', 'bgp.customer_asn',
     "bgp.customer_asn: must be a whole number; it was 'x'."),
    ({'name': 'bad', 'slot': SLOT, 'wait_for': ['Light']}, 'bad', 'wait_for', 'wait_for: '),
    ({'name': 'bad', 'slot': SLOT, 'loa_name': 'x' * 201}, 'bad', 'loa_name', 'loa_name: '),
    ({'slot': SLOT}, 'circuits[1]', 'name', 'name: is required.'),
    ({'name': '', 'slot': SLOT}, 'circuits[1]', 'name', 'name: is required.'),
    ('bad', 'circuits[1]', 'name', 'name: this is text, not a circuit. Allowed: a dictionary with a name.'),
    (None, 'circuits[1]', 'name', 'name: this is null, not a circuit.'),
]


@pytest.mark.parametrize(('wrong', 'name', 'option', 'words'), WRONG, ids=str)
def test_a_circuit_that_is_wrong_fails_alone_and_shows_no_secret(rollout, simulator, folder, wrong, name, option, words):
    result = rollout(GCP, wrong, PLAIN)
    assert list(outcomes(result).items()) == [('gcp-1', 'created'), (name, 'failed'), ('nyc-2', 'created')]
    failed = result['circuits'][1]
    assert (failed['error']['kind'], failed['error']['option'], failed['msg'].startswith(words)) == ('input', option, True), failed
    assert f'1 of 3 circuits failed. {name}: {words}' in result['msg']
    assert SECRET not in json.dumps(result) and '1234567' not in json.dumps(result)
    assert files(folder) == files_of('nyc-2') | {'gcp-1.md', 'gcp-1.json'}


@pytest.mark.parametrize('wrong', [WRONG[0][0], {**PLAIN, 'mtu': 9000}, 'bad', PLAIN], ids=str)
def test_with_fail_fast_one_that_is_wrong_keeps_all_from_being_written(rollout, writes, folder, wrong):
    result = rollout(GCP, wrong, PLAIN, fail_fast=True, default_asn=65100)
    assert set(outcomes(result).values()) == {'failed', 'skipped'}
    assert (result['changed'], writes(), files(folder)) == (False, [], set())


def test_two_circuits_of_one_name_both_fail_and_the_others_go_on(rollout, simulator):
    result = rollout(PLAIN, GCP, {**PLAIN, 'mtu': 1400})
    assert [(circuit['name'], circuit['outcome']) for circuit in result['circuits']] == [
        ('nyc-2', 'failed'), ('gcp-1', 'created'), ('nyc-2', 'failed')]
    assert len(simulator.state()['interconnects']) == 1


def test_overridden_deletes_no_circuit_that_is_only_wrong_and_nothing_where_one_has_no_name(rollout, simulator, writes):
    rollout(FULL, PLAIN)
    before = writes()
    result = rollout({**FULL, 'mtu': 9000}, PLAIN, state='overridden', max_deletes=5)
    assert outcomes(result) == {'nyc-1': 'failed', 'nyc-2': 'unchanged'}
    refused = rollout({'slot': SLOT}, PLAIN, state='overridden', max_deletes=5)
    assert (refused['error']['option'], writes()) == ('circuits', before)
    assert 'circuits[0] has no name' in refused['msg']
