# Copyright (c) 2026, the entra.app_proxy authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The outbound proxy in a .NET configuration file of the connector: C(system.net/defaultProxy). Pure.

Microsoft's pages show the element as first child of C(configuration); C(configSections) must stay before it, or .NET refuses the file.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.entra.app_proxy.plugins.module_utils.host.proxy.xml_file import Element, XmlError, XmlFile

PROXY = "proxy"
DIRECT = "direct"
DEFAULT = "default"

# What an installer puts there, as far as it matters: no proxy of its own.
FRESH = b"<configuration />"

_ATTRIBUTES = {"bypass_on_local": "bypassonlocal", "use_system_default": "usesystemdefault"}


@dataclasses.dataclass(frozen=True)
class ProxySettings:
    """What one file says, or is to say. In a wish, None means: not managed.

    :param mode: C(proxy), C(direct) (no proxy at all), or C(default): the file says nothing, Windows' own default applies.
    :param bypass_list: regular expressions of .NET.
    """

    mode: str | None
    address: str | None = None
    bypass_on_local: bool | None = None
    use_system_default: bool | None = None
    bypass_list: tuple[str, ...] | None = None

    def as_dict(self) -> dict[str, t.Any]:
        listed = None if self.bypass_list is None else list(self.bypass_list)
        return {**dataclasses.asdict(self), "bypass_list": listed}


def read(content: bytes) -> ProxySettings:
    """What a file says.

    :raises XmlError: when it cannot be read.
    """
    proxy_default = _default_proxy(_configuration(XmlFile.decoded(content)))
    if proxy_default is None:
        return ProxySettings(DEFAULT)
    if _flag(proxy_default.attributes.get("enabled")) is False:
        return ProxySettings(DIRECT)
    proxy = proxy_default.child("proxy")
    address = None if proxy is None else proxy.attributes.get("proxyaddress") or None
    if proxy is None or address is None:
        # Such as useDefaultCredentials alone: still Windows' default.
        return ProxySettings(DEFAULT)
    listed = proxy_default.child("bypasslist")
    return ProxySettings(
        PROXY,
        address,
        **{option: _flag(proxy.attributes.get(name)) for option, name in _ATTRIBUTES.items()},
        bypass_list=None if listed is None else tuple(_added(listed)),
    )


def differences(wanted: ProxySettings, found: ProxySettings) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """What is managed, before and after; two empty dictionaries when there is nothing to do."""
    if wanted.mode is None:
        return {}, {}
    after: dict[str, t.Any] = {"mode": wanted.mode, "address": wanted.address}
    before: dict[str, t.Any] = {"mode": found.mode, "address": found.address}
    if _same_address(wanted.address, found.address):
        after["address"] = found.address
    for option in _ATTRIBUTES:
        if getattr(wanted, option) is not None:
            before[option], after[option] = getattr(found, option), getattr(wanted, option)
    if wanted.bypass_list is not None:
        before["bypass_list"], after["bypass_list"] = list(found.bypass_list or ()), list(wanted.bypass_list)
    return ({}, {}) if before == after else (before, after)


def edit(content: bytes, wanted: ProxySettings) -> bytes:
    """The file with these settings and everything else as it was; the same bytes when it says so already.

    :raises XmlError: when it cannot be read.
    """
    if not differences(wanted, read(content))[1]:
        return content
    file = XmlFile.decoded(content)
    if wanted.mode == DEFAULT:
        _clear(file)
    elif wanted.mode == DIRECT:
        _forget_address(file)
        file.set_attribute(_made(file, _default_proxy, "<defaultProxy />", _system_net), "enabled", "false")
    else:
        _point(file, wanted)
    return file.encoded()


def _point(file: XmlFile, wanted: ProxySettings) -> None:
    default_proxy = _made(file, _default_proxy, "<defaultProxy />", _system_net)
    if _flag(default_proxy.attributes.get("enabled")) is False:
        file.set_attribute(default_proxy, "enabled", None)
    if not _same_address(wanted.address, _made(file, _proxy, "<proxy />", _default_proxy).attributes.get("proxyaddress")):
        file.set_attribute(_there(file, _proxy), "proxyaddress", wanted.address)
    for option, name in _ATTRIBUTES.items():
        value = getattr(wanted, option)
        if value is not None and value is not _flag(_there(file, _proxy).attributes.get(name)):
            file.set_attribute(_there(file, _proxy), name, str(value))
    if wanted.bypass_list is not None:
        _list(file, wanted.bypass_list)


def _list(file: XmlFile, addresses: t.Sequence[str]) -> None:
    listed = _bypass_list(_configuration(file))
    if listed is not None and _added(listed) == list(addresses):
        return
    if listed is not None:
        file.remove(listed)
    if not addresses:
        return
    file.insert(_there(file, _default_proxy), "<bypasslist />", after=_there(file, _proxy))
    for address in reversed(addresses):
        file.insert(_there(file, _bypass_list), "<add />")
        file.set_attribute(_there(file, _bypass_list).children[0], "address", address)


def _clear(file: XmlFile) -> None:
    """No address and not switched off; what else stands there stays, and what is left empty goes."""
    _forget_address(file)
    default_proxy = _default_proxy(_configuration(file))
    if default_proxy is not None and _flag(default_proxy.attributes.get("enabled")) is False:
        file.set_attribute(default_proxy, "enabled", None)
    for find in (_default_proxy, _system_net):
        element = find(_configuration(file))
        if element is not None and file.is_bare(element):
            file.remove(element)


def _forget_address(file: XmlFile) -> None:
    for find in (_bypass_list, _proxy):
        element = find(_configuration(file))
        if element is not None:
            file.remove(element)


Find = t.Callable[[Element], "Element | None"]


def _made(file: XmlFile, find: Find, tag: str, find_parent: Find) -> Element:
    """The element, made where it is missing, with what is above it."""
    element = find(_configuration(file))
    if element is not None:
        return element
    if find_parent(_configuration(file)) is None:
        _make_system_net(file)
    file.insert(_there(file, find_parent), tag)
    return _there(file, find)


def _make_system_net(file: XmlFile) -> None:
    root = _configuration(file)
    file.insert(root, "<system.net />", after=root.child("configSections"))


def _there(file: XmlFile, find: Find) -> Element:
    element = find(_configuration(file))
    if element is None:
        raise XmlError("an element that was just written cannot be found again")
    return element


def _configuration(file: XmlFile) -> Element:
    root = file.root
    if root.name != "configuration":
        raise XmlError(f"its root element is {root.name}, and configuration was expected")
    return root


def _system_net(root: Element) -> Element | None:
    return root.child("system.net")


def _default_proxy(root: Element) -> Element | None:
    return _below(_system_net(root), "defaultProxy")


def _proxy(root: Element) -> Element | None:
    return _below(_default_proxy(root), "proxy")


def _bypass_list(root: Element) -> Element | None:
    return _below(_default_proxy(root), "bypasslist")


def _below(element: Element | None, name: str) -> Element | None:
    return None if element is None else element.child(name)


def _added(listed: Element) -> list[str]:
    return [child.attributes.get("address", "") for child in listed.children if child.name == "add"]


def _flag(value: str | None) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get((value or "").strip().lower())


def _same_address(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.rstrip("/").lower() == other.rstrip("/").lower()
