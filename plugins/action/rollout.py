# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module rollout and shows, while it works, how far it has come: the module says so in a file, which takes a local one."""

from __future__ import annotations

import json
import os
import tempfile
import threading

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()
DEFAULT = 10.0  # seconds between two lines


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        every = _seconds(arguments.get('progress_every'))
        if not every or self._connection.transport != 'local' or self._task.no_log:
            return self._execute_module(module_args=arguments, task_vars=task_vars)
        with tempfile.TemporaryDirectory(prefix='rollout-') as folder:
            path, ended = os.path.join(folder, 'progress'), threading.Event()
            watcher = threading.Thread(target=_watch, args=(path, every, ended), daemon=True)
            watcher.start()
            try:
                return self._execute_module(module_args={**arguments, 'progress_path': path}, task_vars=task_vars)
            finally:
                ended.set()
                watcher.join()


def _seconds(value: object) -> float:
    """The interval; what can't be one is left to the module to refuse."""
    try:
        return DEFAULT if value in (None, '') else max(0.0, float(value))
    except (TypeError, ValueError):
        return 0.0


def _watch(path: str, every: float, ended: threading.Event) -> None:
    while not ended.wait(every):
        try:
            with open(path) as file:
                display.display(line(**json.load(file)))
        except (OSError, ValueError):  # it has not begun to write, or is at it just now
            continue


def line(done: int, total: int, seconds: float) -> str:
    """How far it has come, how fast, and how long it will take."""
    text = f'rollout: {done} of {total} circuits after {seconds:.0f} s'
    return f'{text}, {done / seconds:.1f} a second, about {(total - done) * seconds / done:.0f} s left' if done and seconds else text
