# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Static routes: the plan as tables, and what is sent as scripts."""

from __future__ import annotations

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import apply_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AmbiguousError,
    InputError,
    NotAppliedError,
    NotListedError,
    RaceError,
    ShapeError,
    TransportError,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import filtered_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Unreadable
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import Change, plan_chains, plan_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ROUTE, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import sort_key_of_route

from .scripted import Script, answer, refusal
from .test_plan import Whole, cni, steps

ROUTES = '/magic/routes'
EAST, WEST = {'colo_regions': ['ENAM']}, {'colo_names': ['lax01', 'sjc01']}
OFFICES = {'prefix': '10.20.0.0/16', 'nexthop': '172.31.0.1'}


def route(ident='r1', **more):
    return {'id': ident, **OFFICES, 'priority': 100, **more}


def world(*routes, cnis=(), unreadable=()):
    return Whole({('route', None): [*routes, *unreadable], ('cni', None): cnis})


def unreadable(**more):
    return Unreadable(route('bad', **more), ShapeError('GET', ROUTES, 200, 'no', [name for name, value in more.items() if value is None]))


def decide(asked, there):
    return plan_changes([desired_object(ROUTE, {**OFFICES, **asked})], there)


# What is found, and what has to change.

@pytest.mark.parametrize(('asked', 'there', 'action', 'named'), [
    ({}, [], 'create', {'prefix', 'nexthop', 'priority'}),
    ({}, [route()], 'none', set()),
    ({'nexthop': '172.31.0.1/31', 'prefix': '10.20.0.0/255.255.0.0'}, [route()], 'none', set()),
    ({'nexthop': '172.31.0.3'}, [route()], 'create', {'prefix', 'nexthop', 'priority'}),
    ({'prefix': '10.20.0.0/17'}, [route()], 'create', {'prefix', 'nexthop', 'priority'}),
    ({'priority': 200}, [route()], 'update', {'priority'}),
    ({'weight': 1}, [route(priority=7)], 'update', {'weight'}),
    ({'description': ''}, [route()], 'update', {'description'}),
    ({}, [route(scope=EAST)], 'none', set()),
    ({'scope': EAST}, [route()], 'update', {'scope'}),
    ({'scope': EAST}, [route(scope={'colo_regions': [], 'colo_names': None})], 'update', {'scope'}),
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
def test_a_route_is_found_by_prefix_and_next_hop_and_by_scope_among_several(asked, there, action, named):
    (change,) = decide(asked, world(*there))
    assert (change.action, {*change.paths}) == (action, named)


def test_a_new_route_has_the_priority_of_bgp_unless_another_is_given():
    assert decide({}, world())[0].after == {'id': UNKNOWN, **OFFICES, 'priority': 100}
    assert decide({'priority': 0, 'weight': 256}, world())[0].after == {'id': UNKNOWN, **OFFICES, 'priority': 0, 'weight': 256}


def test_two_of_one_prefix_and_next_hop_are_an_error_that_lists_them():
    with pytest.raises(AmbiguousError, match=r'r1, r2\. Name one of them by scope, or by id'):
        decide({'priority': 5}, world(route(scope=EAST), route('r2', scope=WEST)))
    with pytest.raises(AmbiguousError, match='r1, r2'):
        decide({'scope': {}}, world(route(), route('r2')))


@pytest.mark.parametrize(('asked', 'option', 'words'), [
    ({'prefix': '10.0.0.0/33'}, 'prefix', 'IPv4 prefixes such as'),
    ({'prefix': '2001:db8::/32'}, 'prefix', 'IPv4 prefixes such as'),
    ({'nexthop': 'nyc-1'}, 'nexthop', 'an IPv4 address such as'),
    ({'nexthop': '2001:db8::1'}, 'nexthop', 'an IPv4 address such as'),
    ({'priority': -1}, 'priority', 'from 0 to 2147483647'),
    ({'weight': 0}, 'weight', 'from 1 to 256'),
    ({'weight': 257}, 'weight', 'from 1 to 256'),
])
def test_what_a_route_can_not_be_is_refused_by_name(asked, option, words):
    with pytest.raises(InputError, match=words) as error:
        desired_object(ROUTE, {**OFFICES, **asked})
    assert error.value.details['option'] == option


def test_host_bits_are_cleared_with_a_warning():
    desired = desired_object(ROUTE, {**OFFICES, 'prefix': '10.20.1.0/16'})
    assert (desired.fields['prefix'], desired.warnings) == ('10.20.0.0/16', (
        'prefix: 10.20.1.0/16 has host bits set; 10.20.0.0/16 is used.',))


def test_an_id_that_there_is_not_is_refused():
    with pytest.raises(InputError, match=r"no static route 'r9' in this account\. There are: r1"):
        decide({'id': 'r9'}, world(route()))


# The circuit as next hop.

def to_circuit(name='nyc-1', **more):
    return desired_object(ROUTE, {'prefix': '10.20.0.0/16', 'conduit_name': name, **more})


def test_the_next_hop_of_a_circuit_is_the_customers_end_of_its_link():
    there = world(cnis=[cni(1, 'nyc-1', 'a')])
    assert plan_changes([to_circuit()], there)[0].after['nexthop'] == '172.31.0.1'
    assert steps(plan_changes([to_circuit()], world(route(), cnis=[cni(1, 'nyc-1', 'a')]))) == [('none', 'route')]
    assert steps(plan_changes([to_circuit(state='absent')], world(route(), cnis=[cni(1, 'nyc-1', 'a')]))) == [('delete', 'route')]


def test_a_circuit_that_there_is_not_is_refused_and_has_no_routes_to_delete():
    there = world(route(), cnis=[cni(1, 'nyc-2', 'a', cust_ip='172.31.0.3/31')])
    with pytest.raises(InputError, match=r"conduit_name: there is no CNI 'nyc-1' in this account\. There are: nyc-2"):
        plan_changes([to_circuit()], there)
    assert steps(plan_changes([to_circuit(state='absent')], there)) == [('none', 'route')]


def test_a_circuit_without_an_address_is_waited_for():
    with pytest.raises(NotListedError, match='shows no cust_ip') as error:
        plan_changes([to_circuit()], world(cnis=[{**cni(1, 'nyc-1', 'a'), 'cust_ip': None}]))
    assert error.value.part == ('cni', None)


def test_the_same_route_twice_is_refused_and_two_of_a_prefix_are_not():
    there = world(cnis=[cni(1, 'nyc-1', 'a'), cni(2, 'nyc-2', 'b', cust_ip='172.31.0.3/31')])
    errors = plan_chains([[to_circuit()], [to_circuit()], [to_circuit('nyc-2')], [to_circuit(scope=EAST)]], there)
    assert [str(error) for error in errors[:2]] == ["prefix: 'nyc-1, 10.20.0.0/16' is named twice."] * 2
    assert [change.action for (change,) in errors[2:]] == ['create', 'create']


def test_a_route_that_can_not_be_read_may_be_the_one():
    for other in ({'nexthop': None}, {'prefix': None}, {'description': None}):
        with pytest.raises(ShapeError):
            decide({}, world(unreadable=[unreadable(**other)]))
    assert steps(decide({}, world(unreadable=[unreadable(nexthop='172.31.0.9', prefix=None)]))) == [('create', 'route')]
    assert steps(decide({}, world(route(), unreadable=[unreadable(nexthop=None)]))) == [('none', 'route')]


def test_an_info_module_shows_what_prefix_next_hop_and_circuit_have_in_common():
    there = world(route(), route('r2', nexthop='172.31.0.3'), route('r3', prefix='10.0.0.0/8'), cnis=[cni(1, 'nyc-1', 'a')])
    for keys, found in (({'prefix': '10.20.0.0/16'}, ['r1', 'r2']), ({'nexthop': '172.31.0.1/31'}, ['r1', 'r3']),
                        ({'conduit_name': 'nyc-1', 'prefix': '10.0.0.0/8'}, ['r3']), ({'conduit_name': 'none'}, [])):
        assert [obj['id'] for obj in filtered_objects(ROUTE, keys, {}, there)] == found


def test_routes_go_by_prefix_as_networks_do_and_by_priority():
    routes = [route('e', prefix='no prefix'), route('d', prefix='100.0.0.0/8'), route('c', prefix='9.0.0.0/8', priority=200),
              route('b', prefix='9.0.0.0/8'), route('a', prefix='8.0.0.0/7')]
    assert [obj['id'] for obj in sorted(routes, key=sort_key_of_route)] == ['a', 'b', 'c', 'd', 'e']


# The wire.

def listed(*routes):
    return answer({'success': True, 'result': {'routes': list(routes)}})


def write(script, asked=None, there=()):
    return apply_changes(script.client(), decide(asked or {}, world(*there)))[-1]


@pytest.mark.parametrize('shape', [lambda made: made, lambda made: {'routes': [made]}, lambda made: {'success': True, 'result': made},
                                   lambda made: {'success': True, 'result': {'routes': [made]}}], ids=['bare', 'list', 'route', 'routes'])
def test_a_new_route_is_sent_by_itself_and_its_answer_may_be_a_list(shape):
    script = Script(answer(shape(route())), listed(route()))
    assert write(script).answer == route()
    assert script.told() == [('POST', ROUTES), ('GET', ROUTES)]
    assert script.sent[0]['body'] == {**OFFICES, 'priority': 100}


def test_an_answer_with_several_routes_is_none_and_the_route_is_looked_for():
    script = Script(answer({'routes': [route(), route('r2')]}), listed(route()), listed(route()))
    assert write(script).answer == route()
    assert [method for method, _url in script.told()] == ['POST', 'GET', 'GET']


def test_a_change_sends_the_route_whole_with_what_nobody_knows_and_without_its_dates():
    current = route(created_on='2026-11-02T09:30:00Z', modified_on='2026-11-02T09:30:00Z', scope={**EAST, 'new': 1}, later='kept')
    stored = {**current, 'priority': 7}
    script = Script(answer({'success': True, 'result': {'route': current}}), answer({'result': {'modified': True, 'modified_route': stored},
                                                                                   'success': True}))
    assert write(script, {'priority': 7}, [route()]).answer == stored
    assert script.told() == [('GET', f'{ROUTES}/r1'), ('PUT', f'{ROUTES}/r1')]
    assert script.sent[1]['body'] == {name: value for name, value in stored.items() if not name.endswith('_on')}


def test_what_did_not_take_is_told_by_name():
    script = Script(answer(route()), answer({'modified_route': route()}), answer({'route': route()}))
    with pytest.raises(NotAppliedError, match='weight is None, asked for 9'):
        write(script, {'weight': 9}, [route()])


@pytest.mark.parametrize('failure', [TransportError('dropped', 'POST', '/x', 'cause'), refusal(502), answer(body=b'')], ids=str)
def test_a_route_whose_answer_is_lost_is_looked_for_before_it_is_made_again(failure):
    script = Script(failure, listed(route('old', scope=WEST), route()), listed(route()))
    assert write(script, {'scope': {}}, [route('old', scope=WEST)]).answer == route()
    script = Script(failure, listed(), answer(route()), listed(route()))
    assert write(script).answer == route()
    assert [method for method, _url in script.told()] == ['POST', 'GET', 'POST', 'GET']


def test_a_route_that_somebody_else_made_in_the_same_moment_is_adopted_and_gets_the_fields():
    script = Script(refusal(400, 1, 'there is such a route already'), listed(route(priority=5)), answer({'modified_route': route()}),
                    listed(route()))
    assert write(script).answer == route()
    assert [method for method, _url in script.told()] == ['POST', 'GET', 'PUT', 'GET']


def test_of_two_runs_that_made_the_same_route_one_takes_its_own_back():
    script = Script(answer(route('r2')), listed(route('r1'), route('r2'), route('r3', scope=EAST)), answer({'deleted': True}))
    with pytest.raises(RaceError, match=r"nexthop '172\.31\.0\.1', prefix '10\.20\.0\.0/16' was given to static route r1 in the same"):
        write(script)
    assert script.told()[-1] == ('DELETE', f'{ROUTES}/r2')


@pytest.mark.parametrize('ident', ['', '.', '..', None, []])
def test_nothing_can_make_the_delete_of_a_route_one_of_all_routes(ident):
    """DELETE on the collection empties the table of the account. What could lead there is left alone when it is read, and never sent."""
    script = Script(listed({**route(), 'id': ident}))
    (obj,) = read_objects(script.client(), 'route')
    assert isinstance(obj, Unreadable)
    change = Change(ROUTE, 'delete', 'static route', {**route(), 'id': ident}, None)
    with pytest.raises((InputError, ShapeError)):
        apply_changes(script.client(), [change])
    assert [method for method, _url in script.told()] == ['GET']


@pytest.mark.parametrize(('ident', 'sent'), [('?', '%3F'), ('/', '%2F'), ('r1/..', 'r1%2F..'), ('#', '%23'), ('%2e', '%252e')])
def test_the_id_of_a_route_is_data_in_its_path(ident, sent):
    script = Script(answer({'deleted': True}))
    apply_changes(script.client(), [Change(ROUTE, 'delete', 'static route', {**route(), 'id': ident}, None)])
    assert script.told() == [('DELETE', f'{ROUTES}/{sent}')]
