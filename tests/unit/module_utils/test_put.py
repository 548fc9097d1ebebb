# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates of many objects by one request, against scripted answers: what is sent, and what becomes of each of them."""

from __future__ import annotations

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import apply_chains
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import NotAppliedError, TransportError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import plan_chains
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._put import validate_updates
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, ROUTE, TUNNEL, UNKNOWN

from .scripted import Script, answer, refusal
from .test_plan import cni, direct, snapshot, uuid

TUNNELS, ROUTES = '/magic/cf_interconnects', '/magic/routes'
LIST, PUT = ('GET', TUNNELS), ('PUT', TUNNELS)


def tunnel(number, rate='mid', **more):
    return {'id': f't{number}', 'name': f'port-{number}', 'virtual_port_reservation_id': uuid(1000 + number),
            'health_check': {'enabled': True, 'rate': rate, 'newer': number, 'target': {'saved': '', 'effective': '192.0.2.1'}}, **more}


def route(number, **more):
    return {'id': f'r{number}', 'prefix': f'10.{number}.0.0/16', 'nexthop': '172.31.0.1', 'priority': 100, 'created_on': 'x', **more}


def tunnels(*objects):
    return answer({'success': True, 'result': {'interconnects': objects}})


def done(*objects):
    return answer({'success': True, 'result': {'modified': True, 'modified_interconnects': objects}})


def single(key, obj):
    return answer({'success': True, 'result': {key: obj}})


def alone(number, rate='high'):
    """What one tunnel answers that is read, and put by itself."""
    return single('interconnect', tunnel(number)), single('modified_interconnect', tunnel(number, rate))


def rates(*numbers, rate='high', just_created=False):
    """A chain for each tunnel, which sets its rate."""
    current = snapshot(interconnects=[direct(f'port-{n}', n) for n in numbers], tunnels=[tunnel(n) for n in numbers])
    chains = plan_chains([[desired_object(TUNNEL, {'interconnect': f'port-{n}', 'rate': rate})] for n in numbers], current)
    return [[change._replace(just_created=just_created) for change in chain] for chain in chains]


def run(script, chains, **options):
    """(the results, what was sent) of chains that are written one after the other."""
    return apply_chains(script.client(), chains, **options), script.requests()


def stored(results):
    return [[change.answer for change in result.written] for result in results]


def test_several_health_checks_are_read_and_put_by_one_request_each():
    script = Script(tunnels(tunnel(1), tunnel(2, newest=7), tunnel(3)), done(tunnel(2, 'high'), tunnel(1, 'high')))
    ended = []
    results, sent = run(script, rates(1, 2), on_end=ended.append)
    assert (sent, ended) == ([LIST, PUT], [0, 1])
    assert script.sent[1]['headers']['x-magic-new-hc-target'] == 'true'
    checks = [{'enabled': True, 'rate': 'high', 'newer': number, 'target': {'saved': ''}} for number in (1, 2)]
    items = [{'health_check': check, 'id': f't{number}'} for number, check in enumerate(checks, 1)]
    assert script.sent[1]['body'] == {'interconnects': items}
    assert [result.error for result in results] == [None, None]
    assert stored(results) == [[tunnel(1, 'high')], [tunnel(2, 'high')]]


def test_one_alone_goes_by_itself():
    _results, sent = run(Script(*alone(1)), rates(1))
    assert sent == [('GET', f'{TUNNELS}/t1'), ('PUT', f'{TUNNELS}/t1')]


def test_two_circuits_on_one_port_are_no_several():
    (chain,) = rates(1)
    _results, sent = run(Script(*alone(1), *alone(1)), [chain, chain])
    assert sent == [('GET', f'{TUNNELS}/t1'), ('PUT', f'{TUNNELS}/t1')] * 2


def test_what_this_run_has_created_is_put_without_a_read():
    script = Script(done(tunnel(1, 'high'), tunnel(2, 'high')))
    results, sent = run(script, rates(1, 2, just_created=True))
    assert (sent, stored(results)) == ([PUT], [[tunnel(1, 'high')], [tunnel(2, 'high')]])


