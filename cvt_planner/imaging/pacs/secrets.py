"""Passwords and tokens: in the system's keyring and nowhere else."""

from __future__ import annotations

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.pacs.faults import PacsRefused
from cvt_planner.imaging.pacs.nodes import NO_SECRET, Node

SERVICE = "CVT Planner PACS"
_NO_KEYRING = (
    "This system has no keyring that could hold a password (Windows Credential Locker, macOS Keychain, or on Linux a "
    "Secret Service such as GNOME Keyring or KWallet, unlocked). Passwords are kept nowhere else: set one up, or use "
    "a PACS without login."
)


def secret_of(node: Node) -> str:
    """Return the password or token of a node; empty where it needs none.

    Raises
    ------
    InputRefused
        If the system has no keyring, or the keyring holds nothing for the node.
    """
    if node.login == NO_SECRET:
        return ""
    import keyring
    from keyring.errors import KeyringError

    try:
        found = keyring.get_password(SERVICE, node.name)
    except (KeyringError, OSError) as error:
        raise InputRefused(_NO_KEYRING) from error
    if not found:
        raise PacsRefused(f"The keyring holds no {node.login} for {node.name}. Set it again for this PACS.")
    return found


def keep_secret(node: Node, secret: str) -> None:
    """Put the password or token of a node into the keyring.

    Raises
    ------
    InputRefused
        If the system has no keyring, or it refuses.
    """
    import keyring
    from keyring.errors import KeyringError

    if not secret.strip() or any(ord(letter) < 32 for letter in secret):
        raise InputRefused(f"The {node.login} is empty or holds control characters.")
    try:
        keyring.set_password(SERVICE, node.name, secret)
    except (KeyringError, OSError) as error:
        raise InputRefused(_NO_KEYRING) from error


def forget_secret(name: str) -> None:
    """Take the password or token of a node out of the keyring, if there is one."""
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.delete_password(SERVICE, name)
    except (KeyringError, OSError):
        return  # there was none, or there is no keyring
