# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against scripted answers: what it sends, when it repeats, how long it waits, what it makes of answers."""

from __future__ import annotations

import re

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import MAX_PAGES, Client, key_headers
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AnswerError,
    ApiError,
    CniError,
    InputError,
    TransportError,
)

from .scripted import ACCOUNT, BASE, Script, answer, refusal

PATH = ('cni', 'cnis')


def lost(reason='dropped'):
    return TransportError(reason, 'GET', '/x', 'cause')


def call(client, method):
    arguments = {'GET': {}, 'DELETE': {}, 'POST': {'body': {}}, 'PUT': {'body': {}}}[method]
    return getattr(client, method.lower())(PATH, **arguments)


# What is sent.

def test_a_request_carries_account_token_and_query_and_only_once_a_body():
    script = Script(answer({}), answer({}))
    client = script.client()
    client.get(('cni', 'slots'), {'site': 'a&b', 'occupied': False, 'speed': None}, headers={'x-more': 'yes'})
    client.post(PATH, {'account': ACCOUNT})
    get, post = script.sent
    assert get['url'] == '/cni/slots?site=a%26b&occupied=false'
    assert (get['headers']['Authorization'], get['headers']['x-more'], get['body']) == ('Bearer t0ken', 'yes', None)
    assert (get['headers']['Accept'], get['headers']['User-Agent']) == ('application/json', 'ansible-collection-netops.cloudflare_cni')
    assert 'Content-Type' not in get['headers']
    assert (post['headers']['Content-Type'], post['body']) == ('application/json', {'account': ACCOUNT})


def test_a_file_is_asked_for_as_pdf_and_returned_as_it_is():
    script = Script(answer(body=b'%PDF-1.7'))
    assert script.client().get_file(('cni', 'interconnects', 'a', 'loa'), {'name': 'X Ltd'}).body == b'%PDF-1.7'
    (get,) = script.sent
    assert (get['method'], get['url'], get['headers']['Accept']) == ('GET', '/cni/interconnects/a/loa?name=X+Ltd', 'application/pdf')


def test_a_global_key_goes_with_its_email():
    assert key_headers('me@example.com', 'key') == {'X-Auth-Email': 'me@example.com', 'X-Auth-Key': 'key'}


@pytest.mark.parametrize(('name', 'encoded'), [
    ('../settings', '..%2Fsettings'), ('a/b', 'a%2Fb'), ('%2e%2e', '%252e%252e'), ('a?b#c', 'a%3Fb%23c'), ('a b\n', 'a%20b%0A'),
    ('ü', '%C3%BC'),
])
def test_a_name_is_data_in_a_path(name, encoded):
    script = Script(answer({}))
    script.client().get(('cni', 'interconnects', name))
    assert script.requests() == [('GET', f'/cni/interconnects/{encoded}')]


@pytest.mark.parametrize('name', ['', '.', '..', 'half \ud800 a character'])
def test_what_no_encoding_makes_safe_is_refused_unsent(name):
    script = Script()
    with pytest.raises(InputError, match=re.escape(f'name: {name!r} cannot be part of an API URL')):
        script.client().delete(('cni', 'interconnects', name))
    assert script.sent == []


# Answers.

@pytest.mark.parametrize('shape', [lambda data: data, lambda data: {'success': True, 'errors': [], 'messages': [], 'result': data}])
def test_an_envelope_makes_no_difference(shape):
    script = Script(answer(shape({'id': '1'})), answer(shape({'items': [{'id': '1'}], 'next': None})))
    client = script.client()
    assert client.get(PATH) == {'id': '1'}
    assert list(client.get_pages(PATH)) == [[{'id': '1'}]]
    assert list(Script(answer(shape([{'id': '1'}]))).client().get_pages(PATH)) == [[{'id': '1'}]]


@pytest.mark.parametrize('last', [{'next': None}, {}, {'next': 0}, {'next': 7}], ids=['null', 'absent', 'zero', 'same'])
def test_a_list_ends(last):
    script = Script(answer({'items': [{'id': '1'}], 'next': 7}), answer({'items': [{'id': '2'}], **last}))
    assert [page[0]['id'] for page in script.client().get_pages(PATH, {'site': 'x'})] == ['1', '2']
    assert script.requests() == [('GET', '/cni/cnis?site=x'), ('GET', '/cni/cnis?site=x&cursor=7')]


