# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks by ansible-rulebook, from what happens on a simulated account to the playbook that has finished, kills included."""

from __future__ import annotations

import http.client
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from simulator.process import WAIT, Simulator
from support.ansible_runs import programs
from support.playbook import ROOT, Account
from support.processes import kill_trees, tree

SECRET = 'the secret of a webhook'
JAVA = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'  # it runs for seconds: to optimise for hours costs more than it saves
NOTIFY = '''
- name: Send the notice to a chat
  ansible.builtin.uri:
    url: "{{ lookup('env', 'CHAT') }}"
    method: POST
    body_format: json
    body: {notice: "{{ notice }}", event: "{{ ansible_eda.event }}"}
    timeout: 100
'''


class Chat:
    """Where notices go. It answers when it may: until then the playbook that sent one has not finished."""

    def __init__(self) -> None:
        self.messages: queue.Queue[dict] = queue.Queue()
        self.may_answer = threading.Event()
        self.may_answer.set()
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                chat.messages.put(json.loads(self.rfile.read(int(self.headers['Content-Length']))))
                chat.may_answer.wait(WAIT)
                self.send_response(200)
                self.send_header('Content-Length', '0')
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self._server.server_port}/'
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def message(self) -> dict:
        """The next message: {notice, event}."""
        return self.messages.get(timeout=WAIT)

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()


class Rulebook:
    """A running rulebook, by its name in a collection or its path."""

    def __init__(self, name: str, account: Account, chat: Chat, **variables: object) -> None:
        (account.folder / 'inventory').write_text('localhost\n')
        (account.folder / 'notify.yml').write_text(NOTIFY)
        defaults = {'event_notify': str(account.folder / 'notify.yml'), 'cni_state_dir': str(account.folder / 'state'),
                    'support_dir': str(account.folder / 'support'), 'cni_interval': 1}
        (account.folder / 'vars.yml').write_text(json.dumps({**defaults, **variables}))
        command = [Path(sys.executable).with_name('ansible-rulebook'), '--rulebook', name, '-i', 'inventory', '--vars', 'vars.yml',
                   '--print-events']
        self._log = account.folder / 'log'
        with self._log.open('a') as log:
            env = {**account.environment, 'CHAT': chat.url, 'JAVA_TOOL_OPTIONS': JAVA}
            env['PATH'] = f'{programs()}:{env["PATH"]}'
            self._process = subprocess.Popen(command, cwd=account.folder, env=env, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=subprocess.STDOUT)

    def __enter__(self) -> Rulebook:
        return self

    def __exit__(self, kind: object, *_exception: object) -> None:
        self.kill()
        if kind:
            print(self._log.read_text())

    def kill(self) -> None:
        """Ends it and all that it started at once, as when a container is killed. Servers fork its playbooks and their modules."""
        forked = [process.pid for server in tree(os.getpid())[1:] for process in tree(server.pid)[1:]]
        kill_trees([self._process.pid, *forked])
        self._process.wait()

    def stop(self) -> int:
        """Ends it as a person does; returns its status."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(WAIT)


@pytest.fixture(scope='session')
def process():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def account(process, tmp_path):
    """An account with a pair in Newark, of which nyc-1 is Healthy and nyc-2 waits for its cross-connect."""
    process.reset()
    account = Account(process, tmp_path)
    free = {slot['ccr_device_name']: slot['id'] for slot in process.state()['slots'] if slot['speed'] == '10G' and not slot['occupied']}
    account.ports = {name: account.seed(name, free[device]) for name, device in (('nyc-1', 'edge01.ewr-a'), ('nyc-2', 'edge02.ewr-a'))}
    process.set_status(account.ports['nyc-1'], 'Healthy')
    return account


@pytest.fixture
def chat():
    chat = Chat()
    yield chat
    chat.close()


@pytest.fixture
def port():
    """A port for the receivers of this test, one after the other. Who is bound to it without listening keeps everyone else away from it."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: then they may listen nevertheless
        kept.bind(('127.0.0.1', 0))
        yield kept.getsockname()[1]


