# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Searches text that others write for secrets, in all encodings that it may quote them in.

Secrets are those of options and of secret fields.
The collection's own output leaves secrets out by their place. A search there would hide what happens to be equal, and so betray it.
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
REDACTED = '(not shown: contains a secret)'
MIN_LENGTH = 4  # characters; a shorter secret is not searched for: it is in most texts

ENCODINGS: tuple[Callable[[str], str], ...] = (
    str, lambda text: json.dumps(text)[1:-1], lambda text: repr(text)[1:-1], lambda text: repr(text.encode())[2:-1],
    lambda text: text.replace("'", "''"), html.escape, lambda text: html.escape(text, quote=False),
    quote, lambda text: quote(text, safe=''), quote_plus, lambda text: base64.b64encode(text.encode()).decode(),
)
ENCODING_DEPTH = 2  # a JSON body that is echoed in a JSON string is quoted twice

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
    """The secrets of a run: those of the options, and those in answers, which go back in a PUT. All threads share one."""

    def __init__(self, secrets: Iterable[Any] = ()) -> None:
        self._pending: deque[str | bytes] = deque(map(str, secrets))  # not yet in the index; bytes as they stand in a JSON string
        self._known: set[str | bytes] = set()
        self._index: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def add(self, secrets: Iterable[Any]) -> None:
        """Adds secrets of the options."""
        self._pending.extend(map(str, secrets))

    def redact(self, text: str) -> str:
        """The text without the lines that hold a secret.

        Whole lines: the text around a gap would betray a secret that can be guessed from it, such as the key 1500 from an MTU.
        """
        if not self._holds_secret(text):
            return text
        redacted = '\n'.join(REDACTED if self._holds_secret(line) else line for line in text.split('\n'))
        return REDACTED if self._holds_secret(redacted) else redacted

    def redacting_transport(self, send: Send) -> Send:
        """A transport that redacts answers which are no data: these are only quoted in errors."""
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
        """as_cni_error() without secrets: the text of an unexpected exception is that of Python or of a library."""
        return as_cni_error(error, self.redact)

    def _holds_secret(self, text: str) -> bool:
        """Whether the text holds a secret in some encoding.

        It is found by its first characters: the time does not grow with the secrets.
        """
        starts = self._prefix_index()
        return any(text.startswith(encoding, at) for at in range(len(text)) for encoding in starts.get(text[at:at + MIN_LENGTH], ()))

    def _prefix_index(self) -> dict[str, list[str]]:
        """{first characters: the encodings that begin so}. The encodings of a secret are made once, at the first search."""
        with self._lock:
            while self._pending:
                secret = self._pending.popleft()
                if secret not in self._known:
                    self._known.add(secret)
                    for encoding in _all_encodings(secret):
                        self._index.setdefault(encoding[:MIN_LENGTH], []).append(encoding)
        return self._index

    def _redacted_response(self, answer: Response) -> Response:
        """The answer without secrets in its headers and its body, which stays JSON if it is."""
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
        """The data with each text replaced that holds a secret."""
        if isinstance(value, dict):
            return {self.redact(name): self._redacted_data(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._redacted_data(inner) for inner in value]
        return self.redact(value) if isinstance(value, str) else value


def _is_expected_data(answer: Response, accept: str | None) -> bool:
    """Whether the answer is the JSON or PDF that was asked for, and no refusal in an envelope of success."""
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
    """The text between the quotes of a JSON string; as it is if it is cut off or no text."""
    try:
        return json.loads(f'"{text}"', strict=False).encode().decode()
    except ValueError:
        return text