def v4(number, **info):
    """A page of a list in Cloudflare's v4 habits: two objects."""
    items = [{'id': f'{number}-1'}, {'id': f'{number}-2'}]
    return answer({'success': True, 'errors': [], 'result': items, **({'result_info': info} if info else {})})


@pytest.mark.parametrize(('first', 'last', 'query'), [
    ({'page': 1, 'per_page': 2, 'total_pages': 2, 'total_count': 4}, {'page': 2, 'per_page': 2, 'total_pages': 2}, 'page=2'),
    ({'page': '1', 'per_page': '2', 'total_count': '3'}, {'page': '2', 'per_page': '2', 'total_count': '3'}, 'page=2'),
    ({'page': 1, 'count': 2, 'total_count': 4}, {'page': 2, 'count': 2, 'total_count': 4}, 'page=2'),
    ({'page': 1, 'per_page': 2, 'count': 2}, {'page': 2, 'per_page': 3, 'count': 2}, 'page=2'),
    ({'cursors': {'after': 'b'}, 'count': 2}, {'cursors': {'after': ''}, 'per_page': 2}, 'cursor=b'),
    ({'cursor': 'b'}, {'cursor': None}, 'cursor=b'),
    ({'cursors': {'after': 'b'}}, {'cursors': {'after': 'b'}}, 'cursor=b'),
], ids=['pages', 'strings', 'count', 'no total', 'cursors', 'cursor', 'the same cursor'])
def test_a_list_that_goes_on_by_result_info_is_read_to_its_end(first, last, query):
    script = Script(v4(1, **first), v4(2, **last))
    assert [len(page) for page in script.client().get_pages(PATH, {'site': 'x'})] == [2, 2]
    assert script.requests() == [('GET', '/cni/cnis?site=x'), ('GET', f'/cni/cnis?site=x&{query}')]


@pytest.mark.parametrize('info', [
    {}, {'count': 2}, {'page': 1, 'per_page': 20}, {'page': 1, 'per_page': 2, 'total_pages': 1}, {'page': 1, 'total_count': 2},
    {'page': None, 'total_pages': None},
], ids=str)
def test_a_list_of_one_page_is_read_once(info):
    assert len(list(Script(v4(1, **info)).client().get_pages(PATH))) == 1


def test_a_total_that_counts_what_a_filter_leaves_out_ends_at_an_empty_page():
    info = {'page': 1, 'per_page': 2, 'total_count': 99}
    empty = answer({'success': True, 'result': [], 'result_info': {**info, 'page': 2}})
    assert [len(page) for page in Script(v4(1, **info), empty).client().get_pages(PATH)] == [2, 0]


@pytest.mark.parametrize(('info', 'problem'), [
    ({'page': 1, 'per_page': 2, 'total_pages': 2}, 'page 1 of a list instead of page 2.'),
    ({'page': 'x'}, 'invalid literal for int'), ({'page': 2, 'total_pages': [1]}, 'int'),
], ids=['page one again', 'no number', 'object'])
def test_a_list_that_can_not_be_read_on_is_not_cut_silently(info, problem):
    with pytest.raises(AnswerError) as error:
        list(Script(v4(1, page=1, total_pages=2), *[v4(2, **info)] * 5).client().get_pages(PATH))
    assert problem in error.value.message


def test_a_list_that_never_ends_is_an_error():
    script = Script(*[answer({'items': [], 'next': number}) for number in range(1, MAX_PAGES + 2)])
    with pytest.raises(AnswerError) as error:
        list(script.client().get_pages(PATH))
    assert (len(script.sent), str(error.value)) == (
        MAX_PAGES, f'GET /cni/cnis: HTTP 200, an endless list: {MAX_PAGES} pages, and each refers to another one.')


