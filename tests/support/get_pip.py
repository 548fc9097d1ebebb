# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts pip into ansible-test's environments where it cannot fetch its own script for that: tests/run copies this file into its cache.

Each sanity test has an environment of its own: what pip consists of is installed for the first one, and copied into the others.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import suppress
from pathlib import Path

packages = [argument for argument in sys.argv[1:] if argument not in ('--no-setuptools', '--no-wheel')]
site = Path(sysconfig.get_path('purelib'))
kept = Path(__file__).with_name(re.sub(r'[^\w.]+', '-', '-'.join([sys.implementation.cache_tag, *packages])))
if kept.exists():
    shutil.copytree(kept, site, dirs_exist_ok=True)
else:
    subprocess.check_call([sys.executable, '-m', 'ensurepip', '--default-pip'])
    subprocess.check_call([sys.executable, '-m', 'pip', 'install', *packages])
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        copy = shutil.copytree(site, Path(folder, 'site'))
        with suppress(OSError):  # another run may have been first
            copy.rename(kept)
