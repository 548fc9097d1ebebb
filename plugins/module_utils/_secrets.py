# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others write is searched for secrets, in all forms that they are quoted in: those of the options, and those of secret fields.

What the collection writes itself holds none: it leaves them out by their place. A search would hit what happens to be equal, and betray it.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, TransportError, reported
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ROWS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import Response

Send = Callable[[str, str, Mapping[str, str], 'bytes | None'], Response]

HIDDEN = '(hidden)'
WITHHELD = '(not shown, as it holds a secret)'
SHORT = 4  # characters; one of fewer is not searched for, as it is in most texts

QUOTINGS: tuple[Callable[[str], str], ...] = (
    str, lambda text: json.dumps(text)[1:-1], lambda text: repr(text)[1:-1], lambda text: repr(text.encode())[2:-1],
    lambda text: text.replace("'", "''"), html.escape, lambda text: html.escape(text, quote=False),
    quote, lambda text: quote(text, safe=''), quote_plus, lambda text: base64.b64encode(text.encode()).decode(),
)
DEPTH = 2  # an echo of a JSON body in a JSON string is quoted twice

_NAMES = {wire.rpartition('.')[2] for row in ROWS.values() for kind in (row, *row.variants.values()) for wire in kind.secrets}
_REFUSAL = re.compile(rb'"success"\s*:\s*(?!true)')
_NAMED = re.compile(rf'"(?:{"|".join(sorted(_NAMES))})"\s*:\s*"((?:[^"\\]|\\.)*)'.encode())


def forms(secret: str) -> set[str]:
    """The secret as it is and as it reads in JSON, Python, YAML, HTML, a URL and base64, also in one within another."""
    found = {secret}
    for _level in range(DEPTH):
        found |= {quoting(text) for text in found for quoting in QUOTINGS}
    return {text for text in found if len(text) >= SHORT}


class Secrets:
    """The secrets of a run: those that the user gave, and those that answers hold, which go back in a PUT. All threads share one."""

    def __init__(self, given: Iterable[Any] = ()) -> None:
        self._met: deque[str | bytes] = deque(map(str, given))  # not yet in the index; bytes as they stand in a JSON string
        self._known: set[str | bytes] = set()
        self._index: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def add(self, given: Iterable[Any]) -> None:
        """Adds secrets that the user gave."""
        self._met.extend(map(str, given))

    def withhold(self, text: str) -> str:
        """A text of others without the lines that hold a secret.

        Whole lines: what stands around a gap would betray a secret that can be guessed from it, such as the key 1500 from an MTU.
        """
        if not self._is_in(text):
            return text
        shown = '\n'.join(WITHHELD if self._is_in(line) else line for line in text.split('\n'))
        return WITHHELD if self._is_in(shown) else shown

    def guard(self, send: Send) -> Send:
        """A transport whose answers hold no secret where they are no data, but only there to be quoted in an error."""
        def guarded(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
            try:
                answer = send(method, url, headers, body)
            except TransportError as error:
                error.message = error.message.replace(error.cause, self.withhold(error.cause))
                raise
            self._met.extend(_NAMED.findall(answer.body))
            return answer if _is_data(answer, headers.get('Accept')) else self._quotable(answer)
        return guarded

    def report(self, error: Exception) -> CniError:
        """reported(), without secrets: the text of an exception that nobody expected is that of Python or a library."""
        return reported(error, self.withhold)

    def _is_in(self, text: str) -> bool:
        """Whether a form of a secret is in it, found by how it starts: the time does not grow with the number of secrets."""
        starts = self._starts()
        return any(text.startswith(form, at) for at in range(len(text)) for form in starts.get(text[at:at + SHORT], ()))

    def _starts(self) -> dict[str, list[str]]:
        """{start: the forms that start so}. The forms of each secret are made once, by the first that looks for any."""
        with self._lock:
            while self._met:
                secret = self._met.popleft()
                if secret not in self._known:
                    self._known.add(secret)
                    for form in _all_forms(secret):
                        self._index.setdefault(form[:SHORT], []).append(form)
        return self._index

    def _quotable(self, answer: Response) -> Response:
        for name, value in answer.headers.items():
            answer.headers[name] = self.withhold(value)
        try:
            data = json.loads(answer.body)
            clean = self._each(data)
            body = answer.body if clean == data else json.dumps(clean).encode()
        except (ValueError, RecursionError):
            body = self.withhold(answer.body.decode('utf-8', 'replace')).encode()
        return answer._replace(body=body)

    def _each(self, value: Any) -> Any:
        """Data of others with each text withheld that holds a secret."""
        if isinstance(value, dict):
            return {self.withhold(name): self._each(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._each(inner) for inner in value]
        return self.withhold(value) if isinstance(value, str) else value


def _is_data(answer: Response, asked: str | None) -> bool:
    """Whether the answer is what was asked for, JSON or a PDF, and no refusal in an envelope of success."""
    starts = (b'%PDF-',) if asked == 'application/pdf' else (b'{', b'[')
    if answer.status >= 300 or not answer.body.lstrip().startswith(starts):
        return False
    return not (_REFUSAL.search(answer.body) and _is_refusal(answer.body))


def _is_refusal(body: bytes) -> bool:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return True
    return isinstance(data, dict) and data.get('success', True) is not True


def _all_forms(secret: str | bytes) -> set[str]:
    if isinstance(secret, str):
        return forms(secret)
    raw = secret.decode('utf-8', 'replace')
    return forms(raw) | forms(_plain(raw))


def _plain(text: str) -> str:
    """What stands between the quotes of a JSON string; the text as it is where that is cut off or no text."""
    try:
        return json.loads(f'"{text}"', strict=False).encode().decode()
    except ValueError:
        return text
