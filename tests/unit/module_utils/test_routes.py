# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static routes: the plan as tables, and what is sent as scripts."""

from __future__ import annotations

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import apply_chains, apply_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change, follow_up_of, schedule, split_follow_ups
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import desired_chain, gathered_circuits
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AmbiguousError,
    ApiError,
    DriftError,
    InputError,
    NotAppliedError,
    NotListedError,
    ProtectedError,
    RaceError,
    ShapeError,
    TransportError,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import filtered_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._guards import Guards, allowed_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Unreadable
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import plan_chains, plan_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, ROUTE, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout_plan import RolloutPlan
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Unread
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import sort_key_of_route

from .scripted import Script, answer, refusal
from .test_plan import SLOTS, Whole, cni, direct, slot, steps, tunnel, uuid
from .test_plan import snapshot as plan_snapshot

ROUTES = '/magic/routes'
EAST, WEST = {'colo_regions': ['ENAM']}, {'colo_names': ['lax01', 'sjc01']}
OFFICES = {'prefix': '10.20.0.0/16', 'nexthop': '172.31.0.1'}


def route(ident='r1', **more):
    return {'id': ident, **OFFICES, 'priority': 100, **more}


def snapshot_of(*routes, cnis=(), unreadable=()):
    return Whole({('route', None): [*routes, *unreadable], ('cni', None): cnis})


def unreadable(**more):
    return Unreadable(route('bad', **more), ShapeError('GET', ROUTES, 200, 'no', [name for name, value in more.items() if value is None]))


def decide(options, current):
    return plan_changes([desired_object(ROUTE, {**OFFICES, **options})], current)


# What is found, and what has to change.

@pytest.mark.parametrize(('options', 'routes', 'action', 'named'), [
    ({}, [], 'create', {'prefix', 'nexthop', 'priority'}),
    ({}, [route()], 'none', set()),
    ({'nexthop': '172.31.0.1/31', 'prefix': '10.20.0.0/255.255.0.0'}, [route()], 'none', set()),
    ({'nexthop': '172.31.0.3'}, [route()], 'create', {'prefix', 'nexthop', 'priority'}),
    ({'prefix': '10.20.0.0/17'}, [route()], 'create', {'prefix', 'nexthop', 'priority'}),
    ({'priority': 200}, [route()], 'update', {'priority'}),
    ({'weight': 1}, [route(priority=7)], 'update', {'weight'}),
    ({'description': ''}, [route()], 'update', {'description'}),
    ({}, [route(scope=EAST)], 'none', set()),
    ({'scope': EAST}, [route()], 'create', {'prefix', 'nexthop', 'priority', 'scope'}),
    ({'scope': {}}, [route(scope={'colo_regions': [], 'colo_names': None})], 'none', set()),
    ({'id': 'r1', 'scope': EAST}, [route(), route('r2', scope=WEST)], 'update', {'scope'}),
    ({'scope': {**EAST, 'colo_names': None}}, [route(scope=EAST), route('r2')], 'none', set()),
    ({'scope': {'colo_names': ['sjc01', 'lax01']}}, [route(scope=WEST)], 'none', set()),
    ({'scope': WEST}, [route(scope=EAST)], 'create', {'prefix', 'nexthop', 'priority', 'scope'}),
    ({'scope': WEST}, [route(scope=EAST), route('r2')], 'create', {'prefix', 'nexthop', 'priority', 'scope'}),
    ({'scope': {}}, [route(scope=EAST), route('r2')], 'none', set()),
    ({'scope': {}, 'priority': 1}, [route(scope=EAST)], 'create', {'prefix', 'nexthop', 'priority', 'scope'}),
    ({'id': 'r2', 'nexthop': '172.31.0.9'}, [route(), route('r2', nexthop='172.31.0.3')], 'update', {'nexthop'}),
    ({'state': 'absent'}, [route()], 'delete', set()),
    ({'state': 'absent'}, [], 'none', set()),
    ({'state': 'absent', 'scope': WEST}, [route(scope=EAST)], 'none', set()),
    ({'state': 'absent', 'scope': EAST}, [route(scope=EAST), route('r2')], 'delete', set()),
], ids=str)
def test_a_route_is_found_by_prefix_and_next_hop_and_by_scope_among_several(options, routes, action, named):
    (change,) = decide(options, snapshot_of(*routes))
    assert (change.action, {*change.paths}) == (action, named)


def test_a_new_route_has_the_priority_of_bgp_unless_another_is_given():
    assert decide({}, snapshot_of())[0].after == {'id': UNKNOWN, **OFFICES, 'priority': 100}
    assert decide({'priority': 0, 'weight': 256}, snapshot_of())[0].after == {'id': UNKNOWN, **OFFICES, 'priority': 0, 'weight': 256}


