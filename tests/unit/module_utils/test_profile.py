# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes of answers, where they differ from what Cloudflare documents, and what differs between two profiles."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._profile import (
    body_form,
    changes,
    difference_text,
    differences,
    list_end,
    shape_of,
)

from .scripted import answer, refusal
from .test_plan import cni, direct

STATUS = {'state': 'Down', 'reason': 'no light'}


def differing(name, *objects):
    return {path: (row['is'], row['found']) for path, row in differences(name, shape_of(name, objects), objects).items()}


# A shape.

def test_a_shape_has_the_kinds_of_all_objects_and_none_of_their_values():
    first, second = cni(1, 'nyc-1', 'icon'), {**cni(2, 'nyc-2', 'icon'), 'bgp': {'customer_asn': 64512, 'extra_prefixes': ['192.0.2.0/24']}}
    shape = shape_of('cni', [first, second])
    assert shape['magic.mtu'] == 'integer'
    assert shape['bgp.extra_prefixes[]'] == 'string'
    assert shape['bgp.md5_key'] == 'absent'
    assert {'nyc-1', 'icon', '64512', '192.0.2.0/24'} & {*shape, *shape.values()} == set()


def test_no_object_has_no_shape():
    assert shape_of('cni', []) == {}


@pytest.mark.parametrize(('name', 'shown'), [
    ('vlan', 'vlan'), ('created_on', 'created_on'), ('ipv6', 'ipv6'), ('ipv4_address', 'ipv4_address'), ('createdOn', 'createdOn'),
    ('6d1c2f0a4b3e49758c9d0e1f2a3b4c5d', '*'), ('ewr-a', '*'), ('192.0.2.1', '*'), ('a' * 40, '*'),
    ('edge01.ewr-a', '*'), ('ab12cd34', '*'),
])
def test_the_name_of_an_unknown_field_is_shown_unless_it_may_be_data(name, shown):
    assert differing('status', {**STATUS, name: 1}) == {shown: ('unknown', 'integer')}


def test_what_is_in_an_unknown_field_is_not_looked_at():
    assert differing('status', {**STATUS, 'history': {'secret': ['of', 'nobody']}}) == {'history': ('unknown', 'object')}


# Differences.

@pytest.mark.parametrize(('objects', 'expected'), [
    ([STATUS, {'state': 'Pending'}, {'state': 'Down', 'reason': None}], {}),
    ([{'reason': 'x'}], {'state': ('missing', 'absent')}),
    ([{'reason': 'x'}, STATUS], {'state': ('missing', 'absent string')}),
    ([{'state': 3}], {'state': ('type', 'integer')}),
    ([{'state': None}], {'state': ('type', 'null')}),
    ([{'state': 'Provisioning'}], {'state': ('word', 'Provisioning')}),
    ([{'state': 'no word: 192.0.2.1'}], {'state': ('word', '*')}),
], ids=['none', 'missing', 'missing in one', 'type', 'null', 'word', 'no word'])
def test_differences(objects, expected):
    assert differing('status', *objects) == expected


def test_a_block_that_is_something_else_and_a_list_of_something_else():
    assert differing('interconnect.direct', {**direct('a', 1), 'account': 'x', 'facility': 'NY1'}) == {
        'facility': ('type', 'string')}
    bgp = {'customer_asn': 1, 'extra_prefixes': [1, 'x']}
    assert differing('cni', {**cni(1, 'nyc-1', 'a'), 'account': 'x', 'bgp': bgp}) == {'bgp.extra_prefixes[]': ('type', 'integer string')}


def test_any_value_is_right_where_none_is_documented():
    error = {'success': False, 'errors': [{'code': 1, 'message': 'x'}], 'result': {'of': 'any kind'}}
    assert differing('error', error) == {}


def test_differences_in_words():
    objects = [{'reason': 3, 'since': 1}, {'state': 'Lit'}]
    rows = differences('status', shape_of('status', objects), objects)
    assert [difference_text(path, row) for path, row in sorted(rows.items())] == [
        'reason is absent or integer, documented absent or null or string', 'since is not documented (integer)', 'state is missing in some']


