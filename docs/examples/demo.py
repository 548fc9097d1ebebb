# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make demo` shows: a redundant pair of circuits on the simulator, from the inventory to the hand-over files."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = Path('.build/demo')
DULL = re.compile(r'(\x1b\[[\d;]+m)?(PLAY \[|ok:|included:)')
sys.path.append(str(ROOT / 'tests/simulator'))

from process import Simulator  # noqa: E402


def main() -> int:
    started = time.monotonic()
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    os.chdir(ROOT)
    shutil.rmtree(FILES, ignore_errors=True)
    heading('Start a simulator in place of Cloudflare', 'python tests/simulator --port 0')
    try:
        with Simulator() as simulator:
            show(simulator)
    except KeyboardInterrupt:
        return 130
    print(f'\nDone in {time.monotonic() - started:.0f} s. The simulator has stopped. The files are in {FILES}.')
    return 0


def show(simulator: Simulator) -> None:
    for name, value in simulator.environment.items():
        print(f'export {name}={value}')
    play(simulator, 'Order a redundant pair on two devices, with health checks, static routes, LOAs and hand-overs')
    for interconnect in simulator.state()['interconnects']:
        simulator.set_status(interconnect['name'], 'Healthy')
    requests_before = len(simulator.requests())
    changed = play(simulator, 'Weeks later both ports are Healthy; a second run changes nothing', brief=True)
    requests = simulator.requests()[requests_before:]
    writes = [request for request in requests if request['method'] != 'GET']
    if changed or writes:
        sys.exit(f'FAILED: the second run changed {changed} objects and sent {len(writes)} write requests.')
    print(f'Nothing changed. All {len(requests)} requests were reads.')
    print('\n== The static routes: the offices over both circuits, the data centre over nyc-1 or else nyc-2')
    handovers = [json.loads(file.read_text()) for file in FILES.glob('*.json')]
    routes = sorted((route['prefix'], route['priority'], handover['name'], handover['link']['customer_address'])
                    for handover in handovers for route in handover['routes'])
    for prefix, priority, circuit, next_hop in routes:
        print(f'{prefix}  priority {priority}  next hop {next_hop} ({circuit})')
    print('\n== For the data centre and the router: a Letter of Authorization (LOA) and a hand-over for each circuit')
    for file in sorted(FILES.iterdir()):
        print(f'{file}  {file.stat().st_size} bytes')


def play(simulator: Simulator, title: str, *arguments: str, brief: bool = False) -> int:
    """Runs the playbook, prints its output and returns the number of changes. Ends the process if it fails."""
    command = ['ansible-playbook', '-i', 'docs/examples/inventory.yml', 'netops.cloudflare_cni.provision']
    command += ['-e', f'provision_artifacts_dir={FILES}', *arguments]
    heading(title, shlex.join(command))
    settings = {
        'PATH': os.pathsep.join([str(ROOT / '.venv/bin'), os.environ['PATH']]),
        'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.build'),
        'ANSIBLE_FORKS': '1',  # hosts in the order of the inventory, each time
        'ANSIBLE_STDOUT_CALLBACK': 'default',
        'ANSIBLE_CALLBACK_RESULT_FORMAT': 'yaml',
        'ANSIBLE_FORCE_COLOR': str(sys.stdout.isatty()),
    }
    changed = 0
    with subprocess.Popen(command, env=os.environ | settings | simulator.environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in shown(process.stdout, brief):
                print(line, flush=True)
                changed += sum(map(int, re.findall(r'\bchanged=(\d+)', line)))
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        sys.exit(f'FAILED: ansible-playbook ended with status {process.returncode}.')
    return changed


def shown(lines: Iterable[str], brief: bool) -> Iterator[str]:
    """The lines to print, without blank ones. brief: only the tasks that changed or printed something."""
    task = ''
    for line in lines:
        text = line.rstrip(' *\n')
        if brief and text.startswith('TASK'):
            task = f'{text}\n'
        elif text and not (brief and DULL.match(text)):
            yield text if text.startswith('PLAY') else task + text
            task = ''


def heading(title: str, command: str) -> None:
    print(f'\n== {title}\n$ {command}', flush=True)


if __name__ == '__main__':
    sys.exit(main())
