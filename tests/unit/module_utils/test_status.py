# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of interconnects: waiting for a state, and the verdict on what is expected of sites."""

from __future__ import annotations

from datetime import datetime, timezone
from types import SimpleNamespace

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import ExpectationError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout_plan import RolloutPlan
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._status import (
    check_site_demand,
    demand_warnings,
    status_work,
    wait_for_states,
)

from .scripted import Script, answer, refusal
from .test_plan import NY5, SITE, cni, direct, gcp, slot, snapshot, tunnel

PORTS = '/cni/interconnects'
# Three circuits of ewr-a, two of them on one device, and one of a region; one interconnect without a circuit, one with two.
INTERCONNECTS = [direct('a', 1), direct('b', 2), direct('c', 3, device='edge02.ewr-a', facility=NY5), gcp('g')]
CNIS = [cni(1, 'nyc-1', 'a'), cni(2, 'nyc-2', 'b'), cni(3, 'nyc-0', 'b'), cni(4, None, 'g')]
HEALTHY = dict.fromkeys('abcg', 'Healthy')


# Waiting.

def statuses(*states):
    return [answer({'state': state}) for state in states]


def test_a_wait_ends_when_the_state_is_reached():
    script = Script(*statuses('Pending', 'Pending', 'Healthy'))
    assert wait_for_states(script.client(), {'a': ['Healthy']}, 60) == {'a': {'state': 'Healthy'}}
    assert script.requests() == [('GET', f'{PORTS}/a/status')] * 3
    assert script.slept == [0.5, 1.0]


@pytest.mark.parametrize('timeout', [8, 10])
def test_a_wait_ends_at_its_time_to_the_second_with_what_was_reached(timeout):
    script = Script(*statuses(*['Pending'] * 20))
    assert wait_for_states(script.client(), {'a': ['Healthy']}, timeout) == {'a': {'state': 'Pending'}}
    assert script.now == timeout


@pytest.mark.parametrize('states', [[], ['Healthy']])
def test_an_interconnect_that_has_gone_has_no_status_and_is_not_waited_for(states):
    script = Script(*[refusal(404)] * 2)
    assert wait_for_states(script.client(), {'a': states}, 10) == {}
    assert script.slept == []


def test_a_status_that_comes_late_is_waited_for():
    script = Script(*[refusal(404), answer(direct('a', 1))] * 2, *statuses('Pending', 'Healthy'))
    assert wait_for_states(script.client(), {'a': ['Healthy']}, 60) == {'a': {'state': 'Healthy'}}
    late = Script(*[refusal(404), answer(direct('a', 1))] * 20)
    assert wait_for_states(late.client(), {'a': ['Healthy']}, 10) == {}
    assert late.now == 10


def test_a_wait_may_last_for_days():
    script = Script(*statuses(*['Pending'] * 9000))
    assert wait_for_states(script.client(), {'a': ['Healthy']}, 3 * 86400) == {'a': {'state': 'Pending'}}
    assert (script.now, max(script.slept)) == (3 * 86400, 30)


def test_only_those_that_have_not_reached_a_state_are_read_again():
    polls = dict.fromkeys(['a', 'b', 'c'], 0)

    def status(request):
        name = request['url'].split('/')[3]
        polls[name] += 1
        return answer({'state': 'Healthy' if name != 'b' or polls[name] == 4 else 'Pending'})

    found = wait_for_states(Script(*[status] * 6).client(), dict.fromkeys(polls, ('Healthy', 'Down')), 60)
    assert (found, polls) == ({name: {'state': 'Healthy'} for name in polls}, {'a': 1, 'b': 4, 'c': 1})


def test_each_is_waited_for_until_it_is_in_a_state_of_its_own():
    polls = dict.fromkeys(['a', 'b', 'c'], 0)

    def status(request):
        name = request['url'].split('/')[3]
        polls[name] += 1
        return answer({'state': 'Healthy' if polls[name] == 3 else 'Pending'})

    found = wait_for_states(Script(*[status] * 5).client(), {'a': ['Pending'], 'b': ['Healthy'], 'c': ()}, 60)
    assert {name: status['state'] for name, status in found.items()} == {'a': 'Pending', 'b': 'Healthy', 'c': 'Pending'}
    assert polls == {'a': 1, 'b': 3, 'c': 1}


# The module.

