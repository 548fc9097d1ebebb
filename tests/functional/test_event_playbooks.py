# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks on_* for an event, as ansible-rulebook runs them: the notice that the user's own tasks get, and the receipt."""

from __future__ import annotations

import json

import pytest
from support import ansible_runs
from support.playbook import Account

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._events import new_event

NOW = 1_796_000_000.0
NOTIFY = '''
- name: Keep the notice
  ansible.builtin.copy:
    content: "{{ notice | to_json }}"
    dest: "{{ lookup('env', 'NOTICE') }}"
    mode: "0600"
'''


class Pair(Account):
    """An account with a pair in Newark, both Healthy: nyc-1 with a route and a health check, nyc-2 with neither."""

    def __init__(self, simulator, folder) -> None:
        super().__init__(simulator, folder)
        free = {slot['ccr_device_name']: slot['id'] for slot in simulator.state()['slots']
                if slot['speed'] == '10G' and not slot['occupied']}
        self.ports = {name: self.seed(name, free[device]) for name, device in (('nyc-1', 'edge01.ewr-a'), ('nyc-2', 'edge02.ewr-a'))}
        for port in self.ports.values():
            simulator.set_status(port, 'Healthy')
        address = self.circuits()['nyc-1']['cni']['cust_ip'].split('/')[0]
        tunnels = [{**tunnel, 'health_check': {**tunnel['health_check'], 'enabled': tunnel['name'] == self.ports['nyc-1']}}
                   for tunnel in simulator.state()['tunnels']]
        simulator.seed(tunnels=tunnels, routes=[{'id': '1' * 32, 'prefix': '10.0.0.0/8', 'nexthop': address, 'priority': 100}])

    def notice(self, playbook: str, event: dict, **variables: object) -> dict:
        """What the user's own tasks get for an event."""
        event['receipt'] = str(self.folder / event['id'])
        (self.folder / 'notify.yml').write_text(NOTIFY)
        all_variables = {'ansible_eda': {'event': event}, 'event_notify': str(self.folder / 'notify.yml'), **variables}
        (self.folder / 'event.json').write_text(json.dumps(all_variables))
        path = self.folder / 'notice.json'
        done = ansible_runs.run('ansible-playbook', f'netops.cloudflare_cni.{playbook}', '-e', f'@{self.folder / "event.json"}',
                                env={**self.environment, 'NOTICE': str(path)}, cwd=self.folder, merged=True)
        assert done.returncode == 0, done.stdout
        assert '[WARNING]' not in done.stdout
        assert (self.folder / event['id']).exists()
        return json.loads(path.read_text())


@pytest.fixture
def pair(simulator, tmp_path):
    return Pair(simulator, tmp_path)


def healthy(pair, name: str) -> dict:
    port = pair.ports[name]
    status = {'interconnect': port, 'state': 'Healthy', 'reason': None, 'previous_state': 'Pending', 'previous_since': None,
              'site': 'ewr-a', 'device': 'edge01.ewr-a'}
    return new_event('status', f'{name} on {port}: Pending -> Healthy', at=NOW, via='poll', circuits=[name], interconnects=[port],
                     status=status)


def alert(text: str, kind: str = 'maintenance') -> dict:
    return new_event(kind, text, at=NOW, via='webhook', alert={'text': text, 'data': {}})


def test_light_on_a_circuit_that_is_ready(pair):
    expected = [{'site': 'ewr-a', 'healthy': 2}, {'site': 'lhr-a', 'healthy': 9}]
    notice = pair.notice('on_healthy', healthy(pair, 'nyc-1'), provision_expect=expected)
    assert notice == {'kind': 'info', 'summary': f'nyc-1 on {pair.ports["nyc-1"]}: Pending -> Healthy: accepted', 'details': []}


def test_light_on_a_circuit_that_is_not_ready(pair):
    notice = pair.notice('on_healthy', healthy(pair, 'nyc-2'), provision_expect=[{'site': 'ewr-a', 'healthy': 3}])
    assert notice['summary'].endswith(': not accepted')
    assert notice['details'] == [
        f'no health check probes {pair.ports["nyc-2"]}', 'neither BGP nor a static route brings traffic to nyc-2',
        'provision_expect is not met: ewr-a: 2 of 3 healthy']


