# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the manual, .build/site/html: the guides, and the reference of every plugin and role. A warning or a dead link fails it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / '.build' / 'site'
PAGES = SITE / 'source'
COLLECTION = 'netops.cloudflare_cni'
MOVED = {r'\]\(\.\./tests/simulator/README\.md': '](simulator.md'}  # links out of the guides
LESS = {  # of what antsibull-docs writes for a site of many collections
    r'(?m)^\.\. contents::\n(?: +:.*\n)+': '',  # the theme has it beside each page
    rf'(?m)^{re.escape(COLLECTION)}\.(.+?) -- (.+)\n(\++)$': r'\1\n\3\n\n\2.',  # a title of two words, and the rest as a sentence
    r'(?m)^Netops\.Cloudflare_Cni\n(=+)$': r'Modules, plugins and roles\n\1=====',
    r'https://github\.com/netops-collections/cloudflare_cni/blob/main/docs/(\w+)\.md': r'../\1.html',  # the guides are at hand
}


def main() -> int:
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.copytree(ROOT / 'docs', PAGES, ignore=shutil.ignore_patterns('site', '__pycache__', '*.py'))
    for page in ('index.md', 'ansible.rst'):
        shutil.copy(ROOT / 'docs' / 'site' / page, PAGES)
    shutil.copy(ROOT / 'tests' / 'simulator' / 'README.md', PAGES / 'simulator.md')
    tidy(PAGES.glob('*.md'), MOVED)
    reference = PAGES / 'reference'
    reference.mkdir()
    run('antsibull-docs', 'collection', '--use-current', '--squash-hierarchy', '--fail-on-error', '--dest-dir', reference, COLLECTION)
    tidy(reference.glob('*.rst'), LESS)
    run('sphinx-build', '-W', '--keep-going', '-q', '-b', 'html', '-c', Path(__file__).parent, PAGES, SITE / 'html')
    if dead := sorted(dead_links(SITE / 'html')):
        sys.exit('Dead links:\n' + '\n'.join(dead))
    print(f'The manual is {(SITE / "html" / "index.html").relative_to(ROOT)}.')
    return 0


def tidy(pages: Iterable[Path], rules: Mapping[str, str]) -> None:
    for page in pages:
        text = page.read_text()
        for old, new in rules.items():
            text = re.sub(old, new, text)
        page.write_text(text)


class Anchors(HTMLParser):
    """The links of a page, and the places in it that a link can lead to."""

    def __init__(self, page: str):
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        value = dict(attrs)
        if 'id' in value:
            self.places.add(value['id'] or '')
        if tag in ('a', 'link', 'img', 'script'):
            self.links.append(value.get('href') or value.get('src') or '')


def dead_links(folder: Path) -> Iterator[str]:
    """The links between pages that lead nowhere: neither to a file nor to a place in it. Those to other sites are not followed."""
    pages = {path: Anchors(path.read_text()) for path in folder.rglob('*.html')}
    for path, page in pages.items():
        for link in map(urlsplit, page.links):
            target = (path.parent / unquote(link.path)).resolve() if link.path else path
            exists = target.exists() and (not link.fragment or target not in pages or link.fragment in pages[target].places)
            if not (link.scheme or link.netloc or exists):
                yield f'{path.relative_to(folder)}: {link.geturl()}'


def run(*command: object) -> None:
    subprocess.run([str(Path(sys.executable).with_name(str(command[0]))), *map(str, command[1:])], check=True)


if __name__ == '__main__':
    sys.exit(main())
