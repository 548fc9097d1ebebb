# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of Ansible's commands. Most of a short run goes by while Ansible is imported: a server imports it once and forks for each run.

Ansible takes over its settings while it is imported. So each set of settings that is SHARED has a server of its own, and a run with others
is a process of its own, as is every other command. The modules of a run that is forked are forked too, see module_python.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import marshal
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING

from support.compiled import compiled_once

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.nodes import Template

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.build'),
    'ANSIBLE_CONFIG': str(Path(__file__).with_name('ansible.cfg')),  # what the user's own one says must not matter
    'ANSIBLE_INVENTORY_UNPARSED_WARNING': 'false', 'ANSIBLE_LOCALHOST_WARNING': 'false', 'ANSIBLE_NOCOLOR': '1',
}
WITH_COLLECTIONS = SETTINGS | {
    'ANSIBLE_COLLECTIONS_PATH': f'{ROOT / ".build"}{os.pathsep}{ROOT / ".build" / "awx"}', 'ANSIBLE_INJECT_FACT_VARS': 'false',
}
WITH_INVOCATION = SETTINGS | {'ANSIBLE_INJECT_INVOCATION': 'true'}
SHARED = (SETTINGS, WITH_COLLECTIONS, WITH_INVOCATION)
ROLES = 'ANSIBLE_ROLES_PATH'
OWN = {ROLES, 'ANSIBLE_CACHE_PLUGIN_CONNECTION'}  # settings that a run may have for itself; the latter is read when it is needed
COMMANDS = {'ansible': ('ansible.cli.adhoc', 'AdHocCLI'), 'ansible-playbook': ('ansible.cli.playbook', 'PlaybookCLI'),
            'ansible-inventory': ('ansible.cli.inventory', 'InventoryCLI'), 'ansible-galaxy': ('ansible.cli.galaxy', 'GalaxyCLI')}
# What a run would import besides. Ansible compiles the files of a collection anew in each process.
LATER = ('requests', 'ansible.executor.task_executor', 'ansible.plugins.strategy.linear', *(
    f'ansible_collections.netops.cloudflare_cni.plugins.{path.parent.name}.{path.stem}'
    for kind in ('action', 'filter', 'inventory') for path in sorted((ROOT / 'plugins' / kind).glob('*.py'))
))
LOCK = threading.Lock()


def run(name: str, *arguments: object, env: Mapping[str, str], cwd: Path, merged: bool = False,
        shared: bool = False) -> subprocess.CompletedProcess:
    """Runs a command to its end. merged: what it writes to stderr is in stdout. shared: many runs have these settings."""
    words = [str(Path(sys.executable).with_name(name)), *map(str, arguments)]
    with tempfile.TemporaryFile('w+') as output, tempfile.TemporaryFile('w+') as errors:
        files = [output, output if merged else errors]
        if name in COMMANDS and (shared or _settings(env) in SHARED) and 'PYTHONPATH' not in env:
            ended, end = os.pipe()
            _fork({'command': words, 'env': dict(env), 'cwd': str(cwd)}, [*(file.fileno() for file in files), end])
            os.close(end)
            with open(ended) as report:
                status = int(report.read() or -signal.SIGKILL)
        else:
            status = subprocess.call(words, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=files[0], stderr=files[1])
        for file in files:
            file.seek(0)
        return subprocess.CompletedProcess(words, status, output.read(), errors.read())


class Begun:
    """A run of ansible-playbook that goes on, in a process group of its own. stdout: all that it prints."""

    def __init__(self, *arguments: object, env: Mapping[str, str], cwd: Path):
        (output, printed), (self._status, end) = os.pipe(), os.pipe()
        request = {'command': [str(Path(sys.executable).with_name('ansible-playbook')), *map(str, arguments)], 'env': dict(env),
                   'cwd': str(cwd), 'apart': True}
        self.pid = _fork(request, [printed, printed, end])
        self._process = os.pidfd_open(self.pid)
        for descriptor in (printed, end):
            os.close(descriptor)
        self.stdout = os.fdopen(output)

    def __enter__(self) -> Begun:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stdout.close()
        self.send_signal(signal.SIGKILL)
        self.wait()
        for descriptor in (self._process, self._status):
            os.close(descriptor)

    def send_signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it has ended
            signal.pidfd_send_signal(self._process, number)

    def interrupt(self) -> None:
        """As Ctrl-C does: the run, and all that it has started."""
        with suppress(ProcessLookupError):  # they have ended
            os.killpg(self.pid, signal.SIGINT)

    def wait(self) -> None:
        select.select([self._process], [], [])


