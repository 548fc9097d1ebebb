# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API as calls: credentials, JSON with or without an envelope, accepted statuses, retry by method, pacing, paging, counters.

Knows no resource and no AnsibleModule. Time is an argument (clock, sleep, jitter), so tests need none.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import AnswerError, ApiError, CniError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import Response

Send = Callable[[str, str, Mapping[str, str], 'bytes | None'], Response]

WINDOW = 300.0  # seconds; Cloudflare counts a user's requests over 5 minutes
REPEATABLE = frozenset({'GET', 'PUT', 'DELETE'})  # a POST orders hardware: it is repeated after 429 only, which the gateway sends
TRIES = 5  # of a repeatable request that keeps failing without a word on when to come back
BACKOFF = (0.5, 30.0)  # seconds: the first wait and the longest
MAX_PAGES = 1000  # of one list, at 50 objects a page: more than any account has, and less than the budget of a window
NO_ROUTE = frozenset({7000, 7003})  # codes of a 404 that speaks of the address, not of the object


def bearer(token: str) -> dict[str, str]:
    """The header of an API token."""
    return {'Authorization': f'Bearer {token}'}


def global_key(email: str, key: str) -> dict[str, str]:
    """The headers of a global API key."""
    return {'X-Auth-Email': email, 'X-Auth-Key': key}


def is_segment(text: str) -> bool:
    """Whether a text can be one part of a path: '', '.', '..' and half a character can't."""
    return text not in ('', '.', '..') and not re.search('[\ud800-\udfff]', text)


def segment(value: Any) -> str:
    """One part of a path, percent-encoded whole. Raises InputError for what no encoding makes safe: '', '.', '..' and half a character."""
    text = str(value)
    if not is_segment(text):
        raise InputError('name', f'{text!r} can not be part of an address of the API.')
    return quote(text, safe='')


def _query(query: Mapping[str, Any]) -> str:
    asked = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items() if value is not None}
    return f'?{urlencode(asked)}' if asked else ''


