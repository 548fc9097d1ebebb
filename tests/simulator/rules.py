# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the service refuses, and what it decides where no source tells. Each of these decisions is an option of the same name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import TypeVar

Parsed = TypeVar('Parsed')


class Refusal(Exception):
    """The service refuses a request: an HTTP status, the reason in words, and where in the body it is (dotted), if it is there."""

    def __init__(self, status: int, message: str, field: str = ''):
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field


@dataclasses.dataclass(frozen=True)
class Rules:
    """The open points of the service; README.md says what each stands for."""

    refusal: int = 400
    in_use: int = 400
    activate_after: float | None = None
    tunnel_version: str = '1'
    coupler_integration: bool = False
    next_hops: str = 'any'
    route_prefixes: str = 'any'
    route_key: str = 'scope'
    route_puts: str = 'keep'
    bulk_puts: str = 'whole'
    filters: str = 'exact'
    keep_routed_cnis: bool = False
    delete_used_profiles: bool = False
    alert_types: tuple[str, ...] | None = None
    webhook_puts: str = 'keep'
    policy_puts: str = 'keep'
    keep_used_webhooks: bool = False

    def filtered(self, items: list[dict], **filters: object) -> list[dict]:
        """The items that match the filters of a list."""
        return matching(items, folded if self.filters == 'folded' else lambda value: value, **filters)

    @classmethod
    def of(cls, options: object) -> Rules:
        return cls(**{field.name: getattr(options, field.name) for field in dataclasses.fields(cls)})


def require(condition: object, message: str, status: int = 400, field: str = '') -> None:
    if not condition:
        raise Refusal(status, message, field)


def require_all(rows: Iterable[tuple[str, object, str]]) -> None:
    """Rows of a field, whether it is right, and what is wrong with it if it is not."""
    for field, right, message in rows:
        require(right, f'{field} {message}', field=field)


def parsed(kind: Callable[[str], Parsed], text: str, field: str) -> Parsed:
    """The text as an address or a network; refused if it is none."""
    try:
        return kind(text)
    except ValueError as error:
        raise Refusal(400, f'{field}: {error}', field) from error


def find(items: list[dict], key: str, value: str, what: str, status: int = 404) -> dict:
    for item in items:
        if item[key] == value:
            return item
    raise Refusal(status, f'{what} {value!r} does not exist')


def matching(items: list[dict], normal: Callable = lambda value: value, **filters: object) -> list[dict]:
    """The items whose fields equal what is wanted; None wants nothing. normal: of values, before they are compared."""
    filters = {key: normal(value) for key, value in filters.items() if value is not None}
    return [item for item in items if all(normal(item.get(key)) == value for key, value in filters.items())]


def folded(value: object) -> object:
    return value.casefold() if isinstance(value, str) else value
