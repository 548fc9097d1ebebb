# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""README and guides: the transcript of the demo, and the hand-over that it writes."""

from __future__ import annotations

import re
import subprocess
import sys

from support.playbook import ROOT


def test_the_demo_prints_what_the_readme_shows():
    """In the same order; what differs from run to run, the seconds and the sizes of files, apart."""
    (shown,) = re.findall(r'(?s)```console\n\$ make demo\n(.*?)```', (ROOT / 'README.md').read_text())
    done = subprocess.run([sys.executable, 'docs/examples/demo.py'], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = iter(lines(done.stdout))
    assert [line for line in lines(shown) if line != '...' and line not in printed] == []
    (sheet,) = re.findall(r'(?s)```markdown\n(# Circuit nyc-1\n.*?)```', (ROOT / 'docs/provision.md').read_text())
    assert lines((ROOT / '.build/demo/nyc-1.md').read_text()) == lines(sheet)


def lines(text: str) -> list[str]:
    """Without the stars that Ansible draws, the figures of this run, the names of its ports and which circuit has which addresses."""
    text = re.sub(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'UUID', re.sub(r'-icon-[0-9a-f]{4}', '-icon-NNNN', text))
    text = re.sub(r'\b172\.31\.0\.(?:0|1|2|3)\b', 'ADDRESS', text)
    return [re.sub(r' *\**$', '', re.sub(r'\b\d+(?=  ?(?:s|bytes)\b)', 'N', line)) for line in text.splitlines() if line]
