# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python tests/peering`: a session of FRR and one of BIRD, as one sees them at both ends, and what failover drills of both lose.

With --write it goes into docs/peer.md and docs/failover.md.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'tests'), str(ROOT / '.build')]

from peering.circuits import ROUTERS, UNWANTED, WANTED, customer, ends, link, neighbors  # noqa: E402
from peering.drills import KINDS, drilled  # noqa: E402
from peering.lab import Cable, Lab, until  # noqa: E402
from peering.routers import Bird, Frr, GoBgp, Router  # noqa: E402
from simulator.process import Simulator  # noqa: E402
from support.pages import put  # noqa: E402
from support.rendered import render  # noqa: E402

KEY = 'for-the-demo-only'
SHOWN = {'frr': ('vtysh -c "show bgp summary"', 'ip route show proto bgp'), 'bird': ('birdc show protocols', 'ip route show proto bird')}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--write', action='store_true', help='put it into docs/peer.md and docs/failover.md')
    write = parser.parse_args().write
    for platform in SHOWN:
        with Lab() as lab:
            text = transcript(lab, platform)
        print(text)
        if write:
            put(ROOT / 'docs' / 'peer.md', platform, text)
    text = figures()
    print(text)
    if write:
        put(ROOT / 'docs' / 'failover.md', 'drills', text)


def figures() -> str:
    """What the ping of a drill has lost, as a table."""
    rows = ['| Router | Traffic by | Requests | Lost | Longest gap |', '|---|---|---|---|---|']
    with Simulator() as simulator:
        for platform, kind in itertools.product(SHOWN, KINDS):
            with Lab() as lab, tempfile.TemporaryDirectory() as folder:
                ping = drilled(lab, simulator, Path(folder), platform, kind).pair.report()['ping']
            rows.append(f'| {ROUTERS[platform].called} | {kind} | {ping["sent"]}, each {ping["interval"]} s | '
                        f'{ping["sent"] - ping["received"]} | {ping["longest_gap"]} s |')
    return '\n'.join(rows)


def transcript(lab: Lab, platform: str) -> str:
    cni = link(0, md5_key=KEY)
    cni['magic']['conduit_name'] = 'nyc-1'
    router, cloudflare = customer(lab, platform), GoBgp(lab.namespace('cloudflare'))
    Cable(router.host, cloudflare.host, 'eth1').address(cni)
    cloudflare.start(13335, neighbors(cni), (WANTED, *UNWANTED))
    router.start(render(platform, cni, md5_key=KEY))
    until(lambda: router.installed() and cloudflare.received(ends(cni)[0]), 'routes are exchanged')
    shown = [*(console_text(router, command) for command in SHOWN[platform]), '# Cloudflare, that is, GoBGP']
    shown += [console_text(cloudflare, f'gobgp neighbor {ends(cni)[0]} {routes}') for routes in ('adj-in', 'adj-out')]
    return '```console\n' + '\n'.join(shown) + '\n```'


def console_text(router: Router, command: str) -> str:
    """A command as one types it, and what it prints."""
    own = command
    if isinstance(router, Frr):
        own = command.replace('vtysh', f'vtysh --vty_socket {router.host.folder}')
    if isinstance(router, Bird):
        own = command.replace('birdc', f'birdc -s {router.socket}')
    output = router.host.run('sh', '-c', own)
    return f'$ {command}\n' + '\n'.join(line.rstrip() for line in output.splitlines() if line.strip())


if __name__ == '__main__':
    main()
