# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command under another release of ansible-core: `python tests/tools/cores.py 2.16 pytest tests/unit`.

Makes its environment first. Without a command it prints the releases, each with a Python for it, as JSON.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / '.build' / 'cores'
PINS = ROOT / 'requirements' / 'test.txt'
# {release: the Pythons that it is run by}
CORES = {'2.16': ('3.12',), '2.17': ('3.12',), '2.18': ('3.11',), '2.19': ('3.11',), '2.20': ('3.12', '3.13'), '2.21': ('3.12', '3.13')}
NEEDED = ('aiohttp', 'ansible-builder', 'ansible-runner', 'cloudflare', 'fpdf2', 'hier-config', 'hypothesis', 'openapi-core', 'pypdf',
          'prometheus-client', 'psutil', 'pytest', 'requests')


def interpreter(core: str, folders: str | None = None) -> str | None:
    """The first of the Pythons for a release that is in the folders (as in PATH, which is the default) and starts."""
    return first_that_starts(CORES[core], folders)


def first_that_starts(versions: Iterable[str], folders: str | None = None) -> str | None:
    found = (shutil.which(f'python{version}', path=folders) for version in versions)
    return next((path for path in found if path and subprocess.call([path, '-c', ''], stderr=subprocess.DEVNULL) == 0), None)


def environment(core: str) -> Path:
    """The folder of its commands; the packages are those of `make test`, but for ansible-core."""
    python, own = interpreter(core), FOLDER / core
    if not python:
        sys.exit(f'ansible-core {core} takes Python {" or ".join(CORES[core])}: not found')
    FOLDER.mkdir(parents=True, exist_ok=True)
    pins = '\n'.join(line for line in PINS.read_text().splitlines() if not line.startswith(('ansible-core', 'resolvelib', 'antsibull')))
    mark, stamp = own / 'made-of', hashlib.sha256(f'{python}{pins}{NEEDED}'.encode()).hexdigest()
    with (FOLDER / f'{core}.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists() or mark.read_text() != stamp:
            subprocess.run([python, '-m', 'venv', '--clear', own], check=True)
            (own / 'pins.txt').write_text(pins)
            pip = [own / 'bin' / 'python', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
            subprocess.run([*pip, f'ansible-core=={core}.*', *NEEDED, '-c', own / 'pins.txt'], check=True)
            mark.write_text(stamp)
    return own / 'bin'


def main() -> None:
    if not sys.argv[1:]:
        print(json.dumps([{'core': core, 'python': pythons[0]} for core, pythons in CORES.items()]))
        return
    core, *command = sys.argv[1:]
    folder = environment(core)
    os.environ['PATH'] = os.pathsep.join([str(folder), os.environ['PATH']])
    os.execvp(command[0], command)


if __name__ == '__main__':
    main()