def status_info(states, warn=None, /, *, later=None, alerts=(), graphql=None, **options):
    """The result of status_info where interconnects have these states, and later ones from the second read on."""
    names = ['interconnect', 'conduit_name', 'interconnects', 'conduit_names', 'states', 'wait_for', 'expect', 'site_demand', 'change',
             'under_maintenance', 'maintenance_days']
    params = {**dict.fromkeys(names), 'wait_timeout': 60, 'enforce': False, 'traffic': False, **options}
    reads = dict.fromkeys(states, 0)

    def service(request):
        path = request['url'].removeprefix(PORTS)
        if path.startswith('/alerting/v3/history?since='):
            assert request['url'].partition('since=')[2][:10] < datetime.now(timezone.utc).strftime('%Y-%m-%d')
            return answer({'success': True, 'result': list(alerts)})
        if path.endswith('/graphql'):
            return graphql(request['body'])
        if path.startswith('/magic/cf_interconnects'):
            return answer({'success': True, 'result': {'interconnects': [{**tunnel(1), 'name': 'a'}, {**tunnel(3), 'name': 'c'}]}})
        if not path.endswith('/status'):
            return answer({'items': INTERCONNECTS if not path else CNIS, 'next': None})
        name = path.split('/')[1]
        reads[name] += 1
        state = (later or states)[name] if reads[name] > 1 else states[name]
        return answer({'state': state, 'reason': f'{name} is {state}'}) if state else refusal(404)

    return status_work(Task(params, Script(*[service] * 50).client(), SimpleNamespace(warn=warn)))


def test_a_status_names_the_circuits_of_its_interconnect():
    result = status_info({**HEALTHY, 'b': 'Down'})
    assert result == {'changed': False, 'reached': True, 'statuses': [
        {'interconnect': name, 'conduit_name': circuits[0] if len(circuits) == 1 else None, 'conduit_names': circuits,
         'state': state, 'reason': f'{name} is {state}'}
        for name, circuits, state in [('a', ['nyc-1'], 'Healthy'), ('b', ['nyc-0', 'nyc-2'], 'Down'), ('c', [], 'Healthy'),
                                      ('g', [], 'Healthy')]]}


@pytest.mark.parametrize(('options', 'names'), [
    ({'interconnect': 'c'}, ['c']), ({'interconnects': ['c', 'a']}, ['a', 'c']),
    ({'conduit_name': 'nyc-2'}, ['b']), ({'conduit_names': ['nyc-2', 'nyc-1']}, ['a', 'b']),
    ({'states': ['Down', 'Pending']}, ['b']), ({'states': ['active']}, ['a', 'c']),
])
def test_statuses_are_those_of_what_is_named_and_of_the_states(options, names):
    result = status_info({**HEALTHY, 'b': 'Down', 'g': None}, **options)
    assert [status['interconnect'] for status in result['statuses']] == names


@pytest.mark.parametrize(('options', 'later', 'reached'), [
    ({'wait_for': ['active']}, HEALTHY, True),
    ({'wait_for': ['active']}, {**HEALTHY, 'b': 'Down'}, False),
    ({'wait_for': ['active']}, {**HEALTHY, 'b': None}, False),
    ({'wait_for': ['Down', 'Healthy']}, {**HEALTHY, 'b': 'Down'}, True),
    ({'wait_for': []}, {}, True),
])
def test_a_wait_returns_whether_all_have_reached_a_state(options, later, reached):
    assert status_info({**HEALTHY, 'b': 'Pending'}, later=later, **options)['reached'] is reached


@pytest.mark.parametrize(('expected', 'counts', 'text'), [
    ({'site': 'ewr-a', 'healthy': 2, 'devices': 2, 'facilities': 2}, (2, 2, 2), ''),
    ({'site': 'ewr-a', 'healthy': 3, 'facilities': 0}, (2, 2, 2), 'ewr-a: 2 of 3 healthy'),
    ({'site': 'ewr-a', 'devices': 3, 'facilities': 4}, (2, 2, 2), 'ewr-a: 2 of 3 devices, 2 of 4 facilities'),
    ({'site': 'us-east4', 'healthy': 1}, (1, 0, 0), ''),
    ({'site': 'lhr-a', 'healthy': 1}, (0, 0, 0), 'lhr-a: 0 of 1 healthy'),
])
def test_a_site_is_judged_by_its_healthy_interconnects(expected, counts, text):
    names = ('healthy', 'devices', 'facilities')
    expectation = {**dict.fromkeys(names), **expected}
    verdict = status_info({**HEALTHY, 'b': 'Down'}, expect=[expectation])['verdict']
    short = {name: {'have': number, 'want': expectation[name]} for name, number in zip(names, counts, strict=True)
             if number < (expectation[name] or 0)}
    assert verdict == {'met': not text, 'text': text or 'as expected', 'sites': [
        {'site': expected['site'], 'met': not text, **dict(zip(names, counts, strict=True)), 'short': short}]}


