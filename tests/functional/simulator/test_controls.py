# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controls outside the contract, and the process around it all."""

from __future__ import annotations

import os
import pathlib
import shlex
import signal
import socket
import subprocess
import sys

import pytest
import requests

from process import WAIT, Simulator

FOLDER = pathlib.Path(__file__).parents[2] / 'simulator'


def test_requests_are_recorded_as_sent(simulator, api):
    api.headers['Authorization'] = 'Bearer wrong'
    api.get('/cni/interconnects/a%2Fb/loa?name=M%C3%BCller%20%26%20Co')
    api.headers['Authorization'] = f'Bearer {simulator.token}'
    api.put('/cni/settings', json={'default_asn': 65000})
    api.put('/cni/settings', json={'default_asn': 65000})
    base = f'/client/v4/accounts/{simulator.account}'
    asn = {'default_asn': 65000}
    assert simulator.requests() == [
        {
            'method': 'GET',
            'path': f'{base}/cni/interconnects/a%2Fb/loa',
            'query': {'name': 'Müller & Co'},
            'body': None,
            'status': 403,
            'applied': False,
        },
        {'method': 'PUT', 'path': f'{base}/cni/settings', 'query': {}, 'body': asn, 'status': 200, 'applied': True},
        {'method': 'PUT', 'path': f'{base}/cni/settings', 'query': {}, 'body': asn, 'status': 200, 'applied': False},
    ]


def test_a_reset_forgets_everything(simulator, api, direct):
    before = simulator.state()
    api.put('/cni/settings', json={'default_asn': 65000})
    simulator.fault('status')
    simulator.reset()
    assert simulator.requests() == []
    after = simulator.state()
    assert (after['interconnects'], after['tunnels'], after['settings']) == ([], [], {'default_asn': 13335})
    assert [slot['id'] for slot in after['slots']] == [slot['id'] for slot in before['slots']]
    assert api.get('/cni/settings').status_code == 200


def test_options_of_a_reset_hold_until_the_next(simulator):
    simulator.reset(slots=7, page_size=3)
    assert len(simulator.state()['slots']) == 7
    simulator.reset()
    assert len(simulator.state()['slots']) == 96


@pytest.mark.parametrize(
    'wrong',
    [{'slots': 0}, {'page': 3}, {'envelope': 'paper'}, {'port': 1}, {'rate_limit': '5'}, {'stale_lists': -1}, {'created_status': 203}],
)
def test_a_wrong_option_is_refused_by_name_and_resets_nothing(simulator, direct, wrong):
    with pytest.raises(RuntimeError) as caught:
        simulator.reset(**wrong)
    assert next(iter(wrong)).replace('_', '-') in str(caught.value)
    assert simulator.state()['interconnects'] == [direct]


def test_a_forced_status_is_served(simulator, api, direct):
    simulator.set_status(direct['name'], 'Unhealthy', 'BGP session is down')
    assert api.get(f'/cni/interconnects/{direct["name"]}/status').json() == {'state': 'Unhealthy', 'reason': 'BGP session is down'}
    with pytest.raises(RuntimeError, match='does not exist'):
        simulator.set_status('nowhere', 'Down')


def test_a_fleet_can_be_seeded(simulator, api, direct):
    cni = api.connect(direct['name']).json()
    names = [f'circuit-{number}' for number in range(300)]
    ids = [f'{number:08}-0000-4000-8000-000000000000' for number in range(300)]
    pairs = list(zip(names, ids, strict=True))
    simulator.seed(
        interconnects=[{**direct, 'name': name, 'virtual_port_reservation_id': id} for name, id in pairs],
        cnis=[{**cni, 'id': id, 'interconnect': name, 'newer': True} for name, id in pairs],
    )
    tunnels = api.get('/magic/cf_interconnects').json()['result']['interconnects']
    assert [tunnel['virtual_port_reservation_id'] for tunnel in tunnels] == [id.replace('-', '') for id in ids]
    assert api.get('/cni/cnis?cursor=299').json() == {
        'items': [{**cni, 'id': ids[-1], 'interconnect': names[-1], 'newer': True}],
        'next': None,
    }