def test_what_somebody_changed_since_the_plan_stays():
    changed = tunnel(1)
    changed['health_check'] = {**changed['health_check'], 'enabled': False, 'target': {'saved': '192.0.2.9'}}
    script = Script(tunnels(changed, tunnel(2)), done(tunnel(1, 'high'), tunnel(2, 'high')))
    run(script, rates(1, 2))
    first = script.sent[1]['body']['interconnects'][0]
    assert first['health_check'] == {'enabled': False, 'rate': 'high', 'newer': 1, 'target': {'saved': '192.0.2.9'}}


def test_a_request_has_a_hundred_objects_at_most():
    numbers = range(1, 251)
    script = Script(tunnels(*map(tunnel, numbers)), *[lambda request: done(*(tunnel(int(item['id'][1:]), 'high')
                                                                             for item in request['body']['interconnects']))] * 3)
    results, sent = run(script, rates(*numbers))
    assert sent == [LIST, PUT, PUT, PUT]
    assert sorted(len(request['body']['interconnects']) for request in script.sent[1:]) == [50, 100, 100]
    assert stored(results) == [[tunnel(number, 'high')] for number in numbers]


@pytest.mark.parametrize('refused', [refusal(status, 1, 'no') for status in (400, 403, 404, 405, 409)], ids=lambda reply: reply.status)
def test_what_the_api_refuses_is_put_one_by_one_and_each_by_itself_shows_what_is_wrong(refused):
    script = Script(tunnels(tunnel(1), tunnel(2)), refused, alone(1)[0], refusal(400, 7, 'not this one'), *alone(2))
    (first, second), sent = run(script, rates(1, 2))
    assert sent == [LIST, PUT, *[(method, f'{TUNNELS}/t{number}') for number in (1, 2) for method in ('GET', 'PUT')]]
    assert (first.error.codes, first.written, second.error) == ([7], [], None)
    assert second.written[0].answer == tunnel(2, 'high')


@pytest.mark.parametrize('lost', [
    [TransportError('tls', 'PUT', '/x', 'cause')], [refusal(503)] * 5, [answer(status=204, body=b'')],
    [answer({'success': True, 'result': {}})], [answer({'success': True, 'result': {'modified_interconnects': None}})],
    [answer(body=b'<html>')] * 5,
    [done(tunnel(1), tunnel(2))], [done({'id': 7, 'health_check': {'rate': []}}, {})], [answer({'modified_interconnects': [1]})],
], ids=['tls', '503', '204', 'nothing', 'null', 'html', 'as before', 'unreadable', 'no objects'])
def test_after_a_lost_answer_the_list_shows_what_was_done_and_only_the_rest_is_put_again(lost):
    script = Script(tunnels(tunnel(1), tunnel(2)), *lost, tunnels(tunnel(1, 'high'), tunnel(2)), *alone(2))
    results, sent = run(script, rates(1, 2))
    assert sent == [LIST, *[PUT] * len(lost), LIST, ('GET', f'{TUNNELS}/t2'), ('PUT', f'{TUNNELS}/t2')]
    assert stored(results) == [[tunnel(1, 'high')], [tunnel(2, 'high')]]


def test_an_object_of_the_answer_that_can_not_be_read_hides_none_after_it():
    script = Script(tunnels(tunnel(1), tunnel(2)), done({'id': 7, 'health_check': {'rate': []}}, tunnel(1, 'high'), tunnel(2, 'high')))
    results, sent = run(script, rates(1, 2))
    assert (sent, stored(results)) == ([LIST, PUT], [[tunnel(1, 'high')], [tunnel(2, 'high')]])


def test_what_the_api_did_a_part_of_is_done_for_the_others_one_by_one():
    script = Script(tunnels(tunnel(1), tunnel(2)), done(tunnel(1, 'high')), tunnels(tunnel(1, 'high'), tunnel(2)), *alone(2))
    results, sent = run(script, rates(1, 2))
    assert (sent[2:], stored(results)) == ([LIST, ('GET', f'{TUNNELS}/t2'), ('PUT', f'{TUNNELS}/t2')],
                                           [[tunnel(1, 'high')], [tunnel(2, 'high')]])


