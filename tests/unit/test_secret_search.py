# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for secrets in what others write, and the search of the tests for those that they have planted."""

from __future__ import annotations

import base64
import html
import json
import threading
from collections.abc import Iterable
from urllib.parse import quote

import pytest
from support.planted_secrets import MD5_KEY, SECRETS, STORED_KEY, TOKEN, found

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import TransportError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import Secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import Response


def test_the_search_finds_what_is_planted():
    for secret in SECRETS:
        for ahead in ('', 'a', 'ab'):
            assert found(base64.b64encode(f'{ahead}{secret}'.encode()).decode())
        assert found(secret) and found(quote(secret)) and found(html.escape(secret))


def guarded(answered, secrets: Iterable[str] = (), accept: str = 'application/json'):
    """What comes through the guard of such an answer, a Response or an exception."""
    def send(*_request):
        if isinstance(answered, Exception):
            raise answered
        return answered

    return Secrets(secrets).redacting_transport(send)('GET', 'https://api.example/', {'Accept': accept}, None)


@pytest.mark.parametrize(('body', 'accept', 'is_data'), [
    ({'items': [{'description': MD5_KEY}], 'next': None}, 'application/json', True),
    ({'success': True, 'result': {'description': MD5_KEY}}, 'application/json', True),
    ({'success': True, 'result': {'success': False, 'description': MD5_KEY}}, 'application/json', True),
    ({'success': False, 'errors': [{'code': 1, 'message': MD5_KEY}]}, 'application/json', False),
    ({'success': None, 'result': MD5_KEY}, 'application/json', False),
    ({'description': MD5_KEY}, 'application/pdf', False),
], ids=['list', 'envelope', 'a field of that name', 'refusal', 'no word of success', 'JSON for a PDF'])
def test_only_an_answer_that_is_data_comes_through_as_it_is(body, accept, is_data):
    answered = Response(200, {}, json.dumps(body).encode())
    assert (guarded(answered, [MD5_KEY], accept).body == answered.body) is is_data
    assert is_data or found(guarded(answered, [MD5_KEY], accept).body.decode()) == []


def test_all_of_a_refusal_but_the_lines_that_hold_a_secret_is_shown():
    lines = ['first line', f'the key {MD5_KEY} is odd', 'caf\u00e9']
    body = {'errors': [{'code': 7, 'message': '\n'.join(lines)}], MD5_KEY: [1, None]}
    answered = guarded(Response(400, {'cf-ray': '1', 'Location': f'/{MD5_KEY}'}, json.dumps(body).encode()), [MD5_KEY])
    withheld = '(not shown: contains a secret)'
    shown = {'errors': [{'code': 7, 'message': '\n'.join(['first line', withheld, 'caf\u00e9'])}], withheld: [1, None]}
    assert json.loads(answered.body) == shown
    assert answered.headers == {'cf-ray': '1', 'Location': withheld}
    text = guarded(Response(502, {}, '\n'.join(lines).encode()), [MD5_KEY]).body.decode()
    assert text.split('\n') == ['first line', withheld, 'caf\u00e9']


def test_a_secret_of_two_lines_is_found():
    assert guarded(Response(502, {}, b'before PLANT\nED after'), ['PLANT\nED']).body == b'(not shown: contains a secret)'


def test_what_a_lost_connection_says_is_searched_too():
    with pytest.raises(TransportError) as error:
        guarded(TransportError('dropped', 'GET', '/x', f'header {TOKEN}'), [TOKEN])
    assert str(error.value) == (
        'GET /x: The connection was closed before the response was complete. ((not shown: contains a secret)).')


def test_a_key_that_comes_while_others_are_looked_for_disturbs_nobody(monkeypatch):
    """All threads of a rollout share the secrets, and each answer may bring one."""
    bodies = {'GET': b'{"md5_key": "PLANTED 1"}', 'PUT': b'{"md5_key": "PLANTED 2"}'}
    secrets = Secrets([])
    send = secrets.redacting_transport(lambda method, *_request: Response(200, {}, bodies[method]))
    send('GET', '', {}, None)

    def encodings(secret: str) -> set[str]:
        other = threading.Thread(target=send, args=('PUT', '', {}, None))
        other.start()
        other.join()
        return {secret}

    monkeypatch.setattr(_secrets, 'encodings', encodings)
    refuse = secrets.redacting_transport(lambda *_request: Response(400, {}, b'PLANTED 1\nPLANTED 2\nand more'))
    assert found(refuse('POST', '', {}, None).body.decode()) == []


def test_the_forms_of_a_secret_are_made_once(monkeypatch):
    made = []
    monkeypatch.setattr(_secrets, 'encodings', lambda secret: made.append(secret) or {secret})
    send = Secrets([MD5_KEY, TOKEN]).redacting_transport(lambda *_request: Response(400, {}, f'"md5_key": "{STORED_KEY[:9]}"'.encode()))
    for _time in range(3):
        assert found(send('GET', '', {}, None).body.decode()) == []
    assert sorted(set(made)) == sorted({MD5_KEY, TOKEN, STORED_KEY[:9]}) and len(made) <= 4
