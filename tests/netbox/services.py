# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a NetBox needs: a PostgreSQL and a redis of its own, on sockets in a folder. Both, and the folder, are gone when it is closed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

SUPER = 'netbox'  # the user of the database
# It is thrown away: nothing needs to survive a power cut.
HASTE = [word for name in ('fsync', 'full_page_writes', 'synchronous_commit') for word in ('-c', f'{name}=off')]
SETTINGS = '''
ALLOWED_HOSTS = ['127.0.0.1']
API_TOKEN_PEPPERS = {{1: '{pepper}'}}
CENSUS_REPORTING_ENABLED = False
DATABASES = {{'default': {{'NAME': 'postgres', 'USER': '{user}', 'HOST': '{folder}/sockets', 'CONN_MAX_AGE': 300}}}}
HOSTNAME = 'netbox'
ISOLATED_DEPLOYMENT = True
REDIS = {{name: {{'URL': 'unix://{folder}/redis?db=%d' % number}} for number, name in enumerate(('tasks', 'caching'))}}
SECRET_KEY = '{pepper}'
'''
PEPPER = 'for-tests-on-loopback-only-' * 2


def postgres() -> Path | None:
    """The folder of PostgreSQL's programs: Debian has them outside PATH."""
    found = sorted(Path('/usr/lib/postgresql').glob('*/bin/initdb'), key=lambda path: int(path.parts[-3]))
    path = found[-1] if found else shutil.which('initdb')
    return Path(path).parent if path else None


def missing() -> str:
    """What this machine lacks for a NetBox, or nothing."""
    lacking = [] if postgres() else ['postgresql']
    lacking += [] if shutil.which('redis-server') else ['redis-server']
    return f'no {" and no ".join(lacking)} here (on Debian and Ubuntu: apt-get install {" ".join(lacking)})' if lacking else ''


class Services(ExitStack):
    """A folder in which NetBox is configured, PostgreSQL and redis run. cluster: a database to begin with, as `save` left it."""

    def __init__(self, cluster: Path | None = None):
        super().__init__()
        self._cluster = cluster

    def __enter__(self) -> Services:
        super().__enter__()
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        return self

    def _begin(self) -> None:
        self.folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix='netbox-')))
        self.folder.chmod(0o711)
        (self.folder / 'conf').mkdir()
        (self.folder / 'conf' / 'configuration.py').write_text(SETTINGS.format(folder=self.folder, user=SUPER, pepper=PEPPER))
        self.environment = {'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8', 'NETBOX_ROOT': str(self.folder),
                            'DJANGO_SETTINGS_MODULE': 'netbox.settings'}
        self.start('redis-server', '--port', 0, '--unixsocket', self.folder / 'redis', '--save', '', '--dir', self.folder)
        self._start_postgres()

    def _start_postgres(self) -> None:
        data, sockets, programs = self.folder / 'data', self.folder / 'sockets', postgres()
        for folder in (data, sockets):
            folder.mkdir(mode=0o700)
            if self._postgres:
                shutil.chown(folder, **self._postgres)
        if self._cluster:
            subprocess.run(['tar', '-xf', self._cluster, '-C', self.folder], check=True)
        else:
            self.run(programs / 'initdb', '--pgdata', data, '--username', SUPER, '--encoding', 'UTF8', '--no-locale', **self._postgres)
        self._database = self.start(programs / 'postgres', '-D', data, '-k', sockets, '-c', 'listen_addresses=', *HASTE, **self._postgres)
        asks = [programs / 'pg_isready', '--quiet', '--host', sockets, '--username', SUPER]
        until(lambda: subprocess.call(asks) == 0, 'the database answers')

    @property
    def _postgres(self) -> dict[str, str]:
        """Whom PostgreSQL runs as: it refuses root, so the user of its package."""
        return {'user': 'postgres', 'group': pwd.getpwnam('postgres').pw_gid} if os.geteuid() == 0 else {}

    def save(self, cluster: Path) -> None:
        """Stops the database and keeps it as a file."""
        self.stop(self._database)
        subprocess.run(['tar', '-cf', cluster, '-C', self.folder, 'data'], check=True)

    def run(self, *command: object, **options) -> None:
        """Runs a command to its end; RuntimeError with what it said if it fails."""
        done = subprocess.run([str(word) for word in command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
        if done.returncode:
            raise RuntimeError(f'{command[0]}: status {done.returncode}\n{done.stdout}')

    def start(self, *command: object, **options) -> subprocess.Popen:
        """Starts what stays in the foreground. It ends with this, and what it says is in a file of its name."""
        with (self.folder / f'{Path(str(command[0])).name}.log').open('a') as log:
            process = subprocess.Popen([str(word) for word in command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=subprocess.STDOUT, start_new_session=True, **options)
        self.callback(self.stop, process)
        return process

    @staticmethod
    def stop(process: subprocess.Popen) -> None:
        """PostgreSQL waits for its clients after SIGTERM, and not after SIGINT; to the others they are the same."""
        process.send_signal(signal.SIGINT)
        process.wait()


def until(look: Callable[[], object], what: str, timeout: float = 300) -> None:
    """Looks again and again until that is true. AssertionError with `what` after the time-out."""
    end = time.monotonic() + timeout
    while not look():
        assert time.monotonic() < end, f'not within {timeout} s: {what}'
        time.sleep(0.1)