def test_two_of_one_prefix_and_next_hop_are_an_error_that_lists_them():
    with pytest.raises(AmbiguousError, match=r'r1, r2\. Name one of them by scope, or by id'):
        decide({'priority': 5}, snapshot_of(route(scope=EAST), route('r2', scope=WEST)))
    with pytest.raises(AmbiguousError, match='r1, r2'):
        decide({'scope': {}}, snapshot_of(route(), route('r2')))


@pytest.mark.parametrize(('options', 'option', 'words'), [
    ({'prefix': '10.0.0.0/33'}, 'prefix', 'IPv4 prefixes such as'),
    ({'prefix': '2001:db8::/32'}, 'prefix', 'IPv4 prefixes such as'),
    ({'nexthop': 'nyc-1'}, 'nexthop', 'an IPv4 address such as'),
    ({'nexthop': '2001:db8::1'}, 'nexthop', 'an IPv4 address such as'),
    ({'priority': -1}, 'priority', 'from 0 to 2147483647'),
    ({'weight': 0}, 'weight', 'from 1 to 256'),
    ({'weight': 257}, 'weight', 'from 1 to 256'),
])
def test_what_a_route_can_not_be_is_refused_by_name(options, option, words):
    with pytest.raises(InputError, match=words) as error:
        desired_object(ROUTE, {**OFFICES, **options})
    assert error.value.details['option'] == option


def test_host_bits_are_cleared_with_a_warning():
    desired = desired_object(ROUTE, {**OFFICES, 'prefix': '10.20.1.0/16'})
    assert (desired.fields['prefix'], desired.warnings) == ('10.20.0.0/16', (
        'prefix: 10.20.1.0/16 has host bits set; 10.20.0.0/16 is used.',))


def test_an_address_in_place_of_a_prefix_is_one_host_with_a_warning():
    desired = desired_object(ROUTE, {**OFFICES, 'prefix': '10.20.0.0'})
    assert (desired.fields['prefix'], desired.warnings) == ('10.20.0.0/32', (
        'prefix: 10.20.0.0 has no prefix length; 10.20.0.0/32 is used.',))
    assert desired_object(ROUTE, {**OFFICES, 'prefix': '10.20.0.0/32'}).warnings == ()


def test_the_warnings_of_a_circuit_name_the_place_of_the_option():
    circuit = {'name': 'nyc-1', 'tunnel': {'mtu': 830}, 'health_check': {'rate': 'mid'},
               'routes': [{'prefix': '10.0.0.0/8'}, {'prefix': '10.1.0.0/8'}]}
    assert [text.partition(':')[0] for desired in desired_chain(circuit) for text in desired.warnings] == ['tunnel.mtu', 'routes[1].prefix']


def test_an_id_that_there_is_not_is_refused():
    with pytest.raises(InputError, match=r"no static route 'r9' in this account\. There are: r1"):
        decide({'id': 'r9'}, snapshot_of(route()))


# The circuit as next hop.

def to_circuit(name='nyc-1', **more):
    return desired_object(ROUTE, {'prefix': '10.20.0.0/16', 'conduit_name': name, **more})


def test_the_next_hop_of_a_circuit_is_the_customers_end_of_its_link():
    current = snapshot_of(cnis=[cni(1, 'nyc-1', 'a')])
    assert plan_changes([to_circuit()], current)[0].after['nexthop'] == '172.31.0.1'
    assert steps(plan_changes([to_circuit()], snapshot_of(route(), cnis=[cni(1, 'nyc-1', 'a')]))) == [('none', 'route')]
    assert steps(plan_changes([to_circuit(state='absent')], snapshot_of(route(), cnis=[cni(1, 'nyc-1', 'a')]))) == [('delete', 'route')]


def test_a_circuit_that_there_is_not_is_refused_and_has_no_routes_to_delete():
    current = snapshot_of(route(), cnis=[cni(1, 'nyc-2', 'a', cust_ip='172.31.0.3/31')])
    with pytest.raises(InputError, match=r"conduit_name: there is no CNI 'nyc-1' in this account\. There are: nyc-2"):
        plan_changes([to_circuit()], current)
    assert steps(plan_changes([to_circuit(state='absent')], current)) == [('none', 'route')]


def test_a_circuit_without_an_address_is_waited_for():
    with pytest.raises(NotListedError, match='shows no cust_ip') as error:
        plan_changes([to_circuit()], snapshot_of(cnis=[{**cni(1, 'nyc-1', 'a'), 'cust_ip': None}]))
    assert (error.value.part, error.value.details['option']) == (('cni', None), 'conduit_name')


def test_a_circuit_whose_address_can_not_be_read_is_not_taken_for_absent():
    odd = Unreadable(cni(1, 'nyc-1', 'a'), ShapeError('GET', '/cni/cnis', 200, 'cust_ip of CNI is wrong', ['cust_ip']))
    with pytest.raises(ShapeError, match='cust_ip of CNI is wrong'):
        plan_changes([to_circuit(state='absent')], snapshot_of(cnis=[odd]))
    with pytest.raises(ShapeError, match='cust_ip of CNI is wrong'):
        plan_changes([to_circuit()], snapshot_of(cnis=[odd]))
    assert steps(plan_changes([to_circuit('nyc-2')], snapshot_of(cnis=[odd, cni(2, 'nyc-2', 'b')]))) == [('create', 'route')]


