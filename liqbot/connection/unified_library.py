"""The unified client's library, loaded venue by venue: its packages import all of its hundred clients at once, which
takes seconds that a start with an open position does not have.

Stand-ins take the places of those packages. What is imported from them is looked for in a module of that name first;
for anything else the package itself is loaded into its stand-in, so that nothing is missing for whoever asks for more.
"""

import functools
import importlib
import importlib.metadata
import importlib.util
import ssl
import sys
import threading
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

from liqbot.loading import no_collections
from liqbot.venues.spec import UnlistedRequest

BASES: Final = {
    "ccxt": "ccxt.base.exchange", "ccxt.async_support": "ccxt.async_support.base.exchange",
    "ccxt.pro": "ccxt.async_support.base.exchange",
}  # fmt: skip
"""The packages, each with the module of the class that its clients extend."""
ROOT: Final = "ccxt"
ERRORS: Final = "ccxt.base.errors"
"""The packages repeat its names, and the library's own modules take them from there."""
_LOADING: Final = threading.RLock()


class _StandIn(ModuleType):
    """A package whose own text has not been run."""

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        self.__spec__, self.__loader__, self.__package__ = spec, spec.loader, spec.name
        self.__path__ = list(spec.submodule_search_locations or ())
        self.__file__ = spec.origin

    def __setattr__(self, name: str, value: Any) -> None:
        """A client's module, once imported, is bound here under the name that its class has in the whole package."""
        own = vars(value).get(name) if isinstance(value, ModuleType) else None
        super().__setattr__(name, own if isinstance(own, type) else value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        with _LOADING:
            if name not in vars(self):
                self._load(name)
        try:
            return vars(self)[name]
        except KeyError:
            raise AttributeError(f"module {self.__name__} has no attribute {name}") from None

    def _load(self, name: str) -> None:
        own = f"{self.__name__}.{name}"
        for shared in (ERRORS, *((BASES[self.__name__],) if name == "Exchange" else ())):
            found = vars(importlib.import_module(shared))
            if name in found:
                setattr(self, name, found[name])
                return
        if importlib.util.find_spec(own) is not None:
            importlib.import_module(own)
        elif self.__spec__ is not None and self.__spec__.loader is not None:
            self.__spec__.loader.exec_module(self)


def library_version() -> str:
    """Without loading anything of it."""
    return importlib.metadata.version(ROOT)


def client_class(name: str) -> Any:
    """The streaming client of that id; ImportError when the library has none."""
    with _LOADING, no_collections():
        _stand_in()
        module = importlib.import_module(f"ccxt.pro.{name}")
    return getattr(module, name)


@functools.lru_cache
def certificates(file: str) -> ssl.SSLContext:
    """Of those whom the library trusts, `file`: read once, where each client would stop the event loop to read them."""
    return ssl.create_default_context(cafile=file)


def _stand_in() -> None:
    """Nothing when the library has been loaded already, in whatever way."""
    if ROOT in sys.modules:
        return
    for package in BASES:
        spec = importlib.util.find_spec(package)
        if spec is None:
            raise ImportError(f"{package} is not installed")
        module = _StandIn(spec)
        sys.modules[package] = module
        parent, _, name = package.rpartition(".")
        if parent:
            setattr(sys.modules[parent], name, module)


def with_requests(exchange: Any, unlisted: Iterable[UnlistedRequest]) -> Any:
    """The client with a method more for each request of its venue that it has none for."""
    for one in unlisted:
        setattr(exchange, one.method, functools.partial(exchange.request, one.path, list(one.group), "GET"))
    return exchange