def test_two_interconnects_on_one_device_are_one_device():
    (site,) = status_info(dict(HEALTHY), expect=[{'site': 'ewr-a', 'healthy': None, 'devices': 3, 'facilities': None}])['verdict']['sites']
    assert (site['healthy'], site['devices'], site['facilities']) == (3, 2, 2)


def test_of_a_site_only_what_is_named_counts():
    expected = {'site': 'ewr-a', 'healthy': 2, 'devices': None, 'facilities': None}
    verdict = status_info(dict(HEALTHY), conduit_names=['nyc-1'], expect=[expected])['verdict']
    assert verdict['text'] == 'ewr-a: 1 of 2 healthy'


def test_a_gate_fails_with_the_verdict_on_each_site():
    expect = [{'site': site, 'healthy': 1, 'devices': None, 'facilities': None} for site in ('lhr-a', 'ewr-a', 'fra-a')]
    verdict = status_info(dict(HEALTHY), expect=expect)['verdict']
    assert verdict['text'] == 'lhr-a: 0 of 1 healthy; fra-a: 0 of 1 healthy'
    with pytest.raises(ExpectationError, match=r'^expect is not met: lhr-a: 0 of 1 healthy; fra-a: 0 of 1 healthy\.$') as error:
        status_info(dict(HEALTHY), expect=expect, enforce=True)
    assert (error.value.retryable, error.value.result()['verdict']) == (True, verdict)
    assert status_info(dict(HEALTHY), expect=expect[1:2], enforce=True)['verdict']['met'] is True


@pytest.mark.parametrize('number', [None, 0])
def test_an_expectation_of_nothing_is_refused(number):
    with pytest.raises(InputError, match=r"^expect: no requirement is set for 'ewr-a'\. Allowed: a number of healthy, devices"):
        status_info(dict(HEALTHY), expect=[{'site': 'ewr-a', 'healthy': number, 'devices': None, 'facilities': None}])


# What a site needs.

LIMIT = 'Cloudflare accepts at most 1G on each CNI of dataplane v2.'


@pytest.mark.parametrize(('demand', 'circuits', 'text'), [
    ('2G', [direct('a', 1), direct('b', 2, speed='100G')], ''),
    ('2.5G', [direct('a', 1), direct('b', 2, speed='100G')], 'needs 2.5G to Cloudflare, but has 2 circuits for 2G'),
    ('1100M', [direct('a', 1), direct('b', 2, site='lhr-a')], 'needs 1100M to Cloudflare, but has 1 circuit for 1G'),
    ('1G', [direct('a', 1, speed=None)], ''),
    ('500M', [], 'needs 500M to Cloudflare, but has 0 circuits for 0G'),
])
def test_each_circuit_of_a_site_counts_for_a_gigabit(demand, circuits, text):
    assert demand_warnings({'ewr-a': demand}, circuits) == ([f'site_demand: ewr-a {text}: {LIMIT}'] if text else [])


def test_an_attachment_counts_for_its_bandwidth_if_that_is_less():
    attachments = [gcp('g', speed='500M'), gcp('h', speed='10G')]
    assert demand_warnings({'us-east4': '1500M'}, attachments) == []
    assert demand_warnings({'us-east4': '1600M', 'ewr-a': '1M'}, attachments) == [
        f'site_demand: us-east4 needs 1600M to Cloudflare, but has 2 circuits for 1.5G: {LIMIT}',
        f'site_demand: ewr-a needs 1M to Cloudflare, but has 0 circuits for 0G: {LIMIT}']