def test_the_same_route_twice_is_refused_and_two_of_a_prefix_are_not():
    current = snapshot_of(cnis=[cni(1, 'nyc-1', 'a'), cni(2, 'nyc-2', 'b', cust_ip='172.31.0.3/31')])
    errors = plan_chains([[to_circuit()], [to_circuit()], [to_circuit('nyc-2')], [to_circuit(scope=EAST)]], current)
    assert [str(error) for error in errors[:2]] == ["prefix: 'nyc-1, 10.20.0.0/16' is named twice."] * 2
    assert [change.action for (change,) in errors[2:]] == ['create', 'create']
    errors = plan_chains([[to_circuit(scope=WEST)], [to_circuit(scope=WEST)]], current)
    assert [str(error) for error in errors] == ["prefix: 'nyc-1, 10.20.0.0/16, colo_names lax01 colo_names sjc01' is named twice."] * 2
    errors = plan_chains([[desired_object(ROUTE, {'id': 'r1', 'priority': 7})] for _time in range(2)], current)
    assert [str(error) for error in errors] == ["id: 'r1' is named twice."] * 2


def test_a_route_that_can_not_be_read_may_be_the_one():
    for other in ({'nexthop': None}, {'prefix': None}, {'description': None}):
        with pytest.raises(ShapeError):
            decide({}, snapshot_of(unreadable=[unreadable(**other)]))
    assert steps(decide({}, snapshot_of(unreadable=[unreadable(nexthop='172.31.0.9', prefix=None)]))) == [('create', 'route')]
    assert steps(decide({}, snapshot_of(route(), unreadable=[unreadable(nexthop=None)]))) == [('none', 'route')]


def test_an_info_module_shows_what_prefix_next_hop_and_circuit_have_in_common():
    current = snapshot_of(route(), route('r2', nexthop='172.31.0.3'), route('r3', prefix='10.0.0.0/8'), cnis=[cni(1, 'nyc-1', 'a')])
    for keys, found in (({'prefix': '10.20.0.0/16'}, ['r1', 'r2']), ({'nexthop': '172.31.0.1/31'}, ['r1', 'r3']),
                        ({'conduit_name': 'nyc-1', 'prefix': '10.0.0.0/8'}, ['r3']), ({'conduit_name': 'none'}, [])):
        assert [obj['id'] for obj in filtered_objects(ROUTE, keys, {}, current)] == found


def test_routes_go_by_prefix_as_networks_do_and_by_priority():
    routes = [route('e', prefix='no prefix'), route('d', prefix='100.0.0.0/8'), route('c', prefix='9.0.0.0/8', priority=200),
              route('b', prefix='9.0.0.0/8'), route('a', prefix='8.0.0.0/7')]
    assert [obj['id'] for obj in sorted(routes, key=sort_key_of_route)] == ['a', 'b', 'c', 'd', 'e']


# Requests and answers.

def list_answer(*routes):
    return answer({'success': True, 'result': {'routes': list(routes)}})


def write(script, options=None, routes=()):
    return apply_changes(script.client(), decide(options or {}, snapshot_of(*routes)))[-1]


@pytest.mark.parametrize('shape', [lambda made: made, lambda made: {'routes': [made]}, lambda made: {'success': True, 'result': made},
                                   lambda made: {'success': True, 'result': {'routes': [made]}}], ids=['bare', 'list', 'route', 'routes'])
def test_a_new_route_is_sent_by_itself_and_its_answer_may_be_a_list(shape):
    script = Script(answer(shape(route())), list_answer(route()))
    assert write(script).answer == route()
    assert script.requests() == [('POST', ROUTES), ('GET', ROUTES)]
    assert script.sent[0]['body'] == {**OFFICES, 'priority': 100}


def test_an_answer_with_several_routes_is_none_and_the_route_is_looked_for():
    script = Script(answer({'routes': [route(), route('r2')]}), list_answer(route()), list_answer(route()))
    assert write(script).answer == route()
    assert [method for method, _url in script.requests()] == ['POST', 'GET', 'GET']


def test_a_change_sends_the_route_whole_with_what_nobody_knows_and_without_its_dates():
    current = route(created_on='2026-11-02T09:30:00Z', modified_on='2026-11-02T09:30:00Z', scope={**EAST, 'new': 1}, later='kept')
    stored = {**current, 'priority': 7}
    script = Script(answer({'success': True, 'result': {'route': current}}), answer({'result': {'modified': True, 'modified_route': stored},
                                                                                     'success': True}))
    assert write(script, {'priority': 7}, [route()]).answer == stored
    assert script.requests() == [('GET', f'{ROUTES}/r1'), ('PUT', f'{ROUTES}/r1')]
    assert script.sent[1]['body'] == {name: value for name, value in stored.items() if not name.endswith('_on')}


def test_what_did_not_take_is_reported_by_name():
    script = Script(answer(route()), answer({'modified_route': route()}), answer({'route': route()}))
    with pytest.raises(NotAppliedError, match='weight is None, requested 9'):
        write(script, {'weight': 9}, [route()])


@pytest.mark.parametrize('failure', [TransportError('dropped', 'POST', '/x', 'cause'), refusal(502), answer(body=b'')], ids=str)
def test_a_route_whose_answer_is_lost_is_looked_for_before_it_is_made_again(failure):
    script = Script(failure, list_answer(route('old', scope=WEST), route()), list_answer(route()))
    assert write(script, {'scope': {}}, [route('old', scope=WEST)]).answer == route()
    script = Script(failure, list_answer(), answer(route()), list_answer(route()))
    assert write(script).answer == route()
    assert [method for method, _url in script.requests()] == ['POST', 'GET', 'POST', 'GET']


def test_a_route_that_somebody_else_made_in_the_same_moment_is_adopted_and_gets_the_fields():
    script = Script(refusal(400, 1, 'there is such a route already'), list_answer(route(priority=5)), answer({'modified_route': route()}),
                    list_answer(route()))
    assert write(script).answer == route()
    assert [method for method, _url in script.requests()] == ['POST', 'GET', 'PUT', 'GET']


def write_follow_up(script):
    """Writes a route that was planned as a create behind a new interconnect, and planned again once that was there."""
    planned = Change(ROUTE, 'create', 'static route', None, route(), ('prefix', 'nexthop', 'priority'))
    return apply_changes(script.client(), plan_changes([follow_up_of(planned, ())], snapshot_of()))


def test_a_follow_up_that_somebody_else_made_in_the_same_moment_is_adopted_if_it_is_as_it_should_be():
    script = Script(refusal(400, 1, 'there is such a route already'), list_answer(route('theirs')), list_answer(route('theirs')))
    assert [change.answer for change in write_follow_up(script)] == [route('theirs')]
    assert [method for method, _url in script.requests()] == ['POST', 'GET', 'GET']


def test_a_follow_up_that_somebody_else_made_otherwise_is_not_changed_and_its_owner_is_named():
    script = Script(refusal(400, 1, 'there is such a route already'), list_answer(route('theirs', priority=5)))
    with pytest.raises(ApiError, match=r"someone else created static route 'theirs' there\. Run it again"):
        write_follow_up(script)
    assert [method for method, _url in script.requests()] == ['POST', 'GET']


@pytest.mark.parametrize('other', [{}, {'prefix': '10.20.0.0/255.255.0.0', 'nexthop': '172.31.0.1/31', 'scope': {'colo_names': []}}])
def test_of_two_runs_that_made_the_same_route_one_takes_its_own_back(other):
    script = Script(answer(route('r2')), list_answer(route('r1', **other), route('r2'), route('r3', scope=EAST)), answer({'deleted': True}))
    with pytest.raises(RaceError, match=r"nexthop '172\.31\.0\.1', prefix '10\.20\.0\.0/16' at the same moment"):
        write(script)
    assert script.requests()[-1] == ('DELETE', f'{ROUTES}/r2')


@pytest.mark.parametrize('other', [{'prefix': '10.20.0.0/17'}, {'nexthop': '172.31.0.3'}, {'scope': EAST}], ids=str)
def test_a_route_that_somebody_else_made_elsewhere_in_the_same_moment_leaves_the_own_one(other):
    script = Script(answer(route('r2')), list_answer(route('r1', **other), route('r2')))
    assert write(script).answer == route('r2')
    assert [method for method, _url in script.requests()] == ['POST', 'GET']


@pytest.mark.parametrize('ident', ['', '.', '..', None, []])
def test_nothing_can_make_the_delete_of_a_route_one_of_all_routes(ident):
    """DELETE on the collection empties the table of the account. What could lead there is left alone when it is read, and never sent."""
    script = Script(list_answer({**route(), 'id': ident}))
    (obj,) = read_objects(script.client(), 'route')
    assert isinstance(obj, Unreadable)
    change = Change(ROUTE, 'delete', 'static route', {**route(), 'id': ident}, None)
    with pytest.raises(ShapeError) as error:
        apply_changes(script.client(), [change])
    assert error.value.result()['error']['method'] == 'DELETE'
    assert [method for method, _url in script.requests()] == ['GET']


@pytest.mark.parametrize(('ident', 'sent'), [('?', '%3F'), ('/', '%2F'), ('r1/..', 'r1%2F..'), ('#', '%23'), ('%2e', '%252e')])
def test_the_id_of_a_route_is_data_in_its_path(ident, sent):
    script = Script(answer({'deleted': True}))
    apply_changes(script.client(), [Change(ROUTE, 'delete', 'static route', {**route(), 'id': ident}, None)])
    assert script.requests() == [('DELETE', f'{ROUTES}/{sent}')]


