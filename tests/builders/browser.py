"""A headless Chromium, told over its own protocol what to open, how large, light or dark; it says what went wrong."""

import asyncio
import base64
import contextlib
import itertools
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from tests.builders.patience import PATIENCE_S, until

BINARIES = ("chromium", "chromium-browser", "google-chrome")


def binary() -> str | None:
    return next((found for name in BINARIES if (found := shutil.which(name))), None)


class Tab:
    """One page. `complaints` are errors and warnings of the console, and requests that failed."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self._loaded = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            else:
                self._event(told["method"], told["params"])

    def _event(self, method: str, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning", "assert"}:
            self.complaints.append(str([one.get("value", one.get("description")) for one in params["args"]]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            entry = params["entry"]
            self.complaints.append(f"{entry['text']} {entry.get('url', '')}")
        elif method == "Page.loadEventFired":
            self._loaded.set()
        elif method == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])

    async def tell(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE_S):
            told = await answer
        assert "error" not in told, told
        return told["result"]

    async def look(self, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        await self.tell("Emulation.setDeviceMetricsOverride", **size, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.tell("Emulation.setEmulatedMedia", features=[scheme])

    async def open(self, url: str) -> None:
        """Until it is loaded; what it asks for then it may not have yet."""
        self._loaded.clear()
        await self.tell("Page.navigate", url=url)
        async with asyncio.timeout(PATIENCE_S):
            await self._loaded.wait()

    async def value(self, expression: str) -> Any:
        told = await self.tell("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, expression: str) -> None:
        """The page says so."""
        until_s = asyncio.get_running_loop().time() + PATIENCE_S
        while not await self.value(expression):
            assert asyncio.get_running_loop().time() < until_s, f"waited in vain: {expression}; {self.complaints[-3:]}"
            await asyncio.sleep(0.05)

    async def shot(self, path: Path) -> None:
        """All of it, however long."""
        told = await self.tell("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(told["data"]))

    async def close(self) -> None:
        self._reading.cancel()
        await self._socket.close()


@contextlib.asynccontextmanager
async def browser_tab(folder: Path) -> AsyncIterator[Tab]:
    """Of a browser with a home of its own, ended when left."""
    name = binary()
    assert name is not None
    process = await asyncio.create_subprocess_exec(
        name, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
        "--remote-debugging-port=0", f"--user-data-dir={folder / 'browser'}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession() as session:
            port = await _port(folder / "browser" / "DevToolsActivePort")
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                page = next(one for one in await answer.json() if one["type"] == "page")
            tab = Tab(await session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0))
            for domain in ("Page", "Runtime", "Log", "Network"):
                await tab.tell(f"{domain}.enable")
            yield tab
            await tab.close()
    finally:
        process.kill()
        await process.wait()


async def _port(path: Path) -> int:
    """Which one the browser listens on, once it has written that down."""
    await until(lambda: path.exists() and path.read_text(encoding="utf-8").count("\n") > 0, "the browser begins")
    return int(await asyncio.to_thread(lambda: path.read_text(encoding="utf-8").splitlines()[0]))