class Client:
    """One account's API over a transport.

    send: (method, url, headers, body) -> Response. retry_timeout: seconds that one call may take, waits included.
    requests_per_window: how many requests this process sends in 300 s at most (source: Cloudflare's API rate limits, 1,200).
    warn: what the user should know of an answer that is used all the same; called once for each text.
    """

    def __init__(self, send: Send, account_id: str, credentials: Mapping[str, str], base_url: str, *, retry_timeout: float = 600,
                 requests_per_window: int = 1200, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
                 jitter: Callable[[], float] = random.random, warn: Callable[[str], None] = lambda text: None) -> None:
        self.account_id = account_id
        self._send = send
        self._headers = {'Accept': 'application/json', 'User-Agent': 'ansible-collection-netops.cloudflare_cni', **credentials}
        self._base = f'{base_url.rstrip("/")}/accounts/{segment(account_id)}'
        self._retry_timeout = retry_timeout
        self._sent: deque[list[float]] = deque(maxlen=requests_per_window)
        self._held_until = 0.0
        self.clock, self._sleep, self._jitter = clock, sleep, jitter
        self._lock = threading.Lock()
        self._warn, self._warned = warn, set()
        self.counters: dict[str, Any] = {'requests': 0, 'retries': 0, 'waited': 0.0}

    # The verbs. path: the segments behind /accounts/{account_id}, not yet encoded.

    def get(self, path: Iterable[Any], query: Mapping[str, Any] | None = None, *, accept: tuple[int, ...] = (200,),
            headers: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """An object; None when 404 is among the accepted statuses and is the answer."""
        return self._call('GET', path, query, accept=accept, headers=headers, decode=_object)

    def pages(self, path: Iterable[Any], query: Mapping[str, Any] | None = None, *, items: str = 'items',
              headers: Mapping[str, str] | None = None) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list. It ends at a next that is null, absent, 0, or was there before. Raises AnswerError after MAX_PAGES."""
        path, cursor, seen = tuple(path), None, set()
        for _number in range(MAX_PAGES):
            page = self._call('GET', path, {**(query or {}), 'cursor': cursor}, headers=headers, decode=_page(items))
            yield page['items']
            cursor = page['next']
            if not cursor or cursor in seen:
                return
            seen.add(cursor)
        raise AnswerError('GET', '/'.join(['', *path]), 200, f'a list that never ends: {MAX_PAGES} pages, and each names another one.')

    def file(self, path: Iterable[Any], query: Mapping[str, Any] | None = None) -> Response:
        """The answer as it is: the caller knows what kind of file it should be."""
        return self._call('GET', path, query, headers={'Accept': 'application/pdf'}, decode=lambda answer, _where: answer)

    def post(self, path: Iterable[Any], body: Mapping[str, Any]) -> dict[str, Any]:
        """The new object. Sent once: any failure but a 429 comes back at once, and it may have been done all the same."""
        return self._call('POST', path, body=body, decode=_object)

    def put(self, path: Iterable[Any], body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The object as stored."""
        return self._call('PUT', path, body=body, headers=headers, decode=_object)

    def delete(self, path: Iterable[Any]) -> bool:
        """False if the API says that there is no such object, as after a lost answer. No body is documented, so none is read."""
        return bool(self._call('DELETE', path, accept=(200, 202, 204, 404), decode=lambda _answer, _where: True))

    def back_off(self, tried: int, longest: float = WINDOW) -> None:
        """Waits as long as before the next try of a call that failed so many times, but no longer than so many seconds."""
        self._rest(min(self._step(tried), longest))

    def warn(self, text: str) -> None:
        """Warns the user, once of the same."""
        with self._lock:
            known = text in self._warned
            self._warned.add(text)
        if not known:
            self._warn(text)

    # One call, as often as it may be sent.

    def _call(self, method: str, path: Iterable[Any], query: Mapping[str, Any] | None = None, *, body: Mapping[str, Any] | None = None,
              accept: tuple[int, ...] = (200,), headers: Mapping[str, str] | None = None, decode: Callable) -> Any:
        url = '/'.join([self._base, *(segment(part) for part in path)])
        url += _query(query or {})
        content = None if body is None else json.dumps(body).encode()
        sent_headers = {**self._headers, **(headers or {}), **({'Content-Type': 'application/json'} if content is not None else {})}
        deadline = self.clock() + self._retry_timeout
        for tried in itertools.count(1):
            try:
                answer = self._paced(method, url, sent_headers, content)
                self._note_rate(answer.headers)
                return _accept(method, url[len(self._base):], answer, accept, decode)
            except CniError as error:
                wait = self._wait(method, error, tried)
                if wait is None or self.clock() + wait > deadline:
                    _tell(error, tried, wait)
                    raise
            self._count(retries=1)
            self._rest(wait)
        raise AssertionError('unreachable')

    def _wait(self, method: str, error: CniError, tried: int) -> float | None:
        """Seconds until the next try, None for no further one. This is the whole retry rule."""
        refused_before = getattr(error, 'status', None) == 429
        if not refused_before and not (error.transient and method in REPEATABLE and tried < TRIES):
            return None
        named = getattr(error, 'retry_after', None)
        return named if named is not None else self._step(tried)

    def _step(self, tried: int) -> float:
        first, longest = BACKOFF
        return min(longest, first * 2 ** (tried - 1)) * (0.5 + self._jitter() / 2)

    def _paced(self, *request: Any) -> Response:
        """The answer. A request counts from its end: when it arrived is not known, and one that was slow may have come late."""
        sent = self._pace()
        try:
            return self._send(*request)
        finally:
            sent[0] = self.clock()

    def _pace(self) -> list[float]:
        """Keeps to the budget by own count; the count that the API reports has been seen not to count down. Returns [when it is sent]."""
        with self._lock:
            now = self.clock()
            full = len(self._sent) == self._sent.maxlen
            start = max(now, self._held_until, self._sent[0][0] + WINDOW if full else now)
            sent = [start]
            self._sent.append(sent)
            self.counters['requests'] += 1
        if start > now:
            self._rest(start - now)
        return sent

    def _note_rate(self, headers: Mapping[str, str]) -> None:
        """Ratelimit: "default";r=0;t=30 means: nothing left for 30 s. Only ever slows down."""
        left = re.search(r';\s*r=0\s*;\s*t=(\d+)', headers.get('Ratelimit') or '')
        if left:
            with self._lock:
                self._held_until = max(self._held_until, self.clock() + int(left.group(1)))

    def _rest(self, seconds: float) -> None:
        self._count(waited=seconds)
        self._sleep(seconds)

    def _count(self, **more: float) -> None:
        with self._lock:
            for name, value in more.items():
                self.counters[name] = round(self.counters[name] + value, 3)


def _tell(error: CniError, tried: int, wait: float | None) -> None:
    """Says how often it was tried, and for how long it would have had to wait."""
    if tried > 1:
        error.notes.append(f'Tried {tried} times.')
    if wait is not None:
        error.notes.append(f'Waiting another {wait:g} s would exceed retry_timeout.')


def _accept(method: str, where: str, answer: Response, accept: tuple[int, ...], decode: Callable) -> Any:
    """The decoded answer; None for an accepted 404. Raises ApiError for every status that isn't accepted."""
    where = where.partition('?')[0]
    if 300 <= answer.status < 400:
        target = answer.headers.get('Location')
        raise AnswerError(method, where, answer.status, f'a redirect to {target!r}, which the API never sends: check api_url.')
    if answer.status == 404 and 404 in accept:
        refusal = _refusal(method, where, answer)
        if NO_ROUTE.isdisjoint(refusal.codes):
            return None
        raise refusal
    if answer.status not in accept:
        raise _refusal(method, where, answer)
    return decode(answer, (method, where))


def _refusal(method: str, where: str, answer: Response) -> ApiError:
    """The error in the API's words, whatever form they have: envelope, other JSON, text, HTML or nothing."""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        data = None
    errors = data.get('errors') if isinstance(data, dict) else None
    said = [{'code': e.get('code'), 'message': e.get('message')} for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    if not said and answer.body.strip():
        said = [{'code': None, 'message': _shown(answer.body)}]
    after = str(answer.headers.get('Retry-After') or '').strip()
    return ApiError(method, where, answer.status, said, answer.headers.get('cf-ray'), float(after) if after.isdecimal() else None)


def _shown(body: bytes, most: int = 300) -> str:
    """A body for people: an HTML page by its title, other text shortened."""
    text = body[:20000].decode('utf-8', 'replace')
    title = re.search(r'<title[^>]*>(.*?)</title>', text, re.DOTALL | re.IGNORECASE)
    if title or text.lstrip().lower().startswith(('<!doctype html', '<html')):
        return f'an HTML page: {" ".join(title.group(1).split()) if title else "without a title"}'
    return ' '.join(text.split())[:most]


def _json(answer: Response, where: tuple[str, str]) -> Any:
    """The result, out of its envelope if it has one. Raises AnswerError, or ApiError for success: false."""
    def unreadable(problem: str) -> AnswerError:
        return AnswerError(*where, answer.status, problem, answer.headers.get('cf-ray'))

    if not answer.body.strip():
        raise unreadable('an empty body where JSON was due.')
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        starts_well = answer.body.lstrip()[:1] in (b'{', b'[')  # it may hold an md5 key, so it is not quoted
        said = f'{len(answer.body)} bytes, cut off or broken' if starts_well else _shown(answer.body, 100)
        raise unreadable(f'not JSON: {said}') from error
    if not isinstance(data, dict) or 'success' not in data:
        return data
    if data['success'] is not True:
        raise _refusal(*where, answer)
    return data.get('result')


def _object(answer: Response, where: tuple[str, str]) -> dict[str, Any]:
    data = _json(answer, where)
    if not isinstance(data, dict):
        raise AnswerError(*where, answer.status, f'a JSON {type(data).__name__} where an object was due.', answer.headers.get('cf-ray'))
    return data


def _page(name: str) -> Callable[[Response, tuple[str, str]], dict[str, Any]]:
    def decode(answer: Response, where: tuple[str, str]) -> dict[str, Any]:
        data = _json(answer, where)
        items = data.get(name) if isinstance(data, dict) else data
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise AnswerError(*where, answer.status, f'no list of objects under {name!r}.', answer.headers.get('cf-ray'))
        cursor = data.get('next') if isinstance(data, dict) else None
        if not isinstance(cursor, (int, str, type(None))):
            problem = f'a {type(cursor).__name__} as the cursor of the next page.'
            raise AnswerError(*where, answer.status, problem, answer.headers.get('cf-ray'))
        return {'items': items, 'next': cursor}
    return decode