@pytest.mark.parametrize('status', [400, 409])
def test_a_route_that_was_refused_is_looked_for_until_the_list_shows_it(status):
    script = Script(refusal(status, 1, 'there is such a route already'), *[list_answer(route('r2', scope=EAST))] * 3,
                    *[list_answer(route('r1'))] * 2)
    changes = apply_changes(script.client(), decide({}, snapshot_of()))
    assert [change.answer['id'] for change in changes] == ['r1']
    assert [method for method, _url in script.requests()] == ['POST', *['GET'] * 5]


@pytest.mark.parametrize(('status', 'retryable'), [(400, False), (409, True)])
def test_a_route_that_was_refused_and_never_listed_is_the_refusal(status, retryable):
    script = Script(refusal(status, 1, 'no such next hop'), *[list_answer()] * 5)
    with pytest.raises(ApiError, match='no such next hop') as error:
        apply_changes(script.client(), decide({}, snapshot_of()))
    assert (error.value.retryable, 'does not list the conflicting object yet' in str(error.value)) == (retryable, retryable)


def surplus(current):
    """The changes of a circuit that gets another route."""
    return schedule(plan_changes(circuit(routes=[{'prefix': '10.40.0.0/16'}]), current))


def test_what_is_surplus_goes_once_a_route_that_somebody_else_made_is_adopted():
    made = route('r9', prefix='10.40.0.0/16')
    script = Script(refusal(400, 1, 'there is such a route already'), list_answer(FIRST, made), answer({'deleted': True}),
                    list_answer(made))
    created, deleted = apply_changes(script.client(), surplus(account(FIRST)))[-2:]
    assert (created.action, deleted.action, deleted.label) == ('create', 'delete', f'static route {FIRST["prefix"]} of nyc-1')
    assert [method for method, _url in script.requests()] == ['POST', 'GET', 'DELETE', 'GET']


def test_a_circuit_has_ended_only_when_its_surplus_routes_are_gone():
    script, ended = Script(answer(route('r9', prefix='10.40.0.0/16')), answer({'deleted': True}), list_answer()), []
    apply_chains(script.client(), [surplus(account(FIRST))], on_end=lambda number: ended.append(len(script.sent)))
    assert ended == [2]


def test_what_is_surplus_stays_where_the_new_route_is_refused():
    script = Script(refusal(400, 1, 'no such next hop'), *[list_answer(FIRST)] * 5)
    with pytest.raises(ApiError):
        apply_changes(script.client(), surplus(account(FIRST)))
    assert {method for method, _url in script.requests()[1:]} == {'GET'}


def test_a_route_that_somebody_makes_meanwhile_is_no_place_for_one_that_moves():
    (create,) = [change for change in plan_changes([MOVED], account(OLD)) if change.action == 'create']
    made = {**create.after, 'id': 'r9', 'priority': 7}
    script = Script(refusal(400, 1, 'there is such a route already'), list_answer(made))
    with pytest.raises(ApiError, match="Meanwhile someone else created static route 'r9' there"):
        apply_changes(script.client(), [create])
    assert [method for method, _url in script.requests()] == ['POST', 'GET']


# The routes of circuits.

def circuit(name='nyc-1', **more):
    return desired_chain({'name': name, **more})


def account(*routes, unreadable=(), **states):
    """Two circuits, nyc-1 on port a with the address .1, and nyc-2 on port b with .3, both of a site and Healthy."""
    ports = [direct('a', 1), direct('b', 2, device='edge02.ewr-a')]
    cnis = [cni(1, 'nyc-1', 'a'), cni(2, 'nyc-2', 'b', cust_ip='172.31.0.3/31', p2p_ip='172.31.0.2/31')]
    return plan_snapshot([*SLOTS, slot(8, site='lhr-a', device='edge01.lhr-a')], ports, cnis, [tunnel(1), tunnel(2)],
                         routes=[*routes, *unreadable], **{'a': 'Down', 'b': 'Healthy', **states})


def planned(chain, current):
    """(action, row, prefix) of the changes in the order of writing."""
    return [(change.action, change.row.name, (change.after or change.before).get('prefix'))
            for change in schedule(plan_changes(chain, current)) if change.action != 'none']


FIRST, SECOND = route('r1'), route('r2', prefix='10.30.0.0/16')
OTHERS = [route('r3', nexthop='172.31.0.3'), route('r4', nexthop='192.0.2.1')]


@pytest.mark.parametrize(('routes', 'expected'), [
    (None, []),
    ([{'prefix': '10.20.0.0/16'}, {'prefix': '10.30.0.0/16'}], []),
    ([{'prefix': '10.30.0.0/16', 'priority': 7}], [('update', 'route', '10.30.0.0/16'), ('delete', 'route', '10.20.0.0/16')]),
    ([{'prefix': '10.20.0.0/17'}], [('create', 'route', '10.20.0.0/17'), ('delete', 'route', '10.20.0.0/16'),
                                    ('delete', 'route', '10.30.0.0/16')]),
    ([], [('delete', 'route', '10.20.0.0/16'), ('delete', 'route', '10.30.0.0/16')]),
])
def test_a_list_of_routes_is_all_of_a_circuit_and_what_is_surplus_goes_last(routes, expected):
    assert planned(circuit(routes=routes), account(FIRST, SECOND, *OTHERS)) == expected


