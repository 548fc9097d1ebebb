# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks for NetBox on a real one, with netbox.netbox as it is installed. Cloudflare is the simulator."""

from __future__ import annotations

import re
import shlex

from netbox.services import until
from support.playbook import ROOT

FIELDS = {'cni_slot', 'cni_options', 'cni_name', 'cni_interconnect', 'cni_state', 'cni_loa', 'cni_error'}
GUIDE = (ROOT / 'docs' / 'netbox.md').read_text()
SLOT = {'site': 'ewr-a', 'speed': '10G'}


def test_the_custom_fields_are_made_once(empty):
    empty.without_fields()
    before = empty.last_change()
    predicted = empty.run('netbox_fields', '--check')
    assert (predicted.status, empty.changes(before)) == (0, []), predicted.output
    made = empty.run('netbox_fields')
    assert made.status == 0, made.output
    assert {field.name for field in empty.api.extras.custom_fields.all()} >= {*FIELDS, 'cni_circuit'}
    assert empty.api.extras.tags.get(slug='cloudflare-cni')
    assert recap(predicted)['changed'] == recap(made)['changed'] > 0
    before = empty.last_change()
    second = empty.run('netbox_fields')
    assert (recap(second)['changed'], empty.changes(before)) == (0, []), second.output


def test_a_planned_circuit_becomes_active_and_back(desk):
    desk.simulator.reset()  # as at Cloudflare: nothing is Healthy by itself
    desk.circuit('NYC-1', cni_slot=SLOT)
    ordered = desk.run('netbox_provision')
    assert ordered.status == 0, ordered.output
    port = desk.circuits()['NYC-1']['interconnect']['name']
    stored = desk.stored('NYC-1')
    assert (stored['status'], stored['cni_state']) == ('provisioning', 'pending')
    assert (stored['cni_name'], stored['cni_interconnect']) == ('NYC-1', port)
    assert stored['cni_loa'].endswith('.pdf')
    for state, expected in (('Healthy', 'active'), ('Down', 'offline'), ('Healthy', 'active')):
        desk.simulator.set_status(port, state)
        synced = desk.run('netbox_sync')
        assert synced.status == 0, synced.output
        assert (desk.stored('NYC-1')['status'], desk.stored('NYC-1')['cni_state']) == (expected, state.lower())
        assert synced.writes == []
    assert len(desk.circuits()) == 1
    assert [entry for entry in desk.journal('NYC-1') if 'active' in entry]


def test_addresses_are_in_ipam(desk):
    desk.circuit('NYC-1', cni_slot=SLOT)
    done = desk.run('netbox_provision')
    assert done.status == 0, done.output
    cni = desk.circuits()['NYC-1']['cni']
    assert {address.address for address in desk.api.ipam.ip_addresses.all()} == {cni['cust_ip'], cni['p2p_ip']}
    [prefix] = desk.api.ipam.prefixes.all()
    assert prefix.prefix == cni['p2p_ip']
    assert prefix.custom_fields['cni_circuit']['cid'] == 'NYC-1'


def test_the_second_run_changes_nothing(desk):
    for cid in ('NYC-1', 'NYC-2'):
        desk.circuit(cid, cni_slot=SLOT)
    for name in ('netbox_provision', 'netbox_provision', 'netbox_sync'):
        settled = desk.run(name)
        assert settled.status == 0, settled.output
    before = desk.last_change()
    for name in ('netbox_provision', 'netbox_sync'):
        second = desk.run(name)
        assert (second.status, second.writes, desk.changes(before), recap(second)['changed']) == (0, [], [], 0), second.output


def test_check_mode_writes_nothing_anywhere(desk):
    desk.circuit('NYC-1', cni_slot=SLOT)
    before = desk.last_change()
    for name in ('netbox_provision', 'netbox_sync'):
        done = desk.run(name, '--check')
        assert (done.status, done.writes, desk.changes(before)) == (0, [], []), done.output
        assert 'NYC-1' in done.output


def test_a_circuit_that_netbox_refuses_leaves_the_others(desk):
    for cid in ('NYC-1', 'NYC-2', 'NYC-3'):
        desk.circuit(cid, cni_slot=SLOT)
    name = desk.api.extras.custom_fields.get(name='cni_name')
    name.update({'validation_regex': '^NYC-[13]$'})
    try:
        run = desk.run('netbox_provision')
    finally:
        name.update({'validation_regex': ''})
    assert run.status != 0 and re.search('NYC-2: HTTP 400: .*cni_name', run.output), run.output
    assert sorted(desk.circuits()) == ['NYC-1', 'NYC-3']
    assert [desk.stored(cid)['cni_state'] for cid in ('NYC-1', 'NYC-2', 'NYC-3')] == ['healthy', None, 'healthy']


def test_two_runs_at_once_order_once(desk):
    for cid in ('NYC-1', 'NYC-2'):
        desk.circuit(cid, cni_slot=SLOT)
    for run in [desk.start('netbox_provision') for _number in range(2)]:
        run.communicate()  # one may well have been refused
    last = desk.run('netbox_provision')
    assert last.status == 0, last.output
    assert sorted(desk.circuits()) == ['NYC-1', 'NYC-2']
    assert len(desk.simulator.state()['interconnects']) == 2
    assert [desk.stored(cid)['status'] for cid in ('NYC-1', 'NYC-2')] == ['active', 'active']
    assert len(list(desk.api.ipam.prefixes.all())) == 2
    assert len(list(desk.api.ipam.ip_addresses.all())) == 4


