# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages as people see them, in a headless Chromium over its DevTools protocol.

`python tests/support/browser.py PAGE PICTURE` takes a picture.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from PIL import Image

T = TypeVar('T')

CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
NO_BROWSER = 'no Chromium here (on Debian and Ubuntu: apt-get install chromium fonts-dejavu-core)'
FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars', '--force-color-profile=srgb',
         '--no-first-run', '--no-proxy-server', '--disable-background-networking', '--disable-component-update', '--disable-extensions',
         '--remote-debugging-port=0')
SECONDS = 180  # that a page may take on a busy machine, as long as tests wait for whatever else
PHONE = 600  # pixels; what is narrower is one
MESSAGES = ('Runtime.consoleAPICalled', 'Runtime.exceptionThrown', 'Log.entryAdded', 'Page.javascriptDialogOpening')

# What can be measured: text, how far it reaches, text squeezed into a column of letters, and text too pale to read (WCAG 2, AA).
MEASURE = r'''
(() => {
  const rgb = text => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length && colour[3] !== 0) return colour;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
  };
  const clipped = element => element && (getComputedStyle(element).clipPath !== 'none' || clipped(element.parentElement));
  const shown = element => element.checkVisibility({visibilityProperty: true}) && !clipped(element);
  const pale = new Set(), squeezed = new Set(), range = document.createRange();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    if (!node.data.trim() || !shown(node.parentElement)) continue;
    const [a, b] = [rgb(getComputedStyle(node.parentElement).color), ground(node.parentElement)].map(light);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (node.data.trim().length > 3 && box.height > 3 * box.width) squeezed.add(node.data.trim());
    if (contrast < 4.5) pale.add(`${node.data.trim()} (${contrast.toFixed(1)})`);
  }
  const edge = document.documentElement.clientWidth;
  const wide = [...document.body.querySelectorAll('*')].filter(e => shown(e) && e.getBoundingClientRect().right > edge + 0.5);
  return {title: document.title, text: document.body.innerText, height: document.documentElement.scrollHeight,
    overflow: document.documentElement.scrollWidth - edge, wide: wide.map(e => e.outerHTML.slice(0, 120)), pale: [...pale],
    squeezed: [...squeezed]};
})()
'''


@dataclass(frozen=True)
class Page:
    """A page that was opened.

    title, text: as shown. overflow: pixels that it is wider than the window. wide: elements that end beyond it.
    pale: text with a contrast under 4.5. squeezed: text that stands on its end. requests: the addresses that it asked for besides
    its own. messages: of its console, and dialogs. picture: a PNG of all of it, if it was asked for.
    """

    title: str
    text: str
    height: int
    overflow: int
    wide: list[str]
    pale: list[str]
    squeezed: list[str]
    requests: list[str]
    messages: list[str]
    picture: bytes