@pytest.mark.parametrize('bad', [
    answer(body=b''), answer(body=b'  '), answer(body=b'{"items": ['), answer(body=b'<!doctype html><title>Wait</title>'), answer([1]),
    answer('text'), answer({'items': None}), answer({'items': [1]}), answer({'items': [], 'next': {}}),
    answer({'success': True, 'result': None}),
    answer(body=b'[' * 100000), answer(body=b'\xff\xfe'),
], ids=['empty', 'blank', 'truncated', 'html', 'list of numbers', 'text', 'null', 'numbers', 'cursor', 'no result', 'deep', 'not utf-8'])
def test_an_answer_that_is_no_list_is_an_error_and_read_again(bad):
    script = Script(bad, answer({'items': [{'id': '1'}]}))
    assert list(script.client().get_pages(PATH)) == [[{'id': '1'}]]
    with pytest.raises(AnswerError, match='HTTP 200'):
        list(Script(*[bad] * 5).client().get_pages(PATH))


@pytest.mark.parametrize(('method', 'body', 'problem'), [
    ('POST', b'[1]', 'a JSON list instead of an object.'),
    ('POST', b'', 'an empty body instead of JSON.'),
    ('POST', b'<html><title>Wait</title>', 'not JSON: an HTML page: Wait'),
    ('POST', b'x' * 200, 'not JSON: ' + 'x' * 100),
    ('POST', b' {"md5_key": "s', 'not JSON: 15 bytes, truncated or malformed'),
    ('POST', b'["s', 'not JSON: 3 bytes, truncated or malformed'),
    ('PUT', b'[1]', 'a JSON list instead of an object.'),
    ('PUT', b'["s', 'not JSON: 3 bytes, truncated or malformed'),
    ('GET', b'{"items": null}', "no list of objects under 'items'."),
    ('GET', b'{"items": [], "next": {}}', 'a dict as the cursor of the next page.'),
], ids=['list', 'empty', 'html', 'text', 'cut object', 'cut list', 'list after PUT', 'cut after PUT', 'no items', 'cursor'])
def test_an_answer_that_is_not_the_one_asked_for_is_reported_with_its_ray(method, body, problem):
    client = Script(*[answer(body=body, cf_ray='8a1-EWR')] * 5).client()
    with pytest.raises(AnswerError) as error:
        list(client.get_pages(PATH)) if method == 'GET' else call(client, method)
    assert error.value.message == f'{method} /cni/cnis: HTTP 200, {problem}'
    assert error.value.details['cf_ray'] == '8a1-EWR'


@pytest.mark.parametrize('status', [200, 201, 202, 204])
def test_each_success_of_a_write_is_one(status):
    for method in ('POST', 'PUT'):
        assert call(Script(answer({'id': '1'}, status)).client(), method) == {'id': '1'}
    assert call(Script(answer(None, status)).client(), 'DELETE') is True
    if status != 200:
        with pytest.raises(ApiError):
            Script(answer({'id': '1'}, status)).client().get(PATH)


@pytest.mark.parametrize('nothing', [answer(status=204, body=b''), answer({'success': True, 'result': None}), answer(status=202)],
                         ids=['204', 'no result', 'null'])
def test_a_success_without_the_object_is_none_after_a_put_and_a_lost_answer_after_a_post(nothing):
    assert Script(nothing).client().put(PATH, {}) is None
    with pytest.raises(AnswerError) as error:
        Script(nothing).client().post(PATH, {})
    assert error.value.status == nothing.status


@pytest.mark.parametrize(('source', 'words'), [
    ({'pointer': '/magic/mtu'}, 'wrong (code 1004, at /magic/mtu, see https://developers.example/1004)'),
    ({}, 'wrong (code 1004, see https://developers.example/1004)'), ('x', 'wrong (code 1004, see https://developers.example/1004)'),
], ids=str)
def test_an_error_names_the_field_and_the_page_that_explains_it(source, words):
    item = {'code': 1004, 'message': 'wrong', 'documentation_url': 'https://developers.example/1004', 'source': source}
    with pytest.raises(ApiError) as error:
        Script(answer({'success': False, 'errors': [item]}, 400)).client().post(PATH, {})
    assert words in str(error.value)
    assert error.value.details['errors'] == [{name: value for name, value in item.items() if value}]


def test_success_false_is_an_error_whatever_the_status():
    with pytest.raises(ApiError, match=r'no \(code 1001\)'):
        Script(refusal(200, 1001)).client().post(PATH, {})


