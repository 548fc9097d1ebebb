# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the manual, .build/site/html: the guides, and the reference of every plugin and of the role. A warning fails it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / '.build' / 'site'
PAGES = SITE / 'source'
COLLECTION = 'netops.cloudflare_cni'
MOVED = {'../tests/simulator/README.md': 'simulator.md'}  # links out of the guides


def main() -> int:
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.copytree(ROOT / 'docs', PAGES, ignore=shutil.ignore_patterns('site', '__pycache__', '*.py'))
    for page in ('index.md', 'ansible.rst'):
        shutil.copy(ROOT / 'docs' / 'site' / page, PAGES)
    shutil.copy(ROOT / 'tests' / 'simulator' / 'README.md', PAGES / 'simulator.md')
    for page in PAGES.glob('*.md'):
        text = page.read_text()
        for old, new in MOVED.items():
            text = text.replace(f']({old}', f']({new}')
        page.write_text(text)
    reference = PAGES / 'reference'
    reference.mkdir()
    run('antsibull-docs', 'collection', '--use-current', '--squash-hierarchy', '--fail-on-error', '--dest-dir', reference, COLLECTION)
    run('sphinx-build', '-W', '--keep-going', '-q', '-b', 'html', '-c', Path(__file__).parent, PAGES, SITE / 'html')
    print(f'The manual is {(SITE / "html" / "index.html").relative_to(ROOT)}.')
    return 0


def run(*command: object) -> None:
    subprocess.run([str(Path(sys.executable).with_name(str(command[0]))), *map(str, command[1:])], check=True)


if __name__ == '__main__':
    sys.exit(main())
