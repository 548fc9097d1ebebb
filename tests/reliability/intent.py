# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of intent: a table of circuits as NetBox has it, whose users add, change and decommission some of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

PER_SITE = 8  # circuits at first
SPARE_SLOTS = 4  # of a site, for each slot that has a circuit
# What NetBox calls a circuit whose port is in that state.
STATUSES = {'Pending': 'provisioning', 'Down': 'offline', 'Unhealthy': 'offline', 'Healthy': 'active'}


@dataclass
class Row:
    """A circuit. description, rate, routes: None is not named. avoids: the circuit on another device.

    status: planned, provisioning, active, offline or decommissioned; confirmed: a decommissioned one may go although it carries traffic.
    """

    name: str
    number: int
    site: str
    mtu: int = 1500
    description: str | None = None
    rate: str | None = None
    routes: dict[str, int] | None = None
    avoids: str | None = None
    status: str = 'planned'
    confirmed: bool = False

    @property
    def circuit(self) -> dict[str, Any]:
        """As rollout takes it."""
        slot = {'site': self.site, **({'diverse_from': [self.avoids]} if self.avoids else {})}
        named = {'description': self.description, 'health_check': self.rate and {'rate': self.rate},
                 'routes': self.routes and [{'prefix': prefix, 'priority': number} for prefix, number in self.routes.items()]}
        return {'name': self.name, 'slot': slot, 'mtu': self.mtu, **{name: value for name, value in named.items() if value is not None}}

    @property
    def variables(self) -> dict[str, Any]:
        """As a host has them."""
        state = {'provision_state': 'absent'} if self.status == 'decommissioned' else {}
        return {**{f'provision_{name}': value for name, value in self.circuit.items()}, **state}

    def prefix(self, number: int) -> str:
        """One of four prefixes that no other circuit has."""
        high, low = divmod(4 * self.number + number, 256)
        return f'10.{high}.{low}.0/24'


@dataclass
class Intent:
    """The table. changed: the names of the rows that have changed since the account was last as they say."""

    circuits: int
    seed: int
    rows: dict[str, Row] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    added: int = 0

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self.sites = [f's{number:03}-a' for number in range(-(-self.circuits // PER_SITE))]
        for _number in range(self.circuits):
            self._add()

    @property
    def slots(self) -> list[dict[str, Any]]:
        """Free slots for all of them, and as many again and more: of two facilities and four devices at each site."""
        return [{'id': f'{number:08x}-0000-4000-8000-000000000000', 'occupied': False, 'account': None, 'site': site, 'speed': '10G',
                 'ccr_device_name': f'edge{number % 4}.{site}', 'facility': {'name': f'Hall {number % 2} {site}', 'address': [site]}}
                for number, site in enumerate(site for site in self.sites for _slot in range(PER_SITE * SPARE_SLOTS))]

    def desired(self) -> list[Row]:
        """The rows that are to be circuits."""
        return [row for row in self.rows.values() if row.status != 'decommissioned']

    def decommissioned(self, confirmed: bool) -> list[Row]:
        """The rows that are decommissioned, with the word that they may go although they carry traffic, or without."""
        return [row for row in self.rows.values() if row.status == 'decommissioned' and row.confirmed == confirmed]

    def change(self, share: float) -> int:
        """Changes this share of the rows; of those that wait for the word to go, half get it. Returns how many are new."""
        before, rows = self.added, self._rng.sample(self.desired(), round(share * len(self.desired())))
        for row in self.decommissioned(confirmed=False):
            row.confirmed = self._rng.random() < 0.5
            self.changed.add(row.name)
        for position, row in enumerate(rows):
            self.CHANGES[position % len(self.CHANGES)](self, row)
        return self.added - before

    def event(self, event: dict[str, Any]) -> None:
        """Takes over the state of a port from an event of the source status."""
        for name in event['circuits']:
            row = self.rows.get(name)
            if row and row.status != 'decommissioned':
                row.status = STATUSES.get(event['status']['state'], 'planned')

    def drop(self, is_gone: Callable[[Row], bool]) -> None:
        """Forgets the rows of circuits that are gone, and which of the others have changed."""
        self.rows = {name: row for name, row in self.rows.items() if not is_gone(row)}
        self.changed.clear()

    def _added(self, _row: Row) -> None:
        self._add()

    def _add(self) -> None:
        number, self.added = self.added, self.added + 1
        row = Row(f'circuit-{number:05}', number, self.sites[number // 2 % len(self.sites)])
        before = f'circuit-{number - 1:05}'
        row.avoids = before if number % 2 and before in self.rows and self.rows[before].status != 'decommissioned' else None
        row.description = f'circuit {number}' if number % 3 else None
        row.rate = 'high' if number % 4 else None
        row.routes = {row.prefix(0): 100} if number % 5 else None
        self.rows[row.name] = row
        self.changed.add(row.name)

    def _decommissioned(self, row: Row) -> None:
        row.status, row.confirmed = 'decommissioned', self._rng.random() < 0.5
        self.changed.add(row.name)
        for other in self.rows.values():
            other.avoids = None if other.avoids == row.name else other.avoids

    def _changed(self, row: Row) -> None:
        self.changed.add(row.name)
        named = [name for name in ('description', 'rate', 'routes') if getattr(row, name) is not None]
        match self._rng.choice(['mtu', *named]):
            case 'mtu':
                row.mtu = self._rng.choice([mtu for mtu in (1400, 1450, 1476, 1500) if mtu != row.mtu])
            case 'description':
                row.description = f'{row.name} as of {self._rng.randrange(10**6)}'
            case 'rate':
                row.rate = self._rng.choice([rate for rate in ('low', 'mid', 'high') if rate != row.rate])
            case 'routes':
                numbers = self._rng.sample(range(4), self._rng.randint(1, 3))
                row.routes = {row.prefix(number): self._rng.choice([50, 100, 200]) for number in numbers}

    # Of five rows that change.
    CHANGES: ClassVar = (_added, _decommissioned, _changed, _changed, _changed)
