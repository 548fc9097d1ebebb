# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event sources, without their loops: the shape of events, the journal, changes of state, and each alert once."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import stat
from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml
from jsonschema import Draft202012Validator

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _alert_events as alerts
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _events as events
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _status_events as status

from .module_utils.scripted import Script, answer, refusal

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / 'extensions/eda/event.schema.json').read_text())
NOW = 1_796_000_000.0
ACCOUNT = 'f' * 32


def checked(event: dict) -> dict:
    Draft202012Validator(SCHEMA).validate(event)
    return event


def event(text: str = 'x') -> dict:
    return events.new_event('test', text, at=NOW, via='poll')


def test_the_event_in_the_guide_has_the_shape_of_the_schema():
    (example,) = re.findall(r'(?s)```json\n(.*?)```', (ROOT / 'docs/eda.md').read_text())
    assert checked(json.loads(example))['status']['state'] == 'Healthy'


# Options.

@pytest.mark.parametrize(('options', 'problem'), [
    ({'intervall': 5}, 'intervall: there is no such option'),
    ({'interval': 'often'}, 'interval'),
    ({'api_token': 123456789}, 'api_token: must be text'),
    ({'confirm': True}, 'confirm: needs state_file'),
])
def test_an_option_that_is_wrong_is_named(options, problem):
    with pytest.raises(InputError, match=problem):
        events.checked_options(status.STATUS_OPTIONS, options)


def test_options_come_from_the_environment_and_ansible_rulebooks_own_ones_are_no_typos(monkeypatch):
    monkeypatch.setenv('CLOUDFLARE_WEBHOOK_SECRET', 'from-the-environment')
    options = events.checked_options(alerts.ALERT_OPTIONS, {'port': '8080', 'host': '', 'feedback': True, 'eda_feedback_queue': object()})
    assert (options['port'], options['host'], options['secret']) == (8080, '127.0.0.1', 'from-the-environment')


@pytest.mark.parametrize(('name', 'spec'), [('status', status.STATUS_OPTIONS), ('alerts', alerts.ALERT_OPTIONS)])
def test_the_options_of_a_source_are_those_it_documents(name, spec):
    tree = ast.parse((ROOT / f'extensions/eda/plugins/event_source/{name}.py').read_text())
    texts = {node.targets[0].id: node.value.value for node in tree.body
             if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)}
    documented = yaml.safe_load(texts['DOCUMENTATION'])['options']
    kept = ('type', 'elements', 'choices', 'default')
    assert {option: {key: fields[key] for key in kept if key in fields} for option, fields in documented.items()} == {
        option: {key: fields[key] for key in kept if key in fields} for option, fields in spec.items()}
    (rulebook,) = yaml.safe_load(texts['EXAMPLES'])
    assert set(rulebook['sources'][0][f'netops.cloudflare_cni.{name}']) <= spec.keys()


# Events.

@pytest.mark.parametrize(('text', 'safe'), [
    ('{{ lookup("pipe", "id") }}', '%7B%7B lookup("pipe", "id") }}'), ('{% raw %}', '%7B% raw %}'), ('{', '%7B'),
    ('#jinja2: x', '%23jinja2: x'), ('half \ud83d', 'half ?'), ('5 % } é', '5 % } é'),
])
def test_no_text_of_an_event_is_a_template(text, safe):
    made = checked(events.new_event('alert', text, at=NOW, via='webhook', alert={text: [{'x': text}]}, circuits=[text]))
    assert (made['text'], made['alert'], made['circuits']) == (safe, {safe: [{'x': safe}]}, [safe])


def test_data_that_is_too_deep_is_refused():
    data = []
    for _level in range(events.MAX_DEPTH):
        data = [data]
    with pytest.raises(ValueError, match='levels'):
        events.new_event('alert', '', at=NOW, via='webhook', alert={'data': data})


# The journal.

class Queue:
    """What ansible-rulebook has taken; it takes no more than it is told to."""

    def __init__(self, takes: int = 1000) -> None:
        self.taken, self._left = [], asyncio.Semaphore(takes)

    async def put(self, data: dict) -> None:
        await self._left.acquire()
        self.taken.append(data)
        data['meta'] = {'uuid': 'of ansible-rulebook'}

    @property
    def texts(self) -> list[str]:
        return [data['text'] for data in self.taken]


