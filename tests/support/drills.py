# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failover drills on a pair in Newark: what a drill starts from, and what it must leave."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from support.playbook import Account, Run

PREFIXES = ('10.20.0.0/16', '10.30.0.0/16')  # of both circuits at one priority; the first one with a backup

# Prints the next hops of a prefix as Cloudflare would use them: the path of the traffic, for failover_path_command.
BEST = '''
import json, sys, urllib.request
url, prefix = sys.argv[1:]
with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as answer:
    routes = [route for route in json.load(answer)['routes'] if route['prefix'] == prefix]
best = min(route['priority'] for route in routes)
print(*sorted(route['nexthop'] for route in routes if route['priority'] == best))
'''
# In place of ping: an answer each 50 ms, as ping -n -O shows it, or none while a file is there.
PING = '''
number=0
trap 'exit 0' INT
while [ $number -lt 2000 ]; do
    number=$((number + 1))
    if [ -e {outage} ]; then echo "no answer yet for icmp_seq=$number"; else echo "64 bytes from 192.0.2.9: icmp_seq=$number ttl=64"; fi
    sleep 0.05
done
'''


class Pair(Account):
    """An account with a pair in Newark, both Healthy on two devices, with health checks and static routes of both."""

    def __init__(self, simulator, folder: Path, **fields: object) -> None:
        super().__init__(simulator, folder)
        free = {slot['ccr_device_name']: slot['id'] for slot in simulator.state()['slots']
                if slot['speed'] == '10G' and not slot['occupied']}
        self.ports = {name: self.seed(name, free[device], **fields)
                      for name, device in (('nyc-1', 'edge01.ewr-a'), ('nyc-2', 'edge02.ewr-a'))}
        for port in self.ports.values():
            simulator.set_status(port, 'Healthy')
        self.cnis = {name: circuit['cni'] for name, circuit in self.circuits().items()}
        tunnels = [{**tunnel, 'health_check': {**tunnel['health_check'], 'enabled': True}} for tunnel in simulator.state()['tunnels']]
        simulator.seed(tunnels=tunnels)
        self.drills = folder / 'drills'
        (folder / 'best.py').write_text(BEST)
        (folder / 'ping.sh').write_text(PING.format(outage=folder / 'outage'))

    def address(self, name: str) -> str:
        """The customer's end of a circuit, which routes have as their next hop."""
        return self.cnis[name]['cust_ip'].split('/')[0]

    def route(self, *routes: tuple[str, str, int]) -> None:
        """Puts static routes into the account: (prefix, circuit or next hop, priority)."""
        self.simulator.seed(routes=[
            {'id': f'{number:032x}', 'prefix': prefix, 'nexthop': self.address(hop) if hop in self.cnis else hop, 'priority': priority}
            for number, (prefix, hop, priority) in enumerate(routes, 1)])

    def priorities(self) -> dict[tuple[str, str], int]:
        """{(prefix, circuit or next hop): priority}."""
        names = {self.address(name): name for name in self.cnis}
        return {(route['prefix'], names.get(route['nexthop'], route['nexthop'])): route['priority']
                for route in self.simulator.state()['routes']}

    @property
    def path_command(self) -> str:
        """Prints the next hops of the first prefix, as Cloudflare uses them."""
        state = self.simulator.url.replace('/client/v4', '/_sim/state')
        return shlex.join([sys.executable, str(self.folder / 'best.py'), state, PREFIXES[0]])

    def arguments(self, circuit: str = 'nyc-1', **options: object) -> list[str]:
        variables = {'failover_circuit': circuit, 'failover_dir': str(self.drills), 'failover_hold': 1, **options}
        return ['-e', json.dumps(variables)]

    def drill(self, circuit: str = 'nyc-1', *arguments: str, hosts: dict[str, dict] | None = None, **options: object) -> Run:
        return self.play('failover', hosts or {'nyc-1': {}, 'nyc-2': {}}, *self.arguments(circuit, **options), *arguments)

    def report(self) -> dict:
        """The last report."""
        return json.loads(max(self.drills.glob('*Z.json')).read_text())

    def left_behind(self) -> list[str]:
        """What must not be there once a drill is over."""
        return sorted(file.name for file in self.drills.glob('*') if file.name in ('drill.json', 'router'))
