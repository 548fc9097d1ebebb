# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event sources in processes of their own, on a simulated account: what they emit, answer, survive, and how they end."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import json
import random
import re
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jsonschema import Draft202012Validator
from simulator.process import WAIT
from support.event_source import Source
from support.playbook import ROOT, Account

SCHEMA = Draft202012Validator(json.loads((ROOT / 'extensions/eda/event.schema.json').read_text()))
SECRET = 'the secret of a webhook'
HELLO = {'text': 'Hello World! This is a test message sent from https://cloudflare.com.'}


@pytest.fixture
def account(simulator, tmp_path):
    return Account(simulator, tmp_path)


@pytest.fixture
def port(account):
    """A port with the circuit nyc-1, and its interconnect."""
    free = next(slot['id'] for slot in account.simulator.state()['slots'] if not slot['occupied'])
    return account.seed('nyc-1', free)


def start(account, name: str, takes: int = 1000, **args) -> Source:
    defaults = {'interval': 0.05} if name == 'status' else {}
    return Source(name, account.environment, takes, **defaults, state_file=str(account.folder / f'{name}.json'), **args)


def polled(account, times: int = 1) -> None:
    """Waits until a source has polled so many times more, and has begun another time: then what it found is recorded."""
    def status_reads() -> int:
        return sum(request['path'].endswith('/status') for request in account.simulator.requests())
    before = status_reads()
    while status_reads() <= before + times:
        account.simulator.requests(until=len(account.simulator.requests()) + 1)


def checked(event: dict) -> dict:
    SCHEMA.validate(event)
    return event


# status

def test_nothing_at_the_start_and_then_one_event_for_each_change(account, port):
    with start(account, 'status') as source:
        polled(account)
        for state in ('Healthy', 'Down'):
            account.simulator.set_status(port, state, 'no light' if state == 'Down' else None)
            event = checked(source.event())
            assert (event['status']['interconnect'], event['status']['state'], event['circuits']) == (port, state, ['nyc-1'])
            polled(account)
        assert source.stop() == 0
        assert source.remaining_events() == []


def test_what_is_asked_for_is_reported_at_the_start(account, port):
    with start(account, 'status', initial=True) as source:
        assert checked(source.event())['text'] == f'nyc-1 on {port}: absent -> Pending'


def test_a_change_while_the_source_was_killed_is_reported_once(account, port):
    with start(account, 'status'):
        polled(account)
    account.simulator.set_status(port, 'Healthy')
    with start(account, 'status', takes=0):
        polled(account, 2)  # the change is seen, recorded, and not taken
    with start(account, 'status') as source:
        event = source.event()
        assert (event['status']['previous_state'], event['status']['state'], event['redelivered']) == ('Pending', 'Healthy', True)
        polled(account, 2)
        assert source.stop() == 0
        assert source.remaining_events() == []
    with start(account, 'status') as source:
        polled(account, 2)
        assert source.stop() == 0
        assert source.remaining_events() == []


def test_only_what_is_named_is_watched_also_before_it_exists(account, port):
    with start(account, 'status', conduit_names=['nyc-2']) as source:
        account.simulator.requests(until=len(account.simulator.requests()) + 6)
        account.simulator.set_status(port, 'Healthy')
        free = next(slot['id'] for slot in account.simulator.state()['slots'] if not slot['occupied'])
        new = account.seed('nyc-2', free)
        assert source.event()['text'] == f'nyc-2 on {new}: absent -> Pending'


@pytest.mark.parametrize('fault', [{'kind': 'status', 'status': 403}, {'kind': 'html', 'status': 502}, {'kind': 'empty', 'status': 200}])
def test_an_api_that_fails_is_reported_once_and_ends_nothing(account, port, fault):
    with start(account, 'status', retry_timeout=1) as source:
        polled(account)
        account.simulator.fault(**fault, times=None)
        event = checked(source.event())
        assert (event['type'], event['phase']) == ('problem', 'start')
        assert event['text'].startswith('Reading the status fails: GET /cni/')
        account.simulator.set_status(port, 'Healthy')
        account.simulator.end_faults()
        events = [source.event() for _number in range(2)]
        assert [(event['type'], event['phase']) for event in events] == [('status', None), ('problem', 'end')]
        assert source.stop() == 0