def test_a_route_of_a_circuit_without_a_scope_is_the_one_without_and_the_others_go():
    current = account(route('r1', scope=EAST), route('r2'))
    assert planned(circuit(routes=[{'prefix': '10.20.0.0/16'}]), current) == [('delete', 'route', '10.20.0.0/16')]
    changes = plan_changes(circuit(routes=[{'prefix': '10.20.0.0/16', 'scope': WEST}, {'prefix': '10.20.0.0/16', 'scope': EAST}]), current)
    assert [(change.action, (change.before or {}).get('id')) for change in changes if change.row is ROUTE] == [
        ('create', None), ('none', 'r1'), ('delete', 'r2')]


def test_a_route_with_a_scope_is_created_beside_the_one_without():
    changes = plan_changes(circuit(routes=[{'prefix': '10.20.0.0/16'}, {'prefix': '10.20.0.0/16', 'scope': EAST}]), account(FIRST))
    assert [(change.action, change.after.get('scope') or None) for change in changes if change.row is ROUTE] == [
        ('none', None), ('create', EAST)]


def test_a_route_that_cannot_be_read_may_be_the_one_with_the_scope_that_is_given():
    current = snapshot_of(route(scope=EAST), unreadable=[unreadable(scope=None)])
    with pytest.raises(ShapeError):
        decide({'scope': WEST}, current)
    assert [change.action for change in decide({'scope': EAST}, current)] == ['none']


def test_the_order_of_writing_is_interconnect_cni_health_check_routes():
    chain = circuit('new', slot={'site': 'lhr-a'}, health_check={'rate': 'high'}, routes=[{'prefix': '10.0.0.0/8'}])
    changes = schedule(plan_changes(chain, account()))
    assert steps(changes) == [('create', 'interconnect'), ('create', 'cni'), ('update', 'tunnel'), ('create', 'route')]
    first, follow_ups = split_follow_ups(changes)
    assert (steps(first), steps(follow_ups)) == (steps(changes[:2]), steps(changes[2:]))
    made = {**cni(9, 'new', 'p', cust_ip='172.31.0.9/31')}
    written = [first[0]._replace(answer=direct('p', 8)), first[1]._replace(answer=made)]
    follow_up = follow_up_of(follow_ups[1], written)
    assert (follow_up.row, follow_up.keys['prefix'], follow_up.keys['nexthop'], follow_up.fields['nexthop']) == (
        ROUTE, '10.0.0.0/8', '172.31.0.9', '172.31.0.9')


@pytest.mark.parametrize('chain', [
    [desired_object(CNI, {'conduit_name': 'nyc-1', 'state': 'absent'})],
    [desired_object(INTERCONNECT, {'name': 'a', 'conduit_name': 'nyc-1', 'state': 'absent'})],
    circuit(slot={'site': 'lhr-a'}, on_immutable='replace'),
], ids=['cni', 'interconnect', 'replaced'])
def test_the_routes_to_what_is_deleted_go_first_and_are_unnamed(chain):
    changes = schedule(plan_changes(chain, account(FIRST, SECOND, *OTHERS)))
    deletes = [change for change in changes if change.action == 'delete']
    assert [(change.before['id'], change.label) for change in deletes[:2]] == [
        ('r1', f'{ROUTE.title} 10.20.0.0/16'), ('r2', f'{ROUTE.title} 10.30.0.0/16')]
    assert [change.row.name for change in deletes[2:]] in (['cni'], ['cni', 'interconnect'])
    assert not any(change.pinned for change in deletes[:2])
    with pytest.raises(ProtectedError, match=r'^nyc-1: it is the next hop of routes that are not declared with it: '
                                             r'10\.20\.0\.0/16, 10\.30\.0\.0/16\. It is not deleted without force=true\.$') as error:
        allowed_changes(changes, Guards(), account(FIRST, SECOND, *OTHERS))
    assert error.value.details['candidates'] == ['10.20.0.0/16', '10.30.0.0/16']
    assert allowed_changes(changes, Guards(force=True), account(FIRST, SECOND, *OTHERS))


@pytest.mark.parametrize(('routes', 'made'), [(None, ['10.20.0.0/16', '10.30.0.0/16']), ([{'prefix': '10.20.0.0/16'}], ['10.20.0.0/16']),
                                              ([], [])])