@pytest.mark.parametrize(('body', 'message'), [
    (b'{"success": false, "errors": [{"code": 1, "message": "in the envelope"}]}', 'in the envelope'),
    (b'{"error": "other JSON"}', '{"error": "other JSON"}'),
    (b'plain text', 'plain text'),
    (b'<html><head><title>Bad gateway | 502</title></head></html>', 'an HTML page: Bad gateway | 502'),
    (b'<!DOCTYPE html><body>', 'an HTML page: without a title'),
    (b'\n<html><body>', 'an HTML page: without a title'),
    (b'<BODY><TITLE>\nBad gateway\n</TITLE>', 'an HTML page: Bad gateway'),
    (b'', None),
    (b'{"errors": [null, "x"]}', '{"errors": [null, "x"]}'),
    (b'x' * 400, 'x' * 300),
    (b'\n' * 19999 + b'ab', 'a'),
], ids=['envelope', 'json', 'text', 'html', 'untitled', 'no doctype', 'capitals', 'empty', 'odd', 'long', 'very long'])
def test_the_words_of_a_refusal_reach_the_user_whatever_their_form(body, message):
    with pytest.raises(ApiError) as error:
        Script(answer(status=400, body=body, cf_ray='8a1-EWR')).client().post(PATH, {})
    result = error.value.result()
    expected = {'method': 'POST', 'path': '/cni/cnis', 'status': 400, 'cf_ray': '8a1-EWR', 'retryable': False}
    assert expected.items() <= result['error'].items()
    assert result['error'].get('message') == message
    assert result['error']['errors'] == ([{'code': result['error'].get('code'), 'message': message}] if message else [])
    assert (message or 'without a message') in result['msg']
    assert '8a1-EWR' in result['msg']


@pytest.mark.parametrize(('method', 'status', 'code', 'hint'), [
    ('GET', 400, 9106, 'CLOUDFLARE_API_TOKEN'), ('GET', 400, 6003, 'malformed'), ('GET', 403, 10000, 'Magic WAN Read or Write'),
    ('POST', 403, 10000, 'Magic WAN Write or Magic Transit Write'), ('GET', 404, 7003, 'account_id'), ('GET', 403, 1234, 'entitled'),
])
def test_a_known_cause_comes_with_a_hint(method, status, code, hint):
    with pytest.raises(ApiError) as error:
        call(Script(refusal(status, code)).client(), method)
    assert hint in error.value.details['hint']
    assert hint in error.value.result()['msg']


def test_not_found_is_an_answer_where_it_is_accepted_but_not_from_the_gateway():
    assert Script(refusal(404, 1002)).client().get(PATH, accept=(200, 404)) is None
    assert Script(refusal(404)).client().delete(PATH) is False
    for verb in ('GET', 'DELETE'):
        with pytest.raises(ApiError, match=f'^{verb} /cni/cnis: HTTP 404, .*api_url'):
            call(Script(refusal(404, 7003)).client(), verb)
    with pytest.raises(ApiError):
        Script(refusal(404)).client().post(PATH, {})


@pytest.mark.parametrize('body', [b'', b'{}', b'null', b'{"success": true, "result": null}', b'[]'])
def test_a_delete_reads_no_body(body):
    assert Script(answer(body=body)).client().delete(PATH) is True
    for status in (202, 204):
        assert Script(answer(status=status, body=b'')).client().delete(PATH) is True


@pytest.mark.parametrize('status', [300, 302, 399])
@pytest.mark.parametrize('method', ['GET', 'POST', 'PUT', 'DELETE'])
def test_a_redirect_is_an_error_and_not_followed(method, status):
    script = Script(answer(status=status, body=b'', location='https://elsewhere.example/'))
    with pytest.raises(AnswerError) as error:
        call(script.client(), method)
    assert error.value.message == (f"{method} /cni/cnis: HTTP {status}, a redirect to 'https://elsewhere.example/', "
                                   'which the API never sends: check api_url.')
    assert len(script.sent) == 1


def test_an_error_has_the_path_without_the_query():
    with pytest.raises(ApiError, match=r'^GET /cni/cnis: HTTP 400, no '):
        Script(refusal(400, 1)).client().get(PATH, {'site': 'x'})


# Retry.