@pytest.mark.parametrize('demand', [3, '3', '3 Gbps', '3g', '-1G', None, {'rate': '3G'}])
def test_a_demand_is_a_bandwidth(demand):
    with pytest.raises(InputError, match=r'^site_demand: .*, for ewr-a, is not valid. Allowed: a bandwidth such as 3G or 500M'):
        check_site_demand({'lhr-a': '1G', 'ewr-a': demand})
    check_site_demand(None)


def needs(circuits, demand, state='merged', **options):
    """What a rollout warns of in an account with the circuits a and b at ewr-a, and a spare port."""
    account = snapshot([slot(11), slot(12)], [direct('pa', 1), direct('pb', 2), direct('pc', 3)], [cni(21, 'a', 'pa'), cni(22, 'b', 'pb')],
                       [tunnel(1), tunnel(2), tunnel(3)], pa='Down', pb='Down', pc='Down')
    declared = [{'name': name, **circuit} for name, circuit in circuits.items()]
    plan = RolloutPlan(declared, state, site_demand={'ewr-a': demand}, **options)
    plan.plan_outcomes(account)
    return plan.warnings


@pytest.mark.parametrize(('circuits', 'options', 'number'), [
    ({}, {}, 2),
    ({'a': {'mtu': 1400}, 'b': {}}, {}, 2),
    ({'a': {}, 'c': {'slot_id': slot(11)['id']}}, {}, 3),
    ({'c': {'slot_id': slot(11)['id']}, 'd': {'slot_id': slot(12)['id']}}, {}, 4),
    ({'c': {'interconnect': 'pc'}}, {}, 3),
    ({'new': {'previous_name': 'a'}}, {}, 2),
    ({'a': {'slot': SITE}, 'c': {'slot': {**SITE, 'facility': 'none'}}}, {}, 2),
    ({'a': {'slot': SITE}, 'c': {'slot': SITE}}, {'steps': ['interconnect']}, 3),
    ({'a': {}, 'b': {}}, {'steps': ['cni']}, 2),
    ({'a': {}}, {'state': 'deleted'}, 1),
])
def test_a_rollout_warns_of_the_circuits_that_a_site_has_after_it(circuits, options, number):
    assert needs(circuits, f'{number}G', **options) == []
    (text,) = needs(circuits, f'{number + 1}G', **options)
    assert text.startswith(f'site_demand: ewr-a needs {number + 1}G to Cloudflare, but has {number} circuit')


def test_the_status_warns_of_all_circuits_of_a_site_whichever_are_named():
    warned = []
    for demand in ('3G', '4G'):
        status_info(dict(HEALTHY), warned.append, conduit_name='nyc-1', site_demand={'ewr-a': demand})
    assert warned == [f'site_demand: ewr-a needs 4G to Cloudflare, but has 3 circuits for 3G: {LIMIT}']


# Maintenance, and a change.

EWR = {'site': 'ewr-a', 'healthy': 2, 'devices': 2, 'facilities': None}


@pytest.mark.parametrize(('options', 'text'), [
    ({'under_maintenance': ['nyc-1']}, ''),  # b and c remain
    ({'under_maintenance': ['c']}, 'ewr-a: 1 of 2 devices (under maintenance: c)'),
    ({'under_maintenance': ['nyc-1', 'nyc-2']}, 'ewr-a: 1 of 2 healthy, 1 of 2 devices (under maintenance: a, b)'),
    ({'under_maintenance': ['g']}, ''),
])
def test_what_is_under_maintenance_does_not_count(options, text):
    verdict = status_info(dict(HEALTHY), expect=[EWR], **options)['verdict']
    assert (verdict['met'], verdict['text']) == (not text, text or 'as expected')


def test_what_is_down_and_under_maintenance_is_only_down():
    verdict = status_info({**HEALTHY, 'a': 'Down', 'b': 'Down'}, expect=[EWR], under_maintenance=['a'])['verdict']
    assert (verdict['text'], verdict['sites'][0]['under_maintenance']) == ('ewr-a: 1 of 2 healthy, 1 of 2 devices', [])


def test_announced_maintenance_is_read_for_so_many_days_and_shown():
    alert = {'id': '1', 'sent': '2026-11-02T09:30:00Z', 'alert_type': 'cni_maintenance_notification', 'alert_body': 'edge02.ewr-a is down'}
    result = status_info(dict(HEALTHY), alerts=[alert], maintenance_days=7, under_maintenance=['nyc-1'], expect=[EWR])
    assert result['maintenance'] == [
        {'interconnect': 'a', 'conduit_names': ['nyc-1'], 'source': 'option', 'sent': None, 'text': None},
        {'interconnect': 'c', 'conduit_names': [], 'source': 'alert', 'sent': alert['sent'], 'text': alert['alert_body']}]
    assert result['verdict']['text'] == 'ewr-a: 1 of 2 healthy, 1 of 2 devices (under maintenance: a, c)'


