# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event source in a process of its own, loaded as ansible-rulebook loads it; what it emits comes as lines of JSON.

The standard output has the events, the standard error the log. SIGTERM cancels the source, as the end of a rulebook does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from simulator.process import WAIT

COLLECTION = Path(__file__).resolve().parents[2] / '.build/ansible_collections/netops/cloudflare_cni'


class Source:
    """A running source: `with Source('status', env, interval=1) as source: ...`. takes: how many events it can hand over."""

    def __init__(self, name: str, env: Mapping[str, str], takes: int = 1000, **args: object) -> None:
        command = [sys.executable, '-m', __name__, name, str(takes), json.dumps(args)]
        self._process = subprocess.Popen(command, cwd=Path(__file__).parents[1], env=dict(env), text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._lines: queue.Queue[str] = queue.Queue()
        self.log: list[str] = []
        self._logged: queue.Queue[str] = queue.Queue()
        for stream, put in ((self._process.stdout, self._lines.put), (self._process.stderr, self._logged.put)):
            threading.Thread(target=self._read, args=(stream, put), daemon=True).start()

    @staticmethod
    def _read(stream, put) -> None:
        for line in stream:
            put(line)
        put('')

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_exception) -> None:
        self.kill()

    def event(self) -> dict:
        """The next event."""
        line = self._lines.get(timeout=WAIT)
        if not line:
            raise RuntimeError(f'the source ended: {self.rest_of_log()}')
        return json.loads(line)

    def logged(self, text: str) -> str:
        """The next line of the log that has a text."""
        while line := self._logged.get(timeout=WAIT):
            self.log.append(line)
            if text in line:
                return line
        raise RuntimeError(f'the source ended: {"".join(self.log)}')

    def rest_of_log(self) -> str:
        """The log, once the source has ended."""
        while line := self._logged.get(timeout=WAIT):
            self.log.append(line)
        return ''.join(self.log)

    def remaining_events(self) -> list[dict]:
        """The events that nobody has asked for yet, once the source has ended."""
        return [json.loads(line) for line in iter(lambda: self._lines.get(timeout=WAIT), '')]

    def stop(self) -> int:
        """Cancels the source; returns its status: 0 if it ended by that."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(WAIT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class Queue:
    def __init__(self, takes: int) -> None:
        self._left = asyncio.Semaphore(takes)

    async def put(self, event: dict) -> None:
        await self._left.acquire()
        print(json.dumps(event), flush=True)


async def run(name: str, takes: int, args: dict) -> int:
    module = runpy.run_path(str(COLLECTION / f'extensions/eda/plugins/event_source/{name}.py'))
    task = asyncio.create_task(module['main'](Queue(takes), args))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return 0
    return 1  # a source that returns ends the rulebook


if __name__ == '__main__':
    sys.path.pop(0)  # the folder of the tests, which no source has
    logging.basicConfig(level=logging.INFO, format='%(levelname)s %(name)s: %(message)s')
    sys.exit(asyncio.run(run(sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]))))