def test_a_source_ends_at_once_when_it_is_cancelled_whatever_it_waits_for(account, port):
    with start(account, 'status', retry_timeout=600, timeout=1) as source:
        polled(account)
        account.simulator.fault('status', status=429, headers={'Retry-After': '500'}, times=None)
        sent = account.simulator.requests()
        while not any(request['status'] == 429 for request in sent):  # of one that has no status yet the answer is on its way
            sent = account.simulator.requests(until=len(sent) + (sent[-1]['status'] is not None))
        assert source.stop() == 0  # long before it would try again
        assert 'Traceback' not in source.rest_of_log()


def test_no_more_requests_are_sent_than_allowed(account, port):
    with start(account, 'status', requests_per_window=10) as source:
        account.simulator.requests(until=len(account.simulator.requests()) + 10)
        account.simulator.set_status(port, 'Healthy')
        assert source.stop() == 0
    assert sum('/cni/' in request['path'] for request in account.simulator.requests()) <= 10 + 2  # and those of the fixture


@pytest.mark.parametrize(('name', 'args', 'problem'), [
    ('status', {'interval': 0}, 'interval: 0 is not valid'), ('status', {'api_token': 'a b'}, 'api_token: contains a space'),
    ('alerts', {}, 'port: is required without history'), ('alerts', {'port': 0}, 'secret: is required with port'),
    ('alerts', {'port': 0, 'secret': SECRET, 'path': 'x'}, "path: 'x' is not valid"),
    ('alerts', {'port': 0, 'secret': SECRET, 'certfile': '/nowhere.pem'}, 'certfile: /nowhere.pem cannot be used: No such file'),
])
def test_options_that_cannot_be_used_end_the_source_with_a_word(account, name, args, problem):
    with Source(name, account.environment, **args) as source:
        assert problem in source.rest_of_log()


def test_a_source_is_found_beside_the_collections_of_the_wheel_ansible(account):
    (account.folder / 'ansible_collections').mkdir()
    (account.folder / 'ansible_collections' / '__init__.py').touch()
    with Source('alerts', {**account.environment, 'PYTHONPATH': str(account.folder)}) as source:
        assert 'port: is required without history' in source.rest_of_log()


# alerts: webhooks