def test_a_maintenance_that_the_other_circuit_stands_in_for(pair):
    notice = pair.notice('on_maintenance', alert('Maintenance of nyc-1 on Monday'))
    assert notice == {'kind': 'info', 'summary': 'Maintenance: each circuit concerned has another one', 'details': [
        'Maintenance of nyc-1 on Monday', 'nyc-1 on edge01.ewr-a at ewr-a, Healthy: nyc-2 stands in']}


def test_a_maintenance_that_nothing_stands_in_for_is_a_page(pair):
    pair.simulator.set_status(pair.ports['nyc-2'], 'Down', 'no light')
    notice = pair.notice('on_maintenance', alert('Maintenance in {{ 6 * 7 }} EWR'))
    assert notice == {'kind': 'page', 'summary': 'Maintenance: nothing stands in for nyc-1', 'details': [
        'Maintenance in %7B%7B 6 * 7 }} EWR', 'nyc-1 on edge01.ewr-a at ewr-a, Healthy: nothing stands in',
        'nyc-2 on edge02.ewr-a at ewr-a, Down: nyc-1 stands in']}


def test_a_maintenance_that_names_nothing_may_concern_every_circuit(pair):
    notice = pair.notice('on_maintenance', alert('Maintenance'))
    assert (notice['kind'], notice['details'][1]) == ('info', 'The alert names no circuit of this account, so it may concern each of them.')


def test_a_tunnel_that_is_down_is_a_ticket_with_the_status(pair):
    port = pair.ports['nyc-2']
    pair.simulator.set_status(port, 'Unhealthy', 'light is low')
    notice = pair.notice('on_tunnel_down', alert('Tunnel nyc-2 is down', 'tunnel_health'))
    assert notice == {'kind': 'ticket', 'summary': 'Tunnel nyc-2 is down', 'details': [
        f'nyc-2 on {port}, edge02.ewr-a at ewr-a: Unhealthy, light is low; nyc-1 stands in']}


@pytest.mark.parametrize(('fails', 'text'), [(False, '{folder}/nyc-2.md, {folder}/nyc-2.tar.gz'), (True, 'path: ')])
def test_a_ticket_has_the_support_bundle_or_why_there_is_none(pair, fails, text):
    folder = pair.folder / 'support'
    if fails:
        folder.write_text('in the way')
    notice = pair.notice('on_tunnel_down', alert('Tunnel nyc-2 is down', 'tunnel_health'), support_dir=str(folder))
    assert notice['details'][1].startswith(f'Support bundle of nyc-2: {text.format(folder=folder)}')


def test_no_bundles_of_every_circuit_for_an_alert_that_names_none(pair):
    notice = pair.notice('on_tunnel_down', alert('A tunnel is down', 'tunnel_health'), support_dir=str(pair.folder / 'support'))
    assert (len(notice['details']), (pair.folder / 'support').exists()) == (3, False)


def test_any_other_event_is_reported(pair):
    assert pair.notice('on_event', alert('Hello World!', 'test')) == {'kind': 'info', 'summary': 'Hello World!', 'details': []}
    assert [request for request in pair.simulator.requests() if request['method'] == 'GET' and '/cni/' in request['path']] == []


@pytest.mark.parametrize(('playbook', 'variables', 'says'), [
    ('on_event', {'event_notify': ['x']}, ['event_notify: must be a path; it was a list.']),
    ('on_healthy', {'event_notify': 5}, ['event_notify: must be text, but is a number']),
    ('on_maintenance', {'provision_expect': ['x']}, ["provision_expect[0]: must be a dictionary such as {site: ewr-a}; it was 'x'."]),
    ('on_tunnel_down', {'event_notify': ['x'], 'support_dir': ['x']},
     ['event_notify: must be a path; it was a list.', 'support_dir: must be a path; it was a list.']),
])
def test_a_variable_of_a_wrong_type_is_refused_by_name_before_anything_is_sent(pair, playbook, variables, says):
    event = healthy(pair, 'nyc-1') if playbook == 'on_healthy' else alert('Tunnel nyc-2 is down', 'tunnel_health')
    event['receipt'] = str(pair.folder / 'receipt')
    run = pair.play(playbook, {}, '-e', json.dumps({'ansible_eda': {'event': event}, **variables}))
    assert (run.status, run.sent, [text for text in says if text not in run.output]) == (2, [], []), run.output
    assert not (pair.folder / 'receipt').exists()