def emit(journal: events.Journal, queue: Queue) -> None:
    """Emits what can be, then ends as a process that is killed."""
    async def bounded() -> None:
        task = asyncio.create_task(journal.emit(queue))
        for _turn in range(50):
            await asyncio.sleep(0)
        task.cancel()
    asyncio.run(bounded())


@pytest.fixture
def journals(tmp_path):
    """start(confirm) -> the journal of a new process on the same file: the old one's lock goes with it."""
    opened = []

    def start(confirm: bool = False) -> events.Journal:
        for old in opened:
            old._lock.close()
        opened.append(events.Journal('alerts', str(tmp_path / 'deep' / 'alerts.json'), confirm))
        return opened[-1]
    return start


def test_after_a_kill_nothing_is_lost_and_what_was_taken_does_not_come_again(journals):
    first, queue = journals(), Queue(takes=2)
    first.record([event('a'), event('b'), event('c')], cursor=1)
    emit(first, queue)
    assert (queue.texts, first.waiting) == (['a', 'b'], 1)
    second, second_queue = journals(), Queue()
    emit(second, second_queue)
    assert (second_queue.texts, second.state, [data['redelivered'] for data in second_queue.taken]) == (['c'], {'cursor': 1}, [True])
    third, nothing = journals(), Queue()
    emit(third, nothing)
    assert nothing.texts == []


def test_an_event_that_was_taken_at_the_moment_of_the_kill_comes_again_with_its_id(journals, monkeypatch):
    first, queue = journals(), Queue()
    first.record([event('a')])
    with monkeypatch.context() as killed:
        killed.setattr(events.Journal, '_handed_over', lambda self, done: None)
        emit(first, queue)
    second_queue = Queue()
    emit(journals(), second_queue)
    assert [(data['id'], data['redelivered']) for data in queue.taken + second_queue.taken] == [(queue.taken[0]['id'], redelivered)
                                                                                                for redelivered in (False, True)]


def test_an_event_is_kept_until_a_playbook_has_confirmed_it(journals):
    first, queue = journals(confirm=True), Queue()
    first.record([event('a'), event('b')])
    emit(first, queue)
    assert queue.texts == ['a', 'b']
    receipt = Path(checked(queue.taken[0])['receipt'])
    receipt.touch()
    second, second_queue = journals(confirm=True), Queue()
    emit(second, second_queue)
    assert (second_queue.texts, second_queue.taken[0]['redelivered'], receipt.exists()) == (['b'], True, False)