def test_a_change_regards_the_whole_site_and_the_task_what_is_named():
    result = status_info({**HEALTHY, 'b': 'Down'}, conduit_names=['nyc-1'], change='nyc-1')
    assert [status['interconnect'] for status in result['statuses']] == ['a']
    assert result['change']['text'] == 'no go: others at site ewr-a do not carry its traffic: nyc-2 (Down), nyc-0 (Down)'


def test_a_gate_fails_on_no_go_with_all_reasons():
    with pytest.raises(ExpectationError) as error:
        status_info({**HEALTHY, 'b': 'Down'}, expect=[{**EWR, 'healthy': 3}], change='nyc-1', enforce=True)
    assert str(error.value) == ('expect is not met: ewr-a: 2 of 3 healthy. '
                                'no go: others at site ewr-a do not carry its traffic: nyc-2 (Down), nyc-0 (Down).')
    assert (error.value.outcome['change']['go'], error.value.outcome['verdict']['met']) == (False, False)
    assert status_info(dict(HEALTHY), change='nyc-1', enforce=True)['change']['go']


@pytest.mark.parametrize(('options', 'option'), [
    ({'change': 'lon-1'}, 'change'), ({'under_maintenance': ['nyc-1', 'lon-1']}, 'under_maintenance'),
    ({'site_demand': {'ewr-a': 'much'}}, 'site_demand')])
def test_a_name_that_there_is_not_is_no_maintenance_and_no_change(options, option):
    with pytest.raises(InputError) as error:
        status_info(dict(HEALTHY), **options)
    assert error.value.details['option'] == option


@pytest.mark.parametrize(('options', 'names'), [
    ({}, None), ({'maintenance_days': 1}, []), ({'under_maintenance': ['nyc-1']}, ['a']),
])
def test_maintenance_is_in_the_result_if_it_was_looked_for(options, names):
    result = status_info(dict(HEALTHY), **options)
    assert result.get('maintenance') == names if names is None else [entry['interconnect'] for entry in result['maintenance']] == names


def test_no_alerts_are_read_for_no_days():
    with pytest.raises(InputError, match=r'^maintenance_days: 0 is not valid\. Allowed: days, 1 or more\.$'):
        status_info(dict(HEALTHY), maintenance_days=0)


@pytest.mark.parametrize(('options', 'read'), [({'interconnect': 'c'}, 'c'), ({'interconnect': 'c', 'change': 'nyc-1'}, 'abc')])
def test_no_status_is_read_that_is_not_needed(options, read):
    status_info(dict.fromkeys(read, 'Healthy'), **options)  # which knows no other


def test_the_traffic_of_each_tunnel_is_in_its_status_if_it_is_asked_for():
    def graphql(body):
        rows = [{'sum': {'bits': 7}, 'dimensions': {'tunnelName': 'c'}}]
        settings = {'magicTransitTunnelTrafficAdaptiveGroups': {'enabled': True}}
        node = {'settings': settings} if 'settings' in body['query'] else {'bits_in': rows, 'bits_out': []}
        return answer({'data': {'viewer': {'accounts': [node]}}, 'errors': None})

    plain = status_info(dict(HEALTHY), interconnects=['a', 'c'])['statuses']
    found = status_info(dict(HEALTHY), interconnects=['a', 'c'], traffic=True, graphql=graphql)['statuses']
    traffic = [status.pop('traffic') for status in found]
    assert (traffic[0], traffic[1]['bits_in'], found) == (None, 7, plain)


def test_a_status_is_known_though_the_traffic_is_not():
    warnings = []
    result = status_info(dict(HEALTHY), warnings.append, interconnects=['a', 'c'], traffic=True, graphql=lambda _body: refusal(403))
    assert [(status['state'], status['traffic']) for status in result['statuses']] == [('Healthy', None)] * 2
    (warning,) = warnings
    assert warning.startswith('The traffic is not known. ') and '/graphql' in warning