def test_a_replacement_makes_its_routes_again_on_the_address_that_is_to_come(routes, made):
    chain = circuit(slot={'site': 'lhr-a'}, on_immutable='replace', routes=routes)
    changes = schedule(plan_changes(chain, account(route('r1', weight=9, scope=EAST), SECOND)))
    created = {change.row.name: [other for other in changes if other.row is change.row and other.action == 'create'] for change in changes}
    assert [change.after['prefix'] for change in created['route']] == made
    assert all(change.after['nexthop'] is created['cni'][0].after['cust_ip'] for change in created['route'])
    assert [change.label for change in created['route']] == [f'{ROUTE.title} {prefix} of nyc-1' for prefix in made]
    kept = [(change.after.get('weight'), change.after.get('scope') or None) for change in created['route']]
    assert kept == ([(9, EAST), (None, None)] if routes is None else [(None, None)] * len(made))
    assert all(change.pinned is (routes is not None) for change in changes if change.row is ROUTE and change.action == 'delete')


@pytest.mark.parametrize('routes', [None, [{'prefix': '10.20.0.0/16'}, {'prefix': '10.30.0.0/16'}]])
def test_routes_are_deleted_before_their_cni_gets_another_address_and_made_again_on_it(routes):
    chain, current = circuit(cust_ip='172.31.9.1/31', p2p_ip='172.31.9.0/31', routes=routes), account(FIRST, SECOND, *OTHERS)
    changes = [change for change in schedule(plan_changes(chain, current)) if change.action != 'none']
    assert [(change.action, (change.before or {}).get('id'), (change.after or {}).get('nexthop')) for change in changes] == [
        ('delete', 'r1', None), ('delete', 'r2', None), ('update', uuid(1), None), ('create', None, '172.31.9.1'),
        ('create', None, '172.31.9.1')]
    if routes is None:
        with pytest.raises(ProtectedError, match=r'^nyc-1: it is .*, 10\.30\.0\.0/16\. Its address is not changed without force'):
            allowed_changes(changes, Guards(), current)
    assert allowed_changes(changes, Guards(force=routes is None), current)


def test_the_diff_of_a_deleted_route_has_no_status_of_an_interconnect():
    changes = decide({'state': 'absent'}, snapshot_of(route()))
    assert allowed_changes(changes, Guards(), account(route())) == changes


def test_a_route_that_can_not_be_read_may_lead_to_what_is_to_be_deleted():
    chain = [desired_object(CNI, {'conduit_name': 'nyc-1', 'state': 'absent'})]
    with pytest.raises(ShapeError):
        plan_changes(chain, account(unreadable=[unreadable(nexthop=None)]))
    with pytest.raises(ShapeError):
        plan_changes(circuit(routes=[]), account(unreadable=[unreadable(nexthop='172.31.0.1', prefix=None)]))
    assert planned(chain, account(unreadable=[unreadable(nexthop='192.0.2.9', prefix=None)])) == [('delete', 'cni', None)]


def test_routes_are_read_only_where_they_are_asked_for_or_something_is_deleted():
    current = account(FIRST)
    current.drop_part(('route', None))
    assert planned(circuit(mtu=1400), current) == [('update', 'cni', None)]
    for chain in (circuit(routes=[]), [desired_object(CNI, {'conduit_name': 'nyc-1', 'state': 'absent'})],
                  circuit(cust_ip='172.31.9.1/31', p2p_ip='172.31.9.0/31')):
        with pytest.raises(Unread) as error:
            plan_changes(chain, current)
        assert error.value.parts == (('route', None),)


@pytest.mark.parametrize(('circuits', 'state', 'options', 'ended'), [
    ([{'name': 'nyc-1'}], 'deleted', {}, 'failed'),
    ([{'name': 'nyc-1', 'routes': []}], 'deleted', {}, 'deleted'),
    ([{'name': 'nyc-2'}], 'overridden', {}, 'failed'),
    ([{'name': 'nyc-2'}], 'overridden', {'purge_routes': True}, 'deleted'),
    ([{'name': 'nyc-1'}], 'deleted', {'purge_routes': True}, 'failed'),
    ([{'name': 'nyc-1', 'routes': []}], 'merged', {}, 'updated'),
    ([{'name': 'nyc-1', 'routes': [{'prefix': '10.20.0.0/16'}]}], 'merged', {}, 'unchanged'),
    ([{'name': 'nyc-1', 'routes': [{'prefix': '10.0.0.0/8'}, {'prefix': '10.20.0.0/16'}]}], 'merged', {}, 'updated'),
])
def test_what_becomes_of_a_circuit_with_a_route(circuits, state, options, ended):
    rollout = RolloutPlan(circuits, state, Guards(max_deletes=1), **options)
    outcomes = {outcome.name: outcome for outcome in rollout.plan_outcomes(account(FIRST, *OTHERS))}
    assert outcomes['nyc-1'].state == ended
    if ended == 'failed':
        assert outcomes['nyc-1'].result.error.kind == 'protected'


