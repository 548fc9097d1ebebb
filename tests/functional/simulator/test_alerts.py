# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts as a receiver on loopback gets them, and who may ask for notifications."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

WEBHOOKS, POLICIES = '/alerting/v3/destinations/webhooks', '/alerting/v3/policies'


class Receiver(http.server.ThreadingHTTPServer):
    """A web server that keeps (cf-webhook-auth, body) of what it gets, and answers with .status."""

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.got, self.status = [], 200
        self.url = f'http://127.0.0.1:{self.server_port}/alerts'


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.got.append((self.headers['cf-webhook-auth'], json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def receiver():
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
        yield server
        server.shutdown()


def test_a_receiver_gets_the_test_message_and_then_alerts(simulator, api, receiver):
    webhook = api.post(WEBHOOKS, json={'name': 'noc', 'url': receiver.url, 'secret': 'a secret'}).json()['result']['id']
    policy = {'name': 'tunnels', 'alert_type': 'magic_wan_tunnel_health', 'enabled': True, 'mechanisms': {'webhooks': [{'id': webhook}]}}
    api.post(POLICIES, json=policy)
    simulator.alert('magic_wan_tunnel_health', 'down', data={'tunnel_name': 'ewr-a-icon-1'}, alert_event='ALERT_STATE_EVENT_END')
    simulator.alert('magic_wan_tunnel_health', 'missed', deliver=False)
    (hello, alert) = receiver.got
    assert (hello[0], list(hello[1]), hello[1]['text'][:12]) == ('a secret', ['text'], 'Hello World!')
    assert (alert[0], alert[1]['text'], alert[1]['alert_event']) == ('a secret', 'down', 'ALERT_STATE_EVENT_END')
    history = api.get('/alerting/v3/history').json()
    assert [entry['alert_body'] for entry in history['result']] == ['missed', 'down']


def test_a_receiver_that_refuses_the_test_message_gets_no_webhook(simulator, api, receiver):
    receiver.status = 403
    refused = api.post(WEBHOOKS, json={'name': 'noc', 'url': receiver.url})
    assert (refused.status_code, receiver.got[0][0]) == (400, None)
    assert refused.json()['errors'][0]['message'] == (
        'error connecting webhooks destination noc: Webhook test failed with status code 403 403 Forbidden')
    assert simulator.state()['webhooks'] == []


def test_notifications_need_a_permission_of_their_own(simulator, api):
    api.headers['Authorization'] = 'Bearer network-token'
    assert api.put('/cni/settings', json={'default_asn': 65000}).status_code == 200
    assert api.get(POLICIES).json()['errors'] == [{'code': 10000, 'message': 'Authentication error'}]