def test_a_field_that_did_not_take_fails_its_own_circuit_by_name():
    script = Script(tunnels(tunnel(1), tunnel(2)), done(tunnel(1), tunnel(2, 'high')), tunnels(tunnel(1), tunnel(2, 'high')),
                    *alone(1, 'mid'), single('interconnect', tunnel(1)))
    (first, second), _sent = run(script, rates(1, 2))
    assert isinstance(first.error, NotAppliedError)
    assert first.error.details['fields'] == {'rate': {'have': 'mid', 'want': 'high'}}
    assert (second.error, second.written[0].answer) == (None, tunnel(2, 'high'))


@pytest.mark.parametrize('reads', [
    [refusal(403)], [tunnels(tunnel(2))], [tunnels({**tunnel(1), 'health_check': {'rate': []}}, tunnel(2))],
], ids=['no list', 'one is gone', 'one is unreadable'])
def test_where_the_list_does_not_show_them_they_go_one_by_one(reads):
    script = Script(*reads, *alone(1), *alone(2))
    results, sent = run(script, rates(1, 2))
    assert (sent[1:], [len(result.written) for result in results]) == (
        [(method, f'{TUNNELS}/t{number}') for number in (1, 2) for method in ('GET', 'PUT')], [1, 1])


def test_a_list_that_fails_after_the_write_loses_nothing_of_it():
    script = Script(tunnels(tunnel(1), tunnel(2)), done(tunnel(1, 'high')), refusal(403), *alone(2))
    results, _sent = run(script, rates(1, 2))
    assert stored(results) == [[tunnel(1, 'high')], [tunnel(2, 'high')]]


# In the order of the chains.

def routed(number, priority=7):
    """A chain: an MTU, a rate, then the priority of a route, and a new route."""
    current = cni(number, f'c{number}', f'port-{number}')
    link = Change(CNI, 'update', f'cni {number}', current, {**current, 'magic': {**current['magic'], 'mtu': 1400}}, ('magic.mtu',))
    (check,) = rates(number)[0]
    changed = Change(ROUTE, 'update', f'route {number}', route(number), route(number, priority=priority), ('priority',))
    new = Change(ROUTE, 'create', f'new {number}', None, {**route(None, prefix=f'10.{number}.9.0/24'), 'id': 'x'},
                 ('prefix', 'nexthop', 'priority'))
    return [link, check, new, changed]


def link_done(number):
    current = cni(number, f'c{number}', f'port-{number}')
    return answer(current), answer({**current, 'magic': {**current['magic'], 'mtu': 1400}})


def test_they_come_behind_what_comes_before_them_in_all_chains_and_before_what_depends_on_them():
    made = [route(number, prefix=f'10.{number}.9.0/24', id=f'n{number}') for number in (1, 2)]
    script = Script(
        *link_done(1), *link_done(2), tunnels(tunnel(1), tunnel(2)), done(tunnel(1, 'high'), tunnel(2, 'high')),
        *(single('route', obj) for obj in made), answer({'routes': [route(1, weight=3), route(2)]}),
        answer({'modified_routes': [route(1, priority=7, weight=3), route(2, priority=7)]}), answer({'routes': made}),
    )
    results, sent = run(script, [routed(1), routed(2)])
    assert [result.error for result in results] == [None, None]
    assert sent[4:10] == [LIST, PUT, ('POST', ROUTES), ('POST', ROUTES), ('GET', ROUTES), ('PUT', ROUTES)]
    bodies = [{name: value for name, value in route(number, priority=7).items() if name != 'created_on'} for number in (1, 2)]
    assert script.sent[9]['body'] == {'routes': [{**bodies[0], 'weight': 3}, bodies[1]]}
    assert [[change.label for change in result.written] for result in results] == [
        [f'cni {n}', f'health check interconnect=port-{n}', f'new {n}', f'route {n}'] for n in (1, 2)]


def test_a_chain_that_has_failed_is_not_among_them():
    script = Script(refusal(403), *link_done(2), *alone(2))
    chains = [[change for change in routed(number) if change.row is not ROUTE] for number in (1, 2)]
    (first, second), sent = run(script, chains)
    assert (first.error.status, second.error, first.written) == (403, None, [])
    assert sent[3:] == [('GET', f'{TUNNELS}/t2'), ('PUT', f'{TUNNELS}/t2')]