@pytest.mark.parametrize('confirm', [False, True])
def test_what_is_written_grows_with_the_number_of_events_and_not_with_its_square(tmp_path, confirm):
    class Disk(Queue):
        """Sums up what has been written of the file since each event before."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self._path, self._before, self.written = path, path.stat(), 0

        async def put(self, data: dict) -> None:
            await super().put(data)
            now = self._path.stat()
            self.written += now.st_size - (self._before.st_size if now.st_ino == self._before.st_ino else 0)
            self._before = now

    sums = []
    for count in (50, 100, 200):
        journal = events.Journal('alerts', str(tmp_path / f'{count}.json'), confirm)
        journal.record([event(str(number)) for number in range(count)])
        disk = Disk(Path(journal.path))
        asyncio.run(journal.emit(disk))
        assert (len(disk.taken), journal.waiting) == (count, 0)
        sums.append(disk.written + count)
    assert sums[2] < 3 * sums[1] < 9 * sums[0]


def test_an_id_that_was_cut_off_by_a_kill_means_that_its_event_comes_again(journals):
    first = journals()
    first.record([event('a'), event('b'), event('c')])
    emit(first, Queue(takes=2))
    path = Path(first.path)
    path.write_bytes(path.read_bytes()[:-5])
    second, second_queue = journals(), Queue(takes=1)
    emit(second, second_queue)
    third, last = journals(), Queue()
    emit(third, last)
    assert (second_queue.texts, last.texts) == (['b'], ['c'])


def test_what_was_taken_does_not_come_again_after_something_else_was_recorded(journals):
    first = journals()
    first.record([event('a'), event('b')])
    emit(first, Queue(takes=1))
    first.record([event('c')], cursor=2)
    second_queue = Queue()
    emit(journals(), second_queue)
    assert second_queue.texts == ['b', 'c']


def test_a_file_of_an_older_version_is_read(journals):
    journal = journals()
    journal.record([event('a')], cursor=1)
    path = Path(journal.path)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=1))
    second, queue = journals(), Queue()
    emit(second, queue)
    assert (queue.texts, second.state) == (['a'], {'cursor': 1})


def test_events_that_nobody_confirms_do_not_pile_up_for_ever(journals, monkeypatch):
    monkeypatch.setattr(events, 'MAX_UNCONFIRMED', 3)
    journal = journals(confirm=True)
    for number in range(6):
        journal.record([event(str(number))])
        emit(journal, Queue())
    second_queue = Queue()
    emit(journals(confirm=True), second_queue)
    assert second_queue.texts == ['3', '4', '5']


def test_the_files_are_private(journals):
    journal = journals(confirm=True)
    journal.record([event()])
    folder = Path(journal.path).parent
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {'deep': 0o700, 'alerts.json': 0o600, 'alerts.json.lock': 0o600, 'alerts.json.confirmed': 0o700}


def test_two_sources_do_not_share_a_file(journals):
    journal = journals()
    with pytest.raises(InputError, match='in use'):
        events.Journal('alerts', journal.path)


@pytest.mark.parametrize('content', ['', '{', '[]', '{"format": 2, "source": "alerts", "state": {}, "pending": []}',
                                     '{"format": 1, "source": "status", "state": {}, "pending": []}'])
def test_a_file_of_something_else_is_refused_and_stays(tmp_path, content):
    path = tmp_path / 'alerts.json'
    path.write_text(content)
    with pytest.raises(InputError, match='no state of the source alerts'):
        events.Journal('alerts', str(path))
    assert path.read_text() == content


@pytest.mark.parametrize('confirm', [False, True])
def test_a_folder_that_cannot_be_used_is_named(tmp_path, confirm):
    path = tmp_path / 'alerts.json'
    in_the_way = Path(f'{path}.confirmed') if confirm else tmp_path / 'file'
    in_the_way.write_text('')
    with pytest.raises(InputError, match=f'{in_the_way}.* cannot be used'):
        events.Journal('alerts', str(path if confirm else in_the_way / 'below' / 'alerts.json'), confirm)


def test_what_cannot_be_written_is_not_recorded(journals, monkeypatch):
    journal = journals()
    with monkeypatch.context() as full:
        full.setattr(os, 'replace', Mock(side_effect=OSError(28, 'No space left on device')))
        with pytest.raises(InputError, match='No space left'):
            journal.record([event('a')], cursor=1)
    assert (journal.waiting, journal.state) == (0, {})


def test_feedback_is_waited_for():
    async def emitted() -> tuple[list[str], list[str]]:
        journal, queue, feedback = events.Journal('alerts', None), Queue(), asyncio.Queue(1)
        journal.record([event('a'), event('b')])
        task = asyncio.create_task(journal.emit(queue, feedback))
        await asyncio.sleep(0.01)
        before = queue.texts
        await feedback.put(queue.taken[0])
        await asyncio.sleep(0.01)
        task.cancel()
        return before, queue.texts
    assert asyncio.run(emitted()) == (['a'], ['a', 'b'])


# Failures.

def test_a_failure_that_lasts_is_one_event_and_so_is_its_end_across_restarts(journals):
    error, made = CniError('no way'), []
    for count in (4, 5):
        journal = journals()
        failures = events.Failures('Reading', 10, journal, ACCOUNT)
        for number in range(count):
            failures.failed(error, NOW + number)
        made += [failures.delay]
    failures.succeeded(NOW, [event('x')], cursor=7)
    assert made == [160, 320]
    assert [(checked(event)['type'], event['phase'], event['text']) for event in journal.pending] == [
        ('problem', 'start', 'Reading fails: no way.'), ('test', None, 'x'), ('problem', 'end', 'Reading works again')]
    assert (failures.delay, journal.state) == (10, {'failing': False, 'cursor': 7})


def test_one_failure_is_no_event_and_the_delay_has_an_end(journals):
    journal = journals()
    failures = events.Failures('Reading', 10, journal, ACCOUNT)
    failures.failed(CniError('no way'), NOW)
    failures.succeeded(NOW)
    assert journal.pending == []
    for _number in range(50):
        failures.failed(CniError('no way'), NOW)
    assert failures.delay == events.LONGEST_DELAY


# Changes of state.

def state(value: str | None, **fields) -> dict:
    return {'state': value, 'reason': None, 'circuits': ['nyc-1'], 'site': 'ewr-a', 'device': 'edge01', **fields}


def known(value: str, **fields) -> dict:
    return {'icon': {**state(value), 'since': '2026-11-01T00:00:00Z', **fields}}


CHANGES = {  # known, current, initial: previous and new state of the events, the state that is remembered
    'the first poll tells nothing': (None, state('Pending'), False, [], 'Pending'),
    'unless it is asked for': (None, state('Pending'), True, [('absent', 'Pending')], 'Pending'),
    'nothing has changed': (known('Pending'), state('Pending'), False, [], 'Pending'),
    'nothing has changed but all is asked for': (known('Pending'), state('Pending'), True, [('Pending', 'Pending')], 'Pending'),
    'light': (known('Pending'), state('Healthy'), False, [('Pending', 'Healthy')], 'Healthy'),
    'a new one': ({}, state('Pending'), False, [('absent', 'Pending')], 'Pending'),
    'a new one without a status yet': ({}, state(None), False, [], None),
    'a status that is missing for once': (known('Healthy'), state(None, circuits=[]), False, [], 'Healthy'),
    'gone': (known('Healthy'), state('absent', circuits=[], site=None), False, [('Healthy', 'absent')], None),
    'no longer watched': (known('Healthy'), None, False, [], None),
    'a state that nobody knew': (known('Healthy'), state('Dimmed'), False, [('Healthy', 'Dimmed')], 'Dimmed'),
}


@pytest.mark.parametrize('name', CHANGES)
def test_a_change_of_state_is_one_event(name):
    before, current, initial, expected, remembered = CHANGES[name]
    made, after = status.changed_states(before, {'icon': current} if current else {}, NOW, ACCOUNT, initial)
    assert [(checked(event)['status']['previous_state'], event['status']['state']) for event in made] == expected
    assert after.get('icon', {}).get('state') == remembered
    assert status.changed_states(after, {'icon': current} if current else {}, NOW + 1, ACCOUNT)[0] == []


def test_what_an_event_reports_of_a_change():
    (light,), after = status.changed_states(known('Down'), {'icon': state('Unhealthy', reason='dim')}, NOW, ACCOUNT)
    assert light['text'] == 'nyc-1 on icon: Down -> Unhealthy, dim'
    assert (light['circuits'], light['interconnects'], light['account_id']) == (['nyc-1'], ['icon'], ACCOUNT)
    assert light['status'] == {'interconnect': 'icon', 'state': 'Unhealthy', 'reason': 'dim', 'previous_state': 'Down',
                               'previous_since': '2026-11-01T00:00:00Z', 'site': 'ewr-a', 'device': 'edge01'}
    assert after['icon']['since'] == light['time']


def test_one_that_is_gone_is_reported_with_what_was_known_of_it():
    (gone,), _after = status.changed_states(known('Healthy'), {'icon': state('absent', circuits=[], site=None, device=None)}, NOW, ACCOUNT)
    assert (gone['circuits'], gone['status']['site'], gone['status']['device']) == (['nyc-1'], 'ewr-a', 'edge01')


def test_what_is_watched_is_read_and_one_that_the_list_lacks_is_asked_for():
    def respond(request):
        path = request['url'].partition('?')[0]
        if path.endswith('/status'):
            name = path.split('/')[3]
            states = {'a': {'state': 'Healthy', 'reason': None}, 'hidden': {'state': 'Down', 'reason': 'x'}}
            return answer(states[name]) if name in states else refusal(404)
        if path.endswith('/interconnects'):
            return answer({'items': [{'name': name, 'type': 'direct', 'site': 'ewr-a'} for name in ('a', 'b', 'other')], 'next': None})
        return answer({'items': [{'id': str(number), 'interconnect': name, 'magic': {'conduit_name': f'nyc-{name}'}, 'account': ACCOUNT}
                                 for number, name in enumerate('ab')], 'next': None})
    script = Script(*[respond] * 6)
    found = status.read_states(script.client(), known=['a', 'hidden', 'gone'], names=['b'], circuits=['nyc-a', 'nyc-of-tomorrow'])
    assert {name: (state['state'], state['circuits']) for name, state in found.items()} == {
        'a': ('Healthy', ['nyc-a']), 'b': (None, ['nyc-b']), 'hidden': ('Down', []), 'gone': ('absent', [])}


# Alerts.

def payload(**fields) -> dict:
    return {'name': 'CNI', 'text': 'Tunnel nyc-1 is down', 'data': {'a.b': {'': 1}}, 'ts': int(NOW), 'account_id': ACCOUNT,
            'policy_id': 'p' * 32, 'policy_name': 'CNI', 'alert_type': 'magic_wan_tunnel_health', 'alert_correlation_id': 'c',
            'alert_event': 'ALERT_STATE_EVENT_START', **fields}


def received(**fields) -> alerts.Alert:
    return alerts.webhook_alert(json.dumps(payload(**fields)).encode(), NOW + 1)


def entry(number: int = 1, at: float = NOW + 2, **fields) -> dict:
    return {'id': f'history-{number}', 'name': 'CNI', 'policy_id': 'p' * 32, 'alert_type': 'magic_wan_tunnel_health',
            'mechanism_type': 'webhook', 'mechanism': 'w1', 'alert_body': 'Tunnel nyc-1 is down', 'sent': events.utc(at), **fields}


@pytest.mark.parametrize(('header', 'authentic'), [('right', True), ('wrong', False), ('', False), (None, False), ('right\udcff', False)])
def test_only_the_secret_is_authentic(header, authentic):
    assert alerts.is_authentic(header, 'right') is authentic


@pytest.mark.parametrize(('fields', 'kind', 'phase'), [
    ({}, 'tunnel_health', 'start'), ({'alert_event': 'ALERT_STATE_EVENT_END'}, 'tunnel_health', 'end'),
    ({'alert_type': 'cni_maintenance_notification', 'alert_event': None}, 'maintenance', None),
    ({'alert_type': 'maintenance_event_notification', 'alert_event': 7}, 'maintenance', None),
    ({'alert_type': 'dos_attack_l4'}, 'alert', 'start'), ({'alert_type': ['x']}, 'alert', 'start'),
])
def test_an_alert_is_an_event_of_its_type_and_its_data_passes_through(fields, kind, phase):
    made = checked(received(**fields).event())
    assert (made['type'], made['phase'], made['time'], made['via']) == (kind, phase, events.utc(NOW), 'webhook')
    assert made['alert'] == payload(**fields)


def test_the_test_message_is_an_event_each_time():
    message = b'{"text": "Hello World! This is a test message sent from https://cloudflare.com."}'
    received_alerts = alerts.ReceivedAlerts([], NOW)
    two = [alerts.webhook_alert(message, NOW) for _number in range(2)]
    assert [received_alerts.admits(alert) for alert in two] == [True, True]
    assert [checked(alert.event())['type'] for alert in two] == ['test', 'test']


@pytest.mark.parametrize('body', [b'', b'{', b'[]', b'"x"', b'{"a": NaN}', b'[' * 100_000, b'\xff\xfe{}', b'{"text": "x"} y'])
def test_what_is_no_json_object_is_refused(body):
    with pytest.raises(ValueError, match=r'.'):
        alerts.webhook_alert(body, NOW)


def admitted(*ways: alerts.Alert) -> list[bool]:
    """Whether each of them is new. The records go through the journal in between."""
    records, found = [], []
    for alert in ways:
        received_alerts = alerts.ReceivedAlerts(json.loads(json.dumps(records)), NOW)
        found.append(received_alerts.admits(alert))
        records = received_alerts.records
    return found


def history(*args, **fields) -> alerts.Alert:
    return alerts.history_alert(entry(*args, **fields), NOW)


ONCE = {
    'a webhook again': ([received(), received()], [True, False]),
    'its end is another one': ([received(), received(alert_event='ALERT_STATE_EVENT_END', ts=int(NOW) + 9)], [True, True]),
    'the same state again, later': ([received(), received(ts=int(NOW) + 60)], [True, True]),
    'an entry again': ([history(1), history(1)], [True, False]),
    'a webhook and its entry': ([received(), history(1)], [True, False]),
    'an entry and its webhook': ([history(1), received()], [True, False]),
    'an entry in another form': ([received(), history(1, alert_body='<p>Tunnel nyc-1\n  is down</p>')], [True, False]),
    'an entry that says something else is rather another one': ([received(), history(1, alert_body='Tunnel nyc-2 is down')], [True, True]),
    'a missed one does not take the place of another': (
        [received(text='x'), history(1, NOW, alert_body='y'), history(2, NOW, alert_body='x')], [True, True, False]),
    'without a text': ([received(text=''), history(1, alert_body=''), history(2, alert_body='z')], [True, False, True]),
    'an entry whose body is the payload, long after': (
        [received(), history(1, NOW + 3000, alert_body=json.dumps(payload()))], [True, False]),
    'an entry that was missed': ([received(), history(1), history(2, NOW + 30)], [True, False, True]),
    'two that were close, one of them missed': ([received(), history(1), history(2, NOW + 3)], [True, False, True]),
    'two that were close, both received': (
        [received(), received(ts=int(NOW) + 3), history(1, NOW + 1), history(2, NOW + 4)], [True, True, False, False]),
    'the nearer text is the one that was received': (
        [received(text='x'), received(text='y', ts=int(NOW) + 1), history(1, NOW, alert_body='y'), history(2, NOW, alert_body='x')],
        [True, True, False, False]),
    'another policy': ([received(), history(1, policy_id='q' * 32)], [True, True]),
    'another type': ([received(), history(1, alert_type='dos_attack_l4')], [True, True]),
    'a policy written with dashes': (
        [received(policy_id='a' * 32), history(1, policy_id='aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa')], [True, False]),
    'a webhook without ids': ([received(policy_id=None, alert_type=None), history(1)], [True, False]),
    'much later': ([received(), history(1, NOW + 600)], [True, True]),
    'sent to two destinations': ([history(1), history(2, mechanism='w2')], [True, False]),
    'received, and sent to two destinations': ([received(), history(1), history(2, mechanism='w2')], [True, False, False]),
    'twice to one destination': ([history(1), history(2)], [True, True]),
}


@pytest.mark.parametrize('name', ONCE)
def test_each_alert_is_reported_once(name):
    ways, expected = ONCE[name]
    assert admitted(*ways) == expected


def test_an_alert_is_remembered_for_as_long_as_the_history_may_repeat_it():
    received_alerts = alerts.ReceivedAlerts([], NOW)
    assert received_alerts.admits(history(1))
    assert len(alerts.ReceivedAlerts(received_alerts.records, NOW + 5 * 86400, read_until=NOW).records) == 1
    assert alerts.ReceivedAlerts(received_alerts.records, NOW + 5 * 86400, read_until=NOW + 5 * 86400).records == []


def test_the_history_goes_on_where_it_was_and_leaves_out_what_is_older_younger_or_was_sent_elsewhere():
    entries = [entry(1, NOW - 10), entry(2, NOW + 10), entry(3, NOW + 20, mechanism_type='email'), entry(4, NOW + 90),
               {'id': 'x', 'alert_body': 'no more than that'}]
    new, after = alerts.new_history({'history_since': NOW}, entries, ['webhook'], NOW + 60, NOW + 100)
    assert [checked(alert.event())['text'] for alert in new] == ['Tunnel nyc-1 is down', 'no more than that']
    assert after['history_until'] == NOW + 10
    new, after = alerts.new_history({'history_since': NOW, **after}, entries, ['webhook'], NOW + 160, NOW + 200)
    assert ([alert.at for alert in new], after['history_until']) == ([NOW + 90], NOW + 90)


def test_the_history_is_read_page_by_page_from_a_time_on():
    first = {'success': True, 'errors': [], 'messages': [], 'result': [entry(2, NOW + 9)],
             'result_info': {'page': 1, 'per_page': 1, 'count': 1, 'total_count': 2}}
    second = {**first, 'result': [entry(1, NOW)], 'result_info': {**first['result_info'], 'page': 2}}
    script = Script(answer(first), answer(second))
    assert [record['id'] for record in alerts.read_history(script.client(), NOW)] == ['history-1', 'history-2']
    assert script.sent[0]['url'].startswith('/alerting/v3/history?since=2026-11-30T00%3A53%3A20Z&')


@pytest.mark.parametrize(('text', 'seconds'), [
    ('2026-11-29T18:30:00Z', 1795977000.0), ('2026-11-29T18:30:00.123456789Z', 1795977000.123456789),
    ('2026-11-29T19:30:00+01:00', 1795977000.0), ('2026-11-29 18:30:00', 1795977000.0),
    ('2026-13-29T18:30:00Z', None), ('yesterday', None), (None, None), (7, None),
])
def test_times_of_the_history(text, seconds):
    assert alerts.seconds_of(text) == seconds


def test_a_rate_is_kept_and_recovers():
    now = [0.0]
    rate = alerts.Rate(60, lambda: now[0])
    assert [rate.admits() for _number in range(61)] == [True] * 60 + [False]
    now[0] = 2.0
    assert [rate.admits() for _number in range(3)] == [True, True, False]