def test_one_of_a_site_at_a_time_holds_for_routes_too():
    circuits = [{'name': name, 'routes': []} for name in ('nyc-1', 'nyc-2')]
    rollout = RolloutPlan(circuits, 'merged', Guards(at_most_per_site=1))
    current = account(FIRST, route('r9', nexthop='172.31.0.3'), a='Healthy')
    assert [outcome.state for outcome in rollout.plan_outcomes(current)] == ['updated', 'deferred']


def test_gathered_circuits_have_their_routes_by_prefix_and_what_can_not_be_read_is_left_out():
    current = account(SECOND, route('r1', scope={'colo_names': ['den01'], 'colo_regions': [], 'new': 1}, description='', weight=3), *OTHERS,
                      unreadable=[unreadable(nexthop=None)])
    routes = {circuit['name']: circuit.get('routes') for circuit in gathered_circuits(current)}
    assert routes == {'nyc-1': [{'prefix': '10.20.0.0/16', 'priority': 100, 'weight': 3, 'scope': {'colo_names': ['den01']}},
                                {'prefix': '10.30.0.0/16', 'priority': 100}], 'nyc-2': [{'prefix': '10.20.0.0/16', 'priority': 100}]}
    assert gathered_circuits(account())[0].keys() == {'name', 'interconnect', 'mtu', 'cust_ip', 'p2p_ip'}


@pytest.mark.parametrize(('route', 'option'), [({'prefix': 'all'}, 'routes[1].prefix'), ({'prefix': '10.0.0.0/8', 'weight': 0},
                                                                                         'routes[1].weight')])
def test_what_a_route_of_a_circuit_can_not_be_is_refused_by_its_place(route, option):
    with pytest.raises(InputError) as error:
        circuit(routes=[{'prefix': '10.1.0.0/16'}, route])
    assert (error.value.details['option'], error.value.message.startswith(f'{option}: ')) == (option, True)


MOVED = desired_object(CNI, {'id': uuid(1), 'cust_ip': '10.9.8.1/31', 'p2p_ip': '10.9.8.0/31'})
OLD = route('r1', weight=9, scope=EAST, description='offices')


@pytest.mark.parametrize(('fields', 'action'), [
    ({'scope': EAST, 'weight': 9, 'description': 'offices'}, 'none'),
    ({}, 'create'),
    ({'scope': WEST, 'priority': 7}, 'create'),
])
def test_a_route_that_moves_leaves_those_with_another_scope_alone(fields, action):
    existing = route('r8', nexthop='10.9.8.1', **fields)
    changes = schedule(plan_changes([MOVED], account(OLD, existing)))
    assert steps(changes) == [('delete', 'route'), ('update', 'cni'), (action, 'route')]
    assert (changes[0].before, changes[2].before) == (OLD, existing if action == 'none' else None)


@pytest.mark.parametrize(('name', 'current', 'desired'), [('priority', 7, 100), ('weight', 1, 9), ('description', 'theirs', 'offices')])
def test_a_route_that_moves_changes_none_that_is_there(name, current, desired):
    existing = {**OLD, 'id': 'r8', 'nexthop': '10.9.8.1', name: current}
    with pytest.raises(DriftError) as error:
        plan_changes([MOVED], account(OLD, existing))
    assert str(error.value) == (
        f'static route conduit_name=nyc-1, prefix=10.20.0.0/16, scope={EAST} differs in what this run does not change: {name} is '
        f'{current!r}, requested {desired!r}. r8 was there before, so it is not changed. Delete it by its id, or give it these values, '
        'then run this again.')
    assert error.value.details['fields'] == {name: {'have': current, 'want': desired}}
    declared = circuit(cust_ip='10.9.8.1/31', p2p_ip='10.9.8.0/31', routes=[{'prefix': '10.20.0.0/16', 'scope': EAST, name: desired}])
    assert ('update', 'route', '10.20.0.0/16') in planned(declared, account(OLD, existing))


def test_what_was_planned_as_a_create_changes_no_route_that_has_turned_up_since():
    created = Change(ROUTE, 'create', 'static route', None, route(), ('prefix', 'nexthop', 'priority'))
    follow_up = follow_up_of(created, ())
    assert [change.action for change in plan_changes([follow_up], snapshot_of(route('r8')))] == ['none']
    with pytest.raises(DriftError, match='priority is 7, requested 100'):
        plan_changes([follow_up], snapshot_of(route('r8', priority=7)))


def test_the_routes_to_a_cni_that_is_found_by_its_id_move_to_its_new_address_with_their_scope():
    changes = schedule(plan_changes([MOVED], account(route('r1', weight=9, scope=EAST), route('r2', scope=WEST), *OTHERS)))
    assert steps(changes) == [('delete', 'route')] * 2 + [('update', 'cni')] + [('create', 'route')] * 2
    moved_to = {'id': UNKNOWN, 'prefix': '10.20.0.0/16', 'nexthop': '10.9.8.1', 'priority': 100}
    assert [change.after for change in changes[3:]] == [{**moved_to, 'weight': 9, 'scope': EAST}, {**moved_to, 'scope': WEST}]
