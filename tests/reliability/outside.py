# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens outside of the controllers in the soak: humans in the dashboard, cross-connects and ports, maintenance."""

from __future__ import annotations

import json
import random
from typing import Any

from reliability.audit import HEALTHY, Actor, Audit
from reliability.clockwork import Clockwork
from reliability.edge import Edge, Run
from reliability.event_sources import AlertSource
from reliability.intent import Intent, Row

from app import Simulation
from contract import BASE

HUMAN = Actor('humans', {'Authorization': 'Bearer network-token'}, False)
CROSS_CONNECT = (60, 900)  # seconds from an order to light, weeks in reality
LATE_BY = (0, 0, 1, 3)  # reads of a list, until it shows what is new
DEVICES = 3  # under maintenance in each round


class Dashboard:
    """Humans, who change and delete what controllers have made, and order what the intent does not know."""

    def __init__(self, edge: Edge, audit: Audit, intent: Intent, rng: random.Random) -> None:
        self._edge, self._audit, self._store, self._intent, self._rng = edge, audit, audit.store, intent, rng
        self._run = Run(HUMAN, 'a human')
        self._number = 0
        self.changed: set[str] = set()  # circuits, in this round

    def before_round(self) -> None:
        """Changes of all kinds, to circuits that the source of intent may have changed too."""
        self.changed = set()
        acts = (self._drift, self._describe_tunnel, self._describe, self._add_route, self._delete_cni, self._delete_circuit)
        self._act(acts, {row.name for row in self._intent.desired()})
        if self._number:
            self._order()
        self._number += 1

    def in_round(self) -> None:
        """Changes of what nobody named, at circuits that no controller changes: the API has no versions, so it could overwrite them."""
        unchanged = {row.name for row in self._intent.desired()} - self._intent.changed - self.changed
        self._act((self._describe_tunnel, self._describe), unchanged)

    def look(self) -> None:
        """Looks at everything so often that lists and statuses show what is new."""
        paths = ['/cni/interconnects', '/cni/cnis', '/magic/cf_interconnects', '/magic/routes']
        for path in [*paths, *(f'/cni/interconnects/{name}/status' for name in self._audit.new_ports)] * max(LATE_BY):
            self._ask('GET', path, may_fail=True)

    def _act(self, acts: tuple, circuits: set[str]) -> None:
        cnis = {name: cni for cni in self._store.cnis if (name := cni['magic']['conduit_name']) in circuits}
        picked = self._rng.sample(sorted(cnis), min(len(cnis), len(acts) * max(1, len(cnis) // 100)))
        for position, name in enumerate(picked):
            if acts[position % len(acts)](self._intent.rows[name], cnis[name]):
                self._audit.counts['changes by humans'] += 1
                self.changed.add(name)

    def _ask(self, method: str, path: str, body: Any = None, may_fail: bool = False) -> Any:
        url, content = f'https://api.example{BASE}/accounts/{self._store.account}{path}', json.dumps(body).encode() if body else None
        headers = {**HUMAN.credentials, **({'Content-Type': 'application/json'} if body else {})}
        answer = self._edge.ask(self._run, method, url, headers, content)
        if answer.status != 200 and not may_fail:
            raise AssertionError(f'{method} {path} {body}: {answer.text}')
        return json.loads(answer.body) if answer.body else None

    def _put_cni(self, cni: dict, **fields: Any) -> None:
        self._ask('PUT', f'/cni/cnis/{cni["id"]}', {**cni, 'magic': {**cni['magic'], **fields}})

    def _drift(self, row: Row, cni: dict) -> bool:
        self._put_cni(cni, mtu=1300)
        return True

    def _describe(self, row: Row, cni: dict) -> bool:
        """Of a CNI that has no description in the intent."""
        if row.description is not None:
            return False
        text = f'looked at by a human, {self._rng.randrange(10**6)}'
        self._put_cni(cni, description=text)
        self._audit.kept[row.name, 'cni', 'description'] = text
        return True

    def _describe_tunnel(self, row: Row, cni: dict) -> bool:
        text, tunnel = f'noted by a human, {self._rng.randrange(10**6)}', self._audit.tunnel(cni['interconnect'])
        self._ask('PUT', f'/magic/cf_interconnects/{tunnel["id"]}', {'description': text})
        self._audit.kept[row.name, 'tunnel', 'description'] = text
        return True

    def _add_route(self, row: Row, cni: dict) -> bool:
        """It stays where the intent names no routes; where it names all of them, it goes."""
        prefix, hop = f'192.168.{self._rng.randrange(256)}.0/24', cni['cust_ip'].partition('/')[0]
        if any(route['prefix'] == prefix for route in self._store.routes):
            return False
        self._ask('POST', '/magic/routes', {'prefix': prefix, 'nexthop': hop, 'priority': 77})
        if row.routes is None:
            self._audit.kept[row.name, 'route', prefix] = 77
        return True

    def _delete_cni(self, row: Row, cni: dict) -> bool:
        """What humans have put into it, and into what points to its address, is lost with it."""
        self._ask('DELETE', f'/cni/cnis/{cni["id"]}')
        for route in [route for route in self._store.routes if route['nexthop'] == cni['cust_ip'].partition('/')[0]]:
            self._ask('DELETE', f'/magic/routes/{route["id"]}')
        self._audit.kept = {key: value for key, value in self._audit.kept.items() if key[0] != row.name}
        return True

    def _delete_circuit(self, row: Row, cni: dict) -> bool:
        self._delete_cni(row, cni)
        self._ask('DELETE', f'/cni/interconnects/{cni["interconnect"]}')
        self._audit.add_due_ports(1)
        return True

    def _order(self) -> None:
        slot = self._rng.choice([slot for slot in self._store.slots if not slot['occupied']])
        port = self._ask('POST', '/cni/interconnects', {'account': self._store.account, 'type': 'direct', 'slot_id': slot['id']})
        magic = {'conduit_name': f'by-hand-{self._number}', 'description': 'not in the intent', 'mtu': 1500}
        self._ask('POST', '/cni/cnis', {'account': self._store.account, 'interconnect': port['name'], 'magic': magic})


class Ports:
    """Ports: their light comes some time after the order; some go down, and come up again."""

    def __init__(self, audit: Audit, clockwork: Clockwork, rng: random.Random) -> None:
        self._audit, self._store, self._clockwork, self._rng = audit, audit.store, clockwork, rng
        self._lit: dict[str, float] = {}  # {port: when its cross-connect is run}

    def minute(self) -> None:
        """What happens in a minute."""
        for name in [port['name'] for port in self._store.interconnects]:
            due = self._lit.setdefault(name, self._clockwork.now + self._rng.uniform(*CROSS_CONNECT))
            if self._clockwork.now >= due and self._audit.state(name) == 'Pending':
                self._store.set_status(name, HEALTHY)
        ports = [port['name'] for port in self._store.interconnects if self._audit.state(port['name']) != 'Pending']
        for name in self._rng.sample(ports, -(-len(ports) // 200)):
            down = self._rng.choice([('Down', 'no light'), ('Unhealthy', None)])
            self._store.set_status(name, *(down if self._audit.state(name) == HEALTHY else (HEALTHY,)))
            self._audit.counts['ports that went up or down'] += 1

    def repair(self) -> None:
        """Nothing is down any more. What is gone is forgotten."""
        names = [port['name'] for port in self._store.interconnects]
        for name in names:
            if self._audit.state(name) in ('Down', 'Unhealthy'):
                self._store.set_status(name, HEALTHY)
        self._lit = {name: self._lit[name] for name in names if name in self._lit}


class Maintenance:
    """Devices under maintenance that has been announced, by an alert."""

    def __init__(self, simulation: Simulation, audit: Audit, alert_source: AlertSource, rng: random.Random) -> None:
        self._store, self._audit, self._alert_source, self._rng = simulation.store, audit, alert_source, rng
        self._devices: list[str] = []

    def announce(self) -> None:
        devices = sorted({port['ccr_device_name'] for port in self._store.interconnects})
        self._devices = self._rng.sample(devices, min(len(devices), DEVICES))
        self._send('scheduled')

    def cancel(self) -> None:
        self._send('canceled')
        self._devices = []

    def _send(self, what: str) -> None:
        for device in self._devices:
            self._alert_source.send(f'Maintenance of {device} is {what}, announcement {self._rng.randrange(10**6):06}.')

    @property
    def ports(self) -> frozenset[str]:
        """The ports under maintenance."""
        return frozenset(port['name'] for port in self._store.interconnects if port['ccr_device_name'] in self._devices)