def test_netbox_down_between_order_and_write_back_is_mended_by_the_next_run(desk):
    desk.circuit('NYC-1', cni_slot=SLOT)
    # The answer to the CNI is late: NetBox goes down while the run waits for it.
    desk.simulator.fault('slow', method='POST', path='/cnis$', delay=8000)
    run = desk.start('netbox_provision')
    until(lambda: ordered(desk), 'the order')
    desk.netbox.kill()
    try:
        output = run.communicate()[0]
    finally:
        desk.netbox.serve()
    assert run.returncode, output
    assert desk.stored('NYC-1')['cni_interconnect'] in (None, '')
    mended = desk.run('netbox_provision')
    assert mended.status == 0, mended.output
    [port] = desk.simulator.state()['interconnects']
    assert [method for method, kind in mended.writes if (method, kind) == ('POST', 'interconnects')] == []
    stored = desk.stored('NYC-1')
    assert (stored['status'], stored['cni_interconnect'], stored['cni_error'] or '') == ('active', port['name'], '')


def test_a_circuit_renamed_in_netbox_keeps_its_port(desk):
    number = desk.circuit('NYC-1', cni_slot=SLOT)
    assert desk.run('netbox_provision').status == 0
    before = desk.simulator.state()
    desk.api.circuits.circuits.get(number).update({'cid': 'CF-0815'})
    for name in ('netbox_provision', 'netbox_sync'):
        renamed = desk.run(name)
        assert (renamed.status, renamed.writes) == (0, []), renamed.output
    assert desk.simulator.state()['interconnects'] == before['interconnects']
    assert desk.stored('CF-0815')['cni_name'] == 'NYC-1'
    assert 'CF-0815' in renamed.output


def test_decommissioned_in_netbox_deletes_nothing_without_the_word(desk):
    number = desk.circuit('NYC-1', cni_slot=SLOT)
    assert desk.run('netbox_provision').status == 0
    desk.api.circuits.circuits.get(number).update({'status': 'decommissioned'})
    for name in ('netbox_provision', 'netbox_sync'):
        done = desk.run(name)
        assert (done.status, done.writes) == (0, []), done.output
        assert 'NYC-1' in done.output
    assert len(desk.simulator.state()['interconnects']) == 1
    # Named, it is still the last Healthy circuit of its site.
    refused = desk.run('netbox_provision', '-e', 'netbox_decommission=NYC-1')
    assert (refused.status != 0, refused.writes) == (True, []), refused.output


def test_a_fleet_is_written_with_requests_for_a_hundred_objects_and_read_with_a_dozen(desk):
    desk.simulator.reset(activate_after=0, slots=640)
    desk.fleet(300)
    requests_before = len(desk.netbox.requests())
    filled = desk.run('netbox_sync')
    assert (filled.status, filled.writes) == (0, []), filled.output
    assert len([method for method, *_rest in desk.netbox.requests()[requests_before:] if method in ('POST', 'PATCH')]) == 3 * 3 + 6
    assert [kind.count(status='active') for kind in (desk.api.ipam.prefixes, desk.api.ipam.ip_addresses)] == [300, 600]
    [prefix] = desk.api.ipam.prefixes.filter(prefix=desk.circuits()['NYC-300']['cni']['p2p_ip'])
    assert (prefix.custom_fields['cni_circuit']['cid'], len(desk.journal('NYC-300'))) == ('NYC-300', 1)
    before, requests_before = desk.last_change(), len(desk.netbox.requests())
    done = desk.run('netbox_sync')
    counted = desk.netbox.requests()[requests_before:]
    assert (done.status, done.writes, desk.changes(before)) == (0, [], []), done.output
    assert len(counted) <= 12, counted
    # At Cloudflare each status is a request. CNIs and interconnects are read twice, the second time by status_info, 50 on a page.
    assert len(done.sent) <= 300 + 2 * 2 * 6, len(done.sent)


def test_the_guide_from_a_planned_circuit_to_healthy_and_to_its_end(empty):
    typed = [shlex.split(line.removeprefix('$ ')) for line in GUIDE.splitlines() if line.startswith('$ ansible-playbook ')]
    empty.without_fields()
    numbers = {}
    for _program, playbook, *arguments in typed:
        if 'netbox_provision' in playbook and not numbers:
            empty.prepare()
            numbers = {cid: empty.circuit(cid) for cid in ('NYC-1', 'NYC-2')}
        if 'netbox_decommission=NYC-2' in arguments:
            empty.api.circuits.circuits.get(numbers['NYC-2']).update({'status': 'deprovisioning'})
        done = empty.run(playbook.rpartition('.')[2], *arguments)
        assert done.status == 0, done.output
    assert [empty.stored(cid)['status'] for cid in numbers] == ['active', 'decommissioned']
    assert list(empty.circuits()) == ['NYC-1']
    assert {str(prefix.status) for prefix in empty.api.ipam.prefixes.all()} == {'Active', 'Deprecated'}


def recap(run) -> dict[str, int]:
    """The counts of the recap, of all hosts together."""
    text = run.output.rpartition('PLAY RECAP')[2]
    return {name: sum(map(int, re.findall(rf'{name}=(\d+)', text))) for name in ('ok', 'changed', 'failed', 'unreachable')}


def ordered(desk) -> bool:
    return any(request['method'] == 'POST' and request['path'].endswith('/cnis') for request in desk.simulator.requests())
