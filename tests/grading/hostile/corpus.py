"""All attacks, of every kind."""

from importlib import import_module

from hostile.attack import KINDS, Attack

ATTACKS: list[Attack] = [attack for kind in KINDS for attack in import_module(f"hostile.{kind}").ATTACKS]
