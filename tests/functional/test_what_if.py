# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook status says would fail with what, in an account of forty circuits: on the terminal, on its page, in its metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from simulator.process import Simulator
from support.overviews import ACCOUNT, order, text_of
from support.playbook import Account, Run
from support.prometheus import read_as_classic

from store import Store

SITES = ('ewr-a', 'lhr-a', 'fra-b', 'gru-b', 'sin-a')
PAIRS = range(4)  # of each site
WATCHED = {'ewr-a-01': {}}  # the inventory has one circuit, and the account counts


@pytest.fixture(scope='module')
def fleet(tmp_path_factory) -> Iterator[Account]:
    """Pairs on two devices with a primary and a backup, each for a prefix of its own; and faults at the first three sites."""
    store = Store(ACCOUNT, slots=600)
    for number, site in enumerate(SITES):
        devices = sorted({slot['ccr_device_name'] for slot in store.list_slots(occupied=False, site=site)})
        for pair in PAIRS:
            for end in (0, 1):
                slot, *_others = (slot for slot in store.list_slots(occupied=False, site=site, speed='10G')
                                  if slot['ccr_device_name'] == devices[end])
                order(store, slot['id'], f'{site}-{pair}{end + 1}')
                store.cnis[-1].pop('bgp')
                store.routes.append({'id': f'{number}{pair}{end}', 'prefix': f'10.{number}.{pair}.0/24', 'priority': 100 + 100 * end,
                                     'nexthop': store.cnis[-1]['cust_ip'].split('/')[0]})
    store.routes = [route for route in store.routes if route['id'] != '001']  # the first prefix has no backup
    store.tunnels[8]['health_check']['enabled'] = False  # of lhr-a-01
    with Simulator() as simulator:
        simulator.seed(**store.state())
        for port in store.interconnects:
            simulator.set_status(port['name'], 'Healthy')
        simulator.set_status(store.interconnects[17]['name'], 'Down')  # fra-b-02
        for port in store.interconnects[18:20]:  # fra-b-11 and fra-b-12, with 10G each
            simulator.set_traffic(port['name'], 0, 6 * 10**9 * 900)
        yield Account(simulator, tmp_path_factory.mktemp('fleet'))


def played(fleet: Account, **variables: object) -> Run:
    run = fleet.play('status', WATCHED, '-e', json.dumps({f'provision_{name}': value for name, value in variables.items()}))
    assert run.writes == []
    return run


@pytest.fixture(scope='module')
def whole(fleet) -> tuple[Run, Path]:
    """A run that shows all, and the folder with its page and its metrics."""
    files = {'report': f'{fleet.folder}/status.html', 'metrics': f'{fleet.folder}/cni.prom'}
    return played(fleet, what_if=True, traffic=True, **files), fleet.folder


def lines_with(run: Run, text: str) -> list[str]:
    return [line.strip(' ",') for line in run.output.splitlines() if text in line]


def test_the_table_shows_each_failure_domain_the_worst_first(whole):
    run, _folder = whole
    assert run.status == 0, run.output
    rows = {cells[0]: cells[1:] for cells in (re.split(r'  +', line) for line in lines_with(run, '  ')) if len(cells) == 5}
    assert {name: cells for name, cells in rows.items() if name in ('circuit ewr-a-01', 'circuit lhr-a-01', 'circuit fra-b-01')} == {
        'circuit ewr-a-01': ['10.0.0.0/24', '-', '-', '-'],  # has no backup
        'circuit lhr-a-01': ['-', '10.1.0.0/24', '-', '-'],  # has no health check
        'circuit fra-b-01': ['10.2.0.0/24', '-', '-', '-'],  # its backup is down
    }
    assert rows['circuit fra-b-11'] == ['-', '-', 'fra-b-12', '12G on 10G: not enough']
    lost = [cells[0] != '-' for name, cells in rows.items() if name != 'fails']
    assert lost == sorted(lost, reverse=True)
    # Three circuits, their devices, and five sites; the backups and their devices change nothing.
    assert lines_with(run, '40 circuits, ') == ['40 circuits, 105 failure domains: 11 single points of failure, 1 more without the '
                                                'capacity, 25 that change nothing']


def test_a_fault_in_the_design_is_shown(whole):
    assert lines_with(whole[0], 'fault: lhr-a-01') == [
        'fault: lhr-a-01 has no health check: Cloudflare does not notice a failure, and keeps sending.']


def test_each_status_is_read_once(whole):
    status_reads = [request['path'] for request in whole[0].sent if request['path'].endswith('/status')]
    assert len(status_reads) == len(set(status_reads)) == 40


def test_the_page_shows_it(whole):
    text = text_of((whole[1] / 'status.html').read_text())
    assert 'If it fails: 12 failure domains with a loss' in text
    assert 'circuit lhr-a-01 Blackholed' in text


def test_the_metrics_count_it(whole):
    samples = read_as_classic((whole[1] / 'cni.prom').read_text())
    lost = {labels['name']: value for name, labels, value in samples if labels.get('domain') == 'circuit'}
    assert {circuit: value for circuit, value in lost.items() if value} == {'ewr-a-01': 1, 'lhr-a-01': 1, 'fra-b-01': 1}
    routes = {labels['circuit']: value for name, labels, value in samples if name == 'cloudflare_cni_circuit_static_routes'}
    assert {circuit for circuit, value in routes.items() if value != 1} == {'ewr-a-02'}  # by copies, as Ansible passes the account


def test_a_single_point_of_failure_fails_a_nightly_job(fleet):
    run = played(fleet, must_survive='circuit')
    assert run.status == 2
    *_others, line = lines_with(run, 'provision_must_survive is not met: ')
    named = [name for name in ('ewr-a-01', 'lhr-a-01', 'fra-b-01', 'gru-b-01') if f'circuit {name}' in line]
    assert named == ['ewr-a-01', 'lhr-a-01', 'fra-b-01']


def test_a_planned_maintenance_shows_each_prefix_that_moves(fleet):
    device = fleet.circuits()['gru-b-01']['interconnect']['ccr_device_name']
    rates = {f'gru-b-{pair}{end}': '5G' for pair in PAIRS for end in (1, 2)}
    run = played(fleet, what_if_fails=device, must_survive=['device'], commit_rates=rates)
    assert run.status == 0, run.output
    assert lines_with(run, 'moves: ') == [f'moves: 10.3.{pair}.0/24 from gru-b-{pair}1 to gru-b-{pair}2' for pair in PAIRS]
    assert '40G on 40G' in run.output


def test_a_typo_is_an_error(fleet):
    run = played(fleet, what_if_fails='gru-b-0l')
    assert run.status == 2
    assert "airport 'gru-b-0l'. Did you mean gru-b-0" in run.output