class Receiver:
    """A source with a receiver, at a port of its own."""

    def __init__(self, account, takes: int = 1000, tls: ssl.SSLContext | None = None, **args) -> None:
        self.source = start(account, 'alerts', takes, port=0, secret=SECRET, **args)
        self._tls = tls

    def __enter__(self) -> Receiver:
        (port,) = re.findall(r'received at .*, (\d+)\)', self.source.logged('Webhooks are received'))
        self.port = int(port)
        return self

    def __exit__(self, *_exception) -> None:
        self.source.kill()

    def send(self, body: object, method: str = 'POST', path: str = '/', **headers: str) -> int:
        """Sends a webhook; returns the status of the answer. Raises OSError or HTTPException where there is none."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = (http.client.HTTPSConnection('127.0.0.1', self.port, timeout=WAIT, context=self._tls) if self._tls
                      else http.client.HTTPConnection('127.0.0.1', self.port, timeout=WAIT))
        try:
            connection.request(method, path, content, {'cf-webhook-auth': SECRET, **headers})
            return connection.getresponse().status
        finally:
            connection.close()


def alert(number: int = 0, **fields) -> dict:
    return {'name': 'CNI', 'text': f'Tunnel nyc-{number} is down', 'data': {'tunnel name': f'nyc-{number}'},
            'ts': int(time.time()) - 10 + number, 'account_id': 'f' * 32, 'policy_id': 'p' * 32, 'policy_name': 'CNI',
            'alert_type': 'magic_wan_tunnel_health', 'alert_correlation_id': 'c', 'alert_event': 'ALERT_STATE_EVENT_START', **fields}


def test_webhooks_become_events_each_once(account):
    sent = alert()
    with Receiver(account) as receiver:
        assert [receiver.send(HELLO), receiver.send(sent), receiver.send(sent)] == [200, 200, 200]
        events = [checked(receiver.source.event()) for _number in range(2)]
        assert [(event['type'], event['alert']) for event in events] == [('test', HELLO), ('tunnel_health', sent)]
        assert receiver.source.stop() == 0
        assert receiver.source.remaining_events() == []


def test_what_is_not_cloudflares_is_refused_and_makes_no_event(account):
    with Receiver(account, path='/hook') as receiver:
        answers = {
            'wrong secret': receiver.send(alert(), path='/hook', **{'cf-webhook-auth': 'wrong'}),
            'almost the secret': receiver.send(alert(), path='/hook', **{'cf-webhook-auth': SECRET + ' x'}),
            'no json': receiver.send(b'{', path='/hook'), 'no object': receiver.send([1], path='/hook'),
            'too deep': receiver.send(b'{"a":' * 100 + b'1' + b'}' * 100, path='/hook'),
            'too large': receiver.send({'text': 'x' * 300_000}, path='/hook'),
            'another path': receiver.send(alert()), 'a browser': receiver.send(b'', method='GET', path='/hook'),
        }
        assert list(answers.values()) == [401, 401, 400, 400, 400, 413, 404, 405], answers
        assert receiver.send(HELLO, path='/hook') == 200
        assert receiver.source.event()['alert'] == HELLO
        assert receiver.source.stop() == 0
        assert SECRET not in receiver.source.rest_of_log()


def test_a_secret_that_is_missing_is_refused(account):
    with Receiver(account) as receiver:
        connection = http.client.HTTPConnection('127.0.0.1', receiver.port, timeout=WAIT)
        connection.request('POST', '/', json.dumps(alert()))
        assert connection.getresponse().status == 401


def test_too_many_webhooks_are_put_off(account):
    with Receiver(account, max_per_minute=5) as receiver:
        assert [receiver.send(HELLO) for _number in range(5)] == [200] * 5
        while (status := receiver.send(HELLO)) == 200:  # one more is taken each twelve seconds
            pass
        assert status == 429
        assert receiver.send(HELLO, **{'cf-webhook-auth': 'wrong'}) == 401


def test_a_full_queue_is_a_503_and_what_waits_survives_a_kill(account):
    alerts = [alert(number) for number in range(5)]
    with Receiver(account, takes=1, max_waiting=3) as receiver:
        assert receiver.send(alerts[0]) == 200
        first = receiver.source.event()
        assert [receiver.send(alert) for alert in alerts[1:]] == [200, 200, 200, 503]
    with Receiver(account) as receiver:
        events = [first, *(receiver.source.event() for _number in range(3))]
        assert receiver.send(alerts[4]) == 200
        events.append(receiver.source.event())
        assert [event['alert'] for event in events] == alerts
        assert [event['redelivered'] for event in events] == [False, True, True, True, False]


def test_a_file_that_cannot_be_written_is_a_503(account):
    with Receiver(account) as receiver:
        (account.folder / 'alerts.json').unlink(missing_ok=True)
        (account.folder / 'alerts.json').mkdir()
        assert receiver.send(alert()) == 503
        (account.folder / 'alerts.json').rmdir()
        assert receiver.send(alert()) == 200
        assert receiver.source.event()['text'] == 'Tunnel nyc-0 is down'


def test_kills_at_any_moment_lose_nothing_and_repeat_only_what_was_being_handed_over(account):
    """Each alert is sent until it is answered with 200, while the receiver is killed and started again."""
    chance, events, kills = random.Random(1), [], 0
    waiting = [alert(number) for number in range(40)]
    sent = list(waiting)
    while waiting:
        kills += 1
        with Receiver(account) as receiver:
            for _number in range(chance.randrange(1, 15)):
                if waiting and receiver.send(waiting[0]) == 200:
                    waiting.pop(0)
        events += receiver.source.remaining_events()
    with Receiver(account) as receiver:
        assert receiver.send(HELLO) == 200
        while (event := receiver.source.event())['type'] != 'test':
            events.append(event)
    redelivered = [event for event in events if event['redelivered']]
    texts = [event['text'] for event in events]
    assert list(dict.fromkeys(texts)) == [alert['text'] for alert in sent]
    assert len(texts) - len(set(texts)) <= min(kills, len(redelivered))


@pytest.fixture
def certificate(tmp_path):
    """The files of a certificate for 127.0.0.1, and a client's context that trusts it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'loopback')])
    today = datetime.datetime.now(datetime.timezone.utc)
    built = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
             .not_valid_before(today - datetime.timedelta(1)).not_valid_after(today + datetime.timedelta(1))
             .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]), critical=False)
             .sign(key, hashes.SHA256()))
    files = {'certfile': tmp_path / 'cert.pem', 'keyfile': tmp_path / 'key.pem'}
    files['certfile'].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files['keyfile'].write_bytes(key.private_bytes(*plain))
    return {name: str(file) for name, file in files.items()}, ssl.create_default_context(cafile=str(files['certfile']))


