# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `make demo` shows: a redundant pair of circuits on the simulator, from an inventory to the hand-over files."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = Path('.build/demo')
sys.path.append(str(ROOT / 'tests/simulator'))

from process import Simulator  # noqa: E402


def main() -> int:
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))
    os.chdir(ROOT)
    shutil.rmtree(FILES, ignore_errors=True)
    heading('The simulator stands in for Cloudflare, on this machine only', 'python tests/simulator --port 0')
    try:
        with Simulator() as simulator:
            show(simulator)
    except KeyboardInterrupt:
        return 130
    print(f'\nDone in {time.monotonic() - started:.0f} s. The simulator is stopped; the files stay in {FILES}.')
    return 0


def show(simulator: Simulator) -> None:
    for name, value in simulator.environment.items():
        print(f'export {name}={value}')
    play(simulator, 'Order two ports on different devices, with BGP and a health check, and write the hand-over', 'provision')
    play(simulator, 'New ports are Pending, until the data centre has run the cross-connects', 'status')
    before = len(simulator.requests())
    changed = play(simulator, 'The same again changes nothing', 'provision')
    writes = [one for one in simulator.requests()[before:] if one['method'] != 'GET']
    if changed or writes:
        sys.exit(f'FAILED: the second run changed {changed} things and sent {len(writes)} writes.')
    print(f'changed=0, and none of its {len(simulator.requests()) - before} requests was a write.')
    for interconnect in simulator.state()['interconnects']:
        simulator.set_status(interconnect['name'], 'Healthy')
    play(simulator, 'Weeks later there is light: wait for both to be Healthy', 'status', '-e', 'provision_wait_for=Healthy')
    print('\n== For the data centre and the router: a letter (LOA) and a hand-over for each circuit')
    for file in sorted(FILES.iterdir()):
        print(f'{file}  {file.stat().st_size} bytes')


def play(simulator: Simulator, title: str, name: str, *arguments: str) -> int:
    """Runs a playbook of the collection and returns how much it changed. Ends the process if it fails."""
    command = ['ansible-playbook', '-i', 'docs/examples/inventory.yml', f'netops.cloudflare_cni.{name}']
    command += ['-e', f'provision_artifacts_dir={FILES.absolute()}'] if name == 'provision' else arguments
    heading(title, shlex.join(command).replace(str(ROOT), '$PWD'))
    environment = {
        'PATH': os.pathsep.join([str(ROOT / '.venv/bin'), os.environ['PATH']]),
        'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.build'),
        # What changes is shown, and what status says; with colours where there is a terminal.
        'ANSIBLE_DISPLAY_OK_HOSTS': str(name == 'status'),
        'ANSIBLE_DISPLAY_SKIPPED_HOSTS': 'False',
        'ANSIBLE_CALLBACK_RESULT_FORMAT': 'yaml',
        'ANSIBLE_FORCE_COLOR': str(sys.stdout.isatty()),
    }
    changed = 0
    with subprocess.Popen(command, env={**os.environ, **environment, **simulator.environment}, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                print(line, end='', flush=True)
                changed += sum(map(int, re.findall(r'\bchanged=(\d+)', line)))
        finally:
            process.terminate()
    if process.returncode:
        sys.exit(f'FAILED: ansible-playbook ended with status {process.returncode}.')
    return changed


def heading(title: str, command: str) -> None:
    print(f'\n== {title}\n$ {command}', flush=True)


if __name__ == '__main__':
    sys.exit(main())
