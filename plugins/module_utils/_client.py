# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API as calls: JSON with or without an envelope, accepted statuses, retries by method, pacing, paging, counters.

Knows no resource and no AnsibleModule. Time is an argument (clock, sleep, jitter), so tests need none.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import AnswerError, ApiError, CniError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._threads import wait_for
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import Response

Send = Callable[[str, str, Mapping[str, str], 'bytes | None'], Response]

WINDOW = 300.0  # seconds; Cloudflare counts a user's requests over 5 minutes
WRITE_STATUSES = (200, 201, 202, 204)  # of a write that was done
RETRYABLE_METHODS = frozenset({'GET', 'PUT', 'DELETE'})  # a POST orders hardware: only a 429 of the gateway is retried
MAX_TRIES = 5  # of a retryable request that keeps failing without Retry-After
BACKOFF = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)  # seconds: the first waits; all further ones are like the last
MAX_PAGES = 1000  # of one list, at 50 objects a page: more than any account has, and less than the budget of a window
UNKNOWN_URL_CODES = frozenset({7000, 7003})  # codes of a 404 for the URL, not the object


def token_headers(token: str) -> dict[str, str]:
    """The header of an API token."""
    return {'Authorization': f'Bearer {token}'}


def key_headers(email: str, key: str) -> dict[str, str]:
    """The headers of a global API key."""
    return {'X-Auth-Email': email, 'X-Auth-Key': key}


def is_url_segment(text: str) -> bool:
    """Whether a text can be a segment of a URL's path: '', '.', '..' and a lone surrogate can't."""
    return text not in ('', '.', '..') and not re.search('[\ud800-\udfff]', text)


def url_segment(value: Any) -> str:
    """A segment of a URL's path, percent-encoded whole.

    Raises InputError for '', '.', '..' and a lone surrogate, which no encoding makes safe.
    """
    text = str(value)
    if not is_url_segment(text):
        raise InputError('name', f'{text!r} cannot be part of an API URL.')
    return quote(text, safe='')


def _query_string(query: Mapping[str, Any]) -> str:
    parameters = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items() if value is not None}
    return f'?{urlencode(parameters)}' if parameters else ''


