# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetBox as it is on PyPI, in .build/netbox, and a database that has had its migrations: they take minutes, and unpacking it a second."""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

from netbox.services import PEPPER, Services, missing, postgres
from tools.cores import first_that_starts

FOLDER = Path(__file__).resolve().parents[2] / '.build' / 'netbox'
COMMANDS, CLUSTER = FOLDER / 'venv' / 'bin', FOLDER / 'cluster.tar'
PINS = Path(__file__).resolve().parents[2] / 'requirements' / 'netbox.txt'
PYTHONS = ('3.12', '3.13', '3.14')
# The form that NetBox gives its own tokens since 4.5: nbt_KEY.SECRET
KEY, SECRET, USER, PASSWORD = 'loopbackonly', 'For0Tests0On0Loopback0Only0Of0No0Use0Els', 'admin', 'for-tests-0n-loopback-Only'
FIRST_USER = f'''
import django
django.setup()
from users.models import Token, User
user = User.objects.create_superuser({USER!r}, password={PASSWORD!r})
Token(user=user, version=2, key={KEY!r}, token={SECRET!r}).save()
'''


def lacking(folders: str | None = None) -> str:
    """What this machine has not, in words. folders: where to look for a Python, as in PATH."""
    return missing() or ('' if first_that_starts(PYTHONS, folders) else f'no Python {" or ".join(PYTHONS)} here')


def install() -> None:
    """Installs NetBox and prepares its database, unless both are there as they should be."""
    if why := lacking():
        sys.exit(why)
    FOLDER.mkdir(parents=True, exist_ok=True)
    python, version = first_that_starts(PYTHONS), subprocess.check_output([postgres() / 'postgres', '--version'])
    with (FOLDER / 'lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_new(FOLDER / 'venv-of', python.encode(), PINS.read_bytes()):
            _install(python)
            _done(FOLDER / 'venv-of', python.encode(), PINS.read_bytes())
        database = (version, PINS.read_bytes(), PEPPER.encode(), FIRST_USER.encode())
        if _is_new(FOLDER / 'cluster-of', *database):
            _migrate()
            _done(FOLDER / 'cluster-of', *database)


def _is_new(mark: Path, *made_of: bytes) -> bool:
    return not mark.exists() or mark.read_text() != _hash(made_of)


def _done(mark: Path, *made_of: bytes) -> None:
    mark.write_text(_hash(made_of))


def _hash(made_of: tuple[bytes, ...]) -> str:
    return hashlib.sha256(b'\0'.join(made_of)).hexdigest()


def _install(python: str) -> None:
    print(f'Installing NetBox into {FOLDER} ...', file=sys.stderr, flush=True)
    subprocess.run([python, '-m', 'venv', '--clear', COMMANDS.parent], check=True)
    # All of them are pinned, but for the one that psycopg-binary stands in for.
    pip = [COMMANDS / 'python', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    subprocess.run([*pip, '--no-deps', '-r', PINS], check=True)


def _migrate() -> None:
    print('Preparing its database: some minutes, once ...', file=sys.stderr, flush=True)
    with Services() as services:
        services.run(COMMANDS / 'netbox', 'migrate', '--no-input')
        services.run(COMMANDS / 'python', '-c', FIRST_USER)
        services.save(CLUSTER)
