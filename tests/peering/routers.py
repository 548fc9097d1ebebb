# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""FRR, BIRD and GoBGP, each in a namespace: started, given a configuration, and asked how far it has come."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from peering.lab import Namespace, answers, run, until

FRR = Path('/usr/lib/frr')
NETWORKD = Path('/usr/lib/systemd/systemd-networkd')


# A folder that holds other releases of FRR and BIRD, with all that they need, as tests/tools/routers.py fetches them.
OTHERS = os.environ.get('PEERING_ROUTERS', '')
SHARED = ('/dev', '/proc', '/sys', '/tmp', str(Path(__file__).resolve().parents[2]))
ENTER = '''
    for folder in $1; do mkdir -p $0$folder; mount --rbind $folder $0$folder; done
    [ -z "$2" ] || { mkdir -p $2/run/frr $0/run; chmod -R a+rwX $2/run; mount --bind $2/run $0/run; }
    folder=$0; shift 2; exec chroot $folder "$@"
'''


def routed(folder: Path | str, *command: object) -> tuple[object, ...]:
    """A command of a router, with its /run in a folder: that of this machine, or of the other releases."""
    return ('unshare', '--mount', 'sh', '-ec', ENTER, OTHERS, ' '.join(SHARED), folder, *command) if OTHERS else command


class Peer(NamedTuple):
    """A neighbour as a router reports it. hold_time: what was negotiated, in seconds; error: the last one."""

    established: bool
    hold_time: int | None = None
    error: str = ''


class Router:
    """A host with a router on it. Configurations of circuits are files, as the role writes them, or text."""

    process: subprocess.Popen | None = None

    def __init__(self, host: Namespace):
        self.host = host

    def play(self, playbook: Path, circuit: Path, gone: bool = False) -> str:
        """Runs a playbook of the guide on the router itself, for the file of one circuit; returns what it prints."""
        command = [Path(sys.executable).with_name('ansible-playbook'), '-i', 'localhost,', '-c', 'local', playbook]
        circuits = {'circuits': [], 'circuits_gone': [str(circuit)]} if gone else {'circuits': [str(circuit)]}
        variables = {'router_hosts': 'localhost', **circuits, 'ansible_python_interpreter': sys.executable, **self.places}
        return self.host.run('env', 'ANSIBLE_NOCOLOR=1', *command, '-e', json.dumps(variables))

    def kill(self) -> None:
        """Ends it without a word to its neighbours."""
        self.process.kill()
        self.process.wait()

    def installed(self) -> dict[str, str]:
        """{prefix: interface} of the routes of BGP in the kernel."""
        routes = json.loads(self.host.ip('-j', '-4', 'route', 'show', 'proto', self.proto))
        return {'0.0.0.0/0' if route['dst'] == 'default' else route['dst']: route.get('dev', '') for route in routes}

    def kernel_routes(self) -> set[str]:
        """All routes of the kernel, without the numbers of next hops, which change with each of them."""
        return {re.sub(r' nhid \d+', '', line).strip() for line in self.host.ip('-o', 'route', 'show').splitlines()}