# Forms.

@pytest.mark.parametrize(('response', 'form'), [
    (answer({'items': []}), 'bare'), (answer([]), 'bare'), (answer({'success': True, 'result': {}}), 'envelope'),
    (refusal(404), 'envelope'), (answer({'error': 'no'}, 404), 'json'), (answer(body=b'', status=404), 'empty'),
    (answer(body=b' <!DOCTYPE html>', status=502), 'html'), (answer(body=b'not found', status=404), 'plain'),
])
def test_the_form_of_a_body(response, form):
    assert body_form(response) == form


@pytest.mark.parametrize(('data', 'end'), [
    ({'items': [], 'next': None}, 'null'), ({'items': []}, 'absent'), ({'items': [], 'next': 0}, 'zero'),
    ({'items': [], 'next': 50}, 'stuck'), ({'success': True, 'result': {'items': [], 'next': None}}, 'null'),
    ({'success': True, 'result': [], 'result_info': {'page': 1}}, 'numbered'),
    ({'items': [], 'next': {}}, 'unknown'), ([], 'absent'),
])
def test_the_end_of_a_list(data, end):
    assert list_end(answer(data)) == end


# Changes.

def profile(**status):
    shape = shape_of('status', [{**STATUS, **status}])
    slots = {'status': 200, 'body': 'bare', 'page_size': 50, 'end': 'null'}
    return {'format': 1, 'limit': 'kept', 'filters': 'exact', 'rate_limit': {'requests': 1200, 'seconds': 300}, 'answers': {
        'slot': slots, 'status': {'status': 200, 'body': 'bare', 'shape': shape, 'differences': differences('status', shape)}}}


def changed(**forms):
    new = copy.deepcopy(profile())
    new.update({name: value for name, value in forms.items() if name in new})
    new['answers']['slot'].update({name: value for name, value in forms.items() if name not in new})
    return changes(profile(), new)


def test_what_is_the_same_is_no_change():
    assert changed() == []


@pytest.mark.parametrize(('forms', 'text'), [
    ({'page_size': 100}, 'slot: the page size was 50, and is 100'),
    ({'end': 'absent'}, 'slot: the end of the list was null, and is absent'),
    ({'body': 'envelope'}, 'slot: the form of the body was bare, and is envelope'),
    ({'filters': 'folded'}, 'account: whether filters are case-sensitive was exact, and is folded'),
    ({'rate_limit': {'requests': 600, 'seconds': 300}}, 'account: the rate limit was 1200 in 300 s, and is 600 in 300 s'),
])
def test_a_form_that_changed(forms, text):
    assert changed(**forms) == [text]


def test_what_one_of_them_does_not_know_is_no_change():
    assert changed(page_size=None, filters='unknown', rate_limit=None) == []
    assert changes({'format': 1}, profile()) == []


@pytest.mark.parametrize(('before', 'after', 'text'), [
    ({}, {'since': 'x'}, 'status: since is not documented (string), which is new'),
    ({'since': 'x'}, {}, 'status: since is not documented (string), which no longer holds'),
    ({'since': 'x'}, {'since': 3}, 'status: since is not documented (integer), which is new'),
    ({}, {'reason': 3}, 'status: reason is integer, documented absent or null or string, which is new'),
])
def test_a_field_that_changed(before, after, text):
    assert changes(profile(**before), profile(**after)) == [text]


def test_a_kind_that_depends_on_the_objects_is_no_change():
    assert changes(profile(reason=3), profile()) == []
    assert changes(profile(), profile(reason=None)) == []


def test_a_list_that_was_empty_is_no_change():
    empty = profile()
    empty['answers']['status'] = {'status': 200, 'body': 'bare', 'shape': {}, 'differences': {}}
    assert changes(profile(since='x'), empty) == changes(empty, profile(since='x')) == []
