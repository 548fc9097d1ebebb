# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test integration. It starts ansible-playbook for each target, which takes a third of its time: here that is a fork.

The steps of other releases of ansible-core run ansible-test as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

from ansible_test._internal import main  # noqa: E402
from ansible_test._internal.commands import integration  # noqa: E402
from ansible_test._internal.util import SubprocessError  # noqa: E402
from support import ansible_runs  # noqa: E402

# The inventory names the Python by its path. Modules are to run in the stand-in for it, and those of the collection in the task's process.
INTERPRETER = ('-e', '{"ansible_python_interpreter": "{{ ansible_playbook_python }}"}')
OF_A_TARGET = ('ANSIBLE_PLAYBOOK_DIR', 'PYTHONPATH')  # for other commands; the Ansible that is running already


def run_target(_args: object, _python: object, command: list[str], _target: str, env: Mapping[str, str], *, cwd: str,
               capture: bool) -> None:
    own = {name: value for name, value in env.items() if name not in OF_A_TARGET}
    own['ANSIBLE_CONFIG'] = str(Path('tests/integration/integration.cfg').resolve())  # each target has a copy
    ended = ansible_runs.run(*command, *INTERPRETER, env=own, cwd=Path(cwd), merged=True, shared=True)
    print(ended.stdout, flush=True)
    if ended.returncode:
        raise SubprocessError(command, ended.returncode)


if __name__ == '__main__':
    integration.cover_python = run_target
    sys.argv.insert(1, 'integration')
    main()