def test_with_fail_fast_one_that_changes_nothing_yet_is_not_begun_after_a_failure():
    kept = [[Change(CNI, 'none', f'cni {number}', {'id': number}, {'id': number}), *chain] for number, chain in enumerate(rates(2, 3), 2)]
    first = [change for change in routed(1) if change.row is not ROUTE]
    results, sent = run(Script(refusal(403)), [*kept, first], fail_fast=True)
    assert ([result.skipped for result in results], len(sent)) == ([True, True, False], 1)


def test_what_was_put_together_is_reported_of_a_chain_that_then_fails():
    chain = [Change(ROUTE, 'update', f'route {n}', route(n), route(n, priority=7), ('priority',)) for n in (1, 2)]
    routes = [route(1), route(2)]
    script = Script(answer({'routes': routes}), answer({'modified_routes': [route(2, priority=7)]}),
                    answer({'routes': [route(1), route(2, priority=7)]}), single('route', route(1)), refusal(400, 7, 'no'))
    ((result,), _sent) = run(script, [chain])
    assert (result.error.codes, [change.label for change in result.applied]) == ([7], ['route 2'])


# Validation.

VALIDATE = '?validate_only=true'


def validated(script, changes):
    """({label: the error of each that is refused}, what was sent)."""
    return {change.label: error for change, error in validate_updates(script.client(), changes)}, script.requests()


def updates(*numbers):
    return [change for chain in rates(*numbers) for change in chain]


def test_the_first_update_that_is_confirmed_is_read_before_the_others_are_validated():
    script = Script(done(), single('interconnect', tunnel(1)), done(), done())
    errors, sent = validated(script, updates(1, 2, 3))
    assert (errors, sent[:2]) == ({}, [('PUT', f'{TUNNELS}/t1{VALIDATE}'), ('GET', f'{TUNNELS}/t1')])
    assert sorted(sent[2:]) == [('PUT', f'{TUNNELS}/t2{VALIDATE}'), ('PUT', f'{TUNNELS}/t3{VALIDATE}')]
    assert script.sent[0]['body'] == {'health_check': {'enabled': True, 'rate': 'high', 'newer': 1, 'target': {'saved': ''}}}
    assert script.sent[0]['headers']['x-magic-new-hc-target'] == 'true'


def test_each_that_is_refused_says_so_whether_before_or_after_the_first_that_is_confirmed():
    script = Script(refusal(400, 7, 'no'), done(), single('interconnect', tunnel(2)), refusal(400, 8, 'nor this'))
    errors, sent = validated(script, updates(1, 2, 3))
    assert {label: error.codes for label, error in errors.items()} == {
        'health check interconnect=port-1': [7], 'health check interconnect=port-3': [8]}
    assert all(error.notes[-1] == 'This was a validation: nothing was written.' for error in errors.values())
    assert [method for method, _url in sent] == ['PUT', 'PUT', 'GET', 'PUT']


def test_a_service_that_writes_what_it_is_to_validate_is_sent_nothing_else():
    script = Script(done(), single('interconnect', tunnel(1, 'high')))
    errors, sent = validated(script, updates(1, 2, 3))
    ((label, error),) = errors.items()
    assert (label, error.kind, [change.label for change in error.applied], len(sent)) == (
        'health check interconnect=port-1', 'validation', ['health check interconnect=port-1'], 2)


def test_where_nobody_can_see_whether_it_was_written_nothing_else_is_sent():
    errors, sent = validated(Script(done(), refusal(403)), updates(1, 2))
    ((label, error),) = errors.items()
    assert (label, error.status, len(sent)) == ('health check interconnect=port-1', 403, 2)
    assert 'not known whether health check interconnect=port-1 was only validated' in str(error)


def test_what_cloudflare_documents_no_validation_for_and_what_is_not_there_yet_is_never_sent():
    (check,) = updates(1)
    link, _check, new, _changed = routed(1)
    later = check._replace(after={**check.after, 'id': UNKNOWN})
    others = [check._replace(action='none'), check._replace(action='note'), Change(ROUTE, 'delete', 'x', route(1), None)]
    assert validated(Script(), [link, new, later, *others]) == ({}, [])