@functools.cache
def programs() -> Path:
    """A folder with COMMANDS, for PATH: they have servers run them, so what runs is no descendant of who calls them."""
    from support import module_python

    folder, listening = module_python.stand_ins(*COMMANDS)
    threading.Thread(target=_run_programs, args=[listening], daemon=True).start()
    return folder


def _run_programs(listening: socket.socket) -> None:
    while True:
        connection, _address = listening.accept()
        with connection:
            message, files, *_rest = socket.recv_fds(connection, 1 << 20, 3)
            if message:  # it has not been killed
                command, env, cwd = marshal.loads(message)
                _fork({'command': command, 'env': env, 'cwd': cwd}, [*files[1:], connection.fileno()])
        for descriptor in files:
            os.close(descriptor)


def _fork(request: dict, files: list[int]) -> int:
    """Has the server for a run's settings fork for it; returns its process. files: for stdout, for stderr, and for its status."""
    with LOCK:
        server = _server(frozenset(_settings(request['env']).items()))
        socket.send_fds(server, [json.dumps(request).encode()], files)
        return int(server.recv(20))


def _settings(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith('ANSIBLE_') and name not in OWN}


@functools.cache
def _server(settings: frozenset[tuple[str, str]]) -> socket.socket:
    """The way to a server for these settings, which ends with this process."""
    from support import module_python  # which the server's own process can do without

    own_end, server_end = socket.socketpair()
    with server_end:
        kept = {name: value for name, value in os.environ.items() if not name.startswith('ANSIBLE_')}
        subprocess.Popen([sys.executable, '-m', __name__, str(server_end.fileno()), str(module_python.program())],
                         cwd=Path(__file__).parents[1], env=kept | dict(settings), pass_fds=[server_end.fileno()],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return own_end


def serve(requests: socket.socket, program: str) -> None:
    """program: what stands for Python where modules run."""
    _prepare(Path(program).with_name('templates'))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the runs
    gc.freeze()
    while True:
        message, descriptors, *_rest = socket.recv_fds(requests, 1 << 20, 3)
        if not message:
            return
        if not (pid := os.fork()):
            requests.close()
            _be_the_command(**json.loads(message), descriptors=descriptors, program=program)
        requests.send(str(pid).encode())
        for descriptor in descriptors:
            os.close(descriptor)


def _prepare(templates: Path) -> None:
    """Does what runs and their tasks would each do anew. templates: where the code of templates is kept."""
    from ansible.plugins.loader import filter_loader, init_plugin_loader, test_loader
    from jinja2 import Environment

    init_plugin_loader()
    warnings.filterwarnings('ignore', 'AnsibleCollectionFinder has already been configured')
    for name in (*(module for module, _class in COMMANDS.values()), *LATER):
        importlib.import_module(name)
    for loader in (filter_loader, test_loader):
        list(loader.all())
    Environment.compile = functools.partialmethod(_compiled, Environment.compile, templates)


def _compiled(environment: Environment, compiled: Callable[..., CodeType], folder: Path, source: str | Template,
              *more: object) -> CodeType:
    """The code of a template, compiled once for all tasks that have it, unless more than its text makes a difference."""
    if not isinstance(source, str) or '\\' in source or environment.overlayed or environment.optimized or any(more):
        return compiled(environment, source, *more)
    return compiled_once(folder, source.encode(), lambda: compiled(environment, source))


def _be_the_command(command: list[str], env: dict[str, str], cwd: str, descriptors: list[int], program: str, apart: bool = False) -> None:
    """apart: so that it can be killed with all that it has started, its modules too."""
    status = 70
    try:
        if apart:
            os.setsid()
        else:
            sys.executable = program
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(descriptors[0], 1)
        os.dup2(descriptors[1], 2)
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        if ROLES in env:
            sys.modules['ansible.constants'].DEFAULT_ROLES_PATH = [env[ROLES]]
        module, cli = COMMANDS[Path(command[0]).name]
        sys.argv = command
        getattr(sys.modules[module], cli).cli_executor(command)
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(descriptors[2], str(status).encode())
        os._exit(status)


if __name__ == '__main__':
    sys.path.pop(0)  # the folder of the tests, which no run has
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