class Client:
    """One account's API over a transport.

    send: (method, url, headers, body) -> Response. retry_timeout: seconds that one call may take, waits included.
    requests_per_window: how many requests this process sends in 300 s at most (source: Cloudflare's API rate limits, 1,200).
    warn: called once for each text that the user should know. on_answer: called with each answer as it came.
    on_wait: called with the reason before each wait for what Cloudflare does not list yet, or for another run.
    """

    def __init__(self, send: Send, account_id: str, credentials: Mapping[str, str], base_url: str, *, retry_timeout: float = 600,
                 requests_per_window: int = 1200, clock: Callable[[], float] = time.monotonic,
                 sleep: Callable[[float], Any] | None = None, jitter: Callable[[], float] = random.random,
                 warn: Callable[[str], None] = lambda text: None) -> None:
        self.account_id = account_id
        self._send = send
        self._headers = {'Accept': 'application/json', 'User-Agent': 'ansible-collection-netops.cloudflare_cni', **credentials}
        self._base, self._account_path = base_url.rstrip('/'), f'/accounts/{url_segment(account_id)}'
        self.on_answer: Callable[[Response], None] = lambda answer: None
        self.on_wait: Callable[[str], None] = lambda reason: None
        self.retry_timeout = retry_timeout
        self._sent: deque[list[float]] = deque(maxlen=requests_per_window)
        self._in_flight = 0  # requests that are about to be sent, or have no answer yet
        self._blocked_until = 0.0
        self._left, self._left_until = 0, 0.0  # what the header Ratelimit leaves, less what was sent since; until when that counts
        self._interrupted = threading.Event()
        self.clock, self._sleep, self._jitter = clock, sleep or partial(wait_for, self._interrupted), jitter
        self._lock = threading.Lock()
        self._warn, self._warned = warn, set()
        self.counters: dict[str, Any] = {'requests': 0, 'retries': 0, 'waited': 0.0}

    # The methods. segments: of the path behind /accounts/{account_id}, not yet encoded.

    def get(self, segments: Iterable[Any], query: Mapping[str, Any] | None = None, *, accept: tuple[int, ...] = (200,),
            headers: Mapping[str, str] | None = None, in_account: bool = True) -> dict[str, Any] | None:
        """An object; None when 404 is among the accepted statuses and is the answer. in_account: else of the user."""
        return self._call('GET', segments, query, accept=accept, headers=headers, decode=_decode_object, in_account=in_account)

    def get_value(self, segments: Iterable[Any]) -> Any:
        """What an answer holds, of whatever type: for the few that no source describes."""
        return self._call('GET', segments, decode=lambda answer, request: _envelope_result(_parsed_json(answer, request)))

    def get_pages(self, segments: Iterable[Any], query: Mapping[str, Any] | None = None, *, list_key: str = 'items',
                  headers: Mapping[str, str] | None = None) -> Iterator[list[dict[str, Any]]]:
        """The pages of a list, by `next` (source: the contract) or by `result_info` (Cloudflare's other lists).

        The list ends at a next that is null, absent, 0, or was there before. Raises AnswerError after MAX_PAGES.
        """
        segments, next_query, positions = tuple(segments), {}, set()
        for _number in range(MAX_PAGES):
            objects, next_query = self._call('GET', segments, {**(query or {}), **next_query}, headers=headers,
                                             decode=_page_decoder(list_key, next_query.get('page', 1)))
            yield objects
            position = tuple(next_query.items())
            if not next_query or position in positions:
                return
            positions.add(position)
        raise AnswerError('GET', '/'.join(['', *segments]), 200, f'an endless list: {MAX_PAGES} pages, and each refers to another one.')

    def get_file(self, segments: Iterable[Any], query: Mapping[str, Any] | None = None) -> Response:
        """The answer as it is: the caller knows what kind of file it should be."""
        return self._call('GET', segments, query, headers={'Accept': 'application/pdf'}, decode=lambda answer, _where: answer)

    def post(self, segments: Iterable[Any], body: Mapping[str, Any]) -> dict[str, Any]:
        """The new object. Sent once: any failure but a 429 is raised at once, and the object may have been created all the same."""
        return self._call('POST', segments, body=body, accept=WRITE_STATUSES, decode=_decode_object)

    def put(self, segments: Iterable[Any], body: Mapping[str, Any], headers: Mapping[str, str] | None = None,
            query: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The object as stored; None if the API confirms without it."""
        return self._call('PUT', segments, query, body=body, headers=headers, accept=WRITE_STATUSES, decode=_decode_object_or_none)

    def delete(self, segments: Iterable[Any]) -> bool:
        """False if the API has no such object, as after a lost answer. No body is documented, so none is read."""
        return bool(self._call('DELETE', segments, accept=(*WRITE_STATUSES, 404), decode=lambda _answer, _where: True))

    def query(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The data of a GraphQL query. $accountTag is this account. Raises ApiError for what GraphQL refuses, also with status 200.

        A POST in form only: GraphQL has no other method, and a query reads (source: the GraphQL specification; Cloudflare's analytics have
        no mutations). Nothing is ordered by it, so it is retried as a GET is.
        """
        body = {'query': document, 'variables': {'accountTag': self.account_id, **variables}}
        return self._call('POST', ('graphql',), body=body, decode=_decode_query, in_account=False, retried_as='GET')

    def back_off(self, attempt: int, longest: float = WINDOW) -> None:
        """Waits as long as before the next attempt of a call that failed so many times, but no longer than so many seconds."""
        self._wait(min(self._backoff_delay(attempt), longest))

    @contextmanager
    def silent_after_interrupt(self) -> Iterator[None]:
        """Sends nothing more once the user has ended the run: threads of it may still wait for an answer, and would retry."""
        try:
            yield
        except KeyboardInterrupt:
            self.interrupt()
            raise

    def interrupt(self) -> None:
        """Sends nothing more, and ends the waits of all threads: they raise KeyboardInterrupt."""
        self._interrupted.set()

    def warn(self, text: str) -> None:
        """Warns the user, once for each text."""
        with self._lock:
            known = text in self._warned
            self._warned.add(text)
        if not known:
            self._warn(text)

    # A call: sent as often as the retry rule allows.

    def _call(self, method: str, segments: Iterable[Any], query: Mapping[str, Any] | None = None, *, body: Mapping[str, Any] | None = None,
              accept: tuple[int, ...] = (200,), headers: Mapping[str, str] | None = None, decode: Callable, in_account: bool = True,
              retried_as: str | None = None) -> Any:
        """The decoded answer to a request, sent again as long as _retry_delay() allows it.

        accept: the statuses that are no error. decode: (answer, (method, path)) -> the result. retried_as: the method whose retry rule
        counts.
        Raises ApiError, AnswerError or TransportError of the last attempt, and KeyboardInterrupt after interrupt().
        """
        path = '/'.join(['', *(url_segment(part) for part in segments)])
        url = f'{self._base}{self._account_path if in_account else ""}{path}{_query_string(query or {})}'
        content = None if body is None else json.dumps(body).encode()
        sent_headers = {**self._headers, **(headers or {}), **({'Content-Type': 'application/json'} if content is not None else {})}
        request, deadline = (method, path), self.clock() + self.retry_timeout
        for attempt in itertools.count(1):
            if self._interrupted.is_set():
                raise KeyboardInterrupt
            try:
                self._refuse_blocked(request, deadline)
                answer = self._send_paced(method, url, sent_headers, content)
                self.on_answer(answer)
                self._note_rate_limit(answer.headers)
                return _accepted_result(request, answer, accept, decode)
            except CniError as error:
                wait = self._retry_delay(retried_as or method, error, attempt)
                if wait is None or self.clock() + wait > deadline:
                    _note_attempts(error, attempt, wait)
                    raise
            self._add_to_counters(retries=1)
            self._wait(wait)
        raise AssertionError('unreachable')

    def _retry_delay(self, method: str, error: CniError, attempt: int) -> float | None:
        """Seconds until the next attempt, None for no further one. Which errors are transient is in _errors.py."""
        is_rate_limited = getattr(error, 'status', None) == 429  # refused by the gateway: the service has not seen it
        if not is_rate_limited and not (error.transient and method in RETRYABLE_METHODS and attempt < MAX_TRIES):
            return None
        return max(getattr(error, 'retry_after', None) or 0, self._backoff_delay(attempt))

    def _backoff_delay(self, attempt: int) -> float:
        return BACKOFF[min(attempt, len(BACKOFF)) - 1] * (0.5 + self._jitter() / 2)

    def _send_paced(self, *request: Any) -> Response:
        """The answer. A request counts from its end: nobody knows when it arrived, and a slow one may have arrived late."""
        sent = self._reserve_send_time()
        try:
            return self._send(*request)
        finally:
            with self._lock:
                sent[0] = self.clock()
                self._in_flight -= 1

    def _reserve_send_time(self) -> list[float]:
        """Keeps to the budget by its own count: the API's count has been seen not to count down. Returns [the time to send]."""
        with self._lock:
            now = self.clock()
            if now < self._left_until:
                self._block_if_nothing_is_left()
                self._left -= 1
            full = len(self._sent) == self._sent.maxlen
            start = max(now, self._blocked_until, self._sent[0][0] + WINDOW if full else now)
            sent = [start]
            self._sent.append(sent)
            self._in_flight += 1
            self.counters['requests'] += 1
        if start > now:
            self._wait(start - now)
        return sent

    def _refuse_blocked(self, request: tuple[str, str], deadline: float) -> None:
        """Raises a 429 without sending, if the header Ratelimit asks for a wait beyond the call's retry_timeout."""
        if self._blocked_until > deadline:
            wait = math.ceil(self._blocked_until - self.clock())
            problem = f'not sent: the header Ratelimit of an earlier response allows no request for {wait} s'
            raise ApiError(*request, 429, [{'code': None, 'message': problem}], retry_after=wait)

    def _note_rate_limit(self, headers: Mapping[str, str]) -> None:
        """Ratelimit: "default";r=0;t=30 means that nothing is left for 30 s. It only ever slows down, by a window at most.

        What is left is for the requests of other threads that have no answer yet: another run may have used up the rest of the budget.
        """
        budget = re.search(r';\s*r=(\d+)\s*;\s*t=(\d+)', headers.get('Ratelimit') or '')
        with self._lock:
            if budget:
                self._left = int(budget.group(1)) - self._in_flight
                self._left_until = self.clock() + min(int(budget.group(2)), WINDOW)
                self._block_if_nothing_is_left()

    def _block_if_nothing_is_left(self) -> None:
        if self._left <= 0:
            self._blocked_until = max(self._blocked_until, self._left_until)

    def _wait(self, seconds: float) -> None:
        self._add_to_counters(waited=seconds)
        self._sleep(seconds)
        if self._interrupted.is_set():
            raise KeyboardInterrupt

    def _add_to_counters(self, **increments: float) -> None:
        with self._lock:
            for name, value in increments.items():
                self.counters[name] = round(self.counters[name] + value, 3)


def _note_attempts(error: CniError, attempt: int, wait: float | None) -> None:
    """Adds to an error how often the call was sent, and how long it would have had to wait."""
    if attempt > 1:
        error.notes.append(f'Tried {attempt} times.')
    if wait is not None:
        error.notes.append(f'Waiting another {wait:g} s would exceed retry_timeout.')


def _accepted_result(request: tuple[str, str], answer: Response, accept: tuple[int, ...], decode: Callable) -> Any:
    """The decoded answer; None for an accepted 404. Raises ApiError for every status that isn't accepted."""
    if 300 <= answer.status < 400:
        target = answer.headers.get('Location')
        raise AnswerError(*request, answer.status, f'a redirect to {target!r}, which the API never sends: check api_url.')
    if answer.status == 404 and 404 in accept:
        refusal = _api_error(*request, answer)
        if UNKNOWN_URL_CODES.isdisjoint(refusal.codes):
            return None
        raise refusal
    if answer.status not in accept:
        raise _api_error(*request, answer)
    return decode(answer, request)


def _api_error(method: str, url_path: str, answer: Response) -> ApiError:
    """The error with the API's own message, whatever its form: envelope, other JSON, text, HTML or nothing."""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        data = None
    errors = data.get('errors') if isinstance(data, dict) else None
    items = [_error_item(e) for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    if not items and answer.body.strip():
        items = [{'code': None, 'message': _excerpt(answer.body)}]
    return ApiError(method, url_path, answer.status, items, answer.headers.get('cf-ray'), _retry_after_seconds(answer.headers))


def _error_item(error: Mapping[str, Any]) -> dict[str, Any]:
    """An error as the API has it: code and message, and if given the page that explains it and the field that it is about."""
    extensions = error.get('extensions')
    inner_code = extensions.get('code') if isinstance(extensions, dict) else None  # where GraphQL has it
    return {'code': error.get('code', inner_code), 'message': error.get('message'),
            **{name: error[name] for name in ('documentation_url', 'source') if error.get(name)}}


def _retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The seconds of the header Retry-After, given as a number or a date; None without one.

    A date is counted from the answer's own date.
    """
    value = str(headers.get('Retry-After') or '').strip()
    if value.isdecimal():
        return float(value)
    until, now = _parsed_date(value), _parsed_date(headers.get('Date')) or datetime.now(timezone.utc)
    return max(0.0, (until - now).total_seconds()) if until else None


def _parsed_date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or '')
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=timezone.utc)


def _excerpt(body: bytes, most: int = 300) -> str:
    """A body for people: an HTML page by its title, other text shortened."""
    text = body[:20000].decode('utf-8', 'replace')
    title = re.search(r'<title[^>]*>(.*?)</title>', text, re.DOTALL | re.IGNORECASE)
    if title or text.lstrip().lower().startswith(('<!doctype html', '<html')):
        return f'an HTML page: {" ".join(title.group(1).split()) if title else "without a title"}'
    return ' '.join(text.split())[:most]


def _parsed_json(answer: Response, request: tuple[str, str]) -> Any:
    """The JSON of a body. Raises AnswerError, or ApiError for success: false."""
    def answer_error(problem: str) -> AnswerError:
        return AnswerError(*request, answer.status, problem, answer.headers.get('cf-ray'))

    if not answer.body.strip():
        raise answer_error('an empty body instead of JSON.')
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        starts_well = answer.body.lstrip()[:1] in (b'{', b'[')  # it may hold an md5 key, so it is not quoted
        content = f'{len(answer.body)} bytes, truncated or malformed' if starts_well else _excerpt(answer.body, 100)
        raise answer_error(f'not JSON: {content}') from error
    if isinstance(data, dict) and data.get('success', True) is not True:
        raise _api_error(*request, answer)
    return data


def _envelope_result(data: Any) -> Any:
    """The result in an envelope; all of the data if there is no envelope."""
    return data.get('result') if isinstance(data, dict) and 'success' in data else data


def _decode_object_or_none(answer: Response, request: tuple[str, str]) -> dict[str, Any] | None:
    """None for an empty body and for null."""
    if not answer.body.strip() or _envelope_result(_parsed_json(answer, request)) is None:
        return None
    return _decode_object(answer, request)


def _decode_object(answer: Response, request: tuple[str, str]) -> dict[str, Any]:
    data = _envelope_result(_parsed_json(answer, request))
    if not isinstance(data, dict):
        raise AnswerError(*request, answer.status, f'a JSON {type(data).__name__} instead of an object.', answer.headers.get('cf-ray'))
    return data


def _decode_query(answer: Response, request: tuple[str, str]) -> dict[str, Any]:
    """The data of a GraphQL answer, which has errors with status 200 too; null if there are none (source: Cloudflare's documents)."""
    parsed = _parsed_json(answer, request)
    if isinstance(parsed, dict) and parsed.get('errors'):
        raise _api_error(*request, answer)
    data = parsed.get('data') if isinstance(parsed, dict) else None
    if not isinstance(data, dict):
        raise AnswerError(*request, answer.status, 'no data of a GraphQL query.', answer.headers.get('cf-ray'))
    return data


def _page_decoder(name: str, number: int) -> Callable[[Response, tuple[str, str]], tuple[list[dict[str, Any]], dict[str, Any]]]:
    """The decoder of a page: (its objects, the query of the next page). number: of the page."""
    def decode(answer: Response, request: tuple[str, str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        def answer_error(problem: str) -> AnswerError:
            return AnswerError(*request, answer.status, problem, answer.headers.get('cf-ray'))

        envelope = _parsed_json(answer, request)
        data = _envelope_result(envelope)
        items = data.get(name) if isinstance(data, dict) else data
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise answer_error(f'no list of objects under {name!r}.')
        try:
            return items, _next_page_query(envelope, data, len(items), number)
        except (TypeError, ValueError) as error:
            raise answer_error(f'{error}.') from error
    return decode


def _next_page_query(envelope: Any, data: Any, count: int, number: int) -> dict[str, Any]:
    """The query of the next page, {} after the last. number, count: of this page and its objects. Raises ValueError or TypeError."""
    cursor = data.get('next') if isinstance(data, dict) else None
    if not isinstance(cursor, (int, str, type(None))):
        raise TypeError(f'a {type(cursor).__name__} as the cursor of the next page')
    info = envelope.get('result_info') if isinstance(envelope, dict) else None
    if cursor or not isinstance(info, dict):
        return {'cursor': cursor} if cursor else {}
    cursors = info.get('cursors') if isinstance(info.get('cursors'), dict) else {'after': info['cursor']} if 'cursor' in info else None
    if cursors is not None:
        return {'cursor': str(cursors['after'])} if cursors.get('after') else {}
    return _numbered_page_query(info, count, number)


def _numbered_page_query(info: Mapping[str, Any], count: int, number: int) -> dict[str, Any]:
    """The same where pages have numbers (source: Cloudflare's v4 lists). total_count may count what a filter leaves out."""
    if int(info.get('page') or number) != number:
        raise ValueError(f'page {info["page"]} of a list instead of page {number}')
    size, total = int(info.get('per_page') or 0), int(info.get('total_count') or 0)
    pages = int(info.get('total_pages') or 0) or -(-total // (size or count or 1))
    last = number >= pages if pages else count < (size or count + 1)
    return {} if last or not count else {'page': number + 1}
