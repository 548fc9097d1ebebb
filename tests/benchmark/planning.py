# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan of many new circuits costs by itself, without Ansible and without requests, in a process of its own."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES = (5000, 10000)
SITES = 60  # with as many slots as there are circuits, twice
GOAL = (8, 250, 2.2)  # seconds and MB of the smaller plan; how many times as long the larger one may take


@dataclass(frozen=True)
class Plan:
    """One plan. order: how the circuits name their ports; seconds: of the processor; memory: MB of the process at its largest."""

    order: str
    circuits: int
    seconds: float
    memory: float


def slot(number: int) -> dict:
    """Alternating speeds, two facilities and four devices at each site."""
    site, at_site = f's{number % SITES:02}-a', number // SITES
    return {'id': uuid(number), 'occupied': False, 'account': None, 'site': site, 'speed': ('10G', '100G')[at_site % 2],
            'ccr_device_name': f'edge{at_site // 2 % 4}.{site}',
            'facility': {'name': f'Facility {site} {at_site // 2 % 2}', 'address': [site]}}


def uuid(number: int) -> str:
    return f'{number:08x}-0000-4000-8000-000000000000'


def selector(number: int) -> dict:
    return {'site': f's{number // 2 % SITES:02}-a', 'speed': '10G' if number // 2 // SITES % 2 else '100G'}


ORDERS: dict[str, Callable[[int], dict]] = {
    'by site and speed': lambda number: {'slot': selector(number)},
    'in pairs on different devices': lambda number: {'slot': {
        **selector(number), **({'diverse_from': [f'circuit-{number - 1:05}']} if number % 2 else {})}},
    'by slot': lambda number: {'slot_id': uuid(number)},
    'of Google Cloud': lambda number: {'pairing_key': f'{uuid(number)}/us-east{number % SITES}/any', 'bandwidth': '10G'},
}


def plans(rounds: int) -> Iterator[list[Plan]]:
    """Each plan so many times."""
    for order in ORDERS:
        for circuits in SIZES:
            command = [sys.executable, __file__, order, str(circuits)]
            found = [json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout) for _round in range(rounds)]
            yield [Plan(order, circuits, **figures) for figures in found]


def measure(order: str, circuits: int) -> dict[str, float]:
    """Plans so many new circuits in an account that has none. Raises RuntimeError unless each of them gets a port of its own."""
    sys.path.insert(0, str(ROOT / '.build'))
    from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout_plan import RolloutPlan
    from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot

    snapshot = Snapshot({(name, None): () for name in ('interconnect', 'cni', 'tunnel')})
    snapshot.put_part(('slot', None), [slot(number) for number in range(2 * circuits)])
    circuit_options = [{'name': f'circuit-{number:05}', 'bgp': {'customer_asn': 64512 + number % 1000, 'extra_prefixes': ['192.0.2.0/24']},
                        'health_check': {'rate': 'high'}, **ORDERS[order](number)} for number in range(circuits)]
    started = time.process_time()
    outcomes = RolloutPlan(circuit_options, 'merged').plan_outcomes(snapshot)
    seconds = time.process_time() - started
    if {outcome.state for outcome in outcomes} != {'created'}:
        raise RuntimeError(next(outcome.result.error for outcome in outcomes if outcome.state != 'created'))
    return {'seconds': round(seconds, 3), 'memory': round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}


if __name__ == '__main__':
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
