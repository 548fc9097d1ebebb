# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks and the role, ended by force at each of their requests, and run again.

After the second run there is exactly one of everything, and the files of each circuit are as after a run that nobody ended.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import termios
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil
from reliability.reference_runs import ReferenceRun, Sandbox
from simulator.process import WAIT

HANGS = {False: {'kind': 'hang_before'}, True: {'kind': 'hang_after'}}
# With the terminal only ansible-playbook ends: the task that runs goes on by itself, here once its request was held for 400 ms.
ENDS = {'machine lost': HANGS, 'SIGTERM': HANGS, 'terminal closed': {False: {'kind': 'slow', 'delay': 400}}}


@dataclass(frozen=True)
class Kill:
    """One end. number: of the request. done: whether the service has done what it asks for."""

    reference: ReferenceRun
    number: int
    done: bool
    end: str

    @property
    def method(self) -> str:
        return self.reference.methods[self.number]

    @property
    def kind(self) -> tuple[str, ...]:
        return (self.end,) if self.method == 'GET' else (self.end, self.method, self.reference.name, str(self.done))

    def __str__(self) -> str:
        return f'{self.reference.name} | request {self.number} ({self.method}) | {self.end}{", done" if self.done else ""}'


def kills(runs: Iterable[ReferenceRun]) -> Iterator[Kill]:
    """Every end at every request: before it is done, and where it writes, after."""
    for reference in runs:
        for number, method in enumerate(reference.methods):
            for end, faults in ENDS.items():
                yield from (Kill(reference, number, done, end) for done in faults if method != 'GET' or not done)


def run_kill(sandbox: Sandbox, kill: Kill, converged: set[str]) -> None:
    """Ends a run and runs it again. Raises AssertionError unless all is then as after a run that nobody ended.

    converged: what ends have left from which a second run was seen to converge, so that it need not be seen again.
    """
    sandbox.start(kill.reference.state, kill.reference.files)
    sandbox.simulator.fault(**ENDS[kill.end][kill.done], after=kill.number)
    with _running(sandbox, kill) as (process, marker, terminal):
        sandbox.simulator.requests(until=kill.number + 1)
        if kill.end == 'terminal closed':
            os.close(terminal)
        else:
            os.kill(process.pid, signal.SIGKILL if kill.end == 'machine lost' else signal.SIGTERM)
        _gone(marker, kill=kill.end != 'terminal closed')
    remaining = json.dumps([kill.reference.name, sandbox.snapshot()], sort_keys=True)
    if remaining in converged:
        return
    exchanged = sandbox.ordered_second_alone(kill.reference)
    second = sandbox.account.play(*sandbox.arguments(kill.reference.name))
    assert second.status == 0, second.output
    current, expected = sandbox.snapshot(), sandbox.exchanged(kill.reference) if exchanged else kill.reference.after
    assert current == expected, {'have': current, 'want': expected}
    converged.add(remaining)


@contextmanager
def _running(sandbox: Sandbox, kill: Kill) -> Iterator[tuple[subprocess.Popen, str, int]]:
    """A playbook on a terminal of its own: (process, what marks it and its children, the terminal's other side)."""
    mark = uuid.uuid4().hex
    command = sandbox.account.command(*sandbox.arguments(kill.reference.name), KILLED_RUN=mark)
    terminal, stdin = os.openpty()
    with subprocess.Popen(**command, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                          preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY)) as process:
        os.close(stdin)
        yield process, mark, terminal
    if kill.end != 'terminal closed':
        os.close(terminal)


def _gone(mark: str, kill: bool) -> None:
    """Waits until no process of the run is left, the modules that outlive their playbook included, or kills them all."""
    ends = time.monotonic() + WAIT
    while alive := _marked(mark):
        assert time.monotonic() < ends, f'still running: {alive}'
        for process in alive if kill else ():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(0.02)


def _marked(mark: str) -> list[psutil.Process]:
    """The processes with the mark in their environment; one that has ended and was not waited for has none."""
    return [process for process in psutil.process_iter(['environ']) if mark in (process.info['environ'] or {}).values()]