def receiver(account: Account, chat: Chat, port: int, name: str = 'netops.cloudflare_cni.alerts') -> Rulebook:
    """A rulebook that receives webhooks, once it does."""
    rulebook = Rulebook(name, account, chat, cni_webhook_port=port, cni_webhook_secret=SECRET, cni_lookback=600)
    for _attempt in range(WAIT * 10):
        try:
            socket.create_connection(('127.0.0.1', port), timeout=1).close()
            return rulebook
        except OSError:
            threading.Event().wait(0.1)
    rulebook.kill()
    raise RuntimeError((account.folder / 'log').read_text())


def subscribe(account: Account, port: int) -> None:
    """Has Cloudflare send its alerts to a receiver, which gets the test message at once."""
    account.simulator.seed(
        webhooks=[{'id': 'b115d5ec-15c6-41ee-8b76-92c449b5227b', 'name': 'eda', 'type': 'generic', 'url': f'http://127.0.0.1:{port}/',
                   'secret': SECRET, 'created_at': '2026-10-26T18:25:04.532316Z', 'last_success': None, 'last_failure': None}],
        policies=[{'id': str(number) * 32, 'name': name, 'alert_type': name, 'enabled': True, 'filters': {},
                   'created': '2026-10-26T18:25:04.532316Z', 'modified': '2026-10-26T18:25:04.532316Z',
                   'mechanisms': {'webhooks': [{'id': 'b115d5ec15c641ee8b7692c449b5227b'}]}}
                  for number, name in enumerate(('cni_maintenance_notification', 'magic_wan_tunnel_health'), 1)])


def post(port: int, body: dict) -> int:
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=WAIT)
    connection.request('POST', '/', json.dumps(body), {'cf-webhook-auth': SECRET})
    return connection.getresponse().status


def wait_for_receipt(message: dict) -> None:
    """Waits until the playbook that sent a message has confirmed its event: by its receipt, which goes once the journal is without it."""
    receipt = Path(message['event']['receipt'])
    journal = receipt.parent.with_suffix('')
    for _attempt in range(WAIT * 10):
        if receipt.exists() or str(receipt) not in journal.read_text():  # its id stays, among those of the alerts that have come
            return
        threading.Event().wait(0.1)
    raise RuntimeError('the event was not confirmed')


def test_light_comes_and_the_acceptance_gate_runs(account, chat):
    before = len(account.simulator.requests())
    with Rulebook('netops.cloudflare_cni.status', account, chat) as rulebook:
        account.simulator.requests(until=before + 8)  # it has polled, and begun another time
        account.simulator.set_status(account.ports['nyc-2'], 'Healthy')
        message = chat.message()
        assert message['notice']['summary'] == f'nyc-2 on {account.ports["nyc-2"]}: Pending -> Healthy: not accepted'
        assert 'neither BGP nor a static route brings traffic to nyc-2' in message['notice']['details']
        account.simulator.set_status(account.ports['nyc-1'], 'Down', 'no light')
        assert chat.message()['notice']['summary'] == f'nyc-1 on {account.ports["nyc-1"]}: Healthy -> Down, no light'
        assert rulebook.stop() in (0, 130)
    assert chat.messages.empty()