def test_routes_and_profiles_can_be_seeded(simulator, api):
    route, profile = api.route().json()['result'], api.filter_profile().json()['result']
    routes = [{**route, 'id': f'{number:032}', 'newer': True} for number in range(300)]
    simulator.seed(routes=routes, filter_profiles=[{**profile, 'name': 'twin'}] * 2)
    assert api.get('/magic/routes').json()['result']['routes'] == routes
    assert [item['name'] for item in api.get('/magic/bgp/filter_profiles').json()['result']] == ['twin', 'twin']
    api.delete(f'/magic/routes/{routes[7]["id"]}')
    assert simulator.state()['routes'] == routes[:7] + routes[8:]


def test_controls_need_no_token_and_see_no_faults(simulator, api):
    simulator.reset(rate_limit='1/60')
    simulator.fault('drop_before', times=None)
    for _request in range(3):
        assert simulator.state()['cnis'] == []
    assert simulator.requests() == []


def test_the_first_line_can_be_pasted_into_a_shell():
    with Simulator('--token', "it's one", '--account', 'c' * 32) as simulator:
        assert simulator.environment == {
            'CLOUDFLARE_BASE_URL': simulator.url,
            'CLOUDFLARE_ACCOUNT_ID': 'c' * 32,
            'CLOUDFLARE_API_TOKEN': "it's one",
        }


def test_one_that_does_not_start_is_an_error():
    with pytest.raises(RuntimeError, match='did not start, status 2'):
        Simulator('--slots', 'many')


def test_an_interrupt_while_it_starts_leaves_nothing_running():
    started = []

    class Interrupted(Simulator):
        def _announced(self):
            started.append(self._process)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Interrupted()
    assert started[0].poll() is not None


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_even_while_a_request_hangs(number):
    command = [sys.executable, str(FOLDER), '--port', '0', '--no-validate', '--slots', '1']
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    environment = dict(word.split('=', 1) for word in shlex.split(line.removeprefix('export ')))
    base = environment['CLOUDFLARE_BASE_URL'].removesuffix('/client/v4')
    requests.post(f'{base}/_sim/faults', json={'kind': 'hang_before'}, timeout=WAIT)
    with socket.create_connection(('127.0.0.1', int(base.rpartition(':')[2]))) as waiting:
        waiting.sendall(b'GET /client/v4/user HTTP/1.1\r\nHost: localhost\r\n\r\n')
        while not requests.get(f'{base}/_sim/requests', timeout=WAIT).json()['requests']:
            pass
        os.kill(process.pid, number)
        output, errors = process.communicate(timeout=WAIT)
    assert (process.returncode, output, errors) == (0, '', '')


def test_a_taken_port_and_a_wrong_option_are_reported(process):
    port = process.url.split(':')[2].split('/')[0]
    for arguments, words in ((['--port', port], 'in use'), (['--slots', 'many'], '--slots')):
        ended = subprocess.run([sys.executable, str(FOLDER), *arguments], capture_output=True, text=True, timeout=WAIT, check=False)
        assert (ended.returncode, ended.stdout) == (2, '')
        assert words in ended.stderr
        assert 'Traceback' not in ended.stderr


def test_who_empties_the_table_of_routes_is_warned_on_stderr():
    command = [sys.executable, str(FOLDER), '--port', '0', '--no-validate']
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    words = [word.partition('=')[2] for word in shlex.split(process.stdout.readline())]
    url, headers = f'{words[1]}/accounts/{words[2]}/magic/routes', {'Authorization': f'Bearer {words[3]}'}
    requests.post(url, json={'prefix': '10.10.0.0/16', 'nexthop': '172.31.0.1', 'priority': 100}, headers=headers, timeout=WAIT)
    assert requests.delete(url, headers=headers, timeout=WAIT).json()['result']['deleted']
    process.terminate()
    assert 'DELETE of all routes took 1 routes from the account' in process.communicate(timeout=WAIT)[1]


def test_verbose_logs_a_line_for_each_request():
    process = subprocess.Popen(
        [sys.executable, str(FOLDER), '--port', '0', '--no-validate', '--verbose'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    url = shlex.split(process.stdout.readline())[1].partition('=')[2]
    requests.get(f'{url}/nowhere?x=1', timeout=WAIT)
    process.terminate()
    assert process.communicate(timeout=WAIT)[1] == 'GET /client/v4/nowhere?x=1 400\n'
