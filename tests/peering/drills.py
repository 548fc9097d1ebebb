# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failover drills with traffic: a customer's router, two edges of Cloudflare, and a host behind both that is pinged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from peering.circuits import BEHIND, NEW, WANTED, customer, ends, host
from peering.lab import Cable, Lab, Namespace, until
from peering.routers import Bird, Router
from simulator.process import Simulator
from support.drills import Pair
from support.playbook import ROOT, Run
from support.rendered import render

OUTSIDE = '203.0.113.1'
SESSION = {'customer_asn': 64496, 'extra_prefixes': [WANTED]}
QUICK = 'connect delay time 1; connect retry time 2; error wait time 1, 2;'
# An edge takes the community for the lowest priority for what Cloudflare documents, and the core follows the edges.
EDGE = f'''
protocol static {{{{ ipv4; route {WANTED} via {{core}}; }}}}
protocol bgp customer {{{{
  local {{own}} as 13335; neighbor {{inside}} as 64496; {QUICK}
  ipv4 {{{{
    import filter {{{{ if (13335, 60902) ~ bgp_community then bgp_local_pref = 1; accept; }}}};
    export where source = RTS_STATIC;
  }}}};
}}}}
protocol bgp core {{{{
  local {{outer}} as 13335; neighbor {{core}} as 13335; {QUICK} ipv4 {{{{ next hop self; import none; export where source = RTS_BGP; }}}};
}}}}
'''
CORE = f'protocol bgp {{{{ local {{core}} as 13335; neighbor {{outer}} as 13335; {QUICK} ipv4 {{{{ import all; export none; }}}}; }}}}\n'


class Site(NamedTuple):
    """A customer's router with the circuits of a pair, and Cloudflare's end of them. inner: {circuit: the link of its edge to the core}."""

    pair: Pair
    router: Router
    edges: dict[str, Namespace]
    core: Namespace
    inner: dict[str, dict]

    def path_command(self, inside: str) -> str:
        """Prints the way of packets in both directions; what leaves the core shows as the customer's end of its circuit."""
        names = ';'.join(f's/via {ends(link)[1]} .*/via {self.pair.address(name)}/' for name, link in self.inner.items())
        return (f'ip -n {self.router.host.name} -o route get {OUTSIDE} from {inside};'
                f" ip -n {self.core.name} -o route get {inside} | sed '{names}'")


def build(lab: Lab, platform: str, pair: Pair) -> Site:
    site = Site(pair, customer(lab, platform), {}, host(lab, 'core', f'{OUTSIDE}/24'), {})
    site.router.host.ip('address', 'add', '10.20.0.1/16', 'dev', 'lo')
    for number, (name, cni) in enumerate(pair.cnis.items(), 1):
        edge = site.edges[name] = host(lab, f'edge{number}')
        link = site.inner[name] = {'cust_ip': f'100.65.{number}.1/24', 'p2p_ip': f'100.65.{number}.2/24', 'magic': {'mtu': 1500}}
        Cable(site.router.host, edge, f'eth{number}').address(cni)
        Cable(site.core, edge, f'core{number}').address(link)
        edge.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward')
    return site


@contextmanager
def static(site: Site) -> Iterator[tuple[str, list[dict]]]:
    """The edges and the core send as the account's static routes say. Yields an address behind the router, and the role's variables."""
    site.pair.route((NEW, 'nyc-1', 100), (NEW, 'nyc-2', 200))
    for name, edge in site.edges.items():
        edge.ip('route', 'add', NEW, 'via', site.pair.address(name))
        edge.ip('route', 'add', WANTED, 'via', ends(site.inner[name])[0])
    ended, edges = threading.Event(), {site.pair.address(name): ends(link)[1] for name, link in site.inner.items()}

    def follow() -> None:
        followed: list[str] = []
        while not ended.wait(0.2):
            routes = site.pair.simulator.state()['routes']
            best = min(route['priority'] for route in routes)
            hops = sorted(edges[route['nexthop']] for route in routes if route['priority'] == best)
            if hops != followed:
                site.core.ip('route', 'replace', NEW, *(word for hop in hops for word in ('nexthop', 'via', hop)))
                followed = hops

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield '10.20.0.1', [{'interface': 'eth1', 'static_prefixes': [WANTED]},
                            {'interface': 'eth2', 'static_prefixes': [WANTED], 'static_distance': '10'}]
    finally:
        ended.set()
        thread.join()


@contextmanager
def sessions(site: Site) -> Iterator[tuple[str, list[dict]]]:
    """The edges have sessions with the router, and with the core."""
    for name, edge in site.edges.items():
        (inside, own), (core, outer) = ends(site.pair.cnis[name]), ends(site.inner[name])
        Bird(edge).start(EDGE.format(own=own, inside=inside, core=core, outer=outer))
    Bird(site.core).start(*(CORE.format(core=ends(link)[0], outer=ends(link)[1]) for link in site.inner.values()))
    yield '192.0.2.1', [{'interface': 'eth1', 'announce': [BEHIND]},
                        {'interface': 'eth2', 'announce': [BEHIND], 'local_preference': '50', 'prepend': '2'}]


KINDS: dict[str, tuple[Callable, dict]] = {'static routes': (static, {}), 'BGP': (sessions, {'bgp': SESSION})}


class Drilled(NamedTuple):
    """A drill of the first circuit. before, after: the files of the router, and the routes in its kernel."""

    run: Run
    pair: Pair
    before: tuple[dict[str, str], set[str]]
    after: tuple[dict[str, str], set[str]]


def drilled(lab: Lab, simulator: Simulator, folder: Path, platform: str, kind: str) -> Drilled:
    """Runs a drill on a router that has been configured by the role peer."""
    simulator.reset()
    traffic, fields = KINDS[kind]
    pair = Pair(simulator, folder, **fields)
    site = build(lab, platform, pair)
    router, names = site.router, list(pair.cnis)
    with traffic(site) as (inside, options):
        router.start_for_the_playbook()
        circuits = router.host.folder / 'circuits'
        files = [render(platform, pair.cnis[name], **peer_options) for name, peer_options in zip(names, options, strict=True)]
        for name, file in zip(names, files, strict=True):
            (circuits / f'{name}-{platform}.conf').write_text(file)
        router.reload(*(files if platform == 'frr' else [f'include "{circuits}/*.conf";\n']))
        command, places = site.path_command(inside), router.places
        until(lambda: all(address in router.host.run('sh', '-c', command) for address in ends(pair.cnis['nyc-1'])),
              'the first circuit is in use, both ways')
        if platform == 'frr':
            places['frr_reload'] = f'ip netns exec {router.host.name} {places["frr_reload"]}'

        def state() -> tuple[dict[str, str], set[str]]:
            return {file.name: file.read_text() for file in circuits.iterdir()}, router.kernel_routes()

        hosts = {name: {'peer_platform': platform} | {f'peer_{key}': value for key, value in peer_options.items()}
                 for name, peer_options in zip(names, options, strict=True)}
        before = state()
        run = pair.drill(hosts=hosts, failover_hold=2, failover_ping=OUTSIDE, failover_ping_source=inside, failover_ping_interval='0.05',
                         failover_ping_via=f'ip netns exec {router.host.name}', failover_path_command=command, router_host='localhost',
                         ansible_python_interpreter='{{ ansible_playbook_python }}',  # the example names that of a router
                         failover_router_tasks=str(ROOT / 'docs' / 'examples' / f'failover_{platform}.yml'), **places)
        return Drilled(run, pair, before, state())