def test_alerts_of_cloudflare_become_pages_and_tickets(account, chat, port):
    with receiver(account, chat, port):
        subscribe(account, port)
        account.simulator.alert('cni_maintenance_notification', 'Maintenance on edge01.ewr-a {{ 6 * 7 }}', data={'{{ 6 * 7 }}': 'x'})
        page = chat.message()
        assert page['notice'] == {'kind': 'page', 'summary': 'Maintenance: nothing stands in for nyc-1', 'details': [
            'Maintenance on edge01.ewr-a %7B%7B 6 * 7 }}', 'nyc-1 on edge01.ewr-a at ewr-a, Healthy: nothing stands in']}
        assert page['event']['alert']['data'] == {'%7B%7B 6 * 7 }}': 'x'}
        account.simulator.alert('magic_wan_tunnel_health', 'Tunnel nyc-2 is down')
        ticket = chat.message()['notice']
        assert (ticket['kind'], ticket['summary']) == ('ticket', 'Tunnel nyc-2 is down')
        bundle = account.folder / 'support' / 'nyc-2'
        assert ticket['details'] == [f'nyc-2 on {account.ports["nyc-2"]}, edge02.ewr-a at ewr-a: Pending; nyc-1 stands in',
                                     f'Support bundle of nyc-2: {bundle}.md, {bundle}.tar.gz']
        assert 'Tunnel nyc-2 is down' in bundle.with_suffix('.md').read_text()
        account.simulator.alert('magic_wan_tunnel_health', 'Tunnel nyc-2 is up', alert_event='ALERT_STATE_EVENT_END')
        last = chat.message()
        assert last['notice'] == {'kind': 'info', 'summary': 'Tunnel nyc-2 is up', 'details': []}
        wait_for_receipt(last)
    while_nobody_was_there = (datetime.now(timezone.utc) - timedelta(minutes=5)).isoformat()
    account.simulator.alert('magic_wan_tunnel_health', 'Tunnel nyc-1 is down', sent=while_nobody_was_there, deliver=False)
    with receiver(account, chat, port):
        missed = chat.message()
        assert (missed['notice']['summary'], missed['event']['via']) == ('Tunnel nyc-1 is down', 'history')
        wait_for_receipt(missed)
        assert post(port, {'text': 'Hello World!'}) == 200
        assert chat.message()['event']['type'] == 'test'
    assert chat.messages.empty()


def test_a_kill_loses_no_playbook_and_repeats_none_that_has_finished(account, chat, port):
    alerts = [{'text': f'Tunnel {number}', 'ts': 1795977000 + number} for number in range(5)]
    with receiver(account, chat, port):
        assert post(port, alerts[0]) == 200
        assert chat.message()['event']['redelivered'] is False
        chat.may_answer.clear()
        assert [post(port, alert) for alert in alerts[1:4]] == [200, 200, 200]
        assert chat.message()['event']['alert'] == alerts[1]  # its playbook runs, the others wait in ansible-rulebook
    chat.may_answer.set()
    with receiver(account, chat, port):
        assert post(port, alerts[4]) == 200
        messages = [chat.message() for _number in range(4)]
        assert [message['event']['alert'] for message in messages] == alerts[1:]
        assert [message['event']['redelivered'] for message in messages] == [True, True, True, False]
        wait_for_receipt(messages[3])
    with receiver(account, chat, port):
        assert post(port, {'text': 'Hello World!'}) == 200
        assert chat.message()['event']['type'] == 'test'
    assert chat.messages.empty()


def test_the_rulebook_of_the_guide_with_both_sources_in_one_process(account, chat, port):
    (text,) = re.findall(r'(?s)```yaml\n(- name: Circuits and alerts.*?)```', (ROOT / 'docs/eda.md').read_text())
    path = account.folder / 'own.yml'
    path.write_text(text.replace('8443', str(port)).replace('/var/lib/cloudflare-cni', str(account.folder)))
    before = len(account.simulator.requests())
    with receiver(account, chat, port, str(path)):
        assert post(port, {'text': 'Hello World!'}) == 200  # of a type that is not wanted
        account.simulator.requests(until=before + 4)  # it has polled
        assert post(port, {'text': 'Maintenance of nyc-2', 'ts': 1795977000, 'alert_type': 'cni_maintenance_notification'}) == 200
        notice = chat.message()['notice']
        assert (notice['kind'], notice['details'][1]) == ('info', 'nyc-2 on edge02.ewr-a at ewr-a, Pending: nyc-1 stands in')
    account.simulator.set_status(account.ports['nyc-1'], 'Down')
    with receiver(account, chat, port, str(path)):
        assert chat.message()['notice']['summary'] == f'nyc-1 on {account.ports["nyc-1"]}: Healthy -> Down'
    assert chat.messages.empty()


def test_the_variables_of_the_guide_are_those_of_the_rulebooks():
    rows = [line.split('|')[1] for line in (ROOT / 'docs/eda.md').read_text().splitlines()
            if re.match(r'\| `(cni|event|provision|support)_', line)]
    texts = [file.read_text() for file in (ROOT / 'extensions/eda/rulebooks').glob('*.yml')]
    used = {name for text in texts for name in re.findall(r'{{ (\w+)', text)}
    assert used == set(re.findall(r'`(\w+)`', ''.join(rows)))
