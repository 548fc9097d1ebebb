# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that a test ends by force, while others come and go."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import psutil


def kill_trees(pids: Iterable[int]) -> None:
    """Ends processes and all that they have started at once, as when a container is killed or a machine is lost.

    Each is stopped first, so that none starts another one, and none notices that its parent is gone.
    """
    roots, stopped = list(pids), set()
    while running := {process for pid in roots for process in tree(pid)} - stopped:
        for process in running:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        stopped |= running
    for process in stopped:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def tree(pid: int) -> list[psutil.Process]:
    """A process and all that it has started, of which none may be there any more."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []
