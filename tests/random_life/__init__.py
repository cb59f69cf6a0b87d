"""Random lives: posts of every kind in random order and amounts, most of them plausible, some wrong on purpose.

A life decides its posts with the domain; whoever looks on (the model, a service) is told each post and its outcome.
"""

from tests.random_life.life import PROJECTS, Outcome, RandomLife, Witness
from tests.random_life.proof import prove
from tests.random_life.script import replayable, script

__all__ = ["PROJECTS", "Outcome", "RandomLife", "Witness", "prove", "replayable", "script"]