@pytest.mark.parametrize('method', ['GET', 'PUT', 'DELETE', 'POST'])
@pytest.mark.parametrize('failure', [
    lost('dropped'), lost('timeout'), lost('refused'), lost('dns'), refusal(408), refusal(500), refusal(502), refusal(503), refusal(504),
    answer(status=520, body=b''),
], ids=['dropped', 'timeout', 'refused', 'dns', '408', '500', '502', '503', '504', '520'])
def test_a_passing_failure_is_repeated_for_all_but_post(method, failure):
    script = Script(failure, answer({}))
    if method == 'POST':
        with pytest.raises(CniError):
            call(script.client(), method)
        assert len(script.sent) == 1
    else:
        call(script.client(), method)
        assert len(script.sent) == 2


@pytest.mark.parametrize('failure', [lost('tls'), lost('proxy'), refusal(400), refusal(401), refusal(403), refusal(409)],
                         ids=['tls', 'proxy', '400', '401', '403', '409'])
def test_a_lasting_failure_is_not_repeated(failure):
    script = Script(failure)
    with pytest.raises(CniError):
        script.client().get(PATH)
    assert len(script.sent) == 1


def test_it_gives_up_after_five_tries_with_growing_pauses_and_says_so():
    script = Script(*[refusal(503)] * 5)
    client = script.client()
    with pytest.raises(ApiError, match='Tried 5 times'):
        client.get(PATH)
    assert script.slept == [0.5, 1.0, 2.0, 4.0]
    assert client.counters == {'requests': 5, 'retries': 4, 'waited': 7.5}


def test_pauses_are_jittered_between_half_and_whole():
    script = Script(refusal(500), answer({}))
    client = script.client(jitter=lambda: 0.001)
    client.get(PATH)
    assert script.slept == [0.25025]
    assert client.counters['waited'] == 0.25


@pytest.mark.parametrize('method', ['GET', 'POST', 'PUT', 'DELETE'])
def test_the_rate_limit_is_waited_for_to_the_second_and_as_often_as_it_says(method):
    script = Script(*[refusal(429, 971, retry_after='60')] * 7, answer({}))
    client = script.client()
    call(client, method)
    assert script.slept == [60.0] * 7
    assert client.counters == {'requests': 8, 'retries': 7, 'waited': 420.0}


THEN = 'Wed, 21 Oct 2026 07:28:00 GMT'


@pytest.mark.parametrize('named', [{}, {'retry_after': '0'}, {'retry_after': '-1'}, {'retry_after': 'soon'},
                                   {'retry_after': THEN, 'date': THEN}, {'retry_after': 'Wed, 21 Oct 2015 07:28:00 -0000'}], ids=str)
def test_a_rate_limit_without_seconds_is_waited_for_as_other_failures_are(named):
    script = Script(refusal(429, **named), answer({}))
    script.client().post(PATH, {})
    assert script.slept == [0.5]


def test_a_rate_limit_that_names_no_time_is_not_asked_again_and_again():
    script = Script(*[refusal(429, 971, retry_after='0')] * 100)
    with pytest.raises(ApiError):
        script.client(retry_timeout=300).get(PATH)
    assert script.slept == [0.5, 1, 2, 4, 8, 16, *[30] * 8]


@pytest.mark.parametrize('then', [THEN, 'Wed, 21 Oct 2026 09:28:00 +0200'])
def test_a_date_is_counted_from_that_of_the_answer(then):
    script = Script(refusal(429, 971, retry_after=then, date='Wed, 21 Oct 2026 07:27:00 GMT'), answer({}))
    script.client().post(PATH, {})
    assert script.slept == [60]


def test_a_date_is_counted_from_now_where_the_answer_has_none():
    with pytest.raises(ApiError) as error:
        Script(refusal(429, 971, retry_after='Fri, 31 Dec 9999 23:59:59 GMT')).client().get(PATH)
    assert error.value.retry_after > 1e11


