# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-lint. For each playbook it starts ansible-playbook to check the syntax, which takes half of its time: here that is a fork."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

sys.path[0] = str(Path(__file__).parents[1])

from ansiblelint import runner  # noqa: E402
from ansiblelint.__main__ import _run_cli_entrypoint  # noqa: E402
from support import ansible_runs  # noqa: E402


def check_syntax(command: list[str], *, env: Mapping[str, str], **_pipes: object) -> subprocess.CompletedProcess:
    return ansible_runs.run(*command, env=env, cwd=Path.cwd(), shared=True)


if __name__ == '__main__':
    runner.subprocess = SimpleNamespace(run=check_syntax, PIPE=subprocess.PIPE)
    sys.exit(_run_cli_entrypoint())