class Frr(Router):
    called, proto = 'FRR', 'bgp'
    base = '!\n'

    def start(self, *circuits: str) -> None:
        folder = self.host.folder
        shutil.chown(folder, 'frr', 'frr')
        self.configuration = folder / 'frr.conf'
        if not (folder / 'zebra.vty').exists():
            for name in ('mgmtd', 'zebra', 'staticd'):  # in FRR 10 the first one passes on what the others are to do
                if Path(f'{OTHERS}{FRR}', name).exists():
                    self._daemon(name)
        self.process = self._daemon('bgpd')
        self._assemble(circuits)
        self.vtysh('-f', self.configuration)

    def _daemon(self, name: str) -> subprocess.Popen:
        folder = self.host.folder
        socket = folder / f'{name}.vty'
        socket.unlink(missing_ok=True)
        (folder / f'{name}.conf').touch()
        own = ('-i', folder / f'{name}.pid', '-z', folder / 'zserv.api')
        if name in ('zebra', 'bgpd'):  # in FRR 10 the others have no file
            own += ('-f', folder / f'{name}.conf')
        process = self.host.start(*routed(folder, FRR / name, *own, '--vty_socket', folder, '-u', 'frr', '-g', 'frr', '-P', 0))
        until(lambda: answers(socket), f'{name} answers')
        return process

    def reload(self, *circuits: str) -> None:
        self._assemble(circuits)
        self.host.run(*self._reloading())

    def remove(self, text: str) -> None:
        """Carries out what the role wrote to take a circuit away."""
        file = self.host.folder / 'remove.conf'
        file.write_text(text)
        self.vtysh('-f', file)

    def vtysh(self, *arguments: object) -> str:
        return self.host.run(*routed(self.host.folder, 'vtysh', '--vty_socket', self.host.folder, *arguments))

    def configured(self) -> str:
        return self.vtysh('-c', 'show running-config')

    def _reloading(self) -> list[str]:
        folder = str(self.host.folder)
        own = ['--vty_socket', folder, '--confdir', folder, '--rundir', folder]
        return [str(word) for word in routed(self.host.folder, FRR / 'frr-reload.py', '--reload', *own, self.configuration)]

    def start_for_the_playbook(self) -> None:
        self.start()
        circuits = self.host.folder / 'circuits'
        circuits.mkdir()
        (circuits / 'base.conf').write_text(self.base)

    @property
    def places(self) -> dict[str, str]:
        return {'frr_folder': str(self.host.folder), 'frr_reload': shlex.join(self._reloading())}

    def _assemble(self, circuits: tuple[str, ...]) -> None:
        self.configuration.write_text(self.base + ''.join(circuits))
        self.configuration.chmod(0o644)
        self.check(self.configuration)

    @staticmethod
    def check(file: Path) -> None:
        run(*routed('', 'vtysh', '-C', '-f', file))

    def ask(self, command: str) -> dict:
        return json.loads(self.vtysh('-c', f'{command} json'))

    def peers(self) -> dict[str, Peer]:
        return {
            address: Peer(
                peer['bgpState'] == 'Established', peer.get('bgpTimerHoldTimeMsecs', 0) // 1000, peer.get('lastNotificationReason', ''),
            )
            for address, peer in self.ask('show bgp neighbors').items()
        }

    def received(self, address: str) -> dict[str, list[int]]:
        """{prefix: AS path} of what a neighbour announces, as far as it is let in."""
        routes = self.ask(f'show bgp ipv4 unicast neighbors {address} routes')['routes']
        return {prefix: [int(number) for number in paths[0]['path'].split()] for prefix, paths in routes.items()}


class Bird(Router):
    called, proto = 'BIRD', 'bird'
    base = '''protocol device { }
protocol direct { ipv4; }
protocol kernel { ipv4 { import none; export where source ~ [RTS_BGP, RTS_STATIC]; }; merge paths on; }
'''

    def start(self, *circuits: str) -> None:
        folder = self.host.folder
        self.configuration, self.socket = folder / 'bird.conf', folder / 'bird.ctl'
        self._assemble(circuits)
        self.socket.unlink(missing_ok=True)
        recovery = ('-R',) if self.process else ()  # BIRD 3 would wait at its first start, too, for what was never there
        own = ('-c', self.configuration, '-s', self.socket, '-P', folder / 'bird.pid', *recovery)
        self.process = self.host.start(*routed(folder, 'bird', '-f', *own))
        until(lambda: answers(self.socket), 'bird answers')

    def reload(self, *circuits: str) -> None:
        self._assemble(circuits)
        self.birdc('configure')

    def start_for_the_playbook(self) -> None:
        circuits = self.host.folder / 'circuits'
        circuits.mkdir()
        self.start(f'include "{circuits}/*.conf";\n')

    @property
    def places(self) -> dict[str, str]:
        return {'bird_folder': str(self.host.folder), 'bird_reload': f'birdc -s {self.socket} configure'}

    def _assemble(self, circuits: tuple[str, ...]) -> None:
        self.configuration.write_text(self.base + ''.join(circuits))
        self.check(self.configuration)

    @staticmethod
    def check(file: Path) -> None:
        run(*routed('', 'bird', '-p', '-c', file))

    def birdc(self, command: str) -> str:
        return self.host.run(*routed(self.host.folder, 'birdc', '-s', self.socket, command))

    def peers(self) -> dict[str, Peer]:
        found = {}
        for text in re.split(r'\n(?=\S+\s+BGP\s)', self.birdc('show protocols all'))[1:]:
            hold = re.search(r'Hold timer:\s+[\d.]+/(\d+)', text)
            error = re.search(r'Last error:\s+(.*)', text)
            found[re.search(r'Neighbor address:\s+(\S+)', text)[1]] = Peer(
                'BGP state:          Established' in text, int(hold[1]) if hold else None, error[1] if error else '',
            )
        return found

    def received(self, address: str) -> dict[str, list[int]]:
        """{prefix: AS path} of what a neighbour announces, as far as it is let in."""
        text = self.birdc(f'show route all where source = RTS_BGP && from = {address}')
        return {
            prefix: [int(number) for number in path.split()]
            for prefix, path in re.findall(r'^(\d\S+/\d+)[^\n]*\n(?:\t[^\n]*\n)*?\t(?:BGP\.as_path|bgp_path): ([\d ]*)', text, re.MULTILINE)
        }


class Iproute2(Router):
    """Linux without a router: circuits are scripts."""

    def start(self, *circuits: str) -> None:
        for circuit in circuits:
            file = self.host.folder / 'circuit.sh'
            file.write_text(circuit)
            self.host.run('sh', file)

    reload = remove = start

    @property
    def places(self) -> dict[str, str]:
        folder = self.host.folder
        return {'iproute2_folder': str(folder / 'circuits'), 'iproute2_unit': str(folder / 'unit'), 'iproute2_enable': 'true'}


class Networkd(Router):
    """Linux with systemd-networkd, a file for each circuit. A /sys that it can't write means that there is no udev, as in a container."""

    def start(self, *circuits: str) -> None:
        folder = self.host.folder / 'network'
        folder.mkdir()
        for number, circuit in enumerate(circuits):
            (folder / f'circuit-{number}.network').write_text(circuit)
        self.process = self.host.start('sh', '-ec', f'''
            mount -o remount,ro /sys
            mount -t tmpfs none /run
            mkdir -p /run/systemd/netif/links /run/systemd/netif/leases
            cp -r {folder} /run/systemd/network
            exec {NETWORKD}''')


class GoBgp(Router):
    """Announces what it is told, to all neighbours; installs no route."""

    def start(self, asn: int, neighbors: dict[str, dict], announce: tuple[str, ...] = ()) -> None:
        """neighbors: {address: {asn, own (its end of the link), key, hold_time}}."""
        self.configuration = self.host.folder / 'gobgpd.json'
        self._write(asn, neighbors)
        self.process = self.host.start('gobgpd', '-t', 'json', '-f', self.configuration, '--api-hosts', '127.0.0.1:50051')
        until(lambda: set(neighbors) <= set(re.findall(r'[\d.]+', self.host.run('gobgp', 'neighbor', '-j', check=False))),
              'gobgpd has its neighbours')
        self.announce(*announce)

    def reload(self, asn: int, neighbors: dict[str, dict]) -> None:
        self._write(asn, neighbors)
        self.process.send_signal(signal.SIGHUP)

    def announce(self, *prefixes: str) -> None:
        for prefix in prefixes:
            self.host.run('gobgp', 'global', 'rib', 'add', prefix)

    def withdraw(self, *prefixes: str) -> None:
        for prefix in prefixes:
            self.host.run('gobgp', 'global', 'rib', 'del', prefix)

    def _write(self, asn: int, neighbors: dict[str, dict]) -> None:
        self.configuration.write_text(json.dumps({
            'global': {'config': {'as': asn, 'router-id': '198.51.100.1'}},
            'neighbors': [{
                'config': {'neighbor-address': address, 'peer-as': fields['asn'], 'auth-password': fields.get('key', '')},
                'transport': {'config': {'local-address': fields['own']}},
                'timers': {'config': {'hold-time': 240, 'keepalive-interval': 80, 'connect-retry': 5}},
            } for address, fields in neighbors.items()],
        }))

    def ask(self, *words: str) -> list[dict]:
        return json.loads(self.host.run('gobgp', *words, '-j'))

    def peers(self) -> dict[str, Peer]:
        return {
            peer['conf']['neighbor_address']: Peer(
                peer['state'].get('session_state') == 6, int(peer['timers']['state'].get('negotiated_hold_time', 0)),
            )
            for peer in self.ask('neighbor')
        }

    def received(self, address: str) -> dict[str, list[int]]:
        """{prefix: AS path} of what a neighbour announces."""
        return {
            prefix: [number for attribute in paths[0]['attrs'] if attribute['type'] == 2
                     for segment in attribute['as_paths'] for number in segment['asns']]
            for prefix, paths in self.ask('neighbor', address, 'adj-in').items()
        }

    def communities(self, address: str) -> dict[str, list[str]]:
        """{prefix: communities} of what a neighbour announces."""
        return {
            prefix: [f'{number >> 16}:{number & 0xffff}' for attribute in paths[0]['attrs'] if attribute['type'] == 8
                     for number in attribute['communities']]
            for prefix, paths in self.ask('neighbor', address, 'adj-in').items()
        }
