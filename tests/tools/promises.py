# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Breaks each promise of tests/promises.md in a copy of the tree, and prints which tests notice first. Fails if none does.

Numbers of promises choose some of them; --write puts the table of all into that page.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests'))

from support.pages import put  # noqa: E402

PAGE = ROOT / 'tests/promises.md'
COPY = ROOT / '.build/promises'
OF_THE_PAGE = 'tests/unit/test_consistency.py::test_each_promise_can_be_broken_and_the_tests_that_notice_exist'  # which any patch fails
SECTION = re.compile(r'^## (.+)\n\n`(plugins/\S+)`, `(tests/functional/\S+)`\n\n```diff\n((?:-.*\n)+)((?:\+.*\n)+)```$', re.MULTILINE)


class Promise(NamedTuple):
    """functional: the file of tests that should notice; old, new: the text of the product's file, and what breaks it."""

    name: str
    file: str
    functional: str
    old: str
    new: str


def promises() -> list[Promise]:
    found = [Promise(*groups[:3], *(re.sub(r'^.', '', text, flags=re.MULTILINE).rstrip('\n') for text in groups[3:]))
             for groups in SECTION.findall(PAGE.read_text())]
    if wrong := [promise.name for promise in found if (ROOT / promise.file).read_text().count(promise.old) != 1]:
        raise SystemExit(f'Not found exactly once: {", ".join(wrong)}')
    return found


def copy_tree() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    for name in subprocess.check_output(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, text=True).splitlines():
        if (ROOT / name).is_file():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, COPY / name)
    (COPY / '.build/ansible_collections/netops').mkdir(parents=True)
    (COPY / '.build/ansible_collections/netops/cloudflare_cni').symlink_to('../../..')


def noticed(promise: Promise) -> Iterator[str]:
    """The cells of the first test of tests/unit and of tests/functional that fails, with seconds of the processor until then."""
    for path in ('tests/unit', promise.functional):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, '-m', 'pytest', '-q', '-x', '--tb=no', '--deselect', OF_THE_PAGE, path]
        done = subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        failed = re.search(r'^(?:FAILED|ERROR) tests/(?:unit|functional)/([^\s\[]+::[^\s\[]+)', done.stdout, re.MULTILINE)
        if done.returncode and not failed:
            raise SystemExit(f'{path} cannot be run: {done.stdout}')
        yield f'`{failed[1]}`' if failed else 'none'
        yield f'{after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.0f}'


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('numbers', nargs='*', metavar='N')
    parser.add_argument('--write', action='store_true')
    options = parser.parse_args()
    copy_tree()
    lines = ['| Promise | First noticed in tests/unit | s | in tests/functional | s |', '|---|---|---|---|---|']
    for promise in promises():
        if not options.numbers or promise.name.partition('.')[0] in options.numbers:
            file, text = COPY / promise.file, (ROOT / promise.file).read_text()
            file.write_text(text.replace(promise.old, promise.new))
            lines.append(f'| {promise.name} | {" | ".join(noticed(promise))} |')
            file.write_text(text)
            print(lines[-1], flush=True)
    if options.write and not options.numbers:
        put(PAGE, 'promises', '\n'.join(lines))
    return int(any('| none |' in line for line in lines))


if __name__ == '__main__':
    sys.exit(main())