def test_tls(account, certificate):
    files, trusting = certificate
    with Receiver(account, tls=trusting, **files) as receiver:
        assert receiver.send(HELLO) == 200
        assert receiver.source.event()['type'] == 'test'
        receiver._tls = None
        with pytest.raises((OSError, http.client.HTTPException)):
            receiver.send(HELLO)


# alerts: the history

def subscribe(account, port: int) -> None:
    """Has Cloudflare send alerts about tunnels to a receiver."""
    then = '2026-10-26T18:25:04.532316Z'
    account.simulator.seed(
        webhooks=[{'id': 'b115d5ec-15c6-41ee-8b76-92c449b5227b', 'name': 'eda', 'type': 'generic', 'url': f'http://127.0.0.1:{port}/',
                   'secret': SECRET, 'created_at': then, 'last_success': None, 'last_failure': None}],
        policies=[{'id': '1' * 32, 'name': 'CNI', 'alert_type': 'magic_wan_tunnel_health', 'enabled': True, 'filters': {}, 'created': then,
                   'modified': then, 'mechanisms': {'webhooks': [{'id': 'b115d5ec15c641ee8b7692c449b5227b'}],
                                                    'email': [{'id': 'noc@example.com'}]}}])


def raise_alert(account, text: str, minutes_ago: float, deliver: bool = True) -> None:
    sent = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes_ago)
    account.simulator.alert('magic_wan_tunnel_health', text, sent=sent.isoformat(), deliver=deliver)


def await_history_reads(account, times: int = 1) -> None:
    """Waits until a source has read the history so many times more, and has begun another time."""
    def reads() -> int:
        return sum(request['path'].endswith('/history') for request in account.simulator.requests())
    before = reads()
    while reads() <= before + times:
        account.simulator.requests(until=len(account.simulator.requests()) + 1)


def test_an_alert_that_came_by_webhook_and_is_in_the_history_is_one_event_and_one_that_was_missed_another(account):
    options = {'history': True, 'history_interval': 0.1, 'lookback': 3600}
    with Receiver(account, **options) as receiver:
        subscribe(account, receiver.port)
        raise_alert(account, 'received', 5)
        raise_alert(account, 'missed', 4, deliver=False)
        raise_alert(account, 'received, and just like the other', 4)
        events = [checked(receiver.source.event()) for _number in range(3)]
        assert {(event['text'], event['via']) for event in events} == {
            ('received', 'webhook'), ('missed', 'history'), ('received, and just like the other', 'webhook')}
        await_history_reads(account, 2)
    raise_alert(account, 'while it was killed', 3, deliver=False)
    with Receiver(account, **options) as receiver:
        event = checked(receiver.source.event())
        assert (event['text'], event['alert']['alert_type']) == ('while it was killed', 'magic_wan_tunnel_health')
        await_history_reads(account, 2)
        assert receiver.source.stop() == 0
        assert receiver.source.remaining_events() == []


def test_the_history_does_without_a_receiver_and_begins_with_the_first_start(account):
    subscribe(account, 9)
    raise_alert(account, 'before the first start', 5, deliver=False)
    options = {'history': True, 'history_interval': 0.1, 'history_mechanisms': ['email'], 'types': ['tunnel_health', 'problem']}
    with start(account, 'alerts', **options) as source:
        await_history_reads(account)
        raise_alert(account, 'after it', -0.01, deliver=False)
        assert source.event()['text'] == 'after it'
        account.simulator.fault('status', path='/history', status=403, times=None)
        event = checked(source.event())
        assert (event['type'], event['phase']) == ('problem', 'start')
        assert event['text'].startswith('Reading the history of alerts fails: GET /alerting/v3/history: HTTP 403')
        assert source.stop() == 0
        assert source.remaining_events() == []
