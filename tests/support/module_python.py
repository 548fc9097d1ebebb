# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Python for the modules that a playbook runs. Most of a module's time goes by while it compiles Ansible's own part of it, which Ansible
sends along each time: a server imports that part once, the same release of it, and forks for each module.

The program that stands for Python asks the server, and is Python itself for whatever else it is given.
"""

from __future__ import annotations

import _imp
import atexit
import functools
import gc
import importlib
import marshal
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import zipimport
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import CodeType

from support.compiled import compiled_once

STAND_IN = '''#!{python} -IS
import _socket, marshal, os, sys
{exception}server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
server.connect({path!r})
files = b''.join(number.to_bytes(4, sys.byteorder) for number in range(3))
server.sendmsg([marshal.dumps((sys.argv, dict(os.environ), os.getcwd()))], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
os._exit(int(server.recv(8) or 70))
'''
NO_MODULE = f'''words = sys.argv[1:]
if len(words) != 1 or not os.path.basename(words[0]).startswith('AnsiballZ_') or 'PYTHONPATH' in os.environ:
    os.execv({sys.executable!r}, [{sys.executable!r}, *words])
'''
SHARED = ('ansible.module_utils.basic', 'ansible.module_utils.urls', 'ansible.module_utils.common.json', 'ansible.module_utils.service',
          'ansible.module_utils.common.text.converters', 'tempfile', 'zipfile', 'zipimport', 'locale', 'grp', 'pwd', 'yaml', 'requests',
          'ansible.module_utils._internal._ansiballz._loader', 'ansible.module_utils._internal._json._profiles._module_legacy_c2m',
          'ansible.module_utils._internal._json._profiles._module_legacy_m2c', 'concurrent.futures.thread')


@functools.cache
def program() -> Path:
    """The program that stands for Python. Its server ends with this process."""
    folder, listening = stand_ins('python', exception=NO_MODULE)
    ended, _kept_open = os.pipe()
    with listening:
        subprocess.Popen([sys.executable, '-m', __name__, str(listening.fileno())], cwd=Path(__file__).parents[1],
                         pass_fds=[listening.fileno()], stdin=ended, stdout=subprocess.DEVNULL)
    os.close(ended)
    return folder / 'python'


def stand_ins(*names: str, exception: str = '') -> tuple[Path, socket.socket]:
    """A folder with programs that ask a server, and where they ask. exception: the code for what they do themselves."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(str(folder / 'asked'))
    listening.listen(100)
    for program in map(folder.joinpath, names):
        program.write_text(STAND_IN.format(python=sys.executable, path=listening.getsockname(), exception=exception))
        program.chmod(0o755)
    return folder, listening


def serve(listening: socket.socket) -> None:
    for name in SHARED:
        with suppress(ImportError):  # another release of ansible-core has it elsewhere, and modules import it themselves
            importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the modules
    zipimport._compile_source = functools.partial(_compiled, zipimport._compile_source, Path(listening.getsockname()).with_name('compiled'))
    gc.freeze()
    while listening in select.select([listening, sys.stdin], [], [])[0]:
        connection, _address = listening.accept()
        if not os.fork():
            listening.close()
            _be_python(connection)
        connection.close()


def _compiled(compiled: Callable[[str, bytes], CodeType], folder: Path, path: str, source: bytes) -> CodeType:
    """The code of a file in a module's archive, compiled once for all the modules that bring it along."""
    code = compiled_once(folder, source, lambda: compiled(path, source))
    _imp._fix_co_filename(code, path)
    return code


def _be_python(connection: socket.socket) -> None:
    status = 70
    try:
        message, files, *_rest = socket.recv_fds(connection, 1 << 20, 3)
        (_program, file), environment, folder = marshal.loads(message)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, descriptor in enumerate(files):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv = [file]
        runpy.run_path(file, run_name='__main__')
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            connection.send(str(status).encode())
        finally:
            os._exit(status)


if __name__ == '__main__':
    sys.path.pop(0)  # the folder of the tests, which no module has
    serve(socket.socket(fileno=int(sys.argv[1])))
