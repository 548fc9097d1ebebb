# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account book of the soak: what was sent, what the simulator did, and whether that was right. It asks no result of the product."""

from __future__ import annotations

import collections
import hashlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from reliability.intent import Intent, Row

from store import Store

BUDGET, WINDOW = 1200, 300.0  # requests, seconds (source: Cloudflare's API rate limits)
TRAIL = 12  # lines of each circuit that a broken invariant shows
PATH = re.compile(r'.*/accounts/[^/]+/(?:cni|magic)/(interconnects|cnis|cf_interconnects|routes)(?:/([^/?]+))?$')
HEALTHY = 'Healthy'


class Actor(NamedTuple):
    """Who sends requests. credentials: headers; controller: whether the intent is all that it may do."""

    name: str
    credentials: dict[str, str]
    controller: bool


class Target(NamedTuple):
    """What a request is about. kind: interconnects, cnis, tunnels or routes; circuit, port: names, None if it has none."""

    kind: str
    circuit: str | None
    port: str | None
    state: str | None


class Audit:
    """broken: the invariants that did not hold, in words, the first one first."""

    def __init__(self, store: Store, intent: Intent, clock: Callable[[], float]) -> None:
        self.store, self._intent, self._clock = store, intent, clock
        self.broken: list[str] = []
        self.counts: collections.Counter[str] = collections.Counter()
        self.requests: collections.Counter[str] = collections.Counter()
        self.busiest: collections.Counter[str] = collections.Counter()  # {actor: most requests in a window}
        self.kept: dict[tuple[str, str, str], Any] = {}  # {(circuit, kind, field): what a human has put there}
        self.humans: set[str] = set()  # ports and circuits that humans have ordered
        self.new_ports: list[str] = []  # of this round
        self._digest = hashlib.sha256()
        self._sent: dict[str, collections.deque[tuple[float, str]]] = collections.defaultdict(collections.deque)
        self._circuit_of: dict[str, str] = {}  # {port: the circuit that it was last known to have}
        self._trails: dict[str, collections.deque[str]] = {}

    @property
    def fingerprint(self) -> str:
        """Of all that was done, in its order."""
        return self._digest.hexdigest()[:16]

    # What arrives.

    def count_request(self, run: Any) -> None:
        """Counts a request of a run, whatever becomes of it."""
        name, now = run.actor.name, self._clock()
        self.requests[name] += 1
        window = self._sent[name]
        window.append((now, str(run)))
        while window[0][0] <= now - WINDOW:
            window.popleft()
        self.busiest[name] = max(self.busiest[name], len(window))
        if len(window) > BUDGET and run.informed:
            runs = dict(collections.Counter(sender for _time, sender in window))
            self._add_broken('the rate budget is kept', f'{len(window)} requests in {WINDOW:g} s: {runs}, the last by {run}')

    # What is done.

    def targets(self, method: str, path: str, body: Any) -> list[Target]:
        """What a request is about, looked up before it is done."""
        match = PATH.fullmatch(path)
        if not match or method == 'GET':
            return []
        kind, ident = match.groups()
        if kind == 'interconnects':
            return [self._of_port(kind, ident)] if ident else [Target(kind, None, None, None)]
        if kind == 'cnis':
            cnis = [cni for cni in self.store.cnis if cni['id'] == ident] if ident else [body]
            return [Target(kind, cni['magic']['conduit_name'], cni['interconnect'], self.state(cni['interconnect'])) for cni in cnis]
        if kind == 'cf_interconnects':
            idents = [ident] if ident else [item['id'] for item in body['interconnects']]
            return [self._of_port('tunnels', port) for port in map(self._port_of_tunnel, idents) if port]
        return [self._of_route(route) for route in self._routes(method, ident, body)]

    def record_applied(self, run: Any, method: str, targets: list[Target]) -> None:
        """What was done by a request."""
        for target in targets:
            self._log(target.circuit or target.port or 'orders', f'{run} {method} {target.kind} {target.port or ""} {target.state or ""}')
            if (method, target.kind) == ('POST', 'interconnects'):
                self._order(run)
            if (method, target.kind) == ('POST', 'cnis'):
                self._circuit_of[target.port] = target.circuit
                self.humans |= set() if run.actor.controller else {target.circuit}
            if run.actor.controller:
                self._judge(run, method, target)

    def _judge(self, run: Any, method: str, target: Target) -> None:
        """What a controller has done."""
        if {target.circuit, target.port} & self.humans:
            self._add_broken('what is not in the intent is not touched', f'{run} {method} {target}', target.circuit)
        elif (method, target.kind) == ('POST', 'cnis'):
            self._create(run, target)
        elif method == 'DELETE' and target.kind in ('cnis', 'interconnects'):
            self._delete(run, target)
        if method in ('PUT', 'DELETE'):
            self._disturb(run, target)

    def _order(self, run: Any) -> None:
        port = self.store.interconnects[-1]['name']
        self.new_ports.append(port)
        if run.actor.controller:
            self.counts['ports ordered'] += 1
        else:
            self.humans.add(port)

    def _create(self, run: Any, target: Target) -> None:
        row, others = self._intent.rows.get(target.circuit), [cni for cni in self.store.cnis if cni['interconnect'] == target.port]
        self.counts['CNIs created'] += 1
        if not row or row.status == 'decommissioned':
            self._add_broken('no port of no circuit', f'{run} created {target.circuit}, which is not wanted', target.circuit)
        if len(others) > 1:
            self.counts['CNIs created on a port that had one'] += 1

    def _delete(self, run: Any, target: Target) -> None:
        row, circuit = self._intent.rows.get(target.circuit or ''), target.circuit
        if target.kind == 'cnis' and sum(cni['interconnect'] == target.port for cni in self.store.cnis):
            return  # of two controllers that had created one each, as the documentation says
        self.counts[f'{target.kind} deleted'] += 1
        if not row or row.status != 'decommissioned':
            self._add_broken('only what is decommissioned is deleted', f'{run} deleted {target}', circuit)
        elif target.state == HEALTHY and not row.confirmed:
            self._add_broken("no Healthy circuit is deleted without the guard's word", f'{run} deleted {target}', circuit)

    def _disturb(self, run: Any, target: Target) -> None:
        """A change of what may carry traffic, by a run that has guards."""
        if run.at_most_per_site is None or target.circuit not in run.circuits_before:
            return
        site = self.site(target.port) or run.circuits_before[target.circuit]
        changed = run.disturbed[site]
        changed.add(target.circuit)
        if len(changed) > run.at_most_per_site:
            self._add_broken('at most so many circuits of a site are changed', f'{run} changed {sorted(changed)} at {site}',
                             target.circuit)
        others = [port for port in run.maintained if port != target.port and self.site(port) == site and self.state(port) == HEALTHY]
        if target.state == HEALTHY and others:
            self._add_broken('no circuit is changed while others of its site are under maintenance', f'{run} {target}: {others}',
                             target.circuit)

    # Between the rounds.

    def add_due_ports(self, ports: int) -> None:
        """So many ports have to be ordered: for circuits that are new, and in place of those that humans have deleted."""
        self.counts['ports due'] += ports

    def check_round(self) -> None:
        """All that has to hold once a run without faults is over."""
        cnis = {cni['magic']['conduit_name']: cni for cni in self.store.cnis}
        self._check_ports()
        for row in self._intent.rows.values():
            self._check_circuit(row, cnis.get(row.name))
        if surplus := cnis.keys() - self._intent.rows.keys() - self.humans:
            self._add_broken('no port of no circuit', f'circuits that nobody wants: {sorted(surplus)}', min(surplus))
        for (circuit, kind, name), value in self.kept.items():
            if circuit in cnis and (current := self._kept_field(cnis[circuit], kind, name)) != value:
                self._add_broken("a human's change of what nobody named is kept", f'{kind} {name} of {circuit} is {current!r}', circuit)

    def _check_ports(self) -> None:
        circuits, protected = collections.Counter(cni['interconnect'] for cni in self.store.cnis), self.protected
        for port in (port['name'] for port in self.store.interconnects):
            if not circuits[port] and port not in self.humans and self._circuit_of.get(port) not in protected:
                self._add_broken('no port of no circuit', f'{port} has no CNI', self._circuit_of.get(port))
            if circuits[port] > 1:
                self._add_broken('one circuit on a port', f'{port} has {circuits[port]} CNIs', self._circuit_of.get(port))
        ordered, due = self.counts['ports ordered'], self.counts['ports due']
        if ordered != due:
            self._add_broken('nothing is ordered twice', f'{ordered} ports were ordered, and {due} were due', 'orders')

    def _check_circuit(self, row: Row, cni: dict | None) -> None:
        is_desired = row.status != 'decommissioned'
        problem = self._differences(row, cni) if is_desired else cni and row.name not in self.protected and 'it is still there'
        if problem:
            self._add_broken('the last run makes the account as the intent says', f'{row.name}: {problem}', row.name)

    @property
    def protected(self) -> set[str]:
        """The decommissioned circuits that have to stay: they carry traffic, or a human's routes, and the word is missing."""
        hops = {route['nexthop'] for route in self.store.routes}
        ports = {circuit: port for port, circuit in self._circuit_of.items() if self.state(port) == HEALTHY}
        routed = {cni['magic']['conduit_name'] for cni in self.store.cnis if cni['cust_ip'].partition('/')[0] in hops}
        return {row.name for row in self._intent.decommissioned(confirmed=False)
                if row.name in ports or (row.routes is None and row.name in routed)}

    def end_round(self) -> None:
        """Forgets what is gone."""
        self.new_ports = []
        ports = {port['name'] for port in self.store.interconnects}
        circuits = {cni['magic']['conduit_name'] for cni in self.store.cnis}
        self._circuit_of = {port: circuit for port, circuit in self._circuit_of.items() if port in ports}
        self._trails = {name: trail for name, trail in self._trails.items() if name in circuits | {'orders'}}
        self.kept = {key: value for key, value in self.kept.items() if key[0] in circuits}
        self.humans &= ports | circuits

    def _differences(self, row: Row, cni: dict | None) -> dict[str, Any]:
        """{field: (current, desired)}."""
        if not cni:
            return {'CNI': (None, row.name)}
        port = next(port for port in self.store.interconnects if port['name'] == cni['interconnect'])
        hop = cni['cust_ip'].partition('/')[0]
        routes = {route['prefix']: route['priority'] for route in self.store.routes if route['nexthop'] == hop}
        pairs = {'site': (port['site'], row.site), 'mtu': (cni['magic']['mtu'], row.mtu),
                 'description': (cni['magic'].get('description'), row.description), 'routes': (routes, row.routes),
                 'rate': (self.tunnel(port['name'])['health_check']['rate'], row.rate)}
        return {name: pair for name, pair in pairs.items() if pair[1] is not None and pair[0] != pair[1]}

    def _kept_field(self, cni: dict, kind: str, name: str) -> Any:
        if kind == 'route':
            return next((route['priority'] for route in self.store.routes if route['prefix'] == name), None)
        return (cni['magic'] if kind == 'cni' else self.tunnel(cni['interconnect'])).get(name)

    # Looked up in the store.

    @property
    def circuits(self) -> dict[str, str]:
        """{circuit: its site}."""
        sites = {port['name']: port['site'] for port in self.store.interconnects}
        return {cni['magic']['conduit_name']: sites[cni['interconnect']] for cni in self.store.cnis}

    def _of_port(self, kind: str, port: str) -> Target:
        circuit = next((cni['magic']['conduit_name'] for cni in self.store.cnis if cni['interconnect'] == port), None)
        return Target(kind, circuit or self._circuit_of.get(port), port, self.state(port))

    def _routes(self, method: str, ident: str | None, body: Any) -> list[dict]:
        if method == 'POST':
            return body.get('routes', [body])
        idents = [ident] if ident else [item['id'] for item in body['routes']]
        return [route for route in self.store.routes if route['id'] in idents]

    def _of_route(self, route: dict) -> Target:
        cni = next((cni for cni in self.store.cnis if cni['cust_ip'].partition('/')[0] == route['nexthop']), None)
        port = cni and cni['interconnect']
        return Target('routes', cni and cni['magic']['conduit_name'], port, port and self.state(port))

    def _port_of_tunnel(self, ident: str) -> str | None:
        return next((tunnel['name'] for tunnel in self.store.tunnels if tunnel['id'] == ident), None)

    def tunnel(self, port: str) -> dict:
        """The tunnel of a port."""
        return next(tunnel for tunnel in self.store.tunnels if tunnel['name'] == port)

    def state(self, port: str) -> str | None:
        """The state of a port, None for one that does not exist."""
        return self.store.status(port)['state'] if self.site(port) else None

    def site(self, port: str | None) -> str | None:
        """The site of a port, None for one that does not exist."""
        return next((item['site'] for item in self.store.interconnects if item['name'] == port), None)

    def _log(self, name: str, text: str) -> None:
        line = f'{self._clock():.1f} {text}'
        self._trails.setdefault(name, collections.deque(maxlen=TRAIL)).append(line)
        self._digest.update(f'{name} {line}'.encode())

    def _add_broken(self, invariant: str, what: str, circuit: str | None = None) -> None:
        lines = [f'{invariant}: {what}', *self._trails.get(circuit or '', ())]
        self.broken.append('\n    '.join(lines))