class Browser:
    """A headless Chromium with one tab and a profile of its own: `with Browser() as browser: browser.open(path)`."""

    def __enter__(self) -> Browser:
        if not CHROMIUM:
            raise RuntimeError(NO_BROWSER)
        self._loop, self._stack = asyncio.new_event_loop(), contextlib.AsyncExitStack()
        try:
            self._tab = self._finish(self._stack.enter_async_context(_chromium()))
        except BaseException:
            self._loop.close()
            raise
        return self

    def __exit__(self, *_exception) -> None:
        self._finish(self._stack.aclose())
        self._loop.close()

    def open(self, page: Path | str, width: int = 1280, dark: bool = False, scripts: bool = True,
             cookies: Mapping[str, str] | None = None, picture: bool = False) -> Page:
        """Opens a file, or a URL. scripts: whether those of the page may run. cookies: for this URL and those after it."""
        address = page if isinstance(page, str) else page.resolve().as_uri()
        return self._finish(self._open(address, width, dark, scripts, cookies or {}, picture))

    def _finish(self, work: Awaitable[T]) -> T:
        return self._loop.run_until_complete(asyncio.wait_for(work, SECONDS))

    async def _open(self, address: str, width: int, dark: bool, scripts: bool, cookies: Mapping[str, str],
                    picture: bool) -> Page:
        tab = self._tab
        requests, messages = tab.noted('Network.requestWillBeSent'), tab.noted(*MESSAGES)
        for domain in ('Page', 'Network', 'Runtime', 'Log'):
            await tab.ask(f'{domain}.enable')
        await tab.ask('Emulation.setDeviceMetricsOverride', width=width, height=900, deviceScaleFactor=1, mobile=width < PHONE)
        await tab.ask('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}])
        await tab.ask('Emulation.setScriptExecutionDisabled', value=not scripts)
        for name, value in cookies.items():
            await tab.ask('Network.setCookie', name=name, value=value, url=address)
        loaded = tab.once('Page.loadEventFired')
        await tab.ask('Page.navigate', url=address)
        await loaded
        measured = (await tab.ask('Runtime.evaluate', expression=MEASURE, returnByValue=True))['result']['value']
        shot = await tab.ask('Page.captureScreenshot', format='png', captureBeyondViewport=True) if picture else {'data': ''}
        urls = [request['request']['url'] for request in requests]
        return Page(**measured, requests=[url for url in urls if url != address], messages=list(map(str, messages)),
                    picture=base64.b64decode(shot['data']))


class _Tab:
    """One tab of the browser: ask() it something, and note what it tells by itself."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._answers: dict[int, asyncio.Future] = {}
        self._awaited: dict[str, asyncio.Future] = {}
        self._notes: dict[str, list[dict]] = {}

    async def ask(self, method: str, **parameters: Any) -> dict:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({'id': number, 'method': method, 'params': parameters})
        return await self._answers[number]

    def noted(self, *events: str) -> list[dict]:
        """A new list, to which each such event is added from now on."""
        notes: list[dict] = []
        self._notes |= dict.fromkeys(events, notes)
        return notes

    def once(self, event: str) -> asyncio.Future:
        return self._awaited.setdefault(event, asyncio.get_running_loop().create_future())

    async def listen(self) -> None:
        async for frame in self._socket:
            message = frame.json()
            if 'id' in message:
                answer = self._answers.pop(message['id'])
                if 'error' in message:
                    answer.set_exception(RuntimeError(message['error']['message']))
                else:
                    answer.set_result(message['result'])
            else:
                self._notes.get(message['method'], []).append(message['params'])
                if message['method'] in self._awaited:
                    self._awaited.pop(message['method']).set_result(message['params'])


@contextlib.asynccontextmanager
async def _chromium() -> AsyncIterator[_Tab]:
    """The tab of a browser that ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = (CHROMIUM, *FLAGS, f'--user-data-dir={profile}', 'about:blank')
        null = asyncio.subprocess.DEVNULL
        pipes = {'stdin': null, 'stdout': null, 'stderr': asyncio.subprocess.PIPE}
        process = await asyncio.create_subprocess_exec(*command, **pipes, start_new_session=True)
        try:
            async with aiohttp.ClientSession() as session:
                async for line in process.stderr:
                    if line.startswith(b'DevTools listening on '):
                        break
                port = line.decode().split('/')[2]
                page = None
                while not page:  # it listens before it has opened its tab
                    async with session.get(f'http://{port}/json/list') as answer:
                        page = next((target for target in await answer.json() if target['type'] == 'page'), None)
                async with session.ws_connect(page['webSocketDebuggerUrl'], max_msg_size=0) as socket:
                    tab = _Tab(socket)
                    listening = asyncio.create_task(tab.listen())
                    yield tab
                    listening.cancel()
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description='Take a picture of a page, small enough for the manual.')
    parser.add_argument('page', type=Path)
    parser.add_argument('picture', type=Path)
    parser.add_argument('--width', type=int, default=1280)
    parser.add_argument('--dark', action='store_true')
    options = parser.parse_args()
    with Browser() as browser:
        save(browser.open(options.page, options.width, options.dark, picture=True).picture, options.picture)


def save(picture: bytes, path: Path) -> None:
    """Writes a picture with so few colours that it is small enough for the manual."""
    Image.open(io.BytesIO(picture)).quantize(64).save(path, optimize=True)


if __name__ == '__main__':
    main()
