# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routers in network namespaces of their own, joined by cables that can be cut. Everything of a lab is gone when it is closed."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from simulator.process import WAIT

T = TypeVar('T')
NUMBERS = itertools.count(1)


def run(*command: object, check: bool = True) -> str:
    """The output of a command; RuntimeError with all that it said if it fails."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f'{" ".join(map(str, command))}: status {done.returncode}\n{done.stdout}')
    return done.stdout


def until(look: Callable[[], T], what: str) -> T:
    """What `look` returns as soon as it is true. Looks again and again, and fails with `what` when it has waited long enough."""
    end = time.monotonic() + WAIT
    while not (found := look()):
        if time.monotonic() > end:
            raise AssertionError(f'not within {WAIT} s: {what}')
        time.sleep(0.1)
    return found


def answers(path: Path) -> bool:
    """Whether somebody listens at a socket, which is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as client:
        return not client.connect_ex(str(path))


class Namespace:
    """A host with nothing but a loopback interface."""

    def __init__(self, lab: Lab, name: str):
        self.name = f'cni-{os.getpid()}-{next(NUMBERS)}-{name}'
        self.folder = lab.folder / self.name
        self.folder.mkdir(mode=0o755)
        run('ip', 'netns', 'add', self.name)
        lab.callback(run, 'ip', 'netns', 'del', self.name)
        self.ip('link', 'set', 'lo', 'up')
        self._lab = lab

    def ip(self, *arguments: object) -> str:
        return run('ip', '-n', self.name, *arguments)

    def run(self, *command: object, check: bool = True) -> str:
        return run('ip', 'netns', 'exec', self.name, *command, check=check)

    def start(self, *command: object) -> subprocess.Popen:
        """Starts what stays in the foreground; it ends with the lab. Its output is in a file of its name."""
        with (self.folder / f'{Path(str(command[0])).name}.log').open('a') as log:
            words = [str(word) for word in ('ip', 'netns', 'exec', self.name, *command)]
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self._lab.callback(process.wait)
        self._lab.callback(process.terminate)
        return process

    def hops(self, prefix: str) -> set[str]:
        """The interfaces that packets to a prefix leave by, as far as they have a link: of the route with the lowest metric."""
        found = [route for route in json.loads(self.ip('-j', '-4', 'route', 'show', 'exact', prefix)) if 'linkdown' not in route['flags']]
        lowest = min((route.get('metric', 0) for route in found), default=0)
        hops = [hop for route in found if route.get('metric', 0) == lowest for hop in route.get('nexthops', [route])]
        return {hop.get('dev', '') for hop in hops if not {'dead', 'linkdown'} & set(hop['flags'])}

    def leaves_by(self, target: str, source: str) -> str:
        """The interface that packets between two addresses leave by."""
        return json.loads(self.ip('-j', 'route', 'get', target, 'from', source))[0]['dev']

    def counter(self, name: str) -> int:
        """A counter of the kernel's TCP, such as TCPMD5Failure."""
        names, values = (line.split() for line in self.run('cat', '/proc/net/netstat').splitlines()[:2])
        return int(dict(zip(names, values, strict=True))[name])


class Ping:
    """Ten echo requests a second, from a source address to a target, until `stop`."""

    def __init__(self, host: Namespace, source: str, target: str):
        self._log = host.folder / 'ping.log'
        self._process = host.start('ping', '-n', '-i', '0.1', '-I', source, target)

    def answered(self) -> list[int]:
        """The numbers of the requests that were answered."""
        return [int(number) for number in re.findall(r'bytes from .* icmp_seq=(\d+)', self._log.read_text())]

    def goes_on(self) -> None:
        """Waits for ten more answers."""
        before = len(self.answered())
        until(lambda: len(self.answered()) >= before + 10, 'ten more answers to ping')

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait()


class Cable:
    """A cable between interfaces of the same name on two hosts. With a converter on the way, no end sees the light go at the other."""

    def __init__(self, near: Namespace, far: Namespace, interface: str, converter: Namespace | None = None):
        self.near, self.far, self.interface, self.converter = near, far, interface, converter
        if not converter:
            near.ip('link', 'add', interface, 'type', 'veth', 'peer', 'name', interface, 'netns', far.name)
            return
        converter.ip('link', 'add', interface, 'type', 'bridge')
        converter.ip('link', 'set', interface, 'up')
        for side, end in enumerate((near, far)):
            port = f'{interface}-{side}'
            converter.ip('link', 'add', port, 'type', 'veth', 'peer', 'name', interface, 'netns', end.name)
            converter.ip('link', 'set', port, 'master', interface, 'up')

    def address(self, cni: dict) -> None:
        """Puts the addresses and the MTU of a CNI on it."""
        for end, address in ((self.near, cni['cust_ip']), (self.far, cni['p2p_ip'])):
            end.ip('address', 'add', address, 'dev', self.interface)
            end.ip('link', 'set', self.interface, 'mtu', cni['magic']['mtu'], 'up')

    def cut(self) -> None:
        if self.converter:
            self.converter.ip('link', 'set', f'{self.interface}-1', 'down')
        else:
            self.far.ip('link', 'set', self.interface, 'down')


class Lab(ExitStack):
    """Hosts, and a folder for their files."""

    def __init__(self):
        super().__init__()
        self.folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix='cni-lab-')))
        self.folder.chmod(0o755)  # FRR runs as a user of its own

    def namespace(self, name: str) -> Namespace:
        return Namespace(self, name)

    def report(self) -> None:
        """Prints what the routers said."""
        for log in sorted(self.folder.glob('*/*.log')):
            print(f'--- {log.relative_to(self.folder)}\n{log.read_text()[-3000:]}')
