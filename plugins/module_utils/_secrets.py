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

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, TransportError, as_cni_error
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import RESOURCES
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import Response

Send = Callable[[str, str, Mapping[str, str], 'bytes | None'], Response]

HIDDEN = '(hidden)'
REDACTED = '(not shown, as it holds a secret)'
MIN_LENGTH = 4  # characters; one of fewer is not searched for, as it is in most texts

ENCODINGS: tuple[Callable[[str], str], ...] = (
    str, lambda text: json.dumps(text)[1:-1], lambda text: repr(text)[1:-1], lambda text: repr(text.encode())[2:-1],
    lambda text: text.replace("'", "''"), html.escape, lambda text: html.escape(text, quote=False),
    quote, lambda text: quote(text, safe=''), quote_plus, lambda text: base64.b64encode(text.encode()).decode(),
)
ENCODING_DEPTH = 2  # an echo of a JSON body in a JSON string is quoted twice

_SECRET_NAMES = {path.rpartition('.')[2] for row in RESOURCES.values() for variant in (row, *row.variants.values())
                 for path in variant.secret_paths}
_REFUSAL = re.compile(rb'"success"\s*:\s*(?!true)')
_SECRET_VALUE = re.compile(rf'"(?:{"|".join(sorted(_SECRET_NAMES))})"\s*:\s*"((?:[^"\\]|\\.)*)'.encode())


def encodings(secret: str) -> set[str]:
    """The secret as it is and as it reads in JSON, Python, YAML, HTML, a URL and base64, also in one within another."""
    texts = {secret}
    for _level in range(ENCODING_DEPTH):
        texts |= {encode(text) for text in texts for encode in ENCODINGS}
    return {text for text in texts if len(text) >= MIN_LENGTH}


class Secrets:
    """The secrets of a run: those that the user gave, and those that answers hold, which go back in a PUT. All threads share one."""

    def __init__(self, given: Iterable[Any] = ()) -> None:
        self._pending: deque[str | bytes] = deque(map(str, given))  # not yet in the index; bytes as they stand in a JSON string
        self._known: set[str | bytes] = set()
        self._index: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def add(self, given: Iterable[Any]) -> None:
        """Adds secrets that the user gave."""
        self._pending.extend(map(str, given))

    def redact(self, text: str) -> str:
        """A text of others without the lines that hold a secret.

        Whole lines: what stands around a gap would betray a secret that can be guessed from it, such as the key 1500 from an MTU.
        """
        if not self._holds_secret(text):
            return text
        redacted = '\n'.join(REDACTED if self._holds_secret(line) else line for line in text.split('\n'))
        return REDACTED if self._holds_secret(redacted) else redacted

    def redacting_transport(self, send: Send) -> Send:
        """A transport whose answers hold no secret where they are no data, but only there to be quoted in an error."""
        def redacting_send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
            try:
                answer = send(method, url, headers, body)
            except TransportError as error:
                error.message = error.message.replace(error.cause, self.redact(error.cause))
                raise
            self._pending.extend(_SECRET_VALUE.findall(answer.body))
            return answer if _is_expected_data(answer, headers.get('Accept')) else self._redacted_response(answer)
        return redacting_send

    def to_error(self, error: Exception) -> CniError:
        """as_cni_error(), without secrets: the text of an exception that nobody expected is that of Python or a library."""
        return as_cni_error(error, self.redact)

    def _holds_secret(self, text: str) -> bool:
        """Whether a form of a secret is in it, found by how it starts: the time does not grow with the number of secrets."""
        starts = self._prefix_index()
        return any(text.startswith(encoding, at) for at in range(len(text)) for encoding in starts.get(text[at:at + MIN_LENGTH], ()))

    def _prefix_index(self) -> dict[str, list[str]]:
        """{start: the forms that start so}. The forms of each secret are made once, by the first that looks for any."""
        with self._lock:
            while self._pending:
                secret = self._pending.popleft()
                if secret not in self._known:
                    self._known.add(secret)
                    for encoding in _all_encodings(secret):
                        self._index.setdefault(encoding[:MIN_LENGTH], []).append(encoding)
        return self._index

    def _redacted_response(self, answer: Response) -> Response:
        for name, value in answer.headers.items():
            answer.headers[name] = self.redact(value)
        try:
            data = json.loads(answer.body)
            clean = self._redacted_data(data)
            body = answer.body if clean == data else json.dumps(clean).encode()
        except (ValueError, RecursionError):
            body = self.redact(answer.body.decode('utf-8', 'replace')).encode()
        return answer._replace(body=body)

    def _redacted_data(self, value: Any) -> Any:
        """Data of others with each text withheld that holds a secret."""
        if isinstance(value, dict):
            return {self.redact(name): self._redacted_data(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._redacted_data(inner) for inner in value]
        return self.redact(value) if isinstance(value, str) else value


def _is_expected_data(answer: Response, accept: str | None) -> bool:
    """Whether the answer is what was asked for, JSON or a PDF, and no refusal in an envelope of success."""
    starts = (b'%PDF-',) if accept == 'application/pdf' else (b'{', b'[')
    if answer.status >= 300 or not answer.body.lstrip().startswith(starts):
        return False
    return not (_REFUSAL.search(answer.body) and _is_refusal(answer.body))


def _is_refusal(body: bytes) -> bool:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return True
    return isinstance(data, dict) and data.get('success', True) is not True


def _all_encodings(secret: str | bytes) -> set[str]:
    if isinstance(secret, str):
        return encodings(secret)
    raw = secret.decode('utf-8', 'replace')
    return encodings(raw) | encodings(_json_unescaped(raw))


def _json_unescaped(text: str) -> str:
    """What stands between the quotes of a JSON string; the text as it is where that is cut off or no text."""
    try:
        return json.loads(f'"{text}"', strict=False).encode().decode()
    except ValueError:
        return text