@pytest.mark.parametrize(('waits', 'slept', 'notes'), [
    (['300'], [], ['Waiting another 300 s would exceed retry_timeout.']),
    (['9', '291'], [9], ['Tried 2 times.', 'Waiting another 291 s would exceed retry_timeout.']),
], ids=str)
def test_a_wait_beyond_retry_timeout_is_not_begun(waits, slept, notes):
    script = Script(*(refusal(429, 971, retry_after=wait) for wait in waits))
    with pytest.raises(ApiError) as error:
        script.client(retry_timeout=299).get(PATH)
    assert script.slept == slept
    assert error.value.notes[1:] == notes
    assert error.value.result()['error']['retryable'] is True


def test_a_wait_of_all_of_retry_timeout_is_begun():
    script = Script(refusal(429, 971, retry_after='300'), answer({}))
    script.client(retry_timeout=300).get(PATH)
    assert script.slept == [300]


# Pacing.

def test_the_budget_is_kept_by_own_count():
    script = Script(*[answer({})] * 5)
    client = script.client(requests_per_window=2)
    for _request in range(5):
        client.get(PATH)
    assert [request['at'] for request in script.sent] == [0, 0, 300, 300, 600]
    assert client.counters['waited'] == 600


def test_the_budget_of_a_pause_is_not_saved_up():
    script = Script(*[answer({})] * 3)
    client = script.client(requests_per_window=1)
    client.get(PATH)
    script.now = 1000
    client.get(PATH)
    client.get(PATH)
    assert [request['at'] for request in script.sent] == [0, 1000, 1300]


def test_the_reported_rate_only_slows_down():
    script = Script(answer({}, ratelimit='"default";r=0;t=30'), answer({}, ratelimit='"default";r=1200;t=30'), answer({}))
    client = script.client()
    for _request in range(3):
        client.get(PATH)
    assert [request['at'] for request in script.sent] == [0, 30, 30]


def test_what_is_left_is_counted_down_until_an_answer_reports_it_again():
    script = Script(answer({}, ratelimit='"default";r=2;t=10'), answer({}), answer({}), answer({}))
    client = script.client()
    for _request in range(4):
        client.get(PATH)
    assert [request['at'] for request in script.sent] == [0, 0, 0, 10]


def test_the_reported_rate_holds_no_longer_than_a_window():
    script = Script(answer({}, ratelimit='"default";r=0;t=86400'), answer({}))
    client = script.client(retry_timeout=300)
    client.get(PATH)
    client.get(PATH)
    assert script.slept == [300]


@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_the_reported_rate_holds_no_longer_than_retry_timeout(method):
    script = Script(answer({}, ratelimit='"default";r=0;t=86400'))
    script.now = 1000
    client = script.client(retry_timeout=10)
    client.get(PATH)
    with pytest.raises(ApiError) as error:
        call(client, method)
    assert (script.slept, len(script.sent), client.counters['requests']) == ([], 1, 1)
    assert error.value.details['errors'] == [
        {'code': None, 'message': 'not sent: the header Ratelimit of an earlier response allows no request for 300 s'}]
    assert 'Waiting another 300 s would exceed retry_timeout.' in str(error.value)
    assert (error.value.status, error.value.retryable, error.value.retry_after) == (429, True, 300)


def test_of_the_same_it_warns_once():
    warned = []
    client = Script().client(warn=warned.append)
    for text in ('a', 'a', 'b'):
        client.warn(text)
    assert warned == ['a', 'b']


def test_base_url_may_end_in_a_slash():
    script = Script(answer({}))
    Client(script, ACCOUNT, {}, 'https://proxy.example/API-X/').get(PATH)
    assert script.requests() == [('GET', f'https://proxy.example/API-X/accounts/{ACCOUNT}/cni/cnis')]


# What preflight needs besides.

def test_a_url_of_the_user_is_not_below_the_account():
    script = Script(answer({'success': True, 'result': {'status': 'active'}}))
    assert script.client().get(('user', 'tokens', 'verify'), in_account=False) == {'status': 'active'}
    assert script.sent[0]['url'] == f'{BASE}/user/tokens/verify'


def test_each_answer_is_passed_on_as_it_came_a_refusal_and_a_retried_one_too():
    script, responses = Script(refusal(502), refusal(403, 10000)), []
    client = script.client()
    client.on_answer = responses.append
    with pytest.raises(ApiError):
        client.get(('cni', 'settings'))
    assert [response.status for response in responses] == [502, 403]
