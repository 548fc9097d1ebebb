# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing against scripted answers: nothing ordered twice, nothing lost, nothing believed that was not verified."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from functools import partial

import pytest
from simulator.process import WAIT

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import apply_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import desired_chain
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AnswerError,
    ApiError,
    BugError,
    InputError,
    NotAppliedError,
    NotListedError,
    RaceError,
    ShapeError,
    TransportError,
    UndecidedError,
    as_cni_error,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._find import (
    DELETE_NOTE,
    filtered_objects,
    half_deleted_circuits,
    interconnect_names,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Unreadable
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe, read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import plan_chains, plan_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, INTERCONNECT, SETTINGS, TUNNEL, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot

from .scripted import ACCOUNT, Script, answer, refusal
from .test_plan import KEY, NY5, SESSION, Whole, cni, direct, gcp, slot, snapshot, tunnel, uuid

PORTS, LINKS, SLOT_LIST = '/cni/interconnects', '/cni/cnis', '/cni/slots'


def lost(method='POST', reason='dropped'):
    return TransportError(reason, method, '/x', 'cause')


def list_answer(*objects):
    return answer({'items': list(objects), 'next': None})


def order_port(script, options=None, interconnects=()):
    """Applies the order of an interconnect on slot 2."""
    changes = plan_changes([desired_object(INTERCONNECT, options or {'slot_id': uuid(2)})], snapshot([slot(2)], list(interconnects)))
    return apply_changes(script.client(), changes)[-1].answer


def posts(script):
    return [request for request in script.sent if request['method'] == 'POST']


# Orders.

def test_an_order_says_what_was_asked_for_and_no_more():
    script = Script(answer(direct('new', 2)))
    assert order_port(script)['name'] == 'new'
    assert posts(script)[0]['body'] == {'account': ACCOUNT, 'type': 'direct', 'slot_id': uuid(2)}
    script = Script(answer(gcp('new')))
    order_port(script, {'pairing_key': KEY, 'bandwidth': '1G'})
    assert posts(script)[0]['body'] == {'account': ACCOUNT, 'type': 'gcp_partner', 'pairing_key': KEY, 'bandwidth': '1G'}


def test_a_speed_is_written_as_the_slot_has_it():
    script = Script(answer(direct('new', 2)))
    order_port(script, {'slot_id': uuid(2), 'speed': slot(2)['speed'].lower()})
    assert posts(script)[0]['body']['speed'] == slot(2)['speed']


@pytest.mark.parametrize('failure', [
    lost(), lost(reason='timeout'), lost(reason='refused'), refusal(408), refusal(500), refusal(502), refusal(504), answer(body=b''),
    answer(body=b'{"name": "ne'), answer(body=b'<html>'), answer([]), answer({'success': False, 'errors': []}, status=503),
    answer({'slot_id': uuid(2)}), answer({'name': 7}),
], ids=['dropped', 'timeout', 'refused', '408', '500', '502', '504', 'empty', 'truncated', 'html', 'list', '503', 'nameless', 'number'])
class TestAfterALostAnswer:
    """Look first; adopt what is there; only if nothing is, order once more."""

    def test_what_is_there_is_adopted(self, failure):
        script = Script(failure, list_answer(direct('old', 1), direct('new', 2)))
        assert order_port(script, interconnects=[direct('old', 1)])['name'] == 'new'
        assert len(posts(script)) == 1

    def test_what_is_not_there_is_ordered_once_more(self, failure):
        script = Script(failure, list_answer(), answer(direct('new', 2)))
        assert order_port(script)['name'] == 'new'
        assert script.requests() == [('POST', PORTS), ('GET', PORTS), ('POST', PORTS)]

    def test_a_second_order_that_is_refused_since_the_first_was_done_is_adopted(self, failure):
        script = Script(failure, list_answer(), refusal(400, 1, 'occupied'), list_answer(direct('new', 2)))
        assert order_port(script, {'slot': {'site': 'ewr-a'}})['name'] == 'new'
        assert len(posts(script)) == 2

    def test_a_second_order_that_is_refused_says_that_the_slot_has_been_taken(self, failure):
        script = Script(failure, list_answer(), refusal(400, 1, 'occupied'), list_answer(), answer(slot(2, occupied=True)))
        with pytest.raises(ApiError, match=f'Slot {uuid(2)} has been taken in the meantime. Run it again'):
            order_port(script)

    def test_it_ends_after_two_orders_and_says_what_to_check(self, failure):
        script = Script(failure, list_answer(), failure, list_answer())
        with pytest.raises(UndecidedError) as error:
            order_port(script)
        assert len(posts(script)) == 2
        assert error.value.message.endswith(
            f' It was sent 2 times, but interconnect slot_id={uuid(2)} was not found. It is not known whether it was created: '
            'check with the info module in a few minutes, then run this again. It reads the account before it orders.')
        details = error.value.result()['error']
        assert (details['kind'], details['retryable'], details['method'], details['cause']['method']) == ('undecided', True, 'POST', 'POST')

    def test_a_read_that_fails_too_is_reported(self, failure):
        script = Script(failure, refusal(403, 10000))
        with pytest.raises(UndecidedError, match='Reading the account failed too'):
            order_port(script)
        assert len(posts(script)) == 1


def test_the_rate_limit_is_the_only_refusal_after_which_an_order_is_repeated_without_a_read():
    script = Script(refusal(429, 971, retry_after='3'), answer(direct('new', 2)))
    assert order_port(script)['name'] == 'new'
    assert script.requests() == [('POST', PORTS), ('POST', PORTS)]
    assert script.slept == [3.0]


@pytest.mark.parametrize('status', [400, 404, 409])
def test_a_slot_that_the_user_named_is_adopted_if_the_account_has_it_now(status):
    script = Script(refusal(status, 1, 'occupied'), list_answer(direct('twin', 2)))
    assert order_port(script)['name'] == 'twin'


@pytest.mark.parametrize('status', [400, 404, 409])
def test_a_slot_that_was_chosen_for_the_user_is_not_adopted_and_the_winner_is_named(status):
    script = Script(refusal(status, 1, 'occupied'), list_answer(direct('winner', 2)))
    with pytest.raises(ApiError, match=r"occupied \(code 1\).*someone else created interconnect 'winner' there"):
        order_port(script, {'slot': {'site': 'ewr-a'}, 'conduit_name': 'nyc-1'})
    assert len(posts(script)) == 1


def test_a_slot_that_another_account_took_is_reported():
    script = Script(refusal(409, 1, 'occupied'), list_answer(), answer(slot(2, occupied=True)))
    with pytest.raises(ApiError, match='has been taken in the meantime'):
        order_port(script)


@pytest.mark.parametrize('status', [401, 403, 429])
def test_a_refusal_before_the_service_needs_no_read(status):
    script = Script(refusal(status, retry_after='3600'))
    with pytest.raises(ApiError):
        order_port(script)
    assert script.requests() == [('POST', PORTS)]


@pytest.mark.parametrize('status', [300, 302])
def test_a_redirected_order_was_not_placed(status):
    script = Script(answer(status=status, body=b''), list_answer(), answer(slot(2)))
    with pytest.raises(AnswerError, match='a redirect'):
        order_port(script)
    assert len(posts(script)) == 1


def test_several_new_objects_are_undecidable():
    script = Script(lost(), list_answer(gcp('a'), gcp('b')))
    with pytest.raises(UndecidedError, match='a, b'):
        order_port(script, {'pairing_key': KEY, 'bandwidth': '1G'})


@pytest.mark.parametrize(('number', 'orders'), [(2, 1), (3, 2)], ids=['on its slot', 'on another'])
def test_an_interconnect_that_can_not_be_read_may_be_the_one_that_was_ordered(number, orders):
    script = Script(lost(), list_answer({**direct('x', number), 'region': {}}), answer(direct('new', 2)))
    with pytest.raises(UndecidedError) if orders == 1 else nullcontext() as error:
        assert order_port(script)['name'] == 'new'
    assert len(posts(script)) == orders
    if error:
        assert error.value.message.startswith(
            f'{lost().message}. GET {PORTS}: HTTP 200, region has another type than the API documents. The object is interconnect x, '
            f'{uuid(2)}: it is not touched, and whatever needs it fails. It is not known whether it was created')
        assert error.value.details['cause'] == lost().details


def test_an_attachment_that_was_there_before_is_not_taken_for_the_new_one():
    script = Script(lost(), list_answer(gcp('other')), answer(gcp('new')))
    options = {'pairing_key': KEY, 'bandwidth': '1G', 'conduit_name': 'gcp-2'}
    changes = plan_changes([desired_object(INTERCONNECT, options)], snapshot(interconnects=[gcp('other')], cnis=[cni(1, 'gcp-1', 'other')]))
    assert apply_changes(script.client(), changes)[0].answer['name'] == 'new'
    assert len(posts(script)) == 2


# CNIs: POST, then PUT for what POST can't say.

def create_cni(script, **options):
    desired = desired_object(CNI, {'conduit_name': 'nyc-1', 'interconnect': 'first', **options})
    return apply_changes(script.client(), plan_changes([desired], snapshot(interconnects=[direct('first', 1)])))[0].answer


def test_what_post_can_say_is_sent_once():
    made = cni(1, 'nyc-1', 'first')
    script = Script(answer(made), list_answer(made))
    assert create_cni(script, mtu=1500) == made
    assert script.requests() == [('POST', LINKS), ('GET', LINKS)]


def test_what_post_can_not_say_is_put_into_the_whole_object():
    made = cni(1, 'nyc-1', 'first', newer_field={'kept': 1})
    script = Script(answer(made), lambda request: answer(request['body']), list_answer(made))
    done = create_cni(script, bgp_mode='advertise_only', cust_ip='10.0.0.1/31', p2p_ip='10.0.0.0/31')
    post, put, _look = script.sent
    magic = {'conduit_name': 'nyc-1', 'description': '', 'mtu': 1500}
    assert post['body'] == {'account': ACCOUNT, 'interconnect': 'first', 'magic': magic}
    assert put['url'] == f'{LINKS}/{uuid(1)}'
    assert put['body'] == {**made, 'account': ACCOUNT, 'bgp_mode': 'advertise_only', 'cust_ip': '10.0.0.1/31', 'p2p_ip': '10.0.0.0/31'}
    assert done['cust_ip'] == '10.0.0.1/31'


@pytest.mark.parametrize('failure', [lost(), refusal(409, 1, 'Name Conflict')], ids=['lost', 'conflict'])
def test_an_adopted_cni_is_brought_to_what_was_asked_for(failure):
    listing = list_answer(cni(1, 'nyc-1', 'first', bgp={'customer_asn': 1, 'extra_prefixes': []}))
    script = Script(failure, listing, lambda r: answer(r['body']), listing)
    assert create_cni(script, mtu=1400)['magic']['mtu'] == 1400
    assert [r['method'] for r in script.sent] == ['POST', 'GET', 'PUT', 'GET']
    assert script.sent[2]['body']['bgp'] == {'customer_asn': 1, 'extra_prefixes': []}


def test_a_cni_of_that_name_on_another_interconnect_is_not_adopted():
    script = Script(refusal(409, 1, 'Name Conflict'), list_answer(cni(1, 'nyc-1', 'second')))
    with pytest.raises(ApiError, match='Name Conflict'):
        create_cni(script)


def test_a_failure_after_the_post_reports_what_was_created():
    script = Script(answer(cni(1, 'nyc-1', 'first')), refusal(400, 1, 'no'))
    with pytest.raises(ApiError) as error:
        create_cni(script, bgp_mode='advertise_only')
    assert [(change.action, change.answer['id']) for change in error.value.applied] == [('create', uuid(1))]


# Updates.

@pytest.mark.parametrize(('options', 'stored', 'field', 'current', 'desired'), [
    ({'mtu': 1400}, {}, 'mtu', 1500, 1400),
    ({'bgp': {'customer_asn': 64513}}, {'bgp': None}, 'bgp.customer_asn', None, 64513),
    ({'bgp': {'md5_key': 'new-secret'}}, {}, 'bgp.md5_key', '(hidden)', '(hidden)'),
])
def test_a_field_that_did_not_take_is_a_failure_that_names_it(options, stored, field, current, desired):
    before = cni(1, 'nyc-1', 'first', bgp={'customer_asn': 64512, 'extra_prefixes': [], 'md5_key': 'old-secret'})
    after = answer({**before, **stored})
    script = Script(answer(before), after, after)
    changes = plan_changes([desired_object(CNI, {'conduit_name': 'nyc-1', **options})], snapshot(cnis=[before]))
    with pytest.raises(NotAppliedError) as error:
        apply_changes(script.client(), changes)
    assert error.value.details['fields'] == {field: {'have': current, 'want': desired}}
    assert 'the write to CNI conduit_name=nyc-1 but' in error.value.message
    assert 'secret' not in str(error.value.result())
    assert len(error.value.applied) == 1


def test_an_answer_that_shows_the_object_as_it_was_before_is_read_again():
    before = cni(1, 'nyc-1', 'first')
    after = {**before, 'magic': {**before['magic'], 'mtu': 1400}}
    script = Script(answer(before), answer(before), answer(after))
    changes = plan_changes([desired_object(CNI, {'conduit_name': 'nyc-1', 'mtu': 1400})], snapshot(cnis=[before]))
    assert apply_changes(script.client(), changes)[0].answer == after
    for next_answer, kind in ((refusal(403, 1, 'no'), ApiError), (refusal(404), NotAppliedError)):
        with pytest.raises(kind) as error:
            apply_changes(Script(answer(before), answer(before), next_answer).client(), changes)
        assert len(error.value.applied) == 1


def test_what_this_run_has_created_is_written_without_another_read():
    before = cni(1, 'nyc-1', 'first')
    (change,) = plan_changes([desired_object(CNI, {'conduit_name': 'nyc-1', 'mtu': 1400})], snapshot(cnis=[before]))
    script = Script(lambda request: answer(request['body']))
    apply_changes(script.client(), [change._replace(just_created=True)])
    assert script.requests() == [('PUT', f'{LINKS}/{uuid(1)}')]


def test_a_note_is_put_alone():
    current = snapshot(interconnects=[direct('here', 1)], cnis=[cni(1, 'nyc-1', 'here')], tunnels=[tunnel(1)])
    (note, *_deletes) = plan_changes([desired_object(INTERCONNECT, {'conduit_name': 'nyc-1', 'state': 'absent'})], current)
    for stored in ([answer(tunnel(1, f'{DELETE_NOTE}nyc-1'))], [answer(status=204, body=b''), answer(tunnel(1, f'{DELETE_NOTE}nyc-1'))]):
        script = Script(*stored)
        assert apply_changes(script.client(), [note])[0].answer == tunnel(1, f'{DELETE_NOTE}nyc-1')
        assert (script.requests()[0], script.sent[0]['body']) == (('PUT', '/magic/cf_interconnects/t1'),
                                                                  {'description': f'{DELETE_NOTE}nyc-1'})


@pytest.mark.parametrize(('clear', 'body'), [
    (['description'], {'magic': {'conduit_name': 'nyc-1', 'description': '', 'mtu': 1500}, 'bgp': SESSION}),
    (['md5_key'], {'bgp': {'customer_asn': 64512, 'extra_prefixes': ['192.0.2.0/24']}}),
    (['extra_prefixes'], {'bgp': {**SESSION, 'extra_prefixes': []}}),
    (['bgp'], {}),
], ids=str)
def test_what_is_to_be_cleared_is_sent_so_and_verified(clear, body):
    before = {**cni(1, 'nyc-1', 'first', bgp=SESSION), 'magic': {'conduit_name': 'nyc-1', 'description': 'old', 'mtu': 1500}}
    after = {name: value for name, value in {**before, **body}.items() if name != 'bgp' or 'bgp' in body}
    changes = plan_changes([desired_object(CNI, {'conduit_name': 'nyc-1', 'clear': clear})], snapshot(cnis=[before]))
    script = Script(answer(before), answer(after))
    apply_changes(script.client(), changes)
    assert script.sent[1]['body'] == {**after, 'account': ACCOUNT}
    assert plan_changes([desired_object(CNI, {'conduit_name': 'nyc-1', 'clear': clear})], snapshot(cnis=[after]))[0].action == 'none'
    with pytest.raises(NotAppliedError) as error:
        apply_changes(Script(*[answer(before)] * 3).client(), changes)
    assert 'secret' not in str(error.value.result())


def test_a_created_interconnect_on_another_slot_is_a_failure():
    script = Script(*[answer(direct('new', 3))] * 2)
    with pytest.raises(NotAppliedError, match='slot_id'):
        order_port(script)
    assert script.requests()[1] == ('GET', f'{PORTS}/new')


@pytest.mark.parametrize(('options', 'target', 'sent'), [
    ({'rate': 'high'}, {'effective': '172.31.0.1', 'saved': ''}, {'rate': 'high', 'target': {'saved': ''}}),
    ({'target': '192.0.2.1'}, {'effective': '172.31.0.1', 'saved': ''}, {'rate': 'mid', 'target': {'saved': '192.0.2.1'}}),
    ({'rate': 'high'}, {'saved': ''}, {'rate': 'high', 'target': {'saved': ''}}),
    ({'rate': 'high'}, None, {'rate': 'high', 'target': None}),
], ids=['rate', 'target', 'nothing in effect', 'no target'])
def test_a_health_check_is_put_without_the_rest_of_the_tunnel(options, target, sent):
    check = {'enabled': True, 'rate': 'mid', 'newer': 1, 'target': target}
    tunnel = {'id': 't1', 'name': 'x', 'virtual_port_reservation_id': uuid(1001), 'health_check': check}
    stored = {**tunnel, 'health_check': {**check, **sent}}
    results = {'interconnect': tunnel}, {'modified': True, 'modified_interconnect': stored}
    script = Script(*(answer({'success': True, 'result': result}) for result in results))
    changes = plan_changes([desired_object(TUNNEL, {'interconnect': 'here', **options})],
                           snapshot(interconnects=[direct('here', 1)], tunnels=[tunnel]))
    assert apply_changes(script.client(), changes)[0].answer == stored
    _look, put = script.sent
    assert put['url'] == '/magic/cf_interconnects/t1'
    assert put['headers']['x-magic-new-hc-target'] == 'true'
    assert put['body'] == {'health_check': {**check, **sent}}


def test_a_tunnel_is_put_without_its_health_check_and_both_in_one_request():
    current = {**tunnel(1, 'x'), 'mtu': 1500, 'health_check': {'rate': 'mid', 'n': 1}}
    account = snapshot(interconnects=[direct('here', 1)], cnis=[cni(1, 'nyc-1', 'here')], tunnels=[current])
    fields = {'mtu': 1400, 'description': ''}
    options = {'mtu': 1400, 'clear': ['description']}
    both = desired_chain({'name': 'nyc-1', 'interconnect': 'here', 'tunnel': options, 'health_check': {'rate': 'low'}})
    for chain, body in (([desired_object(TUNNEL, {'interconnect': 'here', **options})], fields),
                        (both, {**fields, 'health_check': {'rate': 'low', 'n': 1}})):
        script = Script(answer({'success': True, 'result': current}), answer({'success': True, 'result': {**current, **body}}))
        apply_changes(script.client(), plan_changes(chain, account))
        assert script.sent[1]['body'] == body


@pytest.mark.parametrize(('version', 'left_out'), [('1.5', True), ('1', False), (None, False)])
def test_the_bgp_of_a_tunnel_is_put_as_read_but_for_what_its_version_has_read_only(version, left_out):
    ends = {'cloudflare_endpoint': '10.0.0.0', 'customer_endpoint': '10.0.0.1'}
    bgp = {'customer_asn': 1, 'md5_key': 'k', 'newer': 1, 'import_filter_id': 'p1', **ends}
    current = {**tunnel(1), 'version': version, 'bgp': bgp}
    changes = plan_changes([desired_object(TUNNEL, {'interconnect': 'here', 'clear': ['import_filter']})],
                           snapshot(interconnects=[direct('here', 1)], tunnels=[current]))
    stored = {**current, 'bgp': {name: value for name, value in bgp.items() if name != 'import_filter_id'}}
    script = Script(answer({'success': True, 'result': current}), answer({'success': True, 'result': stored}))
    apply_changes(script.client(), changes)
    sent = {'customer_asn': 1, 'md5_key': 'k', 'newer': 1, 'import_filter_id': ''}
    assert script.sent[1]['body'] == {'bgp': sent if left_out else {**sent, **ends}}


def test_one_direction_is_put_without_the_source_and_a_source_that_stays_is_named():
    both_ways, one_way = {'direction': 'bidirectional', 'source': '10.0.0.1'}, {'direction': 'unidirectional'}
    current = {'id': 't1', 'virtual_port_reservation_id': uuid(1001), 'version': '1.5', 'health_check': both_ways}
    changes = plan_changes([desired_object(TUNNEL, {'interconnect': 'here', **one_way})],
                           snapshot(interconnects=[direct('here', 1)], tunnels=[current]))
    for stays, missed in (({}, False), ({'source': ''}, False), ({'source': '10.0.0.1'}, True)):
        stored = answer({'success': True, 'result': {**current, 'health_check': {**one_way, **stays}}})
        script = Script(answer({'success': True, 'result': current}), stored, stored)
        with pytest.raises(NotAppliedError, match=r"source is '10\.0\.0\.1', requested None") if missed else nullcontext():
            apply_changes(script.client(), changes)
        assert script.sent[1]['body'] == {'health_check': one_way}


@pytest.mark.parametrize('wrong', [7, ['x'], {}], ids=str)
def test_a_tunnel_whose_reservation_is_no_text_fails_its_health_check_at_once_by_name(wrong):
    unreserved = {'id': 't1', 'virtual_port_reservation_id': wrong, 'health_check': {'rate': 'mid'}}
    script = Script(list_answer(direct('here', 1)), answer({'success': True, 'result': {'interconnects': [unreserved]}}))
    warned: list[str] = []
    client = script.client(warn=warned.append)
    desired = desired_object(TUNNEL, {'interconnect': 'here', 'rate': 'high'})
    with pytest.raises(ShapeError, match=r'^GET /magic/cf_interconnects: HTTP 200, virtual_port_reservation_id has another type'):
        observe(client, lambda current: plan_changes([desired], current))
    assert (len(warned), client.counters['waited']) == (1, 0)


def test_a_number_as_the_version_of_a_tunnel_is_its_text():
    script = Script(answer({'success': True, 'result': {'interconnects': [{'id': 't', 'version': 1.5}]}}))
    assert read_objects(script.client(), 'tunnel') == [{'id': 't', 'version': '1.5'}]


@pytest.mark.parametrize(('stored', 'missed'), [(1400, False), (1500, True)])
def test_a_put_that_is_answered_without_the_object_is_read_again_and_compared(stored, missed):
    current = cni(1, 'nyc-1', 'first')
    read_again = answer({**current, 'magic': {**current['magic'], 'mtu': stored}})
    script = Script(answer(current), answer(status=204, body=b''), read_again, *[read_again] * missed)
    changes = plan_changes([desired_object(CNI, {'conduit_name': 'nyc-1', 'mtu': 1400})], snapshot(cnis=[current]))
    with pytest.raises(NotAppliedError) if missed else nullcontext():
        assert apply_changes(script.client(), changes)[0].answer['magic']['mtu'] == 1400
    assert [method for method, _url in script.requests()] == ['GET', 'PUT', 'GET', *['GET'] * missed]
    with pytest.raises(NotAppliedError):
        apply_changes(Script(answer(current), answer(status=204, body=b''), *[refusal(404)] * 2).client(), changes)


@pytest.mark.parametrize('status', [201, 202, 204])
def test_an_order_that_is_answered_without_the_object_is_looked_up(status):
    script = Script(answer(status=status, body=b''), list_answer(direct('new', 2)))
    assert order_port(script)['name'] == 'new'
    assert script.requests() == [('POST', PORTS), ('GET', PORTS)]


def test_an_order_that_is_answered_with_201_is_done():
    script = Script(answer(direct('new', 2), 201))
    assert order_port(script)['name'] == 'new'
    assert script.requests() == [('POST', PORTS)]


def test_settings_are_put_alone():
    script = Script(answer({'default_asn': 13335}), answer({'default_asn': 65000}))
    apply_changes(script.client(), plan_changes([desired_object(SETTINGS, {'default_asn': 65000})],
                                                snapshot(settings=[{'default_asn': 13335}])))
    assert [(r['method'], r['url'], r['body']) for r in script.sent[1:]] == [('PUT', '/cni/settings', {'default_asn': 65000})]
    unsaid = Script(answer({'default_asn': 13335}), answer(status=204, body=b''), answer({'default_asn': 65000}))
    apply_changes(unsaid.client(), plan_changes([desired_object(SETTINGS, {'default_asn': 65000})],
                                                snapshot(settings=[{'default_asn': 13335}])))
    assert unsaid.requests()[2] == ('GET', '/cni/settings')


# What others do at the same time.

def test_what_somebody_changed_since_it_was_read_stays_but_for_the_named_fields():
    before = cni(1, 'nyc-1', 'first')
    current = {**before, 'magic': {**before['magic'], 'description': 'theirs', 'mtu': 1300}, 'newer_field': 1}
    script = Script(answer(current), lambda request: answer(request['body']))
    apply_changes(script.client(), plan_changes([desired_object(CNI, {'conduit_name': 'nyc-1', 'mtu': 1400})], snapshot(cnis=[before])))
    assert script.sent[-1]['body'] == {**current, 'account': ACCOUNT, 'magic': {**current['magic'], 'mtu': 1400}}


def test_what_somebody_deleted_since_it_was_read_fails_in_the_words_of_the_api():
    script = Script(refusal(404, 1, 'no such CNI'), refusal(404, 1, 'no such CNI'))
    with pytest.raises(ApiError, match='no such CNI'):
        apply_changes(script.client(), plan_changes([desired_object(CNI, {'conduit_name': 'nyc-1', 'mtu': 1400})],
                                                    snapshot(cnis=[cni(1, 'nyc-1', 'first')])))


def test_a_port_that_was_ordered_while_the_slots_were_read_is_seen():
    """Else a second run of the same job, finding slot 1 taken, would order slot 2."""
    new = direct('new', 1)
    script = Script(list_answer(), list_answer(), list_answer(slot(1, occupied=True), slot(2)), list_answer(), list_answer(new))
    desired = desired_object(INTERCONNECT, {'conduit_name': 'nyc-1', 'slot': {'site': 'ewr-a'}})
    (change,) = observe(script.client(), lambda current: plan_changes([desired], current))
    assert (change.action, change.after) == ('none', new)


@pytest.mark.parametrize(('own', 'other', 'looks'), [(2, 1, 1), (1, 2, 6)], ids=['larger id', 'smaller id'])
def test_two_that_came_to_one_interconnect_in_the_same_moment(own, other, looks):
    own_cni, other_cni = cni(own, 'nyc-1', 'first'), cni(other, 'nyc-2', 'first')
    script = Script(answer(own_cni), *[list_answer(other_cni, own_cni)] * looks, answer(body=b''))
    with pytest.raises(RaceError, match=f"another run created CNI {uuid(other)} on interconnect 'first'.*Run it again") as error:
        create_cni(script)
    assert script.requests()[-1] == ('DELETE', f'{LINKS}/{uuid(own)}')
    assert (script.lines, error.value.applied, error.value.result()['error']['retryable']) == ([], [], True)
    assert error.value.message == (f"CNI conduit_name=nyc-1: another run created CNI {uuid(other)} on interconnect 'first' at the "
                                   'same moment, so this run deleted its own. Run it again.')
    assert create_cni(Script(answer(own_cni)), shared=True) == own_cni


def test_the_smaller_id_stays_once_the_other_is_rolled_back():
    own_cni, other_cni = cni(1, 'nyc-1', 'first'), cni(2, 'nyc-2', 'first')
    script = Script(answer(own_cni), list_answer(other_cni, own_cni), list_answer(other_cni, own_cni), list_answer(own_cni))
    assert create_cni(script) == own_cni
    assert script.lines == []


def test_only_the_larger_id_is_rolled_back():
    made = [cni(1, 'nyc-1', 'first'), cni(2, 'nyc-2', 'second'), cni(3, 'nyc-3', 'third')]
    listing = list_answer(*made, cni(0, 'theirs', 'second'))
    script = Script(*map(answer, made), *[lambda request: listing if request['method'] == 'GET' else answer(body=b'')] * 4)
    desired = [desired_object(CNI, {'conduit_name': cni['magic']['conduit_name'], 'interconnect': cni['interconnect']}) for cni in made]
    ports = [direct(cni['interconnect'], number) for number, cni in enumerate(made)]
    with pytest.raises(RaceError, match=r"another run created .* on interconnect 'second'") as error:
        apply_changes(script.client(), plan_changes(desired, snapshot(interconnects=ports)))
    assert [change.answer for change in error.value.applied] == [made[0], made[2]]
    assert [request['url'] for request in script.sent if request['method'] == 'DELETE'] == [f'{LINKS}/{uuid(2)}']


def test_a_failure_in_the_middle_reports_what_was_written_before():
    script = Script(answer(body=b''), refusal(400, 1, 'still in use'))
    changes = plan_changes([desired_object(INTERCONNECT, {'conduit_name': 'nyc-1', 'name': 'here', 'state': 'absent'})],
                           snapshot(interconnects=[direct('here', 1)], cnis=[cni(1, 'nyc-1', 'here')]))
    with pytest.raises(ApiError, match='still in use') as error:
        apply_changes(script.client(), changes)
    assert [(change.action, change.row.name) for change in error.value.applied] == [('delete', 'cni')]
    assert script.requests() == [('DELETE', f'{LINKS}/{uuid(1)}'), ('DELETE', f'{PORTS}/here')]


def test_a_delete_that_finds_nothing_is_believed_only_after_a_read():
    delete = [Change(CNI, 'delete', 'CNI nyc-1', cni(1, 'nyc-1', 'first'), None)]
    script = Script(refusal(404), refusal(404))
    apply_changes(script.client(), delete)
    assert [r['method'] for r in script.sent] == ['DELETE', 'GET']
    with pytest.raises(NotAppliedError, match=r"the write to CNI nyc-1 but .*: state is 'present', requested 'absent'"):
        apply_changes(Script(refusal(404), answer(cni(1, 'nyc-1', 'first'))).client(), delete)


@pytest.mark.parametrize(('row', 'options'), [
    (CNI, {'conduit_name': 'nyc-1', 'interconnect': UNKNOWN}),
    (CNI, {'conduit_name': 'nyc-1', 'interconnect': 'first', 'description': UNKNOWN}),
    (TUNNEL, {'interconnect': UNKNOWN, 'rate': 'high'}),
], ids=['parent', 'field', 'found through it'])
def test_a_placeholder_of_a_prediction_is_never_written(row, options):
    script = Script()
    changes = plan_changes([desired_object(row, options)], snapshot(interconnects=[direct('first', 1)]))
    with pytest.raises(InputError, match='check mode') as error:
        apply_changes(script.client(), changes)
    assert options[error.value.details['option']] == UNKNOWN
    assert script.sent == []


def test_no_change_sends_nothing_and_answers_with_what_is_there():
    script = Script()
    assert apply_changes(script.client(), [Change(CNI, 'none', '', {'id': '1'}, {'id': '1'})])[0].answer == {'id': '1'}
    assert script.sent == []


def test_the_text_of_an_unexpected_exception_is_shown_as_the_caller_says():
    report = partial(as_cni_error, redact=lambda text: '(hidden)')
    with pytest.raises(BugError, match=r'report it: ValueError: \(hidden\)\.$'):
        apply_changes(Script(ValueError('secret')).client(),
                      plan_changes([desired_object(INTERCONNECT, {'slot_id': uuid(2)})], snapshot([slot(2)])), report)
    desired = desired_object(CNI, {'conduit_name': 'a', 'interconnect': 'x'})._replace(fields={'no.such.field': 1})
    with pytest.raises(BugError, match=r'report it: \w+: \(hidden\)\.$'):
        plan_changes([desired], snapshot(cnis=[cni(1, 'a', 'x')]), report)


# Reading.

@pytest.mark.parametrize(('resource', 'ident', 'query', 'url'), [
    ('settings', None, None, '/cni/settings'),
    ('status', 'a b', None, f'{PORTS}/a%20b/status'),
    ('interconnect', 'a', {'type': 'direct'}, f'{PORTS}/a?type=direct'),
    ('slot', None, {'site': 'ewr-a'}, f'{SLOT_LIST}?site=ewr-a&limit=1000'),
    ('tunnel', None, None, '/magic/cf_interconnects'),
    ('tunnel', 't1', None, '/magic/cf_interconnects/t1'),
], ids=str)
def test_what_is_read_where(resource, ident, query, url):
    script = Script(answer({'items': [], 'interconnects': []}))
    read_objects(script.client(), resource, ident, query)
    assert script.requests() == [('GET', url)]
    assert ('x-magic-new-hc-target' in script.sent[0]['headers']) == (resource == 'tunnel')


def test_each_object_of_a_list_is_read_once():
    script = Script(answer({'items': [cni(1, 'a', 'x'), cni(2, 'b', 'x')], 'next': 2}), answer({'items': [cni(2, 'b', 'x')], 'next': 2}))
    assert [obj['id'] for obj in read_objects(script.client(), 'cni')] == [uuid(1), uuid(2)]


@pytest.mark.parametrize(('wrong', 'words'), [
    *(({'id': name}, 'CNI without a usable id.') for name in (None, '', '.', '..')),
    # A backslash in an id would be escaped anew each time that a process runs pytest: mutmut would find no test and count that as a kill.
    pytest.param({'id': '\ud800'}, 'CNI without a usable id.', id='lone surrogate'),
    ({'id': ['x']}, 'id has another type'), ({'magic': 7}, 'magic has another type'),
    ({'bgp': {'extra_prefixes': [{}]}, 'cust_ip': {}}, 'cust_ip, bgp.extra_prefixes have another type'),
], ids=str)
def test_an_object_that_can_not_be_read_is_kept_apart_with_a_warning(wrong, words):
    client, warned = Script(list_answer({**cni(1, 'nyc-1', 'x'), **wrong}, cni(2, 'nyc-2', 'y'))).client(), []
    client._warn = warned.append
    bad, good = read_objects(client, 'cni')
    assert (isinstance(bad, Unreadable), isinstance(good, Unreadable), good) == (True, False, cni(2, 'nyc-2', 'y'))
    (text,) = warned
    assert text.startswith('GET /cni/cnis: HTTP 200, ')
    assert words in text
    snapshot = Snapshot({('cni', None): [bad, good]})
    assert (snapshot.objects('cni'), snapshot.copy().unreadable('cni')) == ([good], [bad])


def test_those_without_a_name_are_each_kept():
    bad = read_objects(Script(list_answer({**cni(1, 'a', 'x'), 'id': None}, {**cni(2, 'b', 'y'), 'id': None})).client(), 'cni')
    assert [obj['interconnect'] for obj in bad] == ['x', 'y']


@pytest.mark.parametrize(('obj', 'words'), [
    (cni(1, '', 'x'), f'CNI {uuid(1)} has no magic.conduit_name: it is not a circuit and is not touched.'),
    (cni(1, 'nyc-1', None), f'CNI {uuid(1)}, nyc-1 has no interconnect: it is not a circuit and is not touched.'),
    ({**cni(1, 'nyc-1', 'x'), 'id': ['7']}, 'CNI nyc-1: it is not touched, and whatever needs it fails.'),
    ({**cni(1, '', 'x'), 'id': ''}, 'CNI without a name: it is not touched, and whatever needs it fails.'),
], ids=['no name', 'no interconnect', 'wrong id', 'nothing'])
def test_what_is_left_alone_is_named_in_a_warning(obj, words):
    client, warned = Script(list_answer(obj)).client(), []
    client._warn = warned.append
    read_objects(client, 'cni')
    (text,) = warned
    assert text.split(' The object is ')[-1] == words


@pytest.mark.parametrize(('path', 'value', 'read_as'), [
    ('speed', 10, '10'), ('site', 7.5, '7.5'), ('facility', {'address': 'Newark', 'name': 1}, {'address': ['Newark'], 'name': '1'}),
], ids=str)
def test_what_says_the_same_in_another_type_is_put_right(path, value, read_as):
    (port,) = read_objects(Script(list_answer({'name': 'x', path: value})).client(), 'interconnect')
    assert port == {'name': 'x', path: read_as}


def unreadable(row, obj, path):
    return Unreadable(obj, ShapeError('GET', '/x', 200, f'{path} of {row} is wrong', [path]))


LETTERS = 'abcdef00-0000-4000-8000-000000000000'
PORT = {'name': 'p-1', 'type': 'direct', 'site': 'ewr-a'}
BY_SITE = {'conduit_name': 'nyc-9', 'slot': {'site': 'ewr-a'}}
ON_P_9 = {'conduit_name': 'nyc-9', 'slot': {'site': 'lhr-a'}}
OFFER = {'id': uuid(9), 'site': 'ewr-a', 'occupied': False}


@pytest.mark.parametrize(('row', 'options', 'wrong', 'refused'), [
    # Who names it, or might.
    (CNI, {'conduit_name': 'nyc-1', 'mtu': 1400}, ('cni', cni(1, 'nyc-1', 'p-1'), 'bgp'), True),
    (CNI, {'conduit_name': 'nyc-1', 'state': 'absent'}, ('cni', cni(1, 'nyc-1', 'p-1'), 'bgp'), True),
    (CNI, {'conduit_name': 'nyc-2', 'mtu': 1400}, ('cni', cni(1, 'nyc-1', 'p-1'), 'bgp'), False),
    (CNI, {'conduit_name': 'nyc-9', 'interconnect': 'p-9'}, ('cni', cni(1, 'nyc-1', 'p-1'), 'magic'), True),
    (CNI, {'id': uuid(2), 'conduit_name': 'renamed'}, ('cni', cni(1, 'nyc-1', 'p-1'), 'magic'), False),
    (CNI, {'conduit_name': 'nyc-9', 'interconnect': 'p-1'}, ('cni', cni(1, 'nyc-1', 'p-1'), 'id'), True),
    (CNI, {'conduit_name': 'nyc-9', 'interconnect': 'p-9'}, ('cni', cni(1, 'nyc-1', 'p-1'), 'id'), False),
    (INTERCONNECT, {'name': 'p-9', 'state': 'absent'}, ('cni', cni(1, 'nyc-1', 'p-9'), 'bgp'), True),
    (INTERCONNECT, {'name': 'p-9', 'state': 'absent'}, ('cni', cni(1, 'nyc-1', 'p-1'), 'bgp'), False),
    (CNI, {'conduit_name': 'nyc-9', 'interconnect': 'p-1'}, ('interconnect', PORT, 'facility'), True),
    (INTERCONNECT, {'conduit_name': 'nyc-1', 'state': 'absent'}, ('cni', cni(1, 'nyc-1', 'p-9'), 'bgp'), True),
    (INTERCONNECT, {'conduit_name': 'nyc-2', 'state': 'absent'}, ('cni', cni(1, 'nyc-1', 'p-1'), 'magic'), False),
    (INTERCONNECT, {'conduit_name': 'nyc-2', 'state': 'absent'}, ('interconnect', {**PORT, 'name': 'p-2'}, 'facility'), True),
    (INTERCONNECT, {'slot_id': LETTERS}, ('interconnect', {**PORT, 'slot_id': LETTERS.upper()}, 'facility'), True),
    # An order: the interconnect that can't be read may be what an earlier run has left.
    (INTERCONNECT, BY_SITE, ('interconnect', PORT, 'facility'), True),
    (INTERCONNECT, BY_SITE, ('interconnect', PORT, 'name'), True),
    (INTERCONNECT, BY_SITE, ('interconnect', {**PORT, 'name': 'p-2'}, 'facility'), False),  # it carries nyc-2
    (INTERCONNECT, {'slot_id': uuid(9)}, ('interconnect', PORT, 'facility'), False),
    (INTERCONNECT, {'slot_id': uuid(9)}, ('interconnect', {**PORT, 'slot_id': uuid(9)}, 'facility'), True),
    (INTERCONNECT, {**BY_SITE, 'slot': {'site': 'ewr-a', 'diverse_from': ['p-1']}}, ('interconnect', PORT, 'facility'), True),
    # A port that would do, and a CNI that may be on it.
    (INTERCONNECT, ON_P_9, ('interconnect', PORT, 'facility'), False),
    (INTERCONNECT, ON_P_9, ('cni', cni(1, 'nyc-1', 'p-1'), 'interconnect'), True),
    (INTERCONNECT, {'slot': {'site': 'lhr-a'}}, ('cni', cni(1, 'nyc-1', 'p-1'), 'interconnect'), False),
])
def test_what_can_not_be_read_blocks_only_what_needs_it(row, options, wrong, refused):
    snapshot = {'cni': [cni(2, 'nyc-2', 'p-2')], 'interconnect': [{'name': 'p-9', 'type': 'direct', 'site': 'lhr-a'}], 'slot': [OFFER],
                'tunnel': []}
    snapshot[wrong[0]].append(unreadable(*wrong))
    snapshot = Whole({(name, None): objects for name, objects in snapshot.items()})
    try:
        plan_changes([desired_object(row, options)], snapshot)
    except ShapeError:
        assert refused
    else:
        assert not refused


def test_a_port_under_a_cni_that_can_not_be_read_is_not_spare():
    (change,) = plan_changes([desired_object(INTERCONNECT, BY_SITE)],
                             snapshot([OFFER], [PORT], [unreadable('cni', cni(1, 'nyc-1', 'p-1'), 'bgp')]))
    assert (change.action, change.after['slot_id']) == ('create', uuid(9))


@pytest.mark.parametrize(('wrong', 'action'), [
    (cni(1, 'nyc-1', 'p-2'), 'delete'), (cni(1, 'nyc-1', 'p-1'), 'none'), (cni(1, 'nyc-1', None), 'none'),
], ids=['elsewhere', 'on it', 'not told'])
def test_what_is_noted_is_not_deleted_under_a_cni_that_can_not_be_read(wrong, action):
    port = {**PORT, 'virtual_port_reservation_id': uuid(1001)}
    current = snapshot((), [port], [unreadable('cni', wrong, 'bgp')], [tunnel(1, f'{DELETE_NOTE}nyc-9'), tunnel(2, 'another')])
    (change,) = plan_changes([desired_object(INTERCONNECT, {'conduit_name': 'nyc-9', 'state': 'absent'})], current)
    assert (change.action, half_deleted_circuits(current)) == (action, ['nyc-9'] if action == 'delete' else [])


@pytest.mark.parametrize('select', [
    lambda current: interconnect_names({'names': ['p-1'], 'circuits': None}, current),
    lambda current: filtered_objects(INTERCONNECT, {'name': 'p-1'}, {}, current),
    lambda current: filtered_objects(INTERCONNECT, {'slot_id': LETTERS}, {}, current),
], ids=['names', 'by name', 'by slot_id'])
def test_who_asks_for_what_can_not_be_read_gets_the_reason(select):
    port = {**PORT, 'slot_id': LETTERS.upper()}
    with pytest.raises(ShapeError, match='site of interconnect is wrong'):
        select(snapshot(interconnects=[unreadable('interconnect', port, 'site')]))
    for path in ('name', 'slot_id'):
        assert select(snapshot(interconnects=[port, unreadable('interconnect', {}, path)])) in (['p-1'], [port])


def test_what_can_not_be_read_was_there_before_all_the_same():
    (change,) = plan_changes([desired_object(INTERCONNECT, {'slot_id': uuid(9)})],
                             snapshot([OFFER], [unreadable('interconnect', PORT, 'facility')]))
    assert change.known_ids == {'p-1'}


def test_a_string_as_target_is_read_like_an_object():
    script = Script(answer({'success': True, 'result': {'interconnects': [{'id': 't', 'health_check': {'target': '192.0.2.1'}}]}}))
    assert read_objects(script.client(), 'tunnel') == [{'id': 't', 'health_check': {'target': {'saved': '192.0.2.1'}}}]


def test_no_more_is_read_than_the_decision_needs():
    script = Script(list_answer(cni(1, 'nyc-1', 'first')))
    desired = desired_object(CNI, {'conduit_name': 'nyc-1', 'interconnect': 'first', 'mtu': 1500})
    (change,) = observe(script.client(), lambda current: plan_changes([desired], current))
    assert (change.action, script.requests()) == ('none', [('GET', LINKS)])


# Slots, which may be many.

def ordered(script, *selectors, **options):
    """The slots that the orders get, one for each selector."""
    desired = [desired_object(INTERCONNECT, {'slot': selector}) for selector in selectors]
    return [change.after['slot_id'] for change in observe(script.client(**options), lambda current: plan_changes(desired, current))]


def slot_queries(script):
    return [url.removeprefix(SLOT_LIST) for _method, url in script.requests() if url.startswith(SLOT_LIST)]


@pytest.mark.parametrize(('selectors', 'query'), [
    ([{'site': 'ewr-a', 'speed': '10G', 'address_contains': 'Halsey', 'facility': 'Equinix NY1'}],
     '?site=ewr-a&speed=10G&address_contains=Halsey&limit=1000'),
    ([{'site': 'ewr-a', 'speed': '10G'}, {'site': 'fra-b', 'speed': '10G'}], '?speed=10G&limit=1000'),
    ([{'site': 'ewr-a', 'speed': '10G'}, {'site': 'fra-b', 'speed': '100G'}], '?limit=1000'),
    ([{'facility': 'Equinix NY1'}], '?limit=1000'),
], ids=['all', 'what two have in common', 'nothing in common', 'what the API can not filter by'])
def test_the_slots_that_may_do_are_asked_for(selectors, query):
    slots = [slot(1), slot(2, site='fra-b'), slot(3, site='fra-b', speed='100G')]
    script = Script(list_answer(), list_answer(*slots), list_answer())
    ordered(script, *selectors)
    assert slot_queries(script) == [query]


@pytest.mark.parametrize(('selector', 'got'), [({'site': 'EWR-A'}, [uuid(1)]), ({'site': 'ewr-z'}, "no slot has the site 'ewr-z'")])
def test_a_narrowed_list_that_has_none_is_no_word_on_the_others(selector, got):
    """Whether the API regards case is not known, and the names that there are come from the whole list."""
    script = Script(list_answer(), list_answer(), list_answer(), list_answer(slot(1)), list_answer())
    if isinstance(got, str):
        with pytest.raises(InputError, match=got):
            ordered(script, selector)
    else:
        assert ordered(script, selector) == got
    assert slot_queries(script) == [f'?site={selector["site"]}&limit=1000', '?limit=1000']


def test_who_refuses_filters_or_so_large_a_page_is_asked_for_all_slots():
    script = Script(list_answer(), refusal(400), list_answer(slot(1)), list_answer())
    assert ordered(script, {'site': 'ewr-a'}) == [uuid(1)]
    assert slot_queries(script) == ['?site=ewr-a&limit=1000', '']
    with pytest.raises(ApiError):
        ordered(Script(refusal(400)), {'site': 'ewr-a'})


# Lists that lag behind.

OURS = {'occupied': True, 'account': ACCOUNT}


@pytest.mark.parametrize('options', [{'slot': {'site': 'ewr-a', 'speed': '10G'}}, {'slot_id': uuid(1)}], ids=['selector', 'slot_id'])
@pytest.mark.parametrize('account', [ACCOUNT, ACCOUNT.upper()], ids=['account', 'in capitals'])
@pytest.mark.parametrize('other', [direct('b', 3, speed='100G'), {**gcp('b'), 'site': 'ewr-a'}], ids=['direct', 'gcp_partner'])
def test_an_order_that_is_not_listed_yet_is_waited_for(options, account, other):
    taken = list_answer(slot(1, occupied=True, account=account), slot(2))
    script = Script(list_answer(other), taken, list_answer(other), taken, list_answer(other, direct('late', 1)))
    (change,) = observe(script.client(), lambda current: plan_changes([desired_object(INTERCONNECT, options)], current))
    assert (change.action, change.before['name'], script.slept) == ('none', 'late', [0.5])


@pytest.mark.parametrize(('more', 'ports', 'selector'), [
    ({'occupied': True}, [], {}),
    ({'occupied': True, 'account': None}, [], {}),
    ({'occupied': True, 'account': 'other'}, [], {}),
    ({'occupied': False, 'account': ACCOUNT, 'site': 'fra-b'}, [], {}),
    (OURS, [direct('other', 1)], {'conduit_name': 'b'}),
    (OURS, [{**direct('other', 1), 'slot_id': None, 'speed': '1G'}], {}),
    (OURS, [Unreadable({**direct('other', 1), 'region': 5}, ShapeError('GET', PORTS, 200, '', ['region']))], {'conduit_name': 'b'}),
    ({**OURS, 'site': 'fra-b'}, [], {}),
], ids=['not told whose', 'null', 'of another', 'free', 'carries another circuit', 'listed without its slot', 'not readable', 'elsewhere'])
def test_a_taken_slot_that_is_no_order_of_this_account_is_passed_over(more, ports, selector):
    lists = {'slot': [slot(1, **more), slot(2)], 'interconnect': ports, 'cni': [cni(1, 'a', 'other')]}
    current = Snapshot({(name, None): objects for name, objects in lists.items()})
    current.account = ACCOUNT
    (change,) = plan_changes([desired_object(INTERCONNECT, {'slot': {'site': 'ewr-a', 'speed': '10G'}, **selector})], current)
    assert (change.action, change.after['slot_id']) == ('create', uuid(2))


@pytest.mark.parametrize(('options', 'device'), [
    ({'slot': {'site': 'ewr-a', 'diverse_from': ['far']}}, 'edge01.ewr-a'),
    ({'slot': {'site': 'ewr-a', 'diverse_from': ['far'], 'facility': 'different'}}, 'edge02.ewr-a'),
    ({'slot_id': uuid(2)}, 'edge01.ewr-a'),
], ids=['away', 'another facility', 'slot_id'])
def test_an_order_of_another_slot_than_the_taken_one_does_not_wait_for_it(options, device):
    slots = [slot(1, device=device, **OURS), slot(2, device='two', facility=NY5)]
    current = Snapshot({('slot', None): slots, ('interconnect', None): [direct('far', 9)], ('cni', None): []})
    current.account = ACCOUNT
    (change,) = plan_changes([desired_object(INTERCONNECT, options)], current)
    assert change.after['slot_id'] == uuid(2)


def test_an_order_that_is_never_listed_says_which_slot_and_what_to_do():
    script = Script(list_answer(), *[list_answer(slot(1, **OURS), slot(2)), list_answer()] * 9)
    with pytest.raises(NotListedError) as error:
        ordered(script, {'site': 'ewr-a'}, retry_timeout=5)
    assert error.value.result() == {
        'msg': f'Slot {uuid(1)} (Equinix NY1, ewr-a) is occupied by this account, but no interconnect is listed on it. It may be an order '
               'that Cloudflare does not list yet, so nothing was ordered. Run it again in a few minutes. If this persists, ask '
               'Cloudflare what is on that slot, or select another one with slot_id.',
        'error': {'kind': 'not_yet', 'retryable': True, 'option': 'slot', 'slot_id': uuid(1)}}


def test_a_parent_is_asked_for_by_its_name_before_it_is_called_absent():
    desired = [[desired_object(CNI, {'conduit_name': name, 'interconnect': name, 'bgp': {'customer_asn': 1}})] for name in ('late', 'gone')]
    script = Script(list_answer(), list_answer(direct('first', 1)), *[
        lambda request: answer(direct('late', 2)) if request['url'].endswith('late') else refusal(404)] * 2)
    made, refused = observe(script.client(), lambda current: plan_chains(desired, current))
    assert (made[0].action, str(refused)) == (
        'create', "interconnect: there is no interconnect 'gone' in this account. There are: first, late.")
    assert sorted(script.requests()[2:]) == [('GET', f'{PORTS}/gone'), ('GET', f'{PORTS}/late')]


def test_lists_that_are_needed_in_any_case_are_read_at_the_same_time():
    both = threading.Barrier(2, timeout=WAIT)

    def together(_request):
        both.wait()
        return list_answer()

    needed, script = ('cni', 'interconnect'), Script(together, together, list_answer())
    lists = observe(script.client(), lambda current: [current.objects(name) for name in (*needed, 'settings')], prefetch=needed)
    assert lists[:2] == [[], []]
    assert script.requests()[2:] == [('GET', '/cni/settings')]


@pytest.mark.parametrize(('name', 'reply', 'kind'), [
    ('late', [refusal(400)], InputError), ('late', [refusal(404, 7003)], InputError), ('late', [refusal(414)], InputError),
    ('late', [answer({'name': 'late', 'slot_id': {}})], InputError), ('..', [], InputError), ('late', [refusal(403)], ApiError),
], ids=['400', 'no route', '414', 'not readable', 'no address', '403'])
def test_what_no_list_has_and_no_address_leads_to_is_not_there(name, reply, kind):
    desired = desired_object(CNI, {'conduit_name': 'nyc-1', 'interconnect': name})
    with pytest.raises(kind) as error:
        observe(Script(list_answer(), list_answer(direct('here', 1)), *reply).client(), lambda current: plan_changes([desired], current))
    if kind is InputError:
        assert error.value.message == f'interconnect: there is no interconnect {name!r} in this account. There are: here.'


def test_a_refusal_is_no_answer_where_no_list_was_read_nor_to_the_list_itself():
    with pytest.raises(ApiError):
        observe(Script(refusal(400)).client(), lambda current: current.objects('status', 'here'))
    narrowed = Snapshot()
    narrowed.put_part(('slot', None), [], narrowed=True)
    with pytest.raises(ApiError):
        observe(Script(*[refusal(400)] * 2).client(), lambda current: current.complete_list('slot'), narrowed)


# What is not there yet.

def tunnels(*objects):
    return answer({'interconnects': list(objects)})


def check_of_a(script, decide, **options):
    """What becomes of the health check of interconnect a, whose tunnel comes late."""
    desired = desired_object(TUNNEL, {'interconnect': 'a', 'rate': 'high'})
    return observe(script.client(**options), lambda current: decide([desired], current))


LATE = {'id': 't', 'virtual_port_reservation_id': uuid(1002), 'health_check': {'rate': 'mid'}}


def test_a_health_check_right_after_its_interconnect_waits_for_its_tunnel():
    script = Script(list_answer(direct('a', 2)), tunnels(), tunnels(), tunnels(LATE))
    (change,) = check_of_a(script, plan_changes)
    assert (change.action, change.before, script.slept) == ('update', LATE, [0.5, 1.0])


def test_an_interconnect_without_a_reservation_is_read_again_before_the_tunnels():
    script = Script(*[list_answer({'name': 'a', 'type': 'direct'})] * 2, list_answer(direct('a', 2)), tunnels(LATE))
    assert check_of_a(script, plan_changes)[0].before == LATE
    assert [url for _method, url in script.requests()] == [*[PORTS] * 3, '/magic/cf_interconnects']


def test_what_does_not_come_within_retry_timeout_is_an_error_that_may_pass():
    script = Script(list_answer(direct('a', 2)), *[tunnels()] * 10)
    with pytest.raises(NotListedError, match="shows no health check for 'a' yet") as error:
        check_of_a(script, plan_changes, retry_timeout=4)
    assert error.value.result()['error'] == {'kind': 'not_yet', 'retryable': True, 'option': 'interconnect'}
    assert script.slept == [0.5, 1.0, 2.0, 0.5]


def test_of_many_only_that_which_does_not_come_fails():
    script = Script(list_answer(direct('a', 2), direct('b', 3)), *[tunnels({**LATE, 'virtual_port_reservation_id': uuid(1003)})] * 10)
    chains = [[desired_object(TUNNEL, {'interconnect': name, 'rate': 'high'})] for name in ('a', 'b')]
    late, (change,) = observe(script.client(retry_timeout=5), lambda current: plan_chains(chains, current))
    assert (late.kind, change.action, script.now) == ('not_yet', 'update', 5)
