# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in all forms that they are quoted in: those of the options, and those that travel under the name of a secret field."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ROWS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import Response

Send = Callable[[str, str, Mapping[str, str], 'bytes | None'], Response]

HIDDEN = '(hidden)'
SHORT = 4  # characters; a secret is hidden wherever it occurs, and one of fewer would blank half of the output

QUOTINGS: tuple[Callable[[str], str], ...] = (
    str, lambda text: json.dumps(text)[1:-1], lambda text: repr(text)[1:-1], lambda text: repr(text.encode())[2:-1],
    lambda text: text.replace("'", "''"), html.escape, lambda text: html.escape(text, quote=False),
    quote, lambda text: quote(text, safe=''), quote_plus, lambda text: base64.b64encode(text.encode()).decode(),
)
DEPTH = 2  # an echo of a JSON body in a JSON string is quoted twice

_NAMES = {wire.rpartition('.')[2] for row in ROWS.values() for kind in (row, *row.variants.values()) for wire in kind.secrets}
_NAMED = re.compile(rf'"(?:{"|".join(sorted(_NAMES))})"\s*:\s*"((?:[^"\\]|\\.)*)'.encode())


def forms(secret: str) -> set[str]:
    """The secret as it is and as it reads in JSON, Python, YAML, HTML, a URL and base64, also in one within another."""
    found = {secret}
    for _level in range(DEPTH):
        found |= {quoting(text) for text in found for quoting in QUOTINGS}
    return {text for text in found if len(text) >= SHORT}


class Secrets:
    """The secrets of a run: those that the user told, and those that answers told, which go back in a PUT."""

    def __init__(self, told: Iterable[Any]) -> None:
        self._told = {str(secret) for secret in told}
        self._heard: set[bytes] = set()

    def forms(self) -> set[str]:
        """All that must not be shown if the run fails."""
        raw = {text.decode('utf-8', 'replace') for text in self._heard}
        return {form for secret in {*self._told, *raw, *map(_plain, raw)} for form in forms(secret)}

    def guard(self, send: Send) -> Send:
        """A transport whose answers hold no secret where they are no data, but only there to be quoted in an error."""
        def guarded(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
            answer = send(method, url, headers, body)
            self._heard.update(_NAMED.findall(answer.body))
            is_data = answer.status < 300 and answer.body.lstrip()[:1] in (b'{', b'[', b'%')
            return answer if is_data else answer._replace(body=self._without(answer.body))
        return guarded

    def _without(self, body: bytes) -> bytes:
        for form in sorted(self.forms(), key=len, reverse=True):
            body = body.replace(form.encode(), HIDDEN.encode())
        return body


def _plain(text: str) -> str:
    """What stands between the quotes of a JSON string; the text as it is where that is cut off or no text."""
    try:
        return json.loads(f'"{text}"', strict=False).encode().decode()
    except ValueError:
        return text
